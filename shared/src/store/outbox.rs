//! What others are still to be told: events on their way to the bus and to webhooks, and each delivery of one to a webhook.
//!
//! They stand in the table of connections and in the index of what is due until they have arrived, as what has ended does: a
//! message is a reminder only, and whoever takes one claims the item first.

use aws_sdk_dynamodb::{
    Client,
    types::{Put, TransactWriteItem},
};
use jiff::Timestamp;

use super::{
    connections::due_shard_of,
    endings,
    error::{StoreError, Write},
    row::{Item, NewItem, Row, name, number},
    table::{ItemKey, Table, TableNames},
};
use crate::domain::{
    event::{Event, EventKind},
    ids::{EventId, WebhookId, WorkspaceId},
};

/// What the sort key of every one of them begins with.
pub(super) const OUTGOING_PREFIX: &str = "OUT#";

/// The sort key of every event.
const EVENT: &str = "OUT#EVENT";

/// What is on its way out, in the table of connections.
#[derive(Debug, Clone)]
pub struct Outbox(Table);

/// Something that is on its way, and that whoever holds this may send now.
#[derive(Debug)]
pub enum Outgoing {
    /// An event of which nobody was told yet.
    Event(PendingEvent),
    /// An event on its way to one webhook.
    Delivery(Delivery),
}

/// An event of which nobody was told yet.
#[derive(Debug, Clone)]
pub struct PendingEvent {
    /// Its id.
    pub id: EventId,
    /// What kind.
    pub kind: EventKind,
    /// The workspace that it happened in.
    pub workspace: WorkspaceId,
    /// When it happened.
    pub at: Timestamp,
    /// Its text.
    pub text: String,
    /// When it is due again. Whoever works moves it ahead first.
    pub due_at: Timestamp,
}

/// An event on its way to one webhook.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The webhook.
    pub webhook: WebhookId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The event's id.
    pub event: EventId,
    /// Its text.
    pub text: String,
    /// How often it was tried, this time included.
    pub tries: u32,
    /// When it is due again. Whoever works moves it ahead first.
    pub due_at: Timestamp,
}

impl Outbox {
    /// What is on its way out of the deployment.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Where an event stands.
    #[must_use]
    pub fn key(event: &EventId) -> ItemKey {
        ItemKey { pk: format!("EVENT#{event}"), sk: EVENT.to_owned() }
    }

    /// Leaves an event to be told.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put(&self, event: &Event) -> Result<(), StoreError> {
        endings::put(&self.0, event_item(event)).await
    }

    /// Leaves an event to be sent to a webhook.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let due = delivery.key();
        let item = endings::item(&due, &due_shard_of(&due), delivery.due_at)
            .text(name::WEBHOOK, delivery.webhook.as_str())
            .text(name::WORKSPACE, delivery.workspace.as_str())
            .text(name::EVENT_ID, delivery.event.as_str())
            .text(name::EVENT_TEXT, &delivery.text)
            .number(name::TRIES, delivery.tries);
        // What was left before, and perhaps tried, stays as it is.
        self.0.put_new(item).await.map(|_| ())
    }

    /// Takes what a reminder names, if it is due: until `until` it is due for nobody else.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn claim(&self, due: &ItemKey, now: Timestamp, until: Timestamp) -> Result<Option<Outgoing>, StoreError> {
        let row = endings::claim(&self.0, due, now, until).await?;
        row.map(|row| if due.sk == EVENT { read_event(&row) } else { read_delivery(&row) }).transpose()
    }

    /// Leaves a delivery for a later try.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(&self, delivery: &Delivery, due_at: Timestamp) -> Result<Write, StoreError> {
        let tries = (", tries = :tries", ":tries", number(delivery.tries));
        endings::put_off(&self.0, &delivery.key(), delivery.due_at, due_at, Some(tries)).await
    }

    /// Lets go of an event of which everybody was told.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn finish(&self, event: &PendingEvent) -> Result<(), StoreError> {
        endings::finish(&self.0, &Self::key(&event.id), event.due_at).await.map(|_| ())
    }

    /// Lets go of a delivery that arrived, or is given up.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn finish_delivery(&self, delivery: &Delivery) -> Result<(), StoreError> {
        endings::finish(&self.0, &delivery.key(), delivery.due_at).await.map(|_| ())
    }
}

impl Delivery {
    /// Where it stands.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        let (webhook, event) = (&self.webhook, &self.event);
        ItemKey { pk: format!("WEBHOOK#{webhook}"), sk: format!("{OUTGOING_PREFIX}{event}") }
    }
}

/// An event as a part of the transaction that makes it true.
pub(super) fn told_with(connections: &str, event: &Event) -> Result<TransactWriteItem, StoreError> {
    let item: Item = event_item(event).into_item();
    let put = Put::builder().table_name(connections).set_item(Some(item)).build();
    let put = put.map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn event_item(event: &Event) -> NewItem {
    let due = Outbox::key(&event.id);
    endings::item(&due, &due_shard_of(&due), event.at)
        .text(name::EVENT_ID, event.id.as_str())
        .text(name::EVENT_KIND, event.kind.as_str())
        .text(name::WORKSPACE, event.workspace.as_str())
        .time(name::CREATED_AT, event.at)
        .text(name::EVENT_TEXT, &event.to_json())
}

fn read_event(row: &Row) -> Result<Outgoing, StoreError> {
    Ok(Outgoing::Event(PendingEvent {
        id: row.parsed(name::EVENT_ID, EventId::parse)?,
        kind: row.word(name::EVENT_KIND, EventKind::parse)?,
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        at: row.time(name::CREATED_AT)?,
        text: row.text(name::EVENT_TEXT)?.to_owned(),
        due_at: row.time(name::DUE_AT)?,
    }))
}

fn read_delivery(row: &Row) -> Result<Outgoing, StoreError> {
    Ok(Outgoing::Delivery(Delivery {
        webhook: row.parsed(name::WEBHOOK, WebhookId::parse)?,
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        event: row.parsed(name::EVENT_ID, EventId::parse)?,
        text: row.text(name::EVENT_TEXT)?.to_owned(),
        tries: row.number(name::TRIES)?,
        due_at: row.time(name::DUE_AT)?,
    }))
}
