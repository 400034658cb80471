//! Values that must never be seen: tokens, codes, keys, client secrets.
//!
//! A [`Secret`] cannot be printed, serialised, compared or cloned by accident; [`Secret::expose`] is the one way out, and
//! every use of it is a question to a reviewer: where does it go?

use std::{fmt, marker::PhantomData};

use zeroize::Zeroizing;

/// What kind of secret a value is. The kind is part of what a sealed value is bound to, so an access token cannot be
/// opened as a refresh token.
pub trait Kind {
    /// The name of the field this kind is stored under; part of the additional authenticated data.
    const FIELD: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $field:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl Kind for $name {
            const FIELD: &'static str = $field;
        }
    )*};
}

kinds! {
    /// An access token (RFC 6749, section 1.4).
    AccessToken = "access_token";
    /// A refresh token (RFC 6749, section 1.5).
    RefreshToken = "refresh_token";
    /// A client secret (RFC 6749, section 2.3.1).
    ClientSecret = "client_secret";
    /// The private half of a connector's own key (RFC 7523, section 2.2; RFC 9449).
    SigningKey = "signing_key";
    /// The private half of the key before it, which signs until the provider has had time to learn of the new one.
    EarlierSigningKey = "earlier_signing_key";
    /// An authorization code (RFC 6749, section 4.1.2).
    AuthorizationCode = "authorization_code";
    /// A PKCE code verifier (RFC 7636, section 4.1).
    CodeVerifier = "code_verifier";
    /// The `state` of an authorization request (RFC 6749, section 4.1.1).
    State = "state";
    /// The one-time handle that lets an app finish a session whose browser was not bound by cookie.
    Handle = "handle";
    /// The value of the cookie that binds a session to a browser.
    BrowserBinding = "browser_binding";
    /// An API key of a workspace or app.
    ApiKey = "api_key";
    /// What signs the deliveries of a webhook.
    WebhookSecret = "webhook_secret";
    /// What signed them before, and does so for a while longer.
    EarlierWebhookSecret = "earlier_webhook_secret";
    /// What the chains of a workspace's audit trail are made with.
    AuditKey = "audit_key";
    /// A JSON web token that proves who the caller is.
    UserToken = "user_token";
}

/// A secret text of kind `K`. Wiped from memory when dropped.
pub struct Secret<K> {
    text: Zeroizing<String>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Secret<K> {
    /// Takes a text into custody.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: Zeroizing::new(text.into()), kind: PhantomData }
    }

    /// The secret itself, on its way to the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// A second copy. Not `Clone`: where a copy is made should be seen.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::new(self.text.as_str())
    }
}

impl<K> fmt::Debug for Secret<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// A secret of kind `K` as it is stored: sealed by the vault, bound to its row and field.
pub struct Sealed<K> {
    bytes: Vec<u8>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Sealed<K> {
    /// Takes what the store holds, or what the vault made.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, kind: PhantomData }
    }

    /// What is stored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<K> Clone for Sealed<K> {
    fn clone(&self) -> Self {
        Self::from_bytes(self.bytes.clone())
    }
}

impl<K> fmt::Debug for Sealed<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "[sealed, {} bytes]", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_nothing_of_itself() {
        let secret = Secret::<AccessToken>::new("canary-1234");
        assert_eq!(format!("{secret:?}"), "[redacted]");
    }

    #[test]
    fn a_sealed_value_prints_only_its_size() {
        let sealed = Sealed::<AccessToken>::from_bytes(b"canary".to_vec());
        assert_eq!(format!("{sealed:?}"), "[sealed, 6 bytes]");
    }
}
