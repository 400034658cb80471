//! What a change of a connector would mean for the people who are connected through it, before it is made.

use super::profile;
use crate::{
    clock::Clock,
    domain::{
        connection::Connection,
        connector::Connector,
        ids::{ConnectorId, WorkspaceId},
        scopes::Scopes,
        standing::Standing,
    },
    store::{Connections, Connectors, Cursor, StoreError},
};

/// How many connections are looked at. With more, what is told is a least number.
const MOST: usize = 2_000;

/// How many of them are read at once.
const PAGE: usize = 500;

/// Foresees what a change of a connector would mean.
#[derive(Debug, Clone)]
pub struct ForeseeChange {
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) clock: Clock,
}

/// A change that was not made; what is `None` stays.
#[derive(Debug, Default)]
pub struct PlannedChange {
    /// Another client.
    pub client_id: Option<String>,
    /// Other scopes.
    pub scopes: Option<Scopes>,
}

/// What it would mean.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Foreseen {
    /// How many connections were looked at.
    pub looked_at: usize,
    /// How many people among them need not connect again now, and would have to.
    pub must_reconnect: usize,
    /// Whether these are all there are.
    pub is_all: bool,
}

impl ForeseeChange {
    /// Looks at the connections of a connector as they would stand after the change. Nothing if there is no such connector.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    #[tracing::instrument(skip_all, fields(connector.id = %id))]
    pub async fn of_connector(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
        change: PlannedChange,
    ) -> Result<Option<Foreseen>, StoreError> {
        let connector = self.connectors.find(workspace, id).await?;
        let Some(connector) = connector.filter(Connector::is_active) else { return Ok(None) };
        let changed = changed(&connector, change);
        let mut foreseen = Foreseen::default();
        let mut from: Option<Cursor> = None;
        while foreseen.looked_at < MOST {
            let page = self.connections.of_connector(&connector.id, None, from.as_ref(), PAGE).await?;
            foreseen.looked_at += page.connections.len();
            let affected = page.connections.iter().filter(|one| self.is_affected(one, &connector, &changed));
            foreseen.must_reconnect += affected.count();
            from = page.next;
            if from.is_none() {
                foreseen.is_all = true;
                break;
            }
        }
        Ok(Some(foreseen))
    }

    fn is_affected(&self, connection: &Connection, before: &Connector, after: &Connector) -> bool {
        let now = self.clock.now();
        let must_reconnect = |connector: &Connector| {
            profile(connector)
                .is_some_and(|provider| Standing::of(connection, connector, provider, now).reconnect_required())
        };
        !must_reconnect(before) && must_reconnect(after)
    }
}

/// The connector as the change would leave it.
fn changed(connector: &Connector, change: PlannedChange) -> Connector {
    let mut changed = connector.clone();
    if let Some(client_id) = change.client_id {
        changed.client_id = client_id;
    }
    if let Some(scopes) = change.scopes
        && scopes != connector.scopes
    {
        changed.scopes = scopes;
        changed.scopes_revision += 1;
    }
    changed
}
