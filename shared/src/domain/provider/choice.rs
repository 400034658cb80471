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
        /// By an assertion that the connector's own key signs (RFC 7523, section 2.2).
        PrivateKeyJwt = "private_key_jwt",
    }

    /// What a provider makes of proof of possession (RFC 9449).
    Dpop {
        /// Tokens can be bound to a key. They are not asked for bound here, so that whoever gets one can use it.
        Supported = "supported",
        /// There are no other tokens.
        Required = "required",
    }

    /// How the parameters of a request are written.
    Body {
        /// `application/x-www-form-urlencoded`, which RFC 6749 asks for.
        Form = "form",
        /// A JSON object of texts.
        Json = "json",
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
