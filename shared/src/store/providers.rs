//! Providers that a workspace defined itself.

use std::slice;

use aws_sdk_dynamodb::{Client, types::TransactWriteItem};

use super::{
    error::{StoreError, Write},
    row::{NewItem, Row, name, text},
    table::{Table, TableNames},
    transaction::putting,
    workspaces::pk,
};
use crate::domain::{
    ids::WorkspaceId,
    notice::Notice,
    provider::{Provider, ProviderType},
};

const PREFIX: &str = "PROVIDER#";

/// Providers of workspaces, in the registry.
#[derive(Debug, Clone)]
pub struct CustomProviders {
    registry: Table,
    /// The table where it stands what is to be noted of providers.
    connections: String,
}

impl CustomProviders {
    /// Providers in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// The workspace's own provider of this type, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, id: &ProviderType) -> Result<Option<Provider>, StoreError> {
        self.registry.find(&pk(workspace), &sk(id)).await?.map(|row| read(&row)).transpose()
    }

    /// All providers that the workspace defined.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<Provider>, StoreError> {
        self.registry.query_all(&pk(workspace), PREFIX).await?.iter().map(read).collect()
    }

    /// Stores a new provider; [`Write::Conflict`] if the workspace has one of this type.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(
        &self,
        workspace: &WorkspaceId,
        provider: &Provider,
        told: &Notice,
    ) -> Result<Write, StoreError> {
        let profile = serde_json::to_string(provider).map_err(|_| StoreError::Unreadable(name::PROFILE))?;
        let item = NewItem::at(&pk(workspace), &sk(&provider.id)).text(name::PROFILE, &profile);
        self.write(self.registry.putting_new(item)?, told).await
    }

    /// Stores a changed provider, if it is still as it was `earlier`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace(
        &self,
        workspace: &WorkspaceId,
        earlier: &Provider,
        changed: &Provider,
        told: &Notice,
    ) -> Result<Write, StoreError> {
        let profile = |provider| serde_json::to_string(provider).map_err(|_| StoreError::Unreadable(name::PROFILE));
        let item = NewItem::at(&pk(workspace), &sk(&changed.id)).text(name::PROFILE, &profile(changed)?);
        let put = self
            .registry
            .put(item)
            .condition_expression("profile = :earlier")
            .expression_attribute_values(":earlier", text(&profile(earlier)?));
        self.write(putting(put)?, told).await
    }

    /// Removes a provider. Connectors that were made with it keep the profile they were made with.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn delete(&self, workspace: &WorkspaceId, id: &ProviderType, told: &Notice) -> Result<Write, StoreError> {
        self.write(self.registry.deleting(&pk(workspace), &sk(id))?, told).await
    }

    async fn write(&self, part: TransactWriteItem, told: &Notice) -> Result<Write, StoreError> {
        self.registry.write_told(vec![part], &self.connections, slice::from_ref(told)).await
    }
}

fn sk(id: &ProviderType) -> String {
    format!("{PREFIX}{id}")
}

fn read(row: &Row) -> Result<Provider, StoreError> {
    serde_json::from_str(row.text(name::PROFILE)?).map_err(|_| StoreError::Unreadable(name::PROFILE))
}
