//! Purges: what is left of deleted workspaces.

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;

use super::{
    connections::due_shard_of,
    endings,
    error::{StoreError, Write},
    row::{Row, name},
    table::{ItemKey, Table, TableNames},
    workspaces::pk,
};
use crate::domain::ids::WorkspaceId;

/// The sort key of every purge.
pub(super) const SK: &str = "ENDED#WORKSPACE";

/// Purges in the table of connections.
#[derive(Debug, Clone)]
pub struct Purges(Table);

/// The purge of one workspace.
#[derive(Debug, Clone)]
pub struct Purge {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// When it was deleted.
    pub began_at: Timestamp,
    /// When the purge goes on. Whoever works moves it ahead first.
    pub due_at: Timestamp,
}

impl Purges {
    /// Purges in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Begins a purge, or begins it anew.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn begin(&self, purge: &Purge) -> Result<(), StoreError> {
        let due = purge.key();
        let item = endings::item(&due, &due_shard_of(&due), purge.due_at)
            .text(name::WORKSPACE, purge.workspace.as_str())
            .time(name::BEGAN_AT, purge.began_at);
        endings::put(&self.0, item).await
    }

    /// Leaves the rest for later, unless the purge was begun anew.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(&self, purge: &Purge, due_at: Timestamp) -> Result<Write, StoreError> {
        endings::put_off(&self.0, &purge.key(), purge.due_at, due_at, None).await
    }

    /// Lets go of a purge that is done.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn finish(&self, purge: &Purge) -> Result<(), StoreError> {
        endings::finish(&self.0, &purge.key(), purge.due_at).await.map(|_| ())
    }
}

impl Purge {
    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        ItemKey { pk: pk(&self.workspace), sk: SK.to_owned() }
    }
}

pub(super) fn read(row: &Row) -> Result<Purge, StoreError> {
    Ok(Purge {
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        began_at: row.time(name::BEGAN_AT)?,
        due_at: row.time(name::DUE_AT)?,
    })
}
