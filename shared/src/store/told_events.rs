//! Events that were told, for as long as a receiver may ask for them again. Beside the audit trail, because they end by
//! themselves there; a partition per workspace and day.

use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    audit_log::day_of,
    error::{StoreError, failed},
    outbox::PendingNotice,
    row::{NewItem, Row, name, text},
    table::{Cursor, Table, TableNames, key, sort_key},
};
use crate::domain::{
    event::EventKind,
    ids::{EventId, WorkspaceId},
};

/// How long they are kept.
pub const TOLD_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Events that were told, in the table of the audit trail.
#[derive(Debug, Clone)]
pub struct ToldEvents(Table);

/// An event that was told.
#[derive(Debug)]
pub struct ToldEvent {
    /// Its id.
    pub id: EventId,
    /// What kind.
    pub kind: EventKind,
    /// When it happened.
    pub at: Timestamp,
    /// Its text, as everybody was told it.
    pub text: String,
}

/// One page of them, the earliest first.
#[derive(Debug)]
pub struct ToldPage {
    /// The events.
    pub events: Vec<ToldEvent>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl ToldEvents {
    /// Told events of the deployment.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.audit))
    }

    /// Keeps an event that is told now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn keep(&self, notice: &PendingNotice, kind: EventKind, told: &str) -> Result<(), StoreError> {
        let ends = notice.at.checked_add(TOLD_KEPT).unwrap_or(Timestamp::MAX);
        let item = NewItem::at(&pk(&notice.workspace, day_of(notice.at)), notice.id.as_str())
            .number(name::TTL, ends.as_second())
            .text(name::EVENT_KIND, kind.as_str())
            .time(name::CREATED_AT, notice.at)
            .text(name::EVENT_TEXT, told);
        let request = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item.into_item()));
        request.send().await.map(|_| ()).map_err(|error| failed(&error))
    }

    /// About `limit` events of a workspace that happened between two moments, both included.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an event cannot be read.
    pub async fn page(
        &self,
        workspace: &WorkspaceId,
        (since, until): (Timestamp, Timestamp),
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<ToldPage, StoreError> {
        let (mut day, mut after) = match from.map(Cursor::parts::<2>) {
            None => (day_of(since), None),
            Some(Some([day, after])) => {
                let day: Date = day.parse().map_err(|_| StoreError::Unreadable("cursor"))?;
                (day.max(day_of(since)), Some(after.to_owned()).filter(|after| !after.is_empty()))
            }
            Some(None) => return Err(StoreError::Unreadable("cursor")),
        };
        let (mut events, mut looked_at) = (Vec::new(), 0);
        while looked_at < limit && day <= day_of(until) {
            let (found, last) = self.of_day(workspace, day, after.take(), limit - looked_at).await?;
            looked_at += found.len();
            events.extend(found.into_iter().filter(|event| since <= event.at && event.at <= until));
            after = last;
            if after.is_none() {
                day = day.tomorrow().map_err(|_| StoreError::Unreadable("day"))?;
            }
        }
        let next =
            (day <= day_of(until)).then(|| Cursor::of(&[&day.to_string(), after.as_deref().unwrap_or_default()]));
        Ok(ToldPage { events, next })
    }

    async fn of_day(
        &self,
        workspace: &WorkspaceId,
        day: Date,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<ToldEvent>, Option<String>), StoreError> {
        let pk = pk(workspace, day);
        let request = self.0.client.query().table_name(&self.0.name).consistent_read(true);
        let request = request
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(&pk))
            .set_exclusive_start_key(after.map(|sk| key(&pk, &sk)))
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let rows = answer.items.unwrap_or_default().into_iter().map(|item| read(&Row::read(item)?));
        let last = answer.last_evaluated_key.as_ref().and_then(sort_key).map(str::to_owned);
        Ok((rows.collect::<Result<_, _>>()?, last))
    }
}

fn pk(workspace: &WorkspaceId, day: Date) -> String {
    format!("TOLD#{workspace}#{day}")
}

fn read(row: &Row) -> Result<ToldEvent, StoreError> {
    Ok(ToldEvent {
        id: row.parsed(name::SK, EventId::parse)?,
        kind: row.word(name::EVENT_KIND, EventKind::parse)?,
        at: row.time(name::CREATED_AT)?,
        text: row.text(name::EVENT_TEXT)?.to_owned(),
    })
}
