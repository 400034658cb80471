//! Sweeps: the connections of a deleted connector, or those of a deleted app's users with one connector, are ended one
//! small group after the other. How far it went stands in the table.

use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp};

use super::{
    connections::due_shard_of,
    endings,
    error::{StoreError, Write, written},
    row::{LAYOUT, NewItem, Row, name, number, text, time},
    table::{Cursor, ItemKey, Table, TableNames, key},
};
use crate::domain::ids::{AppId, ConnectorId, WorkspaceId};

/// What the sort key of every sweep begins with. Connectors' ids begin otherwise, so no ended grant's key does.
pub(super) const PREFIX: &str = "ENDED#SWEEP#";

/// The sort key of the item that holds the pace of a connector's sweeps.
const PACE: &str = "PACE";

/// How long a turn is: at most one group of a connector's connections is ended in it, whoever does that.
const TURN: SignedDuration = SignedDuration::from_secs(1);

/// Sweeps in their table.
#[derive(Debug, Clone)]
pub struct Sweeps(Table);

/// One sweep, and how far it went.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The connector whose connections are ended.
    pub connector: ConnectorId,
    /// Those of the users of this app only.
    pub app: Option<AppId>,
    /// Whether their grants are ended at the provider too.
    pub ends_grants: bool,
    /// When connector or app were deleted.
    pub began_at: Timestamp,
    /// Where it goes on; `None` from the beginning.
    pub from: Option<Cursor>,
    /// When it goes on. Whoever works moves it ahead first.
    pub due_at: Timestamp,
}

impl Sweeps {
    /// Sweeps in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Begins a sweep, or begins it anew.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn begin(&self, sweep: &Sweep) -> Result<(), StoreError> {
        endings::put(&self.0, item(sweep)).await
    }

    /// Leaves the rest for later, from `from` on, unless the sweep was begun anew.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(&self, sweep: &Sweep, from: Option<&Cursor>, due_at: Timestamp) -> Result<Write, StoreError> {
        let from = text(&from.map(Cursor::to_text).unwrap_or_default());
        let set = (", swept_to = :from", ":from", from);
        endings::put_off(&self.0, &sweep.key(), sweep.due_at, due_at, Some(set)).await
    }

    /// Lets go of a sweep that is done, unless it was begun anew; and of the connector's turns. Another sweep of it that is
    /// still at it begins its turns anew.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn finish(&self, sweep: &Sweep) -> Result<(), StoreError> {
        endings::finish(&self.0, &sweep.key(), sweep.due_at).await?;
        self.end_turns(&sweep.connector).await
    }

    /// Lets go of a connector's turns.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn end_turns(&self, connector: &ConnectorId) -> Result<(), StoreError> {
        self.0.delete(&pk(connector), PACE).await.map(|_| ())
    }

    /// Takes the turn that begins now, if no other sweep of the connector has taken it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn take_turn(&self, connector: &ConnectorId, now: Timestamp) -> Result<bool, StoreError> {
        let over = now.checked_sub(TURN).unwrap_or(now);
        let request = self.0.client.update_item().table_name(&self.0.name);
        let request = request
            .set_key(Some(key(&pk(connector), PACE)))
            .update_expression("SET began_at = :now, v = :layout")
            .condition_expression("attribute_not_exists(began_at) OR began_at <= :over")
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":layout", number(LAYOUT))
            .expression_attribute_values(":over", time(over));
        Ok(written(request.send().await)? == Write::Done)
    }
}

impl Sweep {
    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        let extent = self.app.as_ref().map_or("", AppId::as_str);
        ItemKey { pk: pk(&self.connector), sk: format!("{PREFIX}{extent}") }
    }
}

fn pk(connector: &ConnectorId) -> String {
    format!("SWEEP#{connector}")
}

fn item(sweep: &Sweep) -> NewItem {
    let due = sweep.key();
    endings::item(&due, &due_shard_of(&due), sweep.due_at)
        .text(name::WORKSPACE, sweep.workspace.as_str())
        .text(name::CONNECTOR, sweep.connector.as_str())
        .maybe(sweep.app.as_ref(), |item, app| item.text(name::APP, app.as_str()))
        .flag(name::ENDS_GRANTS, sweep.ends_grants)
        .time(name::BEGAN_AT, sweep.began_at)
        .maybe(sweep.from.as_ref(), |item, from| item.text(name::SWEPT_TO, &from.to_text()))
}

pub(super) fn read(row: &Row) -> Result<Sweep, StoreError> {
    Ok(Sweep {
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        connector: row.parsed(name::CONNECTOR, ConnectorId::parse)?,
        app: match row.find_text(name::APP)? {
            None => None,
            Some(app) => Some(AppId::parse(app).map_err(|_| StoreError::Unreadable(name::APP))?),
        },
        ends_grants: row.flag(name::ENDS_GRANTS)?,
        began_at: row.time(name::BEGAN_AT)?,
        from: match row.find_text(name::SWEPT_TO)?.filter(|from| !from.is_empty()) {
            None => None,
            Some(from) => Some(Cursor::parse(from).ok_or(StoreError::Unreadable(name::SWEPT_TO))?),
        },
        due_at: row.time(name::DUE_AT)?,
    })
}
