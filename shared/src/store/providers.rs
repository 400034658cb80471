//! Providers that a workspace defined itself.

use aws_sdk_dynamodb::Client;

use super::{
    error::{StoreError, Write, written},
    row::{NewItem, Row, name, text},
    table::{Table, TableNames},
    workspaces::pk,
};
use crate::domain::{
    ids::WorkspaceId,
    provider::{Provider, ProviderType},
};

const PREFIX: &str = "PROVIDER#";

/// Providers of workspaces, in the registry.
#[derive(Debug, Clone)]
pub struct CustomProviders(Table);

impl CustomProviders {
    /// Providers in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.registry))
    }

    /// The workspace's own provider of this type, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, id: &ProviderType) -> Result<Option<Provider>, StoreError> {
        self.0.find(&pk(workspace), &sk(id)).await?.map(|row| read(&row)).transpose()
    }

    /// All providers that the workspace defined.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<Provider>, StoreError> {
        self.0.query_all(&pk(workspace), PREFIX).await?.iter().map(read).collect()
    }

    /// Stores a new provider; [`Write::Conflict`] if the workspace has one of this type.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, workspace: &WorkspaceId, provider: &Provider) -> Result<Write, StoreError> {
        let profile = serde_json::to_string(provider).map_err(|_| StoreError::Unreadable(name::PROFILE))?;
        self.0.put_new(NewItem::at(&pk(workspace), &sk(&provider.id)).text(name::PROFILE, &profile)).await
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
    ) -> Result<Write, StoreError> {
        let profile = |provider| serde_json::to_string(provider).map_err(|_| StoreError::Unreadable(name::PROFILE));
        let item = NewItem::at(&pk(workspace), &sk(&changed.id)).text(name::PROFILE, &profile(changed)?);
        let request = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item.into_item()));
        let request = request
            .condition_expression("profile = :earlier")
            .expression_attribute_values(":earlier", text(&profile(earlier)?));
        written(request.send().await)
    }

    /// Removes a provider. Connectors that were made with it keep the profile they were made with.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn delete(&self, workspace: &WorkspaceId, id: &ProviderType) -> Result<Write, StoreError> {
        self.0.delete(&pk(workspace), &sk(id)).await
    }
}

fn sk(id: &ProviderType) -> String {
    format!("{PREFIX}{id}")
}

fn read(row: &Row) -> Result<Provider, StoreError> {
    serde_json::from_str(row.text(name::PROFILE)?).map_err(|_| StoreError::Unreadable(name::PROFILE))
}
