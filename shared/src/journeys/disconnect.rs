//! Disconnecting: unusable here at once, then ended at the provider.

use super::{
    carried_through,
    end_connection::{EndConnection, EndError, LOOK_AFTER},
    open_link::{self, LinkError},
    revoke_grant::RevokeGrant,
};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        connector::Connector,
        secret::{BrowserBinding, Secret},
        session::{Binding, FailureReason, SessionId},
        user::ConnectionKey,
    },
    store::{Connectors, Sessions, StoreError},
};

pub use super::revoke_grant::Revocation;

/// Disconnects.
#[derive(Debug, Clone)]
pub struct Disconnect {
    pub(crate) connectors: Connectors,
    pub(crate) sessions: Sessions,
    pub(crate) end: EndConnection,
    pub(crate) revoke: RevokeGrant,
    pub(crate) clock: Clock,
}

/// Why nothing was disconnected.
#[derive(Debug, thiserror::Error)]
pub enum DisconnectError {
    /// There is no connection, or no such connector.
    #[error("not connected")]
    NotConnected,
    /// The link does not let this browser disconnect.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It could not be ended now.
    #[error(transparent)]
    End(#[from] EndError),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Disconnect {
    /// Ends the connection, then its grant at the provider. Goes on to its end even if the caller goes away; if
    /// this process goes away, too, the schedule finds the grant that is left.
    ///
    /// # Errors
    /// [`DisconnectError`].
    #[tracing::instrument(skip_all, fields(connector.id = %place.connector))]
    pub async fn disconnect(&self, place: ConnectionKey, actor: Actor) -> Result<Revocation, DisconnectError> {
        let connector = self.connectors.find(&place.workspace, &place.connector).await?;
        let connector =
            connector.filter(|found| found.is_open_to(&place.owner)).ok_or(DisconnectError::NotConnected)?;
        let journey = self.clone();
        carried_through(async move { journey.end(&connector, &place, actor).await }).await
    }

    /// Ends the connection of the user that a link was made for, and the link with it: an account that is connected now was
    /// not the one that the session set out from. Only in the browser that opened the link, and if the app trusts it so far.
    ///
    /// # Errors
    /// [`DisconnectError`].
    #[tracing::instrument(skip_all)]
    pub async fn disconnect_by_link(
        &self,
        id: &SessionId,
        cookie: Option<Secret<BrowserBinding>>,
    ) -> Result<Revocation, DisconnectError> {
        let session = open_link::opened(&self.sessions, id, cookie.as_ref(), self.clock.now()).await?;
        if !matches!(session.binding, Binding::Link { manages: true, .. }) {
            return Err(LinkError::Over.into());
        }
        let revocation = self.disconnect(session.key, session.begun_by).await?;
        self.sessions.fail(id, FailureReason::Disconnected).await?;
        Ok(revocation)
    }

    async fn end(
        &self,
        connector: &Connector,
        place: &ConnectionKey,
        actor: Actor,
    ) -> Result<Revocation, DisconnectError> {
        let ended = self.end.at(place, &actor, LOOK_AFTER).await?.ok_or(DisconnectError::NotConnected)?;
        let revocation = self.revoke.first(connector, ended.grant).await;
        self.end.note(ended.notice, revocation.as_str()).await;
        Ok(revocation)
    }
}
