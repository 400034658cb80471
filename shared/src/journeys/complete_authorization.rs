//! The way back from the provider: who may finish a session, and where they are sent.
//!
//! RFC 9700, section 4.5, and `draft-ietf-oauth-security-topics-update` (cross-user session fixation) decide the shape:
//! a code is exchanged only for the user who began. A browser that holds the session's cookie proves that at the
//! callback; otherwise the code waits, sealed, until the user finishes with their own proof and a one-time handle that
//! only the browser that came back was given.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::constant_time;

use super::{
    audit::Audit,
    client_secret,
    exchange::{ClaimBy, Exchange},
    profile, values,
};
use crate::{
    auth::AppUser,
    clock::Clock,
    domain::{
        app::{HandleDelivery, SessionBinding},
        audit::Actor,
        connector::Connector,
        digest::sha256,
        ids::ConnectorId,
        secret::{BrowserBinding, Handle, Secret, State},
        session::{Binding, FailureReason, HANDLE_LIFE, Session, SessionId, Stage},
        user::Owner,
    },
    oauth::{Arrived, AuthorizationResponse, ResponseError, check_iss},
    random::Random,
    store::{Connectors, Parked, Sessions, StoreError, Write},
    vault::{Place, Vault, VaultError},
};

pub use super::exchange::ExchangeError;

/// Completes sessions.
#[derive(Debug, Clone)]
pub struct CompleteAuthorization {
    pub(crate) sessions: Sessions,
    pub(crate) connectors: Connectors,
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

/// Why a session was not finished.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// There is no such session for this user.
    #[error("no such session")]
    NotFound,
    /// The handle is not the session's.
    #[error("the handle is not this session's")]
    WrongHandle,
    /// The session's time is over.
    #[error("the session is over")]
    Expired,
    /// Nothing is left, or there is nothing yet, to finish.
    #[error("the session can't be finished at this stage")]
    WrongStage,
    /// The code did not become a connection.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// How a session looks to its user.
#[derive(Debug)]
pub struct SessionView {
    /// The session.
    pub session: Session,
    /// `pending`, `awaiting_finish`, `completed` or `failed`.
    pub status: &'static str,
    /// Why it failed.
    pub reason: Option<FailureReason>,
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

    /// Finishes a parked session for the user who began it.
    ///
    /// # Errors
    /// [`FinishError`].
    #[tracing::instrument(skip_all)]
    pub async fn finish(
        &self,
        user: &AppUser,
        id: &SessionId,
        handle: &Secret<Handle>,
    ) -> Result<SessionView, FinishError> {
        let session = self.sessions.find(id).await?.ok_or(FinishError::NotFound)?;
        let presented = sha256(handle.expose().as_bytes());
        if session.key.owner.user() != Some(user.user()) {
            self.turn_away(&session, &presented, user).await?;
            return Err(FinishError::NotFound);
        }
        let now = self.clock.now();
        let Stage::Parked { code, details, scopes, handle: expected, until } = &session.stage else {
            return Err(if session.is_over(now) { FinishError::Expired } else { FinishError::WrongStage });
        };
        if session.is_over(now) || *until <= now {
            return Err(FinishError::Expired);
        }
        if constant_time::verify_slices_are_equal(&presented, expected).is_err() {
            return Err(FinishError::WrongHandle);
        }
        let code = self.vault.open(code, &Place::session(id, &session.key)).await?;
        let arrived = Arrived { code, details: details.clone(), scopes: scopes.clone() };
        Box::pin(self.exchange.run(session, arrived, ClaimBy::Handle(presented))).await?;
        self.view(user, id).await?.ok_or(FinishError::NotFound)
    }

    /// Somebody else came with the session. If they even have its handle, the browser that came back from the provider
    /// was not its user's: the code is dropped, and nobody gets connected.
    async fn turn_away(&self, session: &Session, presented: &[u8; 32], user: &AppUser) -> Result<(), FinishError> {
        if let Stage::Parked { handle, .. } = &session.stage
            && constant_time::verify_slices_are_equal(presented, handle).is_ok()
        {
            self.sessions.fail(&session.id, FailureReason::UserMismatch).await?;
        }
        let workspace = &session.key.workspace;
        let is_theirs = user.app().workspace == *workspace;
        let actor = if is_theirs { Actor::User(user.user().clone()) } else { Actor::Stranger };
        self.audit.note(workspace, actor, "session.user_mismatch", session.id.as_str(), &[]).await;
        Ok(())
    }

    /// How a session of this user stands; nothing if it is not theirs.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn view(&self, user: &AppUser, id: &SessionId) -> Result<Option<SessionView>, StoreError> {
        let session = self.sessions.find(id).await?.filter(|session| session.key.owner.user() == Some(user.user()));
        Ok(session.map(|session| {
            let (status, reason) = session.outward(self.clock.now());
            SessionView { session, status, reason }
        }))
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

/// How long a browser remembers a session: no longer than the session lives.
pub const COOKIE_LIFE: Duration = crate::domain::session::SESSION_LIFE;
