//! A connector is deleted.

use super::{ConnectorError, ManageConnectors, Order, TRIES};
use crate::{
    domain::{
        connector::Connector,
        event::EventKind,
        ids::{ConnectorId, WorkspaceId},
        notice::Notice,
    },
    store::{ConnectorWrite, Write},
};

impl ManageConnectors {
    /// Deletes a connector: its connections are unusable from now on; in the background they are removed and, if
    /// `revoke`, ended at the provider. At the word of a proposal it is deleted only as it was when that was made.
    ///
    /// # Errors
    /// [`ConnectorError`].
    #[tracing::instrument(skip_all, fields(connector.id = %id))]
    pub async fn delete(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
        revoke: bool,
        order: Order,
    ) -> Result<(), ConnectorError> {
        let connector = self.connectors.find(workspace, id).await?.ok_or(ConnectorError::NotFound)?;
        is_as_proposed(&connector, &order)?;
        // Whoever deletes counts: so they are counted before.
        self.plan.of(workspace).await?;
        let now = self.clock.now();
        // Also for one that is being deleted already: whoever deletes again may have changed their mind about `revoke`.
        let began_at = if connector.is_active() { now } else { connector.updated_at };
        let sweep = self.sweep.of(&connector, None, revoke, began_at).await?;
        let details = [("revoke", if revoke { "true" } else { "false" })];
        let told = self.told(EventKind::ConnectorDeleted, &connector, &order.actor, &details);
        if self.mark_deleted(connector, &told, &order).await? == Write::Done {
            self.publisher.made(&told).await;
        }
        self.sweep.start(&sweep).await;
        Ok(())
    }

    /// Marks a connector as deleted, as it is by now; [`Write::Conflict`] if somebody else has.
    async fn mark_deleted(
        &self,
        mut connector: Connector,
        told: &Notice,
        order: &Order,
    ) -> Result<Write, ConnectorError> {
        for _ in 0..TRIES {
            is_as_proposed(&connector, order)?;
            if !connector.is_active() {
                return Ok(Write::Conflict);
            }
            match self.connectors.mark_deleted(&connector, told, order.verdict.as_ref()).await? {
                ConnectorWrite::Done => return Ok(Write::Done),
                ConnectorWrite::Decided => return Err(ConnectorError::Decided),
                ConnectorWrite::Conflict | ConnectorWrite::NameTaken | ConnectorWrite::Full => {}
            }
            let changed = self.connectors.find(&connector.workspace, &connector.id).await?;
            connector = changed.ok_or(ConnectorError::NotFound)?;
        }
        Err(ConnectorError::Contended)
    }
}

/// Passes if the connector is still the one that was looked at, where it was proposed to delete it.
fn is_as_proposed(connector: &Connector, order: &Order) -> Result<(), ConnectorError> {
    let looked_at = order.verdict.as_ref().map(|verdict| verdict.proposal.revision);
    match looked_at {
        Some(revision) if !connector.is_active() || revision != Some(connector.revision) => {
            Err(ConnectorError::Outdated)
        }
        _ => Ok(()),
    }
}
