//! The chains of the audit trail: an event and the head of its lane are written together, or neither.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    audit_log::{AuditLog, RETENTION, StoredEvent, day_of, issuer, item},
    error::{StoreError, Write, failed},
    row::{NewItem, name, number},
    table::Cursor,
};
use crate::domain::{
    audit::AuditEvent,
    chain::{Break, Content, Head, LANES, Link, Walk},
    ids::WorkspaceId,
};

/// How many days one call looks at: of a quiet workspace most are empty.
const DAYS_PER_PAGE: u32 = 62;

/// How much longer than the last event of a lane its head is kept.
const HEAD_OUTLIVES: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What one call found of the chains.
#[derive(Debug)]
pub struct Checked {
    /// How many events were looked at.
    pub looked_at: usize,
    /// The first thing that is wrong. Nothing behind it was looked at.
    pub flaw: Option<Flaw>,
    /// Where the next call goes on, if nothing is wrong so far and there is more.
    pub next: Option<Cursor>,
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub what: Break,
    /// The event at which it shows; none if it shows by what should follow the last one.
    pub event: Option<String>,
    /// When that happened.
    pub at: Option<Timestamp>,
}

impl AuditLog {
    /// The last event of a lane, as it is now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn head(&self, workspace: &WorkspaceId, lane: u8) -> Result<Option<Head>, StoreError> {
        let Some(row) = self.0.find(&head_pk(workspace), &lane.to_string()).await? else { return Ok(None) };
        Ok(Some(Head { seq: row.number(name::SEQ)?, hash: row.digest(name::HASH)?, at: row.time(name::CREATED_AT)? }))
    }

    /// Writes an event behind the last one of a lane. [`Write::Conflict`] if another event got there first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn append(&self, event: &AuditEvent, lane: u8, head: Option<&Head>) -> Result<Write, StoreError> {
        let link = written_content(event, |content| Link::behind(head, lane, content));
        let put = Put::builder().table_name(&self.0.name).set_item(Some(item(event, &link).into_item()));
        let put = put.condition_expression("attribute_not_exists(pk)").build().map_err(|_| incomplete())?;
        let moved = Put::builder().table_name(&self.0.name).set_item(Some(head_item(event, &link).into_item()));
        let moved = match head {
            None => moved.condition_expression("attribute_not_exists(pk)"),
            Some(head) => {
                moved.condition_expression("seq = :seq").expression_attribute_values(":seq", number(head.seq))
            }
        };
        let moved = moved.build().map_err(|_| incomplete())?;
        let request = self.0.client.transact_write_items();
        let request = request
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(TransactWriteItem::builder().put(moved).build());
        match request.send().await {
            Ok(_) => Ok(Write::Done),
            Err(error) if is_contended(&error) => Ok(Write::Conflict),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Follows the chains over up to `limit` events, from the day `since`, or from where an earlier call ended. What came
    /// before that day is not judged, unless the workspace was made since.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an event cannot be read.
    pub async fn check(
        &self,
        workspace: &WorkspaceId,
        from: Option<&Cursor>,
        since: Option<Timestamp>,
        made_at: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Checked, StoreError> {
        let (mut day, mut after, mut walk) = match from {
            None => start(since, made_at, now),
            Some(cursor) => resumed(cursor).ok_or(StoreError::Unreadable("cursor"))?,
        };
        // Read before the events: whatever a head tells of is there when they are read.
        let heads = self.heads(workspace).await?;
        let mut looked_at = 0;
        for _ in 0..DAYS_PER_PAGE {
            let (events, last) = self.of_day(workspace, day, after.take(), limit - looked_at, true).await?;
            for event in &events {
                looked_at += 1;
                if let Err(what) = event.step(workspace, &mut walk) {
                    let flaw = Flaw { what, event: Some(event.id.clone()), at: Some(event.at) };
                    return Ok(Checked { looked_at, flaw: Some(flaw), next: None });
                }
            }
            match (last, day.tomorrow()) {
                (Some(last), _) => after = Some(last),
                // A lane's clock may be a moment ahead of this one.
                (None, Ok(next)) if day <= day_of(now) => day = next,
                (None, _) => return Ok(Checked { looked_at, flaw: ends(&walk, &heads), next: None }),
            }
            if looked_at >= limit {
                break;
            }
        }
        let next = Cursor::of(&[&day.to_string(), after.as_deref().unwrap_or_default(), &walk.to_string()]);
        Ok(Checked { looked_at, flaw: None, next: Some(next) })
    }

    async fn heads(&self, workspace: &WorkspaceId) -> Result<Vec<Option<Head>>, StoreError> {
        let mut heads = Vec::with_capacity(usize::from(LANES));
        for lane in 0..LANES {
            heads.push(self.head(workspace, lane).await?);
        }
        Ok(heads)
    }
}

impl StoredEvent {
    fn step(&self, workspace: &WorkspaceId, walk: &mut Walk) -> Result<(), Break> {
        let at = self.at.as_millisecond().to_string();
        let mut texts =
            vec![workspace.as_str(), &self.id, &at, &self.actor, self.issuer.as_deref().unwrap_or_default()];
        texts.extend([self.action.as_str(), &self.target, self.origin.as_deref().unwrap_or_default()]);
        texts.extend(self.details.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
        walk.step(self.link.as_ref(), Content(&texts))
    }
}

/// The texts of an event that is about to be written: the same as of one that was read.
fn written_content<T>(event: &AuditEvent, with: impl FnOnce(Content<'_>) -> T) -> T {
    let (at, actor) = (event.at.as_millisecond().to_string(), event.actor.describe());
    let origin = event.origin.as_ref().map_or("", |origin| origin.as_str());
    let issuer = issuer(&event.actor).unwrap_or_default();
    let mut texts = vec![event.workspace.as_str(), &event.id, &at, &actor, issuer];
    texts.extend([event.action.as_str(), &event.target, origin]);
    texts.extend(event.details.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    with(Content(&texts))
}

/// Where a walk begins: at the beginning, or as far back as events are kept, or on the day that was asked for.
fn start(since: Option<Timestamp>, made_at: Timestamp, now: Timestamp) -> (Date, Option<String>, Walk) {
    let kept_since = now.checked_sub(RETENTION).unwrap_or(Timestamp::MIN);
    let from = since.unwrap_or(made_at).max(kept_since);
    let from_first = day_of(from) <= day_of(made_at) && made_at > kept_since;
    (day_of(from.max(made_at)), None, Walk::new(from_first))
}

fn resumed(cursor: &Cursor) -> Option<(Date, Option<String>, Walk)> {
    let [day, after, walk] = cursor.parts::<3>()?;
    let after = Some(after.to_owned()).filter(|after| !after.is_empty());
    Some((day.parse().ok()?, after, Walk::parse(walk)?))
}

/// What is wrong with the ends of the chains, if anything.
fn ends(walk: &Walk, heads: &[Option<Head>]) -> Option<Flaw> {
    let mut lanes = (0..LANES).zip(heads);
    let what = lanes.find_map(|(lane, head)| walk.reaches(lane, head.as_ref()).err())?;
    Some(Flaw { what, event: None, at: None })
}

fn head_pk(workspace: &WorkspaceId) -> String {
    format!("CHAIN#{workspace}")
}

fn head_item(event: &AuditEvent, link: &Link) -> NewItem {
    let kept = event.at.checked_add(RETENTION + HEAD_OUTLIVES).unwrap_or(Timestamp::MAX);
    NewItem::at(&head_pk(&event.workspace), &link.lane.to_string())
        .number(name::TTL, kept.as_second())
        .number(name::SEQ, link.seq)
        .bytes(name::HASH, &link.hash)
        .time(name::CREATED_AT, event.at)
}

/// Somebody else wrote the lane first, or is writing it in this moment.
fn is_contended<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    let is_contention = |code| matches!(code, Some("ConditionalCheckFailed" | "TransactionConflict"));
    cancelled.cancellation_reasons().iter().any(|reason| is_contention(reason.code()))
}

fn incomplete() -> StoreError {
    StoreError::Refused("incomplete request".to_owned())
}
