//! The public keys of connectors, for providers that fetch them: found by the connector's id alone, and nothing else is in
//! them.

use aws_sdk_dynamodb::{Client, types::Put};

use super::{
    error::StoreError,
    row::{Item, NewItem, name},
    table::{Table, TableNames},
};
use crate::domain::{
    client_key::{ClientKey, PublicKey},
    ids::ConnectorId,
};

const SK: &str = "CLIENT_KEYS";

/// Public keys of connectors in the registry. Written and removed with the connector: see [`super::Connectors`].
#[derive(Debug, Clone)]
pub struct ClientKeys(Table);

impl ClientKeys {
    /// Public keys in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.registry))
    }

    /// The public keys of this connector, the present one first; none if it has none, or there is no such connector.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn of_connector(&self, id: &ConnectorId) -> Result<Vec<PublicKey>, StoreError> {
        let Some(row) = self.0.find(&pk(id), SK).await? else { return Ok(Vec::new()) };
        let keys = row.texts(name::PUBLIC_KEYS)?.into_iter().map(PublicKey::parse).collect::<Result<_, _>>();
        keys.map_err(|_| StoreError::Unreadable(name::PUBLIC_KEYS))
    }
}

/// The item of a connector's public keys, to be stored together with the connector.
pub(super) fn put(table: &Table, id: &ConnectorId, key: &ClientKey) -> Result<Put, StoreError> {
    let put = Put::builder().table_name(&table.name).set_item(Some(item(id, key)));
    put.build().map_err(|_| StoreError::Refused("incomplete request".to_owned()))
}

/// Removes them.
pub(super) async fn delete(table: &Table, id: &ConnectorId) -> Result<(), StoreError> {
    table.delete(&pk(id), SK).await.map(|_| ())
}

fn item(id: &ConnectorId, key: &ClientKey) -> Item {
    let keys: Vec<String> = key.public_keys().map(PublicKey::to_text).collect();
    NewItem::at(&pk(id), SK).texts(name::PUBLIC_KEYS, keys.iter().map(String::as_str)).into_item()
}

fn pk(id: &ConnectorId) -> String {
    format!("CONNECTOR#{id}")
}
