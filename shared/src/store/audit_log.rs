//! The audit trail, a partition per workspace and day.

use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{
    error::{StoreError, failed},
    row::{NewItem, Row, name, text},
    table::{Cursor, Table, TableNames, key, sort_key},
};
use crate::domain::{
    audit::{Actor, AuditEvent},
    chain::Link,
    ids::WorkspaceId,
};

/// How long events are kept.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How many days without an event a page looks back over before it ends.
const DAYS_PER_PAGE: u32 = 31;

/// The audit trail in its table.
#[derive(Debug, Clone)]
pub struct AuditLog(pub(super) Table);

/// One page of the audit trail, latest events first.
#[derive(Debug)]
pub struct AuditPage {
    /// The events, their actors as text.
    pub events: Vec<StoredEvent>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// An event as it was stored.
#[derive(Debug)]
pub struct StoredEvent {
    /// Its ULID.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// More, for people.
    pub details: std::collections::BTreeMap<String, String>,
    /// From where, if a request was its cause.
    pub origin: Option<String>,
    /// The issuer of the user who did it, if it was one.
    pub(super) issuer: Option<String>,
    /// Its place in a chain; none if it was written before there were any.
    pub(super) link: Option<Link>,
}

impl AuditLog {
    /// The audit trail in the deployment's table.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.audit))
    }

    /// Up to `limit` events of a workspace, the latest first, back to the day it was made.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an event cannot be read.
    pub async fn page(
        &self,
        workspace: &WorkspaceId,
        from: Option<&Cursor>,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        let (mut day, mut after) = match from.map(Cursor::parts::<2>) {
            None => (day_of(now), None),
            Some(Some([day, after])) => {
                let day = day.parse().map_err(|_| StoreError::Unreadable("cursor"))?;
                (day, Some(after.to_owned()).filter(|after| !after.is_empty()))
            }
            Some(None) => return Err(StoreError::Unreadable("cursor")),
        };
        let mut events = Vec::new();
        for _ in 0..DAYS_PER_PAGE {
            let (found, last) = self.day_page(workspace, day, after.take(), limit - events.len()).await?;
            events.extend(found);
            if let Some(last) = last {
                return Ok(AuditPage { events, next: Some(Cursor::of(&[&day.to_string(), &last])) });
            }
            match day.yesterday() {
                Ok(earlier) if earlier >= day_of(since) => day = earlier,
                _ => return Ok(AuditPage { events, next: None }),
            }
            if events.len() >= limit {
                break;
            }
        }
        Ok(AuditPage { events, next: Some(Cursor::of(&[&day.to_string(), ""])) })
    }

    async fn day_page(
        &self,
        workspace: &WorkspaceId,
        day: Date,
        after: Option<String>,
        limit: usize,
    ) -> Result<(Vec<StoredEvent>, Option<String>), StoreError> {
        self.of_day(workspace, day, after, limit, false).await
    }

    /// Up to `limit` events of one day, the earliest or the latest first.
    pub(super) async fn of_day(
        &self,
        workspace: &WorkspaceId,
        day: Date,
        after: Option<String>,
        limit: usize,
        forward: bool,
    ) -> Result<(Vec<StoredEvent>, Option<String>), StoreError> {
        let pk = pk(workspace, day);
        let request = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(&pk))
            .scan_index_forward(forward)
            .consistent_read(forward)
            .set_exclusive_start_key(after.map(|sk| key(&pk, &sk)))
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let rows = answer.items.unwrap_or_default().into_iter().map(|item| read(&Row::read(item)?));
        let last = answer.last_evaluated_key.as_ref().and_then(sort_key).map(str::to_owned);
        Ok((rows.collect::<Result<_, _>>()?, last))
    }
}

/// An event on its way into the table.
pub(super) fn item(event: &AuditEvent, link: &Link) -> NewItem {
    let ends = event.at.checked_add(RETENTION).unwrap_or(Timestamp::MAX);
    NewItem::at(&pk(&event.workspace, day_of(event.at)), &event.id)
        .number(name::TTL, ends.as_second())
        .text(name::EVENT_ID, &event.id)
        .time(name::CREATED_AT, event.at)
        .text(name::ACTOR, &event.actor.describe())
        .text(name::DEED, &event.action)
        .text(name::TARGET, &event.target)
        .map(name::DETAILS, &event.details)
        .maybe(issuer(&event.actor), |item, issuer| item.text(name::ISSUER, issuer))
        .maybe(event.origin.as_ref(), |item, origin| item.text(name::ORIGIN, origin.as_str()))
        .number(name::LANE, link.lane)
        .number(name::SEQ, link.seq)
        .bytes(name::PREVIOUS_HASH, &link.previous)
        .bytes(name::HASH, &link.hash)
}

pub(super) fn pk(workspace: &WorkspaceId, day: Date) -> String {
    format!("AUDIT#{workspace}#{day}")
}

pub(super) fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

pub(super) fn issuer(actor: &Actor) -> Option<&str> {
    match actor {
        Actor::Person(person) => Some(person.issuer.as_str()),
        Actor::User(user) => Some(user.issuer.as_str()),
        Actor::Key(_) | Actor::Recorded(_) | Actor::Stranger | Actor::System => None,
    }
}

fn read(row: &Row) -> Result<StoredEvent, StoreError> {
    Ok(StoredEvent {
        id: row.text(name::EVENT_ID)?.to_owned(),
        at: row.time(name::CREATED_AT)?,
        actor: row.text(name::ACTOR)?.to_owned(),
        action: row.text(name::DEED)?.to_owned(),
        target: row.text(name::TARGET)?.to_owned(),
        details: row.map(name::DETAILS)?,
        origin: row.find_text(name::ORIGIN)?.map(str::to_owned),
        issuer: row.find_text(name::ISSUER)?.map(str::to_owned),
        link: link(row)?,
    })
}

fn link(row: &Row) -> Result<Option<Link>, StoreError> {
    if !row.has(name::SEQ) {
        return Ok(None);
    }
    Ok(Some(Link {
        lane: row.number(name::LANE)?,
        seq: row.number(name::SEQ)?,
        previous: row.digest(name::PREVIOUS_HASH)?,
        hash: row.digest(name::HASH)?,
    }))
}
