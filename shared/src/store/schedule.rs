//! The schedule of connections: which are due, and every write that moves one within it or takes it out.

use aws_sdk_dynamodb::{
    Client,
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{TransactWriteItem, Update},
};
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    checkups::Checkups,
    connections::{due_shard, key_of, read},
    endings::ENDED_PREFIX,
    error::{StoreError, Write, failed, written},
    outbox::{OUTGOING_PREFIX, told_with},
    row::{Item, LAYOUT, Row, name, number, text, time},
    schema::DUE_INDEX,
    table::{Table, TableNames, key},
};
use crate::domain::{
    connection::{Connection, Quarantine},
    notice::Notice,
    user::ConnectionKey,
};

/// Two ends that are no further apart are the same.
const SAME_END: SignedDuration = SignedDuration::from_hours(1);

/// The schedule, in the deployment's table of connections.
#[derive(Debug, Clone)]
pub struct Schedule(Table);

/// Something that was due when it was looked up. Nothing in it is secret, and it gives no right to anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The partition key of the item.
    pub pk: String,
    /// The sort key of the item.
    pub sk: String,
    /// Since when it is due.
    pub since: Timestamp,
}

/// One page of what is due in a shard, the longest due first.
#[derive(Debug)]
pub struct DuePage {
    /// What is due.
    pub due: Vec<Due>,
    /// Where the next page begins, if there is one.
    pub next: Option<DueCursor>,
}

/// Where a shard's listing goes on.
#[derive(Debug, Clone)]
pub struct DueCursor(Item);

impl Due {
    /// Whether it is something that is left to be done after an end, and no connection.
    #[must_use]
    pub fn is_ended_grant(&self) -> bool {
        self.sk.starts_with(ENDED_PREFIX)
    }

    /// Whether it is something that others are to be told of, and no connection.
    #[must_use]
    pub fn is_outgoing(&self) -> bool {
        self.sk.starts_with(OUTGOING_PREFIX)
    }

    /// Whether it is a connector that is to be examined, and no connection.
    #[must_use]
    pub fn is_checkup(&self) -> bool {
        Checkups::is_key(&self.sk)
    }

    /// The connector, or the webhook, that it came through: what comes through one provider is paced together.
    #[must_use]
    pub fn connector(&self) -> &str {
        // Of what goes out, what stands before it: a delivery's partition is its webhook.
        let of = if self.is_outgoing() { &self.pk } else { &self.sk };
        of.split('#').nth(1).unwrap_or_default()
    }
}

impl Schedule {
    /// The schedule in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Up to `limit` items of one shard that are due at `now`, from behind `after`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn of_shard(
        &self,
        shard: u16,
        now: Timestamp,
        after: Option<DueCursor>,
        limit: i32,
    ) -> Result<DuePage, StoreError> {
        let request = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .index_name(DUE_INDEX)
            .key_condition_expression("due_shard = :shard AND due_at <= :now")
            .expression_attribute_values(":shard", text(&format!("DUE#{shard}")))
            .expression_attribute_values(":now", time(now))
            .set_exclusive_start_key(after.map(|cursor| cursor.0))
            .limit(limit);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let due = answer.items.unwrap_or_default().into_iter().map(entry).collect::<Option<_>>();
        Ok(DuePage {
            due: due.ok_or(StoreError::Unreadable(DUE_INDEX))?,
            next: answer.last_evaluated_key.map(DueCursor),
        })
    }

    /// The connection behind an entry of the index, as it is now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, pk: &str, sk: &str) -> Result<Option<Connection>, StoreError> {
        self.0.find(pk, sk).await?.map(|row| read(&row)).transpose()
    }

    /// Notes the day of use, if the connection is still there and has not been used that day; and if it was idle until
    /// then, that it is to be refreshed ahead of its end again: `due_at`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_use(
        &self,
        connection: &Connection,
        day: Date,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let mut set = "SET last_used_on = :day".to_owned();
        let mut condition =
            "attribute_exists(pk) AND (attribute_not_exists(last_used_on) OR last_used_on < :day)".to_owned();
        let mut request = self.update(&connection.key).expression_attribute_values(":day", text(&day.to_string()));
        if let Some(due_at) = due_at {
            set.push_str(", due_at = :due, due_shard = :shard");
            condition.push_str(" AND ver = :ver");
            request = request
                .expression_attribute_values(":due", time(due_at))
                .expression_attribute_values(":shard", text(&due_shard(&connection.key)))
                .expression_attribute_values(":ver", number(connection.version));
        }
        written(request.update_expression(set).condition_expression(condition).send().await).map(|_| ())
    }

    /// Puts a due connection off: nothing can be done with it before `until`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(&self, connection: &Connection, until: Timestamp) -> Result<(), StoreError> {
        let request = self
            .update(&connection.key)
            .update_expression("SET due_at = :until")
            .condition_expression("ver = :ver AND attribute_exists(due_shard)")
            .expression_attribute_values(":until", time(until))
            .expression_attribute_values(":ver", number(connection.version));
        written(request.send().await).map(|_| ())
    }

    /// Takes a connection out of the schedule: nothing can refresh it until its user connects again.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn remove(&self, connection: &Connection) -> Result<(), StoreError> {
        let request = self
            .update(&connection.key)
            .update_expression("REMOVE due_shard, due_at")
            .condition_expression("ver = :ver")
            .expression_attribute_values(":ver", number(connection.version));
        written(request.send().await).map(|_| ())
    }

    /// Takes a connection out of the schedule whose grant has ended by itself, and leaves what is told of that: once.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn remove_ended(&self, connection: &Connection, told: &Notice) -> Result<Write, StoreError> {
        let condition = "ver = :ver AND attribute_exists(due_shard)";
        self.take_out(connection, ("REMOVE due_shard, due_at", condition), Item::new(), told).await
    }

    /// Takes a connection out of the schedule whose tokens do not open, writes that on it, and leaves what is told of that:
    /// once.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn quarantine_sealed(&self, connection: &Connection, told: &Notice) -> Result<Write, StoreError> {
        let expression = "SET quarantined = :reason REMOVE due_shard, due_at";
        let values = Item::from([(":reason".to_owned(), text(Quarantine::TokensSealed.as_str()))]);
        self.take_out(connection, (expression, "ver = :ver AND attribute_not_exists(quarantined)"), values, told).await
    }

    async fn take_out(
        &self,
        connection: &Connection,
        (expression, condition): (&str, &str),
        values: Item,
        told: &Notice,
    ) -> Result<Write, StoreError> {
        let update = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key_of(&connection.key)))
            .update_expression(expression)
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .expression_attribute_values(":ver", number(connection.version))
            .build()
            .map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
        let request = self.0.client.transact_write_items();
        let request = request
            .transact_items(TransactWriteItem::builder().update(update).build())
            .transact_items(told_with(&self.0.name, told)?);
        written(request.send().await)
    }

    /// Leaves the event that a grant ends at `end`, once: [`Write::Conflict`] if that was told, or the connection is gone. An
    /// end that moved by less than an hour is the same: some providers say how long is left, in seconds, and not when.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn tell_of_expiry(
        &self,
        place: &ConnectionKey,
        end: Timestamp,
        told: &Notice,
    ) -> Result<Write, StoreError> {
        let another = end.checked_sub(SAME_END).unwrap_or(end);
        let mark = Update::builder()
            .table_name(&self.0.name)
            .set_key(Some(key_of(place)))
            .update_expression("SET expiry_told = :end")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(expiry_told) OR expiry_told < :another)",
            )
            .expression_attribute_values(":end", time(end))
            .expression_attribute_values(":another", time(another))
            .build()
            .map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
        let request = self.0.client.transact_write_items();
        let request = request
            .transact_items(TransactWriteItem::builder().update(mark).build())
            .transact_items(told_with(&self.0.name, told)?);
        written(request.send().await)
    }

    /// Takes an item out of the schedule with which nothing can be done, and writes the reason on it. Nothing else of it
    /// is touched; an item that a later version of the code wrote is not touched at all.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn quarantine(&self, pk: &str, sk: &str, reason: Quarantine) -> Result<(), StoreError> {
        let request = self.0.client.update_item().table_name(&self.0.name).set_key(Some(key(pk, sk)));
        let request = request
            .update_expression("SET quarantined = :reason REMOVE due_shard, due_at")
            .condition_expression("v = :layout")
            .expression_attribute_values(":reason", text(reason.as_str()))
            .expression_attribute_values(":layout", number(LAYOUT));
        written(request.send().await).map(|_| ())
    }

    fn update(&self, place: &ConnectionKey) -> UpdateItemFluentBuilder {
        let request = self.0.client.update_item().table_name(&self.0.name);
        request.set_key(Some(key_of(place)))
    }
}

fn entry(item: Item) -> Option<Due> {
    let part = |name: &str| item.get(name)?.as_s().ok().cloned();
    let (pk, sk) = (part(name::PK)?, part(name::SK)?);
    let since = Row::of_index(item).find_time(name::DUE_AT).ok()??;
    Some(Due { pk, sk, since })
}
