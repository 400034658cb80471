//! Authorization sessions: one attempt of one user to make or renew a connection.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{
    app::{HandleDelivery, ReturnUrl, SessionBinding, words},
    audit::Actor,
    digest::sha256,
    ids::InvalidId,
    plan::Room,
    provider::Values,
    scopes::Scopes,
    secret::{AuthorizationCode, CodeVerifier, Sealed, Secret, State},
    user::ConnectionKey,
};

/// How long a session lives at most: the time a person needs to sign in and read a consent page.
pub const SESSION_LIFE: Duration = Duration::from_mins(10);

/// How long a parked code waits to be claimed: a page load, not a coffee. Codes themselves live a minute or ten.
pub const HANDLE_LIFE: Duration = Duration::from_mins(2);

/// The public name of a session: the digest of its `state`, so that knowing it does not give the state away, and the
/// state alone finds the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionId(Box<str>);

impl SessionId {
    /// The session that this `state` belongs to.
    #[must_use]
    pub fn of_state(state: &Secret<State>) -> Self {
        Self(format!("ses_{}", BASE64_URL_SAFE_NO_PAD.encode(sha256(state.expose().as_bytes()))).into())
    }

    /// Parses an identifier that came from outside.
    ///
    /// # Errors
    /// [`InvalidId`] if it is not `ses_` and 43 characters of URL-safe base 64.
    pub fn parse(raw: &str) -> Result<Self, InvalidId> {
        let digest = raw.strip_prefix("ses_").ok_or(InvalidId("a session id"))?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(digest).map_err(|_| InvalidId("a session id"))?;
        if bytes.len() == 32 { Ok(Self(raw.into())) } else { Err(InvalidId("a session id")) }
    }

    /// The identifier as it is stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One attempt of one user to make or renew a connection.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its public name.
    pub id: SessionId,
    /// Whose connection it is to become.
    pub key: ConnectionKey,
    /// How the browser that finishes is known to belong to the user who began.
    pub binding: Binding,
    /// How far it has come.
    pub stage: Stage,
    /// What was fixed when it began, and is compared when it ends.
    pub pinned: Pinned,
    /// Values of variables that the connector leaves to its users.
    pub inputs: Values,
    /// The scopes that the user is asked for.
    pub requested: Scopes,
    /// What is to become of the user's earlier connection, if there is one.
    pub earlier: Option<Earlier>,
    /// Who began it: the user, or the admin who connects for a whole workspace.
    pub begun_by: Actor,
    /// What the user wants to call the connection.
    pub label: Option<String>,
    /// Where the user is sent afterwards.
    pub return_url: ReturnUrl,
    /// The app's wishes, as they were when the session began.
    pub wishes: Wishes,
    /// The PKCE code verifier; gone once the code was exchanged.
    pub verifier: Option<Sealed<CodeVerifier>>,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
}

/// What was fixed when a session began. If any of it has changed when the code arrives, the code goes nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned {
    /// The client that the user was asked to trust.
    pub client_id: String,
    /// The redirect URI in the authorization request; the token request repeats it byte for byte.
    pub redirect_uri: String,
    /// Where the code is exchanged, as far as that is known before the user is back.
    pub token_endpoint: String,
    /// The connector's scopes revision.
    pub scopes_revision: u64,
    /// Whether the provider is known to give bound tokens only, so that the code is bound and shown with a proof at once.
    pub bound: bool,
    /// What room the workspace's plan had for a connection more, if it limits them.
    pub room: Option<Room>,
}

/// What a new grant may take over from an earlier connection of the same user and connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The provider account it belongs to, if known: another one is not swapped in silently.
    pub account_id: Option<String>,
    /// Whether its refresh token may be kept if the provider gives no new one.
    pub refresh_token_lives: bool,
    /// Where that refresh token is shown, where this differs between connections. It is shown nowhere else.
    pub refresh_endpoint: Option<String>,
}

/// An app's wishes for the end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// Whether an unbound browser may complete.
    pub session_binding: SessionBinding,
    /// Where the one-time handle travels.
    pub handle_delivery: HandleDelivery,
}

/// How the browser that finishes is known to belong to the user who began (RFC 9700, section 4.5).
#[derive(Debug, Clone)]
pub enum Binding {
    /// The user's own request began it and was answered with a cookie. A browser that has the cookie completes at the
    /// callback; from any other the code is parked until the user finishes.
    Begun {
        /// The digest of the cookie's value.
        cookie: [u8; 32],
    },
    /// A link began it, which anybody may have opened. The browser must be the one that opened the link, and the user
    /// must finish all the same: a link that was forwarded connects nobody.
    Link {
        /// The digest of the cookie's value, once the link was opened.
        opened_by: Option<[u8; 32]>,
        /// The `state` and verifier are needed again when the link is opened.
        state: Sealed<State>,
        /// Whether that browser sees the user's connection and may end it: the app's word that nobody but its user gets
        /// the link.
        manages: bool,
    },
}

/// How far a session has come. It only ever moves down this list.
#[derive(Debug, Clone)]
pub enum Stage {
    /// The user is at the provider.
    Pending,
    /// The user is back; the code waits for them to finish.
    Parked {
        /// The authorization code.
        code: Sealed<AuthorizationCode>,
        /// Variables that the redirect brought.
        details: Values,
        /// The granted scopes, where the redirect told them.
        scopes: Option<Scopes>,
        /// The digest of the one-time handle.
        handle: [u8; 32],
        /// Until when it waits.
        until: Timestamp,
    },
    /// Somebody is exchanging the code.
    Exchanging,
    /// The connection stands.
    Completed,
    /// It came to nothing.
    Failed {
        /// Why.
        reason: FailureReason,
    },
}

/// Why a session came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureReason {
    /// The user said no.
    Denied,
    /// The user disconnected instead.
    Disconnected,
    /// The provider sent an error instead of a code.
    ProviderRefused,
    /// What came back is not what the provider would send: a value or signature in it is wrong.
    ResponseRejected,
    /// The provider could not be reached, or answered with nothing usable; the code is spent.
    ProviderUnavailable,
    /// The provider does not accept the connector's client.
    ConnectorMisconfigured,
    /// The connector was changed or deleted in the meantime.
    ConnectorChanged,
    /// The user chose another account than the one that was connected.
    AccountChanged,
    /// The workspace has switched off this type of provider in the meantime.
    BlockedByPolicy,
    /// The workspace's plan has no room for a connection more: others came first.
    PlanLimit,
    /// Somebody else tried to finish it.
    UserMismatch,
    /// It took too long.
    Expired,
}

words! {
    FailureReason {
        Denied = "denied", Disconnected = "disconnected", ProviderRefused = "provider_refused",
        ProviderUnavailable = "provider_unavailable", ResponseRejected = "response_rejected",
        ConnectorMisconfigured = "connector_misconfigured", ConnectorChanged = "connector_changed",
        AccountChanged = "account_changed", BlockedByPolicy = "blocked_by_policy", PlanLimit = "plan_required",
        UserMismatch = "session_user_mismatch", Expired = "session_expired"
    }
}

impl Session {
    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// When it began.
    #[must_use]
    pub fn began_at(&self) -> Timestamp {
        self.expires_at.checked_sub(SESSION_LIFE).unwrap_or(self.expires_at)
    }

    /// How it looks from outside: `pending`, `awaiting_finish`, `completed` or `failed`, with a reason for the last.
    #[must_use]
    pub fn outward(&self, now: Timestamp) -> (&'static str, Option<FailureReason>) {
        match &self.stage {
            Stage::Completed => ("completed", None),
            Stage::Failed { reason } => ("failed", Some(*reason)),
            _ if self.is_over(now) => ("failed", Some(FailureReason::Expired)),
            Stage::Parked { until, .. } if *until <= now => ("failed", Some(FailureReason::Expired)),
            Stage::Parked { .. } => ("awaiting_finish", None),
            Stage::Pending | Stage::Exchanging => ("pending", None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_found_by_its_state_and_tells_nothing_of_it() {
        let state = Secret::<State>::new("xyzABC123");
        let id = SessionId::of_state(&state);
        assert!(SessionId::parse(id.as_str()).is_ok());
        assert!(!id.as_str().contains(state.expose()));
        assert_ne!(id, SessionId::of_state(&Secret::new("xyzABC124")));
    }

    #[test]
    fn what_is_no_session_id_is_refused() {
        for raw in ["", "ses_", "ses_abc", "con_01ARZ3NDEKTSV4RRFFQ69G5FAV", "ses_!!!"] {
            assert!(SessionId::parse(raw).is_err(), "{raw}");
        }
    }
}
