//! Disconnecting: unusable here at once, then ended at the provider.

use super::{audit::Audit, carried_through, revoke_grant::RevokeGrant};
use crate::{
    domain::{audit::Actor, connector::Connector, user::ConnectionKey},
    store::{Connections, Connectors, StoreError},
};

pub use super::revoke_grant::Revocation;

/// Disconnects.
#[derive(Debug, Clone)]
pub struct Disconnect {
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) revoke: RevokeGrant,
    pub(crate) audit: Audit,
}

/// Why nothing was disconnected.
#[derive(Debug, thiserror::Error)]
pub enum DisconnectError {
    /// There is no connection, or no such connector.
    #[error("not connected")]
    NotConnected,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Disconnect {
    /// Removes the user's connection, then ends the grant at the provider. Goes on to its end even if the caller goes
    /// away.
    ///
    /// # Errors
    /// [`DisconnectError`].
    #[tracing::instrument(skip_all, fields(connector.id = %place.connector))]
    pub async fn disconnect(&self, place: ConnectionKey, actor: Actor) -> Result<Revocation, DisconnectError> {
        let connector = self.connectors.find(&place.workspace, &place.connector).await?;
        let connector = connector.filter(Connector::is_active).ok_or(DisconnectError::NotConnected)?;
        let journey = self.clone();
        carried_through(async move { journey.remove(&connector, &place, actor).await }).await
    }

    async fn remove(
        &self,
        connector: &Connector,
        place: &ConnectionKey,
        actor: Actor,
    ) -> Result<Revocation, DisconnectError> {
        let taken = self.connections.take(place).await?.ok_or(DisconnectError::NotConnected)?;
        let revocation = self.revoke.end(connector, place, &taken.tokens).await;
        let details = [("connector", connector.id.as_str()), ("revocation", revocation.as_str())];
        self.audit.note(&place.workspace, actor, "connection.deleted", place.id().as_str(), &details).await;
        Ok(revocation)
    }
}
