//! Disconnecting: unusable here at once, then ended at the provider.

use super::{
    audit::Audit,
    carried_through,
    end_connection::{EndConnection, EndError, LOOK_AFTER},
    revoke_grant::RevokeGrant,
};
use crate::{
    domain::{audit::Actor, connector::Connector, user::ConnectionKey},
    store::{Connectors, StoreError},
};

pub use super::revoke_grant::Revocation;

/// Disconnects.
#[derive(Debug, Clone)]
pub struct Disconnect {
    pub(crate) connectors: Connectors,
    pub(crate) end: EndConnection,
    pub(crate) revoke: RevokeGrant,
    pub(crate) audit: Audit,
}

/// Why nothing was disconnected.
#[derive(Debug, thiserror::Error)]
pub enum DisconnectError {
    /// There is no connection, or no such connector.
    #[error("not connected")]
    NotConnected,
    /// It could not be ended now.
    #[error(transparent)]
    End(#[from] EndError),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Disconnect {
    /// Ends the user's connection, then its grant at the provider. Goes on to its end even if the caller goes away; if
    /// this process goes away, too, the schedule finds the grant that is left.
    ///
    /// # Errors
    /// [`DisconnectError`].
    #[tracing::instrument(skip_all, fields(connector.id = %place.connector))]
    pub async fn disconnect(&self, place: ConnectionKey, actor: Actor) -> Result<Revocation, DisconnectError> {
        let connector = self.connectors.find(&place.workspace, &place.connector).await?;
        let connector = connector.filter(Connector::is_active).ok_or(DisconnectError::NotConnected)?;
        let journey = self.clone();
        carried_through(async move { journey.end(&connector, &place, actor).await }).await
    }

    async fn end(
        &self,
        connector: &Connector,
        place: &ConnectionKey,
        actor: Actor,
    ) -> Result<Revocation, DisconnectError> {
        let ended = self.end.at(place, LOOK_AFTER).await?.ok_or(DisconnectError::NotConnected)?;
        let revocation = self.revoke.first(connector, ended).await;
        let details = [("connector", connector.id.as_str()), ("revocation", revocation.as_str())];
        self.audit.note(&place.workspace, actor, "connection.deleted", place.id().as_str(), &details).await;
        Ok(revocation)
    }
}
