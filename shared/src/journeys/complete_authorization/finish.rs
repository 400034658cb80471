//! The user finishes a session whose browser may be anybody's, with their own proof and the handle that only the browser that
//! came back was given.

use aws_lc_rs::constant_time;

use super::{CompleteAuthorization, ExchangeError};
use crate::{
    auth::AppUser,
    domain::{
        audit::Actor,
        digest::sha256,
        secret::{Handle, Secret},
        session::{FailureReason, Session, SessionId, Stage},
    },
    journeys::exchange::ClaimBy,
    oauth::Arrived,
    store::StoreError,
    vault::{Place, VaultError},
};

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

impl CompleteAuthorization {
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

    /// Somebody else came with the session, which is noted first. If they even have its handle, the browser that came back
    /// from the provider was not its user's: the code is dropped, and nobody gets connected.
    async fn turn_away(&self, session: &Session, presented: &[u8; 32], user: &AppUser) -> Result<(), FinishError> {
        let workspace = &session.key.workspace;
        let is_theirs = user.app().workspace == *workspace;
        let actor = if is_theirs { Actor::User(user.user().clone()) } else { Actor::Stranger };
        let told = self.audit.to_note(workspace, &actor, "session.user_mismatch", session.id.as_str(), &[]);
        self.audit.note_first(&told).await?;
        if let Stage::Parked { handle, .. } = &session.stage
            && constant_time::verify_slices_are_equal(presented, handle).is_ok()
        {
            self.sessions.fail(&session.id, FailureReason::UserMismatch).await?;
        }
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
