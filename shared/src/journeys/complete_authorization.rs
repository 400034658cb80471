//! The way back from the provider: who may finish a session, and where they are sent.
//!
//! RFC 9700, section 4.5, and `draft-ietf-oauth-security-topics-update` (cross-user session fixation) decide the shape:
//! a code is exchanged only for the user who began. A browser that holds the session's cookie proves that at the
//! callback; otherwise the code waits, sealed, until the user finishes with their own proof and a one-time handle that
//! only the browser that came back was given.

mod finish;

use std::sync::Arc;

use aws_lc_rs::constant_time;

use super::{
    audit::Audit,
    client_secret,
    exchange::{ClaimBy, Exchange},
    profile, values,
};
use crate::{
    clock::Clock,
    domain::{
        app::{HandleDelivery, SessionBinding},
        connector::Connector,
        digest::sha256,
        ids::ConnectorId,
        secret::{BrowserBinding, Handle, Secret, State},
        session::{Binding, FailureReason, HANDLE_LIFE, Session, SessionId, Stage},
        user::Owner,
    },
    oauth::{Arrived, AuthorizationResponse, ResponseError, check_iss},
    random::Random,
    store::{Connectors, Parked, Policies, Sessions, StoreError, Write},
    vault::{Place, Vault, VaultError},
};

pub use self::finish::{FinishError, SessionView};
pub use super::exchange::ExchangeError;

/// Completes sessions.
#[derive(Debug, Clone)]
pub struct CompleteAuthorization {
    pub(crate) sessions: Sessions,
    pub(crate) connectors: Connectors,
    pub(crate) policies: Policies,
    pub(crate) exchange: Exchange,
    pub(crate) vault: Arc<Vault>,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What the provider's redirect brought (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Debug, Default)]
pub struct Arrival {
    /// `state`.
    pub state: Option<Secret<State>>,
    /// Whether there is an `error`, and whether it says that the user refused.
    pub error: Option<ProviderError>,
    /// `iss`.
    pub iss: Option<String>,
    /// Everything, the code among it: what of it counts is for the provider's data to say.
    pub response: AuthorizationResponse,
}

/// An `error` in the provider's redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderError {
    /// `access_denied`: the user said no.
    Denied,
    /// Anything else.
    Other,
}

/// Why an arrival was turned away. Nothing was exchanged.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalError {
    /// `state` is missing, unknown, or another connector's.
    #[error("the state is not one of this connector")]
    StateMismatch,
    /// The session's time is over, or it was used before.
    #[error("the session is over")]
    SessionExpired,
    /// The response is another issuer's.
    #[error("the response is another issuer's")]
    IssuerMismatch,
    /// The browser is not the one that the session belongs to.
    #[error("the browser is not the one that began")]
    BrowserMismatch,
    /// There is neither a code nor an error.
    #[error("there is neither a code nor an error")]
    NoCode,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't open or seal.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The browser's place in a session, judged by its cookie.
#[derive(Clone, Copy)]
enum Browser {
    /// It is the user's: the code may be exchanged.
    Bound,
    /// It may be anybody's: the user must finish.
    Unbound,
    /// It is certainly not the one that began.
    Foreign,
}

impl CompleteAuthorization {
    /// Receives the provider's redirect, and says where the browser goes from here.
    ///
    /// `cookie` looks up what the browser remembers for a session. A wrong guess of `state` costs one read and changes
    /// nothing.
    ///
    /// # Errors
    /// [`ArrivalError`].
    #[tracing::instrument(skip_all, fields(connector.id = %connector))]
    pub async fn receive(
        &self,
        connector: &ConnectorId,
        arrival: Arrival,
        cookie: impl FnOnce(&SessionId) -> Option<Secret<BrowserBinding>>,
    ) -> Result<String, ArrivalError> {
        let state = arrival.state.ok_or(ArrivalError::StateMismatch)?;
        let id = SessionId::of_state(&state);
        let session = self.sessions.find(&id).await?.ok_or(ArrivalError::StateMismatch)?;
        if session.key.connector != *connector {
            return Err(ArrivalError::StateMismatch);
        }
        if session.is_over(self.clock.now()) || !matches!(session.stage, Stage::Pending) {
            return Err(ArrivalError::SessionExpired);
        }
        let connector = self.connectors.find(&session.key.workspace, &session.key.connector).await?;
        let connector = connector.filter(Connector::is_active).ok_or(ArrivalError::StateMismatch)?;
        let provider = profile(&connector).ok_or(ArrivalError::StateMismatch)?;
        let known = provider.with_known(&values(&connector, &session.inputs));
        check_iss(&known, arrival.iss.as_deref()).map_err(|_| ArrivalError::IssuerMismatch)?;
        let browser = browser(&session, cookie(&id).as_ref());
        match (arrival.error, &browser) {
            (_, Browser::Foreign) => return Err(ArrivalError::BrowserMismatch),
            (Some(error), _) => return self.give_up(&session, error).await,
            (None, Browser::Bound | Browser::Unbound) => {}
        }
        let secret = match &provider.callback.verify {
            Some(_) => client_secret(&self.vault, &connector).await?,
            None => None,
        };
        let arrived = arrival.response.read(provider, &values(&connector, &session.inputs), secret.as_ref());
        match (arrived, browser) {
            (Ok(arrived), Browser::Bound) => Box::pin(self.exchange_now(session, arrived)).await,
            // What may not be used any more is not kept either. Whoever is bound is asked about where the code is exchanged.
            (Ok(_), _) if !self.policies.allow(&connector).await? => {
                self.end(&session, FailureReason::BlockedByPolicy, "failed").await
            }
            (Ok(arrived), _) => self.park(&session, &arrived).await,
            (Err(ResponseError::NoCode), _) => Err(ArrivalError::NoCode),
            (Err(error), _) => {
                tracing::warn!(%error, "a provider's redirect is not what it must be; its code is not used");
                self.end(&session, FailureReason::ResponseRejected, "failed").await
            }
        }
    }

    async fn give_up(&self, session: &Session, error: ProviderError) -> Result<String, ArrivalError> {
        let (reason, status) = match error {
            ProviderError::Denied => (FailureReason::Denied, "denied"),
            ProviderError::Other => (FailureReason::ProviderRefused, "failed"),
        };
        self.end(session, reason, status).await
    }

    async fn end(&self, session: &Session, reason: FailureReason, status: &str) -> Result<String, ArrivalError> {
        match self.sessions.fail(&session.id, reason).await? {
            Write::Done => Ok(home(session, status, None)),
            Write::Conflict => Err(ArrivalError::SessionExpired),
        }
    }

    async fn exchange_now(&self, session: Session, arrived: Arrived) -> Result<String, ArrivalError> {
        let landing = session.clone();
        match self.exchange.run(session, arrived, ClaimBy::Browser).await {
            Ok(()) => Ok(home(&landing, "completed", None)),
            Err(ExchangeError::Failed { .. }) => Ok(home(&landing, "failed", None)),
            Err(ExchangeError::Spent) => Err(ArrivalError::SessionExpired),
            Err(ExchangeError::Store(cause)) => Err(cause.into()),
            Err(ExchangeError::Vault(cause)) => Err(cause.into()),
        }
    }

    /// Keeps the code, sealed, and hands the browser what it needs to let the user finish. The handle is made only now:
    /// whoever began the session cannot have known it.
    async fn park(&self, session: &Session, arrived: &Arrived) -> Result<String, ArrivalError> {
        let sealed = self.vault.seal(&arrived.code, &Place::session(&session.id, &session.key)).await?;
        let handle = Secret::<Handle>::new(self.random.token());
        let now = self.clock.now();
        let until = now.checked_add(HANDLE_LIFE).unwrap_or(now);
        let digest = sha256(handle.expose().as_bytes());
        let (details, scopes) = (&arrived.details, arrived.scopes.as_ref());
        let parked = Parked { code: &sealed, details, scopes, handle: &digest, until };
        match self.sessions.park(&session.id, &parked, now).await? {
            Write::Done => Ok(home(session, "awaiting_finish", Some(&handle))),
            Write::Conflict => Err(ArrivalError::SessionExpired),
        }
    }
}

fn browser(session: &Session, cookie: Option<&Secret<BrowserBinding>>) -> Browser {
    let matches = |expected: &[u8; 32]| {
        cookie.is_some_and(|shown| {
            constant_time::verify_slices_are_equal(&sha256(shown.expose().as_bytes()), expected).is_ok()
        })
    };
    match &session.binding {
        Binding::Begun { cookie: expected } if matches(expected) => Browser::Bound,
        Binding::Begun { .. } if cookie.is_some() => Browser::Foreign,
        // Nobody could finish what is for a whole workspace later: only the browser in which it began comes back with it.
        Binding::Begun { .. } if session.key.owner == Owner::Workspace => Browser::Foreign,
        Binding::Begun { .. } if session.wishes.session_binding == SessionBinding::Warn => {
            tracing::warn!("a session is completed in a browser that is not bound to it, as its app wishes");
            Browser::Bound
        }
        Binding::Begun { .. } => Browser::Unbound,
        // A link may have been forwarded: its browser is known, its user is not.
        Binding::Link { opened_by: Some(expected), .. } if matches(expected) => Browser::Unbound,
        Binding::Link { .. } => Browser::Foreign,
    }
}

/// Where the browser goes: the session's return address, with the session's id and its status, and nothing of what the
/// provider said.
fn home(session: &Session, status: &str, handle: Option<&Secret<Handle>>) -> String {
    let mut query = vec![("session_id", session.id.as_str()), ("status", status)];
    let handle = handle.map(|handle| ("handle", handle.expose()));
    match (handle, session.wishes.handle_delivery) {
        (Some(handle), HandleDelivery::Query) => {
            query.push(handle);
            session.return_url.with(&query, None)
        }
        (handle, _) => session.return_url.with(&query, handle),
    }
}
