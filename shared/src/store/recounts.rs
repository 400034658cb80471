//! Counting the connections that a workspace had before connections were counted. Each is marked as counted in the transaction
//! that counts it, so that none is counted twice, however often this is begun, and whoever ends one knows to count it out.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TransactWriteItem, Update},
};
use jiff::Timestamp;

use super::{
    completion::failing,
    connection_counts::{count_so_many_more, pk},
    connections::{due_shard_of, key_of},
    endings,
    error::{StoreError, Write, failed},
    row::{NewItem, Row, name, text},
    table::{Cursor, ItemKey, Table, TableNames},
};
use crate::domain::{ids::WorkspaceId, user::ConnectionKey};

/// The sort key of every one of them.
pub(super) const SK: &str = "ENDED#COUNT";

/// Recounts in their table.
#[derive(Debug, Clone)]
pub struct Recounts(Table);

/// One workspace's connections, on the way to be counted.
#[derive(Debug, Clone)]
pub struct Recount {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Where it goes on; `None` from the beginning.
    pub from: Option<Cursor>,
    /// When it goes on. Whoever works moves it ahead first.
    pub due_at: Timestamp,
}

/// What became of connections that were to be counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// They are counted.
    All,
    /// None is: one of them is counted already, or gone.
    None,
}

impl Recount {
    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        ItemKey { pk: pk(&self.workspace), sk: SK.to_owned() }
    }
}

impl Recounts {
    /// Recounts in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Begins one; [`Write::Conflict`] if one is under way.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn begin(&self, recount: &Recount) -> Result<Write, StoreError> {
        self.0.put_new(item(recount)).await
    }

    /// Leaves the rest for later, from `from` on.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(
        &self,
        recount: &Recount,
        from: Option<&Cursor>,
        due_at: Timestamp,
    ) -> Result<Write, StoreError> {
        let from = text(&from.map(Cursor::to_text).unwrap_or_default());
        let set = (", swept_to = :from", ":from", from);
        endings::put_off(&self.0, &recount.key(), recount.due_at, due_at, Some(set)).await
    }

    /// Lets go of one that is done.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn finish(&self, recount: &Recount) -> Result<(), StoreError> {
        endings::finish(&self.0, &recount.key(), recount.due_at).await.map(|_| ())
    }

    /// Counts connections that are there and not counted, at most ninety-nine, all of them or none.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or somebody else writes one of them in this moment.
    pub async fn take_in(&self, workspace: &WorkspaceId, places: &[&ConnectionKey]) -> Result<Taken, StoreError> {
        let count = count_so_many_more(&self.0.name, workspace, places.len())?;
        let mut request = self.0.client.transact_write_items().transact_items(count);
        for place in places {
            let mark = Update::builder()
                .table_name(&self.0.name)
                .set_key(Some(key_of(place)))
                .update_expression("SET counted = :yes")
                .condition_expression("attribute_exists(ver) AND attribute_not_exists(counted)")
                .expression_attribute_values(":yes", AttributeValue::Bool(true));
            let mark = mark.build().map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
            request = request.transact_items(TransactWriteItem::builder().update(mark).build());
        }
        match request.send().await {
            Ok(_) => Ok(Taken::All),
            Err(error) if error.as_service_error().is_some_and(|error| failing(error).is_some()) => Ok(Taken::None),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn item(recount: &Recount) -> NewItem {
    let due = recount.key();
    endings::item(&due, &due_shard_of(&due), recount.due_at)
        .text(name::WORKSPACE, recount.workspace.as_str())
        .maybe(recount.from.as_ref(), |item, from| item.text(name::SWEPT_TO, &from.to_text()))
}

pub(super) fn read(row: &Row) -> Result<Recount, StoreError> {
    Ok(Recount {
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        from: match row.find_text(name::SWEPT_TO)?.filter(|from| !from.is_empty()) {
            None => None,
            Some(from) => Some(Cursor::parse(from).ok_or(StoreError::Unreadable(name::SWEPT_TO))?),
        },
        due_at: row.time(name::DUE_AT)?,
    })
}
