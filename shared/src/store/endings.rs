//! What is left to be done after something ended: grants to revoke, connections to sweep, workspaces to purge; and, in the
//! same turns, connections to count.
//!
//! Each is an item of its own in the table of connections and stands in the index of due ones until it is done, so that
//! nothing is forgotten when a message is lost or whoever was at it died. A message is a reminder only: whoever takes
//! one claims the item first, by moving its due time ahead, and a second reminder finds nothing due.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue},
};
use jiff::Timestamp;

use super::{
    ended_grants,
    ended_imports::{self, EndedImport},
    error::{StoreError, Write, failed, written},
    forgotten_users::{self, Forgotten},
    mass_revocations::{self, HeldRevocation},
    purges::{self, Purge},
    recounts::{self, Recount},
    row::{NewItem, Row, name, number, time},
    sweeps::{self, Sweep},
    table::{ItemKey, Table, TableNames, key},
};
use crate::domain::ended::EndedGrant;

/// What the sort key of every one of them begins with.
pub(super) const ENDED_PREFIX: &str = "ENDED#";

/// Everything that is left to be done after something ended.
#[derive(Debug, Clone)]
pub struct Endings(Table);

/// One thing that is left to be done, and that whoever holds this may do now.
#[derive(Debug)]
pub enum Ending {
    /// End a grant at its provider.
    Grant(Box<EndedGrant>),
    /// End the connections of a deleted connector or app.
    Sweep(Sweep),
    /// End the connections that somebody wants ended all at once, or let go of the report on it.
    Mass(Box<HeldRevocation>),
    /// Let go of the note that a user was forgotten.
    Forgotten(Forgotten),
    /// Let go of the note that an imported grant has ended.
    Import(EndedImport),
    /// Count the connections of a workspace that were there before they were counted. It hangs here because it goes on in
    /// turns as the others do.
    Recount(Recount),
    /// Remove what is left of a deleted workspace.
    Purge(Purge),
}

impl Endings {
    /// What is left to be done in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Takes what a reminder names, if it is due: until `until` it is due for nobody else.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn claim(&self, due: &ItemKey, now: Timestamp, until: Timestamp) -> Result<Option<Ending>, StoreError> {
        claim(&self.0, due, now, until).await?.map(|row| read(&due.sk, &row)).transpose()
    }
}

/// Takes an item, if it is due: until `until` it is due for nobody else.
pub(super) async fn claim(
    table: &Table,
    due: &ItemKey,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Row>, StoreError> {
    let request = update(table, &due.pk, &due.sk)
        .update_expression("SET due_at = :until, tries = if_not_exists(tries, :none) + :one")
        .condition_expression("due_at <= :now")
        .expression_attribute_values(":until", time(until))
        .expression_attribute_values(":now", time(now))
        .expression_attribute_values(":none", number(0))
        .expression_attribute_values(":one", number(1))
        .return_values(ReturnValue::AllNew);
    match request.send().await {
        Ok(answer) => {
            let item = answer.attributes.ok_or(StoreError::Unreadable("no attributes returned"))?;
            Row::read(item).map(Some)
        }
        Err(error) if is_not_due(&error) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

fn is_not_due<R>(error: &SdkError<UpdateItemError, R>) -> bool {
    error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception)
}

fn read(sk: &str, row: &Row) -> Result<Ending, StoreError> {
    match sk {
        forgotten_users::SK => forgotten_users::read(row).map(Ending::Forgotten),
        ended_imports::SK => ended_imports::read(row).map(Ending::Import),
        purges::SK => purges::read(row).map(Ending::Purge),
        recounts::SK => recounts::read(row).map(Ending::Recount),
        sk if sk.starts_with(mass_revocations::PREFIX) => {
            mass_revocations::read(row).map(|held| Ending::Mass(Box::new(held)))
        }
        sk if sk.starts_with(sweeps::PREFIX) => sweeps::read(row).map(Ending::Sweep),
        _ => ended_grants::read(row).map(|grant| Ending::Grant(Box::new(grant))),
    }
}

/// Lets go of a claimed item until `due_at`, with more to be set (an update expression, and its values).
pub(super) async fn put_off(
    table: &Table,
    due: &ItemKey,
    held: Timestamp,
    due_at: Timestamp,
    more: Option<(&str, &str, AttributeValue)>,
) -> Result<Write, StoreError> {
    let set = "SET due_at = :due";
    let mut request = update(table, &due.pk, &due.sk).condition_expression("due_at = :held");
    request = match more {
        None => request.update_expression(set),
        Some((expression, placeholder, value)) => {
            request.update_expression(format!("{set}{expression}")).expression_attribute_values(placeholder, value)
        }
    };
    let request = request.expression_attribute_values(":due", time(due_at));
    written(request.expression_attribute_values(":held", time(held)).send().await)
}

/// Removes a claimed item, unless it was begun anew in the meantime.
pub(super) async fn finish(table: &Table, due: &ItemKey, held: Timestamp) -> Result<Write, StoreError> {
    let request = table.client.delete_item().table_name(&table.name).set_key(Some(key(&due.pk, &due.sk)));
    let request = request.condition_expression("due_at = :held").expression_attribute_values(":held", time(held));
    written(request.send().await)
}

/// Stores an item whether there is one or not.
pub(super) async fn put(table: &Table, item: NewItem) -> Result<(), StoreError> {
    let request = table.client.put_item().table_name(&table.name).set_item(Some(item.into_item()));
    request.send().await.map(|_| ()).map_err(|error| failed(&error))
}

/// An item that is due from this moment, in this shard of the index.
pub(super) fn item(due: &ItemKey, shard: &str, due_at: Timestamp) -> NewItem {
    NewItem::at(&due.pk, &due.sk).text(name::DUE_SHARD, shard).time(name::DUE_AT, due_at)
}

fn update(table: &Table, pk: &str, sk: &str) -> UpdateItemFluentBuilder {
    table.client.update_item().table_name(&table.name).set_key(Some(key(pk, sk)))
}
