//! Connections: reading them, listing them, ending them. Making one is `completion`, refreshing one is `leases`.

mod index;
mod item;
mod keys;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, TransactWriteItem},
};

use self::{index::is_connection, keys::PREFIX};
pub(super) use self::{
    item::read,
    keys::{connector_shard, due_shard, due_shard_of, key_of, partition, pk, placed, primary_key, read_place, sk},
};
use super::{
    connection_counts::count_one_less,
    error::{StoreError, Write, failed},
    outbox::told_with,
    row::{Row, number},
    table::{Cursor, ItemKey, Table, TableNames},
};
use crate::domain::{
    connection::Connection,
    ids::{AppId, ConnectorId},
    notice::Notice,
    user::{ConnectionKey, User},
};

/// Connections in their table.
#[derive(Debug, Clone)]
pub struct Connections(Table);

/// One page of a connector's connections.
#[derive(Debug)]
pub struct ConnectionPage {
    /// The connections.
    pub connections: Vec<Connection>,
    /// How many more cannot be read. They are left as they are, and hide no other.
    pub unreadable: usize,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Connections {
    /// Connections in the deployment's table.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// The connection at this place, as it is now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, place: &ConnectionKey) -> Result<Option<Connection>, StoreError> {
        self.0.find(&partition(place), &sk(&place.connector)).await?.map(|row| read(&row)).transpose()
    }

    /// All connections of a user.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_user(&self, user: &User) -> Result<Vec<Connection>, StoreError> {
        self.0.query_all(&pk(user), PREFIX).await?.iter().map(read).collect()
    }

    /// All connections of the owner of this one that can be read.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn readable_beside(&self, place: &ConnectionKey) -> Result<Vec<Connection>, StoreError> {
        let (rows, _) = self.0.query_known(&partition(place), PREFIX).await?;
        Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
    }

    /// All connections of a user that can be read, and how many can't be.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn readable_of_user(&self, user: &User) -> Result<(Vec<Connection>, usize), StoreError> {
        let (rows, unknown) = self.0.query_known(&pk(user), PREFIX).await?;
        let connections: Vec<Connection> = rows.iter().filter_map(|row| read(row).ok()).collect();
        let unreadable = unknown + rows.len() - connections.len();
        Ok((connections, unreadable))
    }

    /// The connectors through which a user has a connection, whether or not it can be read.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn connectors_of_user(&self, user: &User) -> Result<Vec<ConnectorId>, StoreError> {
        let keys = self.0.sort_keys(&pk(user)).await?;
        Ok(keys.iter().filter_map(|sk| ConnectorId::parse(sk.strip_prefix(PREFIX)?).ok()).collect())
    }

    /// Up to `limit` connections of a connector, those of one app only if asked.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn of_connector(
        &self,
        connector: &ConnectorId,
        app: Option<&AppId>,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<ConnectionPage, StoreError> {
        let (entries, next) = self.entries(connector, app, from, limit, is_connection).await?;
        let items = self.items(&entries).await?;
        let all = items.len();
        let mut connections: Vec<Connection> =
            items.into_iter().filter_map(|item| read(&Row::read(item).ok()?).ok()).collect();
        connections.sort_by_key(|connection| partition(&connection.key));
        Ok(ConnectionPage { unreadable: all - connections.len(), connections, next })
    }

    /// Removes a connection without ending its grant, if its tokens are still those that were read. `drawn` by lot decides
    /// where it is counted out.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn remove(&self, connection: &Connection, told: &Notice, drawn: u64) -> Result<Write, StoreError> {
        let mut request = self.0.client.transact_write_items().transact_items(told_with(&self.0.name, told)?);
        for part in gone(&self.0.name, connection, drawn)? {
            request = request.transact_items(part);
        }
        match request.send().await {
            Ok(_) => Ok(Write::Done),
            Err(error) if is_contended(&error) => Ok(Write::Conflict),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Removes what an entry of an index names, whatever it is.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn remove_entry(&self, entry: &ItemKey) -> Result<(), StoreError> {
        self.0.delete(&entry.pk, &entry.sk).await.map(|_| ())
    }
}

/// A connection's end as parts of a transaction: it goes, if its tokens are still those that were read, and is counted out.
/// One that was read before it was counted is read again: else nobody would count it out.
pub(super) fn gone(
    connections: &str,
    connection: &Connection,
    drawn: u64,
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let unchanged = if connection.counted { "ver = :ver" } else { "ver = :ver AND attribute_not_exists(counted)" };
    let delete = Delete::builder()
        .table_name(connections)
        .set_key(Some(key_of(&connection.key)))
        .condition_expression(unchanged)
        .expression_attribute_values(":ver", number(connection.version))
        .build()
        .map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    let mut parts = vec![TransactWriteItem::builder().delete(delete).build()];
    if connection.counted {
        parts.push(count_one_less(connections, &connection.key.workspace, drawn)?);
    }
    Ok(parts)
}

/// Somebody else wrote the connection first, or is writing it, or counting, in this moment.
pub(super) fn is_contended<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    let is_contention = |code| matches!(code, Some("ConditionalCheckFailed" | "TransactionConflict"));
    cancelled.cancellation_reasons().iter().any(|reason| is_contention(reason.code()))
}
