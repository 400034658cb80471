//! Notes that a user was forgotten: for as long as a session that began before may still come back, it must not become
//! a connection.

use std::slice;

use aws_sdk_dynamodb::{
    Client,
    types::{ConditionCheck, TransactWriteItem},
};
use jiff::Timestamp;

use super::{
    connections::{due_shard_of, pk},
    endings,
    error::StoreError,
    row::{Row, name, time},
    table::{ItemKey, Table, TableNames, key},
    transaction::putting,
};
use crate::domain::{notice::Notice, user::User};

/// The sort key of every note.
pub(super) const SK: &str = "ENDED#USER";

/// Notes in the table of connections.
#[derive(Debug, Clone)]
pub struct ForgottenUsers(Table);

/// A note that no session waits for any more.
#[derive(Debug)]
pub struct Forgotten {
    due: ItemKey,
    due_at: Timestamp,
}

impl ForgottenUsers {
    /// Notes in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Notes that a user was forgotten at `now`; `until` is when no session is left that began before.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note(&self, user: &User, now: Timestamp, until: Timestamp, told: &Notice) -> Result<(), StoreError> {
        let due = ItemKey { pk: pk(user), sk: SK.to_owned() };
        let item = endings::item(&due, &due_shard_of(&due), until).time(name::FORGOTTEN_AT, now);
        let parts = vec![putting(self.0.put(item))?];
        self.0.write_told(parts, &self.0.name, slice::from_ref(told)).await.map(|_| ())
    }

    /// Lets go of a note.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn let_go(&self, forgotten: &Forgotten) -> Result<(), StoreError> {
        endings::finish(&self.0, &forgotten.due, forgotten.due_at).await.map(|_| ())
    }
}

pub(super) fn read(row: &Row) -> Result<Forgotten, StoreError> {
    let due = ItemKey { pk: row.text(name::PK)?.to_owned(), sk: SK.to_owned() };
    Ok(Forgotten { due, due_at: row.time(name::DUE_AT)? })
}

/// The part of a transaction that refuses it if the user was forgotten after `began_at`.
pub(super) fn not_forgotten_since(
    table: &str,
    user: &User,
    began_at: Timestamp,
) -> Result<TransactWriteItem, StoreError> {
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key(&pk(user), SK)))
        .condition_expression("attribute_not_exists(forgotten_at) OR forgotten_at < :began")
        .expression_attribute_values(":began", time(began_at))
        .build();
    let check = check.map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}
