//! Apps: who may call from where, where people are sent back to, and who vouches for their users.

use jiff::Timestamp;
use url::Url;

use super::{
    authority::{Authority, Host},
    ids::{AppId, Issuer, WorkspaceId},
    workspace::DisplayName,
};

/// An app of a workspace.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// The workspace that owns it.
    pub workspace: WorkspaceId,
    /// What people call it.
    pub name: DisplayName,
    /// The origins whose pages may call the API from a browser.
    pub origins: Vec<Origin>,
    /// The addresses that people may be sent back to, the first of them by default.
    pub return_urls: Vec<ReturnUrl>,
    /// Who vouches for the app's users; without it no user can be known.
    pub identity: Option<Identity>,
    /// Whether a session may be completed in a browser that is not bound to it.
    pub session_binding: SessionBinding,
    /// Where the one-time handle travels.
    pub handle_delivery: HandleDelivery,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// Who vouches for an app's users, and how their word is checked.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `iss` of every token.
    pub issuer: Issuer,
    /// `aud` of every token.
    pub audience: String,
    /// Where the issuer's keys are.
    pub jwks_uri: String,
    /// The keys as they were when the identity was registered: JSON of a JWK Set (RFC 7517). A cold start verifies with
    /// these, and asks `jwks_uri` only for a key that is not among them.
    pub jwks_snapshot: String,
    /// When that was.
    pub jwks_fetched_at: Timestamp,
    /// Whether the issuer gives tokens with the scopes of assistants: then they are asked for, and a token without one opens
    /// nothing. Clients ask for what they are told of, and an issuer refuses what it does not know.
    pub agent_scopes: bool,
}

impl Identity {
    /// Whether an issuer has the scopes of assistants, by what is said now and what was before: whoever saves something else
    /// of it, and has never heard of this, must not let tokens do more.
    #[must_use]
    pub fn agent_scopes_after(said: Option<bool>, earlier: Option<&Self>, issuer: &Issuer) -> bool {
        said.unwrap_or_else(|| earlier.is_some_and(|known| known.issuer == *issuer && known.agent_scopes))
    }
}

/// What happens when the provider's redirect arrives in a browser that is not bound to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionBinding {
    /// The code is parked until the app finishes the session in the user's name.
    #[default]
    Strict,
    /// The code is exchanged at once, and a warning is logged. For apps in migration only.
    Warn,
}

/// Where the one-time handle travels back to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HandleDelivery {
    /// In the fragment, which no server and no log sees.
    #[default]
    Fragment,
    /// In the query, for an app that finishes on its server.
    Query,
}

macro_rules! words {
    ($($kind:ident { $($variant:ident = $word:literal),* })*) => {$(
        impl $kind {
            /// Every word that can be parsed.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// Reads the word used on the wire and in storage.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The word used on the wire and in storage.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),*
                }
            }
        }
    )*};
}
pub(crate) use words;

words! {
    SessionBinding { Strict = "strict", Warn = "warn" }
    HandleDelivery { Fragment = "fragment", Query = "query" }
}

/// An origin (RFC 6454): scheme, host and port, as a browser sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Box<str>);

/// A text that is not an origin an app may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an origin such as `https://app.example` (plain http only for localhost), without path or query")]
pub struct InvalidOrigin;

impl Origin {
    /// Parses an origin that came from outside.
    ///
    /// # Errors
    /// [`InvalidOrigin`] if there is more or less than scheme, host and port, or plain http leaves the machine.
    pub fn parse(raw: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(raw).map_err(|_| InvalidOrigin)?;
        let origin = url.origin().ascii_serialization();
        if is_web(raw) && raw.strip_suffix('/').unwrap_or(raw) == origin {
            Ok(Self(origin.into()))
        } else {
            Err(InvalidOrigin)
        }
    }

    /// The origin as a browser sends it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address that people may be sent back to, compared as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnUrl(Url);

/// A text that is not an address people may be sent back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an absolute https URL (plain http only for localhost) without user name or fragment")]
pub struct InvalidReturnUrl;

impl ReturnUrl {
    /// Parses an address that came from outside.
    ///
    /// # Errors
    /// [`InvalidReturnUrl`] if it is not https (or http on the same machine), names a user, has a fragment, a control
    /// character or a backslash, is longer than 2,000 bytes, or has its host in a form that readers disagree about.
    pub fn parse(raw: &str) -> Result<Self, InvalidReturnUrl> {
        if raw.len() > 2_000 || raw.contains(['\\', '#']) || raw.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(InvalidReturnUrl);
        }
        let url = Url::parse(raw).map_err(|_| InvalidReturnUrl)?;
        if is_web(raw) { Ok(Self(url)) } else { Err(InvalidReturnUrl) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// This address with more in its query, and perhaps a fragment.
    #[must_use]
    pub fn with(&self, query: &[(&str, &str)], fragment: Option<(&str, &str)>) -> String {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(query);
        url.set_fragment(fragment.map(|(name, value)| format!("{name}={value}")).as_deref());
        url.into()
    }
}

/// Whether a browser can be there, as the address is written: by https, or without it on the same machine.
fn is_web(raw: &str) -> bool {
    let is_https = raw.starts_with("https://");
    Authority::of(raw).is_some_and(|authority| match authority.host {
        Host::Name(name) => is_https || name == "localhost" || name.ends_with(".localhost"),
        Host::V4(address) => is_https || address.is_loopback(),
        Host::V6(address) => !is_https && address.is_loopback(),
    })
}

impl App {
    /// The registered address that equals this text, or the first one if none was asked for.
    #[must_use]
    pub fn return_url(&self, asked: Option<&str>) -> Option<&ReturnUrl> {
        match asked {
            None => self.return_urls.first(),
            Some(raw) => {
                let asked = ReturnUrl::parse(raw).ok()?;
                self.return_urls.iter().find(|registered| **registered == asked)
            }
        }
    }

    /// Whether pages of this origin may call.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|known| known.as_str() == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_origins_are_origins() {
        for (raw, valid) in [
            ("https://app.example", true),
            ("https://app.example/", true),
            ("https://app.example:8443", true),
            ("http://localhost:5173", true),
            ("http://127.0.0.1:3000", true),
            ("http://app.example", false),
            ("https://app.example/path", false),
            ("https://app.example?x", false),
            ("https://user@app.example", false),
            ("https://APP.example", false),
            ("https://app.example//", false),
            ("https://app.example?", false),
            ("https://app.example:443", false),
            ("https://192.168.1.5:3000", true),
            ("http://192.168.1.5:3000", false),
            ("http://[::1]:5173", true),
            ("http://a.localhost", true),
            ("http://evil-localhost", false),
            ("*", false),
            ("https://*.app.example", false),
            ("null", false),
        ] {
            assert_eq!(Origin::parse(raw).is_ok(), valid, "{raw}");
        }
    }

    #[test]
    fn addresses_that_lead_elsewhere_are_refused() {
        for raw in [
            "//evil.example",
            "/\\evil.example",
            "https:\\\\evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://app.example/done",
            "https://app.example/#x",
            "https://user:pw@app.example/",
            "https://app.example/ done",
            "https://*.app.example/done",
            "https://app.example!/done",
            "https:app.example/done",
            "https://@app.example/done",
            "",
        ] {
            assert!(ReturnUrl::parse(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn results_are_added_to_what_the_address_has() {
        let url = ReturnUrl::parse("https://app.example/done?a=1").unwrap();
        assert_eq!(
            url.with(&[("status", "awaiting_finish")], Some(("handle", "abc"))),
            "https://app.example/done?a=1&status=awaiting_finish#handle=abc"
        );
    }
}
