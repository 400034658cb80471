//! What is left of a deleted connector: every connection is removed and ended at the provider, then the connector's
//! secret is destroyed. The same for the users of a deleted app, connector by connector. Resumable at any point: what is
//! done is gone from the index.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;

use super::revoke_grant::{RevocationMessage, RevokeGrant};
use crate::{
    clock::Clock,
    domain::{
        connection::Connection,
        connector::{Connector, ConnectorState},
        ids::{AppId, ConnectorId, WorkspaceId},
        session::SESSION_LIFE,
    },
    queue::{Queue, QueueError},
    store::{Connections, Connectors, StoreError},
};

/// How many grants of one connector are ended in a second: below what providers take for an attack.
const PER_SECOND: usize = 10;

/// How long one event works before it leaves the rest to the next: the last round, of two revocation requests of eight
/// seconds each, must end before the function's time does. What it has taken from the table by then exists nowhere else.
const WORK_FOR: Duration = Duration::from_secs(8);

/// How long after a deletion there may still be something to sweep: a session that began before it may still end in a
/// connection, and the index may be behind. A connector's shell stays for as long.
pub(super) const LINGER: Duration = Duration::from_secs(SESSION_LIFE.as_secs() + 120);

/// How far a sweep goes.
struct Extent {
    /// Only the users of this app.
    app: Option<AppId>,
    /// Whether grants are ended at the provider too.
    revoke: bool,
}

/// Sweeps deleted connectors.
#[derive(Debug, Clone)]
pub struct SweepConnector {
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) revoke: RevokeGrant,
    pub(crate) queue: Queue,
    pub(crate) clock: Clock,
}

/// A message of the revocation queue that must come again.
#[derive(Debug, thiserror::Error)]
pub enum Unswept {
    /// It cannot be read; in the end it lands where somebody looks at it.
    #[error("the message can't be read")]
    Unreadable,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The rest could not be left in the queue.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl SweepConnector {
    /// Carries out one message of the revocation queue.
    ///
    /// # Errors
    /// [`Unswept`] if it must come again.
    pub async fn work(&self, body: &str) -> Result<(), Unswept> {
        match serde_json::from_str(body).map_err(|_| Unswept::Unreadable)? {
            RevocationMessage::Revoke(pending) => {
                let revocation = self.revoke.again(*pending).await?;
                tracing::info!(outcome = revocation.as_str(), "tried again to revoke a grant");
                Ok(())
            }
            RevocationMessage::Sweep { workspace, connector, app, revoke } => {
                let workspace = WorkspaceId::parse(&workspace).map_err(|_| Unswept::Unreadable)?;
                let connector = ConnectorId::parse(&connector).map_err(|_| Unswept::Unreadable)?;
                let app = app.as_deref().map(AppId::parse).transpose().map_err(|_| Unswept::Unreadable)?;
                self.sweep(&workspace, &connector, &Extent { app, revoke }).await
            }
        }
    }

    #[tracing::instrument(skip_all, fields(connector.id = %id))]
    async fn sweep(&self, workspace: &WorkspaceId, id: &ConnectorId, extent: &Extent) -> Result<(), Unswept> {
        let Some(connector) = self.connectors.find(workspace, id).await? else { return Ok(()) };
        if extent.app.is_none() && connector.state != ConnectorState::Deleting {
            return Ok(());
        }
        let stop = self.clock.now().checked_add(WORK_FOR).unwrap_or(Timestamp::MAX);
        while self.clock.now() < stop {
            let page = self.connections.of_connector(id, extent.app.as_ref(), None, PER_SECOND).await?;
            if page.connections.is_empty() && page.next.is_none() {
                return if extent.app.is_none() { self.finish(&connector, extent).await } else { Ok(()) };
            }
            let second = tokio::time::sleep(Duration::from_secs(1));
            self.end_all(&connector, page.connections, extent).await?;
            second.await;
        }
        self.leave_rest(&connector, extent, Duration::ZERO).await
    }

    async fn end_all(
        &self,
        connector: &Connector,
        connections: Vec<Connection>,
        extent: &Extent,
    ) -> Result<(), Unswept> {
        let ends = connections.iter().map(|connection| async {
            match self.connections.take(&connection.key).await?.filter(|_| extent.revoke) {
                Some(taken) => Ok(Some(self.revoke.end(connector, &taken.key, &taken.tokens).await)),
                None => Ok::<_, StoreError>(None),
            }
        });
        for ended in join_all(ends).await {
            ended?;
        }
        Ok(())
    }

    async fn finish(&self, connector: &Connector, extent: &Extent) -> Result<(), Unswept> {
        let empty_at = connector.updated_at.checked_add(LINGER).unwrap_or(Timestamp::MAX);
        let left = Duration::try_from(empty_at.duration_since(self.clock.now())).unwrap_or_default();
        if !left.is_zero() {
            return self.leave_rest(connector, extent, left).await;
        }
        self.connectors.destroy(&connector.workspace, &connector.id).await?;
        tracing::info!("a deleted connector is gone, its secret with it");
        Ok(())
    }

    async fn leave_rest(&self, connector: &Connector, extent: &Extent, delay: Duration) -> Result<(), Unswept> {
        Ok(self.queue.send(&sweep_message(connector, extent.app.as_ref(), extent.revoke), delay).await?)
    }
}

/// The message that lets what is left of a connector, or of an app's users with it, be swept.
pub(super) fn sweep_message(connector: &Connector, app: Option<&AppId>, revoke: bool) -> RevocationMessage {
    RevocationMessage::Sweep {
        workspace: connector.workspace.to_string(),
        connector: connector.id.to_string(),
        app: app.map(ToString::to_string),
        revoke,
    }
}
