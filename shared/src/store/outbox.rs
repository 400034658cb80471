//! What others are still to be told: events on their way to the bus and to webhooks, and each delivery of one to a webhook.
//!
//! They stand in the table of connections and in the index of what is due until they have arrived, as what has ended does: a
//! message is a reminder only, and whoever takes one claims the item first. What is to be noted in the audit trail of a change
//! stands with its event, until whoever made the change has noted it, or somebody after them.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    connections::due_shard_of,
    endings,
    error::{StoreError, Write},
    row::{Item, NewItem, Row, name, number},
    table::{ItemKey, Table, TableNames, key},
};
use crate::domain::{
    audit::Deed,
    event::EventKind,
    ids::{EventId, WebhookId, WorkspaceId},
    notice::Notice,
};

/// What the sort key of every one of them begins with.
pub(super) const OUTGOING_PREFIX: &str = "OUT#";

/// The sort key of every event.
const EVENT: &str = "OUT#EVENT";

/// How long whoever made a change has to note it: longer than any request takes. Then somebody else does.
const NOTED_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// What is on its way out, in the table of connections.
#[derive(Debug, Clone)]
pub struct Outbox(Table);

/// Something that is on its way, and that whoever holds this may send now.
#[derive(Debug)]
pub enum Outgoing {
    /// What a change has left.
    Notice(PendingNotice),
    /// An event on its way to one webhook.
    Delivery(Delivery),
}

/// What a change has left, as far as it is not done with.
#[derive(Debug, Clone)]
pub struct PendingNotice {
    /// Its id.
    pub id: EventId,
    /// The workspace that it happened in.
    pub workspace: WorkspaceId,
    /// When it happened.
    pub at: Timestamp,
    /// Of what kind the event is, and its text, if somebody is still to be told.
    pub event: Option<(EventKind, String)>,
    /// What is not yet noted.
    pub deed: Option<Deed>,
    /// How often it was taken, this time included.
    pub tries: u32,
    /// When it is due again. Whoever works moves it ahead first.
    pub due_at: Timestamp,
}

impl PendingNotice {
    /// When it is time for somebody else to note it than who made the change.
    #[must_use]
    pub fn overdue_at(&self) -> Timestamp {
        self.at.checked_add(NOTED_WITHIN).unwrap_or(Timestamp::MAX)
    }
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

    /// Leaves what belongs to a change that was made elsewhere.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put(&self, notice: &Notice) -> Result<(), StoreError> {
        endings::put(&self.0, notice_item(notice)?).await
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
        row.map(|row| if due.sk == EVENT { read_notice(&row) } else { read_delivery(&row) }).transpose()
    }

    /// Leaves a delivery for a later try.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(&self, delivery: &Delivery, due_at: Timestamp) -> Result<Write, StoreError> {
        let tries = (", tries = :tries", ":tries", number(delivery.tries));
        endings::put_off(&self.0, &delivery.key(), delivery.due_at, due_at, Some(tries)).await
    }

    /// Lets go of what everybody was told of and what is noted.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn finish(&self, notice: &PendingNotice) -> Result<(), StoreError> {
        endings::finish(&self.0, &Self::key(&notice.id), notice.due_at).await.map(|_| ())
    }

    /// Writes down that everybody was told, and leaves what is to be noted until then.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn leave_unnoted(&self, notice: &PendingNotice, due_at: Timestamp) -> Result<(), StoreError> {
        let told = (", told = :told REMOVE event_kind, event_text", ":told", AttributeValue::Bool(true));
        endings::put_off(&self.0, &Self::key(&notice.id), notice.due_at, due_at, Some(told)).await.map(|_| ())
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

/// What a change leaves, as a part of the transaction that makes it.
pub(super) fn told_with(connections: &str, notice: &Notice) -> Result<TransactWriteItem, StoreError> {
    let item: Item = notice_item(notice)?.into_item();
    let put = Put::builder().table_name(connections).set_item(Some(item)).build();
    let put = put.map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// That a deed is noted, as a part of the transaction that notes it: so it is noted once, whoever does.
pub(super) fn noted_with(connections: &str, id: &EventId) -> Result<TransactWriteItem, StoreError> {
    let due = Outbox::key(id);
    let update = Update::builder()
        .table_name(connections)
        .set_key(Some(key(&due.pk, &due.sk)))
        .update_expression("REMOVE unnoted")
        .condition_expression("attribute_exists(unnoted)")
        .build();
    let update = update.map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

fn notice_item(notice: &Notice) -> Result<NewItem, StoreError> {
    let due = Outbox::key(&notice.id);
    let overdue_at = notice.at.checked_add(NOTED_WITHIN).unwrap_or(Timestamp::MAX);
    let due_at = if notice.event.is_some() { notice.at } else { overdue_at };
    let deed = notice.deed.as_ref().map(serde_json::to_string).transpose();
    let deed = deed.map_err(|_| StoreError::Unreadable(name::UNNOTED))?;
    Ok(endings::item(&due, &due_shard_of(&due), due_at)
        .text(name::EVENT_ID, notice.id.as_str())
        .text(name::WORKSPACE, notice.workspace.as_str())
        .time(name::CREATED_AT, notice.at)
        .maybe(notice.event.as_ref(), |item, event| {
            item.text(name::EVENT_KIND, event.kind.as_str()).text(name::EVENT_TEXT, &event.to_json())
        })
        .maybe(deed.as_deref(), |item, deed| item.text(name::UNNOTED, deed)))
}

fn read_notice(row: &Row) -> Result<Outgoing, StoreError> {
    let event = match row.find_text(name::EVENT_TEXT)? {
        None => None,
        Some(text) => Some((row.word(name::EVENT_KIND, EventKind::parse)?, text.to_owned())),
    };
    let deed = row.find_text(name::UNNOTED)?.map(serde_json::from_str).transpose();
    Ok(Outgoing::Notice(PendingNotice {
        id: row.parsed(name::EVENT_ID, EventId::parse)?,
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        at: row.time(name::CREATED_AT)?,
        event,
        deed: deed.map_err(|_| StoreError::Unreadable(name::UNNOTED))?,
        tries: row.number(name::TRIES)?,
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
