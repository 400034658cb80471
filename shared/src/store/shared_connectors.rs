//! Which connectors a workspace shares, by the type of their provider: an app that asks for a token by type has it found
//! without every connector being read. Each entry is written and removed together with its connector.

use aws_sdk_dynamodb::Client;

use super::{
    error::StoreError,
    row::{NewItem, name},
    table::{Table, TableNames},
    workspaces::pk,
};
use crate::domain::{
    connector::{Connector, ConnectorKind},
    ids::{ConnectorId, WorkspaceId},
    provider::ProviderType,
};

/// Entries in the registry.
#[derive(Debug, Clone)]
pub struct SharedConnectors(Table);

impl SharedConnectors {
    /// Entries in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.registry))
    }

    /// The connectors of this type that the workspace shares, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_type(
        &self,
        workspace: &WorkspaceId,
        provider: &ProviderType,
    ) -> Result<Vec<ConnectorId>, StoreError> {
        let rows = self.0.query_all(&pk(workspace), &prefix(provider)).await?;
        let entry = |row| -> Result<_, StoreError> {
            let row: &super::row::Row = row;
            Ok((row.time(name::CREATED_AT)?, row.parsed(name::CONNECTOR, ConnectorId::parse)?))
        };
        let mut entries = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        entries.sort();
        Ok(entries.into_iter().map(|(_, id)| id).collect())
    }
}

fn prefix(provider: &ProviderType) -> String {
    format!("SHARED#{provider}#")
}

/// The sort key of a connector's entry; none if users connect through it.
pub(super) fn sk(connector: &Connector) -> Option<String> {
    match connector.kind {
        ConnectorKind::PerUser => None,
        ConnectorKind::Shared => Some(format!("{}{}", prefix(&connector.provider), connector.id)),
    }
}

/// A connector's entry; none if users connect through it.
pub(super) fn item(connector: &Connector) -> Option<NewItem> {
    let item = NewItem::at(&pk(&connector.workspace), &sk(connector)?);
    Some(item.text(name::CONNECTOR, connector.id.as_str()).time(name::CREATED_AT, connector.created_at))
}
