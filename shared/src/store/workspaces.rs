//! Workspaces.

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;

use super::{
    error::{StoreError, Write, written},
    row::{NewItem, Row, name, time},
    table::{Table, TableNames, key},
};
use crate::domain::{
    ids::WorkspaceId,
    workspace::{DisplayName, Workspace},
};

/// The partition key of everything that a workspace owns in the registry.
pub(super) fn pk(workspace: &WorkspaceId) -> String {
    format!("WS#{workspace}")
}

const META: &str = "META";

/// Workspaces in the registry.
#[derive(Debug, Clone)]
pub struct Workspaces(Table);

impl Workspaces {
    /// Workspaces in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.registry))
    }

    /// Stores a new workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, workspace: &Workspace) -> Result<Write, StoreError> {
        let item = NewItem::at(&pk(&workspace.id), META)
            .text(name::WORKSPACE, workspace.id.as_str())
            .text(name::TITLE, workspace.name.as_str())
            .time(name::CREATED_AT, workspace.created_at);
        self.0.put_new(item).await
    }

    /// The workspace of this id, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.0.find(&pk(id), META).await?.map(|row| read(&row)).transpose()
    }

    /// Marks a workspace as deleted; [`Write::Conflict`] if there is none, or it was marked before.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn mark_deleted(&self, id: &WorkspaceId, now: Timestamp) -> Result<Write, StoreError> {
        let request = self.0.client.update_item().table_name(&self.0.name).set_key(Some(key(&pk(id), META)));
        let request = request
            .update_expression("SET deleted_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(deleted_at)")
            .expression_attribute_values(":now", time(now));
        written(request.send().await)
    }

    /// Removes everything that stands under a workspace in the registry, and the workspace itself last.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; what is left then can be removed by asking again.
    pub async fn remove_all(&self, id: &WorkspaceId) -> Result<(), StoreError> {
        let pk = pk(id);
        for sk in self.0.sort_keys(&pk).await?.iter().filter(|sk| *sk != META) {
            self.0.delete(&pk, sk).await?;
        }
        self.0.delete(&pk, META).await.map(|_| ())
    }
}

fn read(row: &Row) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        name: row.parsed(name::TITLE, DisplayName::parse)?,
        created_at: row.time(name::CREATED_AT)?,
        deleted_at: row.find_time(name::DELETED_AT)?,
    })
}
