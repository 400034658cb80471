//! The audit trail, a partition per workspace and day.

use aws_sdk_dynamodb::Client;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{
    error::{StoreError, failed},
    row::{NewItem, Row, name, text},
    table::{Cursor, Table, TableNames, key, sort_key},
};
use crate::domain::{
    audit::{AuditEvent, Deed},
    chain::{Content, Link},
    ids::WorkspaceId,
};

/// How long events are kept.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_hours(400 * 24);

/// How many days without an event a page looks back over before it ends.
const DAYS_PER_PAGE: u32 = 31;

/// The audit trail in its table.
#[derive(Debug, Clone)]
pub struct AuditLog {
    pub(super) table: Table,
    /// The table where a deed stands beside what it changed until it is in the trail.
    pub(super) connections: String,
}

/// How many events a page is sought among, at most.
const MOST_LOOKED_AT: usize = 1_000;

/// Which events of the trail are sought; what is `None` does not matter.
#[derive(Debug, Default)]
pub struct Sought {
    /// What happened at that time or later.
    pub since: Option<Timestamp>,
    /// What happened at that time or before.
    pub until: Option<Timestamp>,
    /// Who did it, as the trail names them.
    pub actor: Option<String>,
    /// What: an action, or what actions begin with, such as `connection.`.
    pub action: Option<String>,
    /// To what it was done.
    pub target: Option<String>,
    /// To which connector, or to what is connected through it.
    pub connector: Option<String>,
}

impl Sought {
    pub(super) fn means(&self, event: &StoredEvent) -> bool {
        let (deed, is) = (&event.deed, |sought: &Option<String>, found: &str| {
            sought.as_deref().is_none_or(|sought| sought == found)
        });
        let through = deed.details.get("connector").map_or(deed.target.as_str(), String::as_str);
        self.since.is_none_or(|since| event.at >= since)
            && self.until.is_none_or(|until| event.at <= until)
            && is(&self.actor, &deed.actor)
            && is(&self.target, &deed.target)
            && self.action.as_deref().is_none_or(|action| is_action(action, &deed.action))
            && is(&self.connector, through)
    }
}

fn is_action(sought: &str, found: &str) -> bool {
    if sought.ends_with('.') { found.starts_with(sought) } else { sought == found }
}

/// One page of the audit trail, latest events first.
#[derive(Debug)]
pub struct AuditPage {
    /// The events, their actors as text.
    pub events: Vec<StoredEvent>,
    /// How many more can't be read. They hide no other.
    pub unreadable: usize,
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
    /// What was done, and by whom.
    pub deed: Deed,
    /// Its place in a chain, if it has one.
    pub(super) link: Option<Link>,
}

impl StoredEvent {
    pub(super) fn content<'a>(&'a self, workspace: &'a WorkspaceId) -> Content<'a> {
        Content { id: &self.id, at: self.at, workspace, deed: &self.deed }
    }
}

/// What stands in the trail: an event, or the id of one that can't be read.
pub(super) type Found = Result<StoredEvent, String>;

impl AuditLog {
    /// The audit trail in the deployment's table.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { table: Table::new(client, &tables.audit), connections: tables.connections.clone() }
    }

    /// Up to `limit` events of a workspace that are sought, the latest first, back to the day it was made. A page ends where
    /// so many were looked at, too.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn page(
        &self,
        workspace: &WorkspaceId,
        sought: &Sought,
        from: Option<&Cursor>,
        (made_at, now): (Timestamp, Timestamp),
        limit: usize,
    ) -> Result<AuditPage, StoreError> {
        let (mut day, mut after) = match from.map(Cursor::parts::<2>) {
            None => (day_of(sought.until.map_or(now, |until| until.min(now))), None),
            Some(Some([day, after])) => {
                let day = day.parse().map_err(|_| StoreError::Unreadable("cursor"))?;
                (day, Some(after.to_owned()).filter(|after| !after.is_empty()))
            }
            Some(None) => return Err(StoreError::Unreadable("cursor")),
        };
        let first_day = day_of(sought.since.map_or(made_at, |since| since.max(made_at)));
        let (mut events, mut unreadable, mut looked_at, mut days) = (Vec::new(), 0, 0, 0);
        while events.len() < limit && looked_at < MOST_LOOKED_AT && days < DAYS_PER_PAGE {
            let room = limit - events.len();
            let (found, last) = self.of_day(workspace, day, after.take(), room, false).await?;
            looked_at += found.len();
            unreadable += found.iter().filter(|found| found.is_err()).count();
            events.extend(found.into_iter().flatten().filter(|event| sought.means(event)));
            after = last;
            if after.is_none() {
                match day.yesterday() {
                    Ok(earlier) if earlier >= first_day => (day, days) = (earlier, days + 1),
                    _ => return Ok(AuditPage { events, unreadable, next: None }),
                }
            }
        }
        let next = Some(Cursor::of(&[&day.to_string(), after.as_deref().unwrap_or_default()]));
        Ok(AuditPage { events, unreadable, next })
    }

    /// Up to `limit` events of one day, the earliest or the latest first.
    pub(super) async fn of_day(
        &self,
        workspace: &WorkspaceId,
        day: Date,
        after: Option<String>,
        limit: usize,
        forward: bool,
    ) -> Result<(Vec<Found>, Option<String>), StoreError> {
        let pk = pk(workspace, day);
        let request = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(&pk))
            .scan_index_forward(forward)
            .consistent_read(forward)
            .set_exclusive_start_key(after.map(|sk| key(&pk, &sk)))
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let last = answer.last_evaluated_key.as_ref().and_then(sort_key).map(str::to_owned);
        let found = answer.items.unwrap_or_default().into_iter().map(|item| {
            let id = sort_key(&item).unwrap_or_default().to_owned();
            Row::read(item).and_then(|row| read(&row)).map_err(|_| id)
        });
        Ok((found.collect(), last))
    }
}

/// An event on its way into the table.
pub(super) fn item(event: &AuditEvent, link: &Link) -> NewItem {
    let (ends, deed) = (event.at.checked_add(RETENTION).unwrap_or(Timestamp::MAX), &event.deed);
    NewItem::at(&pk(&event.workspace, day_of(event.at)), &event.id)
        .number(name::TTL, ends.as_second())
        .text(name::EVENT_ID, &event.id)
        .time(name::CREATED_AT, event.at)
        .text(name::ACTOR, &deed.actor)
        .text(name::DEED, &deed.action)
        .text(name::TARGET, &deed.target)
        .map(name::DETAILS, &deed.details)
        .maybe(deed.issuer.as_deref(), |item, issuer| item.text(name::ISSUER, issuer))
        .maybe(deed.origin.as_deref(), |item, origin| item.text(name::ORIGIN, origin))
        .number(name::LANE, link.lane)
        .number(name::SEQ, link.seq)
        .bytes(name::PREVIOUS_HASH, &link.previous)
        .maybe(link.previous_at, |item, at| item.time(name::PREVIOUS_AT, at))
        .bytes(name::HASH, &link.hash)
        .maybe(link.signature, |item, signature| item.bytes(name::EVENT_SIGNATURE, &signature))
}

pub(super) fn pk(workspace: &WorkspaceId, day: Date) -> String {
    format!("AUDIT#{workspace}#{day}")
}

pub(super) fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn read(row: &Row) -> Result<StoredEvent, StoreError> {
    Ok(StoredEvent {
        id: row.text(name::EVENT_ID)?.to_owned(),
        at: row.time(name::CREATED_AT)?,
        deed: Deed {
            actor: row.text(name::ACTOR)?.to_owned(),
            issuer: row.find_text(name::ISSUER)?.map(str::to_owned),
            action: row.text(name::DEED)?.to_owned(),
            target: row.text(name::TARGET)?.to_owned(),
            details: row.map(name::DETAILS)?,
            origin: row.find_text(name::ORIGIN)?.map(str::to_owned),
        },
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
        previous_at: row.find_time(name::PREVIOUS_AT)?,
        hash: row.digest(name::HASH)?,
        signature: row.find_digest(name::EVENT_SIGNATURE)?,
    }))
}
