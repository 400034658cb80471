//! Closed sets of words, as they stand in a provider's data.

/// Declares an enum whose variants are words in the data, with the table to read them by.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            pub(super) const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant),)*];

            /// The word for it in the data.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}
pub(super) use choices;

choices! {
    /// How a client proves who it is at the token endpoint (RFC 6749, section 2.3.1).
    ClientAuth {
        /// HTTP Basic: `client_secret_basic`.
        Basic = "basic",
        /// In the body: `client_secret_post`.
        Post = "post",
        /// Only the client id, in the body: a public client.
        None = "none",
        /// A signed assertion instead of a secret: `private_key_jwt` (RFC 7523, section 2.2).
        PrivateKeyJwt = "private_key_jwt",
        /// The secret alone, as the user name of HTTP Basic: it says whose it is.
        BasicSecretOnly = "basic_secret_only",
        /// In the `Authorization` header, in a scheme of the provider's own: what `auth_header` says.
        Header = "header",
    }

    /// How the parameters of a request are written.
    Body {
        /// `application/x-www-form-urlencoded`, which RFC 6749 asks for.
        Form = "form",
        /// A JSON object of texts.
        Json = "json",
        /// In the query of the URL; the body is empty.
        Query = "query",
    }

    /// The HTTP method of a request that is not fixed by an RFC.
    Method {
        /// GET.
        Get = "GET",
        /// POST.
        Post = "POST",
        /// DELETE.
        Delete = "DELETE",
    }
}
