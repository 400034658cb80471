//! The connection that all apps of a workspace share: which one it is, and how it stands.

use super::profile;
use crate::{
    clock::Clock,
    domain::{
        connection::Connection,
        connector::Connector,
        ids::WorkspaceId,
        provider::ProviderType,
        standing::Standing,
        user::{ConnectionKey, Owner},
    },
    store::{Connections, Policies, SharedConnectors, StoreError},
};

/// Finds shared connections.
#[derive(Debug, Clone)]
pub struct SharedConnections {
    pub(crate) shared: SharedConnectors,
    pub(crate) connections: Connections,
    pub(crate) policies: Policies,
    pub(crate) clock: Clock,
}

impl SharedConnections {
    /// Where the workspace's shared connection to a type of provider stands: through the oldest connector that is connected.
    /// One whose grant has ended counts as connected, until an admin disconnects it: apps that ask by type must not speak
    /// with another account from one call to the next.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn of_type(
        &self,
        workspace: &WorkspaceId,
        provider: &ProviderType,
    ) -> Result<Option<ConnectionKey>, StoreError> {
        let connectors = self.shared.of_type(workspace, provider).await?;
        let place = |connector| ConnectionKey { workspace: workspace.clone(), owner: Owner::Workspace, connector };
        let mut places: Vec<_> = connectors.into_iter().map(place).collect();
        if places.len() == 1 {
            // Whoever reads the token finds out.
            return Ok(places.pop());
        }
        for place in places {
            if self.connections.find(&place).await?.is_some() {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// The connection of a shared connector and how it stands; nothing if it is not connected, or users connect through it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn of_connector(&self, connector: &Connector) -> Result<Option<(Connection, Standing)>, StoreError> {
        let (Some(place), Some(provider)) = (connector.shared_place(), profile(connector)) else { return Ok(None) };
        let Some(connection) = self.connections.find(&place).await? else { return Ok(None) };
        let policy = self.policies.find(&connector.workspace).await?.policy;
        let standing = Standing::of(&connection, connector, provider, self.clock.now()).under(&policy, connector);
        Ok(Some((connection, standing)))
    }
}
