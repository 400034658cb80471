//! Connections whose time to be refreshed ahead has come.

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;

use super::{
    error::{StoreError, failed},
    row::{name, text, time},
    schema::DUE_INDEX,
    table::{Table, TableNames},
};

/// The index of due connections.
#[derive(Debug, Clone)]
pub struct DueIndex(Table);

/// A connection that was due when it was looked up. Nothing in it is secret, and it gives no right to anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The partition key of the connection's item.
    pub pk: String,
    /// The sort key of the connection's item.
    pub sk: String,
}

impl DueIndex {
    /// The index in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Up to `limit` connections of one shard that are due at `now`, the longest due first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn of_shard(&self, shard: u16, now: Timestamp, limit: i32) -> Result<Vec<Due>, StoreError> {
        let request = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .index_name(DUE_INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(&format!("DUE#{shard}")))
            .expression_attribute_values(":now", time(now))
            .limit(limit);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let entry = |item: super::row::Item| {
            let part = |name: &str| item.get(name)?.as_s().ok().cloned();
            Some(Due { pk: part(name::PK)?, sk: part(name::SK)? })
        };
        answer
            .items
            .unwrap_or_default()
            .into_iter()
            .map(entry)
            .collect::<Option<_>>()
            .ok_or(StoreError::Unreadable(DUE_INDEX))
    }
}
