//! Workspaces.

use aws_sdk_dynamodb::Client;

use super::{
    error::{StoreError, Write},
    row::{NewItem, Row, name},
    table::{Table, TableNames},
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
}

fn read(row: &Row) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        name: row.parsed(name::TITLE, DisplayName::parse)?,
        created_at: row.time(name::CREATED_AT)?,
    })
}
