//! The wrapped data keys of workspaces, one per generation.

use aws_sdk_dynamodb::Client;

use super::{
    error::{StoreError, Write, failed},
    row::{NewItem, Row, name, text},
    table::{Table, TableNames},
    workspaces::pk,
};
use crate::domain::ids::WorkspaceId;

const PREFIX: &str = "KEY#";

/// A workspace's data key, as only the key service can open it.
#[derive(Debug, Clone)]
pub struct WrappedKey {
    /// Which of the workspace's keys it is, from 1.
    pub generation: u32,
    /// What the key service wrapped.
    pub ciphertext: Vec<u8>,
}

/// Wrapped keys in the registry.
#[derive(Debug, Clone)]
pub struct WorkspaceKeys(Table);

impl WorkspaceKeys {
    /// Wrapped keys in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.registry))
    }

    /// Stores a new generation's key.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, workspace: &WorkspaceId, key: &WrappedKey) -> Result<Write, StoreError> {
        let item = NewItem::at(&pk(workspace), &sk(key.generation))
            .number(name::GENERATION, key.generation)
            .bytes(name::WRAPPED_KEY, &key.ciphertext);
        self.0.put_new(item).await
    }

    /// The key of one generation.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, generation: u32) -> Result<Option<WrappedKey>, StoreError> {
        self.0.find(&pk(workspace), &sk(generation)).await?.map(|row| read(&row)).transpose()
    }

    /// The key of the newest generation: the one that seals.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn newest(&self, workspace: &WorkspaceId) -> Result<Option<WrappedKey>, StoreError> {
        let request = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(&pk(workspace)))
            .expression_attribute_values(":prefix", text(PREFIX))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        answer.items.unwrap_or_default().pop().map(|item| read(&Row::read(item)?)).transpose()
    }

    /// Removes the keys of all generations: whatever was sealed under them can be opened by nobody any more.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; what is left then can be removed by asking again.
    pub async fn delete_all(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        let pk = pk(workspace);
        for sk in self.0.sort_keys(&pk).await?.iter().filter(|sk| sk.starts_with(PREFIX)) {
            self.0.delete(&pk, sk).await?;
        }
        Ok(())
    }
}

/// Padded, so that the order of texts is the order of numbers.
fn sk(generation: u32) -> String {
    format!("{PREFIX}{generation:010}")
}

fn read(row: &Row) -> Result<WrappedKey, StoreError> {
    Ok(WrappedKey {
        generation: row.number(name::GENERATION)?,
        ciphertext: row.find_bytes(name::WRAPPED_KEY)?.ok_or(StoreError::Unreadable(name::WRAPPED_KEY))?.to_vec(),
    })
}
