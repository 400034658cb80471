//! The chains of the audit trail: an event and the head of its lane are written together, or neither.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    audit_keys::AuditKeys,
    audit_log::{AuditLog, RETENTION, item},
    error::{StoreError, Write, failed, written},
    outbox::noted_with,
    row::{NewItem, name, number},
    transaction::{incomplete, putting},
};
use crate::domain::{
    audit::AuditEvent,
    chain::{ChainKey, Content, Head, LANES, Link, Tip},
    ids::{EventId, WorkspaceId},
    secret::{AuditKey, Sealed},
};

/// How much longer than its last event the head of a lane is kept once its workspace is gone.
const HEAD_OUTLIVES: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What became of an event on its way into the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is the last of its lane, which says so now.
    Done(Head),
    /// Another event got there first.
    Overtaken,
    /// Somebody else has noted this deed.
    NotedBefore,
}

/// Whether the head of a lane has a signature, right or wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsSigned(pub bool);

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

    /// When the latest event of a workspace happened whose trail no key has ever signed, or the beginning of time; nothing if
    /// one has.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn unsigned_until(&self, workspace: &WorkspaceId) -> Result<Option<Timestamp>, StoreError> {
        let mut until = Timestamp::UNIX_EPOCH;
        for lane in 0..LANES {
            match self.signed_head(workspace, lane).await {
                Ok(None) => {}
                Ok(Some((head, None))) => until = until.max(head.at),
                Ok(Some((_, Some(_)))) | Err(StoreError::Unreadable(_)) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(until))
    }

    /// Signs the trail of a workspace from this event on, which says so: its key, the event and new heads of all lanes are
    /// stored together. [`Write::Conflict`] if somebody else did that first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn begin_signing(
        &self,
        event: &AuditEvent,
        key: &ChainKey,
        (keys, sealed): (&AuditKeys, &Sealed<AuditKey>),
    ) -> Result<Write, StoreError> {
        let begun = Head::first(event.at);
        let link = Link::behind(Some(key), &Tip::Sound(begun.clone()), 0, content(event));
        let mut parts = vec![keys.putting_new(&event.workspace, sealed)?, self.table.putting_new(item(event, &link))?];
        for lane in 0..LANES {
            let head = if lane == 0 { Head { seq: link.seq, hash: link.hash, at: event.at } } else { begun.clone() };
            let put = self.table.put(head_item(&event.workspace, lane, &head, Some(key)));
            parts.push(putting(put.condition_expression("attribute_not_exists(head_signature)"))?);
        }
        Ok(if self.table.write_all(parts).await?.is_ok() { Write::Done } else { Write::Conflict })
    }

    /// What the next event of a lane is put behind.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn tip(
        &self,
        workspace: &WorkspaceId,
        lane: u8,
        key: Option<&ChainKey>,
    ) -> Result<(Tip, IsSigned), StoreError> {
        let (head, signature) = match self.signed_head(workspace, lane).await {
            Ok(Some(signed)) => signed,
            Ok(None) | Err(StoreError::Unreadable(_)) => return Ok((Tip::Broken(None), IsSigned(false))),
            Err(error) => return Err(error),
        };
        let is_sound = key.is_none_or(|key| signature == Some(key.of_head(workspace, lane, &head)));
        let tip = if is_sound { Tip::Sound(head) } else { Tip::Broken(Some(head)) };
        Ok((tip, IsSigned(signature.is_some())))
    }

    pub(super) async fn signed_head(
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
        (lane, tip, is_signed): (u8, &Tip, IsSigned),
        key: Option<&ChainKey>,
        left: Option<&EventId>,
    ) -> Result<Appended, StoreError> {
        let link = Link::behind(key, tip, lane, content(event));
        let put = Put::builder().table_name(&self.table.name).set_item(Some(item(event, &link).into_item()));
        let put = put.condition_expression("attribute_not_exists(pk)").build().map_err(|_| incomplete())?;
        let head = Head { seq: link.seq, hash: link.hash, at: event.at };
        let item = head_item(&event.workspace, lane, &head, key).into_item();
        let moved = Put::builder().table_name(&self.table.name).set_item(Some(item));
        let moved = match tip.head() {
            None => moved.condition_expression("attribute_not_exists(pk)"),
            // One that was not signed may be by now: whoever has no key leaves it as it is then.
            Some(head) => moved
                .condition_expression(match is_signed {
                    IsSigned(true) => "seq = :seq",
                    IsSigned(false) => "seq = :seq AND attribute_not_exists(head_signature)",
                })
                .expression_attribute_values(":seq", number(head.seq)),
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
            Ok(_) => Ok(Appended::Done(head)),
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
}

fn content(event: &AuditEvent) -> Content<'_> {
    Content { id: &event.id, at: event.at, workspace: &event.workspace, deed: &event.deed }
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
