//! The chains of the audit trail: an event and the head of its lane are written together, or neither.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{
    audit_log::{AuditLog, RETENTION, StoredEvent, day_of, item},
    error::{StoreError, failed, written},
    outbox::noted_with,
    row::{NewItem, name, number},
    table::Cursor,
};
use crate::domain::{
    audit::{AuditEvent, Deed},
    chain::{Break, ChainKey, Content, Head, LANES, Link, Tip, Walk, Witness},
    ids::{EventId, WorkspaceId},
};

/// How many days one call looks at: of a quiet workspace most are empty.
const DAYS_PER_PAGE: u32 = 62;

/// How much longer than its last event the head of a lane is kept once its workspace is gone.
const HEAD_OUTLIVES: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a walk may take in which events come to their end that it has not seen yet.
const WALKED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What one call found of the chains.
#[derive(Debug)]
pub struct Checked {
    /// How many events were looked at.
    pub looked_at: usize,
    /// The first thing that is wrong. Nothing behind it was looked at.
    pub flaw: Option<Flaw>,
    /// Where the next call goes on, if nothing is wrong so far and there is more.
    pub next: Option<Cursor>,
    /// How far the chains have come, if nothing is wrong with any of them up to their ends.
    pub witness: Option<Witness>,
}

impl Checked {
    /// Something is wrong with the trail as a whole.
    #[must_use]
    pub fn nowhere(what: Break) -> Self {
        Self::broken(0, Flaw { what, event: None, at: None })
    }

    fn broken(looked_at: usize, flaw: Flaw) -> Self {
        Self { looked_at, flaw: Some(flaw), next: None, witness: None }
    }
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

/// Which part of the trail is looked at, and with what.
#[derive(Debug)]
pub struct Extent<'a> {
    /// Whose trail it is.
    pub workspace: &'a WorkspaceId,
    /// When it was made.
    pub made_at: Timestamp,
    /// What its chains are made with.
    pub key: &'a ChainKey,
    /// Where an earlier call ended.
    pub from: Option<&'a Cursor>,
    /// What happened before that day is not judged, unless the workspace was made since.
    pub since: Option<Timestamp>,
    /// How far the chains had come when somebody else looked.
    pub witness: Option<&'a Witness>,
    /// The present.
    pub now: Timestamp,
    /// How many events are looked at, at most.
    pub limit: usize,
}

/// What became of an event on its way into the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is the last of its lane.
    Done,
    /// Another event got there first.
    Overtaken,
    /// Somebody else has noted this deed.
    NotedBefore,
}

impl AuditLog {
    /// Begins the lanes of a new workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn begin(&self, workspace: &WorkspaceId, key: &ChainKey, now: Timestamp) -> Result<(), StoreError> {
        let first = Head::first(now);
        for lane in 0..LANES {
            self.table.put_new(head_item(workspace, lane, &first, Some(key))).await?;
        }
        Ok(())
    }

    /// What the next event of a lane is put behind.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn tip(&self, workspace: &WorkspaceId, lane: u8, key: Option<&ChainKey>) -> Result<Tip, StoreError> {
        let Some((head, signature)) = self.signed_head(workspace, lane).await? else { return Ok(Tip::Broken(None)) };
        let is_sound = key.is_none_or(|key| signature == Some(key.of_head(workspace, lane, &head)));
        Ok(if is_sound { Tip::Sound(head) } else { Tip::Broken(Some(head)) })
    }

    async fn signed_head(
        &self,
        workspace: &WorkspaceId,
        lane: u8,
    ) -> Result<Option<(Head, Option<[u8; 32]>)>, StoreError> {
        let Some(row) = self.table.find(&head_pk(workspace), &lane.to_string()).await? else { return Ok(None) };
        let head = Head { seq: row.number(name::SEQ)?, hash: row.digest(name::HASH)?, at: row.time(name::CREATED_AT)? };
        Ok(Some((head, row.find_digest(name::HEAD_SIGNATURE)?)))
    }

    /// Writes an event behind the tip of a lane; what was left beside the change, `left`, is noted with that, once.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn append(
        &self,
        event: &AuditEvent,
        (lane, tip): (u8, &Tip),
        key: Option<&ChainKey>,
        left: Option<&EventId>,
    ) -> Result<Appended, StoreError> {
        let link = with_content(&event.workspace, &event.id, event.at, &event.deed, |content| {
            Link::behind(key, tip, lane, content)
        });
        let put = Put::builder().table_name(&self.table.name).set_item(Some(item(event, &link).into_item()));
        let put = put.condition_expression("attribute_not_exists(pk)").build().map_err(|_| incomplete())?;
        let head = Head { seq: link.seq, hash: link.hash, at: event.at };
        let head = head_item(&event.workspace, lane, &head, key).into_item();
        let moved = Put::builder().table_name(&self.table.name).set_item(Some(head));
        let moved = match tip.head() {
            None => moved.condition_expression("attribute_not_exists(pk)"),
            Some(head) => {
                moved.condition_expression("seq = :seq").expression_attribute_values(":seq", number(head.seq))
            }
        };
        let moved = moved.build().map_err(|_| incomplete())?;
        let noted = left.map(|id| noted_with(&self.connections, id)).transpose()?;
        let request = self.table.client.transact_write_items();
        let mut request = request
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(TransactWriteItem::builder().put(moved).build());
        if let Some(noted) = noted {
            request = request.transact_items(noted);
        }
        match request.send().await {
            Ok(_) => Ok(Appended::Done),
            Err(error) if is_noted(&error) => Ok(Appended::NotedBefore),
            Err(error) if is_contended(&error) => Ok(Appended::Overtaken),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Lets the heads of a workspace that is gone come to their end, behind its last events.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn let_end(&self, workspace: &WorkspaceId, now: Timestamp) -> Result<(), StoreError> {
        let ends = now.checked_add(RETENTION + HEAD_OUTLIVES).unwrap_or(Timestamp::MAX);
        for lane in 0..LANES {
            let Some((head, _)) = self.signed_head(workspace, lane).await? else { continue };
            let item = head_item(workspace, lane, &head, None).number(name::TTL, ends.as_second());
            let request = self.table.client.put_item().table_name(&self.table.name).set_item(Some(item.into_item()));
            let request = request.condition_expression("seq = :seq");
            // Whoever wrote an event in this moment did so for a workspace that is gone.
            written(request.expression_attribute_values(":seq", number(head.seq)).send().await)?;
        }
        Ok(())
    }

    /// Follows the chains over an extent of the trail.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an event cannot be read.
    pub async fn check(&self, extent: &Extent<'_>) -> Result<Checked, StoreError> {
        let (mut day, mut after, mut walk) = match extent.from {
            None => start(extent),
            Some(cursor) => resumed(cursor).ok_or(StoreError::Unreadable("cursor"))?,
        };
        // Read before the events: whatever a head tells of is there when they are read.
        let heads = match self.heads(extent).await? {
            Ok(heads) => heads,
            Err(what) => return Ok(Checked::nowhere(what)),
        };
        let mut looked_at = 0;
        for _ in 0..DAYS_PER_PAGE {
            let room = extent.limit - looked_at;
            let (events, last) = self.of_day(extent.workspace, day, after.take(), room, true).await?;
            for event in &events {
                looked_at += 1;
                if let Err(what) = event.step(extent, &mut walk) {
                    let flaw = Flaw { what, event: Some(event.id.clone()), at: Some(event.at) };
                    return Ok(Checked::broken(looked_at, flaw));
                }
            }
            match (last, day.tomorrow()) {
                (Some(last), _) => after = Some(last),
                // A lane's clock may be a moment ahead of this one.
                (None, Ok(next)) if day <= day_of(extent.now) => day = next,
                (None, _) => return Ok(ended(looked_at, &walk, &heads, extent.witness)),
            }
            if looked_at >= extent.limit {
                break;
            }
        }
        let next = Cursor::of(&[&day.to_string(), after.as_deref().unwrap_or_default(), &walk.to_string()]);
        Ok(Checked { looked_at, flaw: None, next: Some(next), witness: None })
    }

    /// The heads of all lanes, or what is wrong with one: only who has the key signs one.
    async fn heads(&self, extent: &Extent<'_>) -> Result<Result<Vec<Option<Head>>, Break>, StoreError> {
        let mut heads = Vec::with_capacity(usize::from(LANES));
        for lane in 0..LANES {
            let found = match self.signed_head(extent.workspace, lane).await {
                Err(StoreError::Unreadable(_)) => return Ok(Err(Break::Altered)),
                found => found?,
            };
            if let Some((head, signature)) = &found
                && *signature != Some(extent.key.of_head(extent.workspace, lane, head))
            {
                return Ok(Err(Break::Altered));
            }
            heads.push(found.map(|(head, _)| head));
        }
        Ok(Ok(heads))
    }
}

impl StoredEvent {
    fn step(&self, extent: &Extent<'_>, walk: &mut Walk) -> Result<(), Break> {
        with_content(extent.workspace, &self.id, self.at, &self.deed, |content| {
            walk.step(extent.key, extent.witness, self.link.as_ref(), content)
        })
    }
}

/// The texts of an event, whether it is about to be written or was read.
fn with_content<T>(
    workspace: &WorkspaceId,
    id: &str,
    at: Timestamp,
    deed: &Deed,
    with: impl FnOnce(Content<'_>) -> T,
) -> T {
    let at = at.as_millisecond().to_string();
    let mut texts = vec![workspace.as_str(), id, &at, &deed.actor, deed.issuer.as_deref().unwrap_or_default()];
    texts.extend([deed.action.as_str(), &deed.target, deed.origin.as_deref().unwrap_or_default()]);
    texts.extend(deed.details.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
    with(Content(&texts))
}

/// Where a walk begins: at the beginning, or as far back as events are kept, or on the day that was asked for.
fn start(extent: &Extent<'_>) -> (Date, Option<String>, Walk) {
    let Extent { since, made_at, now, .. } = *extent;
    let kept_since = now.checked_sub(RETENTION).unwrap_or(Timestamp::MIN);
    let from = since.unwrap_or(made_at).max(kept_since);
    let from_first = day_of(from) <= day_of(made_at) && made_at > kept_since;
    let day = day_of(from.max(made_at));
    let whole_day = day.to_zoned(TimeZone::UTC).map_or(from, |start| start.timestamp());
    let ending = kept_since.checked_add(WALKED_WITHIN).unwrap_or(kept_since);
    (day, None, Walk::new(from_first, whole_day.max(ending)))
}

fn resumed(cursor: &Cursor) -> Option<(Date, Option<String>, Walk)> {
    let [day, after, walk] = cursor.parts::<3>()?;
    let after = Some(after.to_owned()).filter(|after| !after.is_empty());
    Some((day.parse().ok()?, after, Walk::parse(walk)?))
}

/// What is to be said of chains that were followed to their ends.
fn ended(looked_at: usize, walk: &Walk, heads: &[Option<Head>], witness: Option<&Witness>) -> Checked {
    let mut lanes = (0..LANES).zip(heads);
    match lanes.find_map(|(lane, head)| walk.reaches(lane, head.as_ref(), witness).err()) {
        Some(what) => Checked::broken(looked_at, Flaw { what, event: None, at: None }),
        None => Checked { looked_at, flaw: None, next: None, witness: Some(Witness::of(heads)) },
    }
}

fn head_pk(workspace: &WorkspaceId) -> String {
    format!("CHAIN#{workspace}")
}

/// A head is kept for as long as its workspace is there: a lane that has none was removed.
fn head_item(workspace: &WorkspaceId, lane: u8, head: &Head, key: Option<&ChainKey>) -> NewItem {
    let signature = key.map(|key| key.of_head(workspace, lane, head));
    NewItem::at(&head_pk(workspace), &lane.to_string())
        .number(name::SEQ, head.seq)
        .bytes(name::HASH, &head.hash)
        .time(name::CREATED_AT, head.at)
        .maybe(signature, |item, signature| item.bytes(name::HEAD_SIGNATURE, &signature))
}

/// Where it stands in the transaction that a deed was left to be noted.
const LEFT: usize = 2;

/// The deed was noted by somebody else.
fn is_noted<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    let reason = cancelled.cancellation_reasons().get(LEFT).and_then(|reason| reason.code());
    reason == Some("ConditionalCheckFailed")
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
