//! What is queued: in a file, so that a revocation survives a restart.
//!
//! As in SQS, a received message stays, hidden until its visibility timeout; who is done with it deletes it with the
//! receipt of that very receive. A message of a FIFO queue is received only once nothing is left that was sent to its group
//! before it. Calls block for the time of one write to the file.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connectors::{clock::Clock, random::Random};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use tokio::sync::Notify;

use super::{
    Message, Queue, Sent,
    fifo::{self, is_name},
    file,
};

/// How long a received message stays hidden: a batch of ten, each with two provider calls of 8 s, fits in it.
pub const VISIBILITY_TIMEOUT: Duration = Duration::from_mins(3);

/// Why a queue can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The receipt is none of this endpoint, or no longer the message's.
    #[error("the receipt is not valid")]
    Receipt,
    /// The message is not being worked on.
    #[error("the message is not in flight")]
    NotInFlight,
    /// The message of a FIFO queue became visible again before it was deleted.
    #[error("the receipt has expired")]
    Expired,
    /// A message for a FIFO queue has a group and a deduplication id, one for another queue has no deduplication id.
    #[error("the message is for the other kind of queue")]
    OtherKind,
    /// The name of a group or a deduplication id is none that SQS takes.
    #[error("the name is not of 1 to 128 ASCII letters, digits and punctuation")]
    Name,
    /// The file can't be used.
    #[error("the queue file can't be read or written")]
    Storage(#[from] rusqlite::Error),
}

/// How many messages a queue holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Depth {
    /// Can be received now.
    pub visible: i64,
    /// Received and neither deleted nor visible again.
    pub in_flight: i64,
    /// Sent with a delay that has not passed.
    pub delayed: i64,
}

/// The queues of this process.
pub struct Queues {
    connection: Mutex<Connection>,
    clock: Clock,
    region: String,
    arrivals: Notify,
}

impl Queues {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// The file can't be used.
    pub fn open(file: &Path, region: &str, clock: Clock) -> Result<Self, QueueError> {
        let mut connection = Connection::open(file)?;
        file::prepare(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection), clock, region: region.to_owned(), arrivals: Notify::new() })
    }

    /// The ARN of a queue here.
    #[must_use]
    pub fn arn(&self, queue: Queue) -> String {
        queue.arn(&self.region)
    }

    /// The region of the ARNs.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Puts a message into a queue that is not FIFO, hidden for `delay`. Answers its id.
    ///
    /// # Errors
    /// [`QueueError::OtherKind`] if the queue is FIFO; the file can't be written.
    pub fn send(&self, queue: Queue, body: &str, delay: Duration) -> Result<String, QueueError> {
        self.send_for(queue, body, delay, None)
    }

    /// Like [`Queues::send`], for the group that the sender names: its messages are in no order, the name is only handed
    /// to who receives them.
    ///
    /// # Errors
    /// As for [`Queues::send`]; [`QueueError::Name`].
    pub(super) fn send_for(
        &self,
        queue: Queue,
        body: &str,
        delay: Duration,
        group: Option<&str>,
    ) -> Result<String, QueueError> {
        if queue.is_fifo() {
            return Err(QueueError::OtherKind);
        }
        if group.is_some_and(|group| !is_name(group)) {
            return Err(QueueError::Name);
        }
        let now = self.now();
        let id = Random::default().token();
        self.connection().execute(
            "INSERT INTO message (id, queue, body, sent_at, visible_at, message_group) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![id, queue.name(), body, now, now.saturating_add(millis(delay)), group],
        )?;
        self.arrivals.notify_waiters();
        Ok(id)
    }

    /// Puts a message into a FIFO queue, behind all that was sent to the group before. If one was sent to it with this
    /// deduplication id in the last five minutes ([`DEDUPLICATION`](super::DEDUPLICATION)), this one is not queued, and the
    /// answer is what the sender of that one got.
    ///
    /// # Errors
    /// [`QueueError::OtherKind`] if the queue is not FIFO, [`QueueError::Name`]; the file can't be written.
    pub fn send_to_group(
        &self,
        queue: Queue,
        body: &str,
        group: &str,
        deduplication_id: &str,
    ) -> Result<Sent, QueueError> {
        if !queue.is_fifo() {
            return Err(QueueError::OtherKind);
        }
        if !is_name(group) || !is_name(deduplication_id) {
            return Err(QueueError::Name);
        }
        let mut connection = self.connection();
        let now = self.now();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(earlier) = fifo::earlier(&transaction, queue, (group, deduplication_id), now)? {
            return Ok(earlier);
        }
        let sent = fifo::accept(&transaction, queue, (group, deduplication_id), Random::default().token(), now)?;
        transaction.execute(
            "INSERT INTO message (id, queue, body, sent_at, visible_at, message_group, deduplication_id, sequence)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)",
            params![sent.id, queue.name(), body, now, group, deduplication_id, sent.sequence],
        )?;
        transaction.commit()?;
        self.arrivals.notify_waiters();
        Ok(sent)
    }

    /// Takes up to `limit` visible messages and hides them for `hidden_for`. One that was received too often already
    /// becomes a dead letter instead.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn receive(&self, queue: Queue, limit: usize, hidden_for: Duration) -> Result<Vec<Message>, QueueError> {
        let now = self.now();
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        bury(&transaction, queue, now)?;
        let mut messages = visible(&transaction, queue, limit, now)?;
        for message in &mut messages {
            message.receipt = format!("{}.{}", message.id, Random::default().token());
            transaction.execute(
                "UPDATE message SET receipt = ?2, receives = ?3, first_received_at = ?4, visible_at = ?5 WHERE id = ?1",
                params![
                    message.id,
                    message.receipt,
                    message.receives,
                    message.first_received_at,
                    now.saturating_add(millis(hidden_for))
                ],
            )?;
        }
        transaction.commit()?;
        Ok(messages)
    }

    /// Deletes a message that was worked off, which lets its group go on. A receipt that a later receive has replaced
    /// deletes nothing.
    ///
    /// # Errors
    /// [`QueueError::Receipt`] if it was never a receipt of this endpoint; [`QueueError::Expired`] if the queue is FIFO and
    /// the message may be in other hands by now.
    pub fn delete(&self, queue: Queue, receipt: &str) -> Result<(), QueueError> {
        let id = message_id(receipt)?;
        let connection = self.connection();
        let deleted = connection.execute(
            "DELETE FROM message WHERE queue = ?1 AND id = ?2 AND receipt = ?3 AND (sequence IS NULL OR visible_at > ?4)",
            params![queue.name(), id, receipt, self.now()],
        )?;
        if queue.is_fifo() {
            let is_there = "SELECT EXISTS (SELECT 1 FROM message WHERE queue = ?1 AND id = ?2)";
            if deleted == 0 && connection.query_row(is_there, params![queue.name(), id], |row| row.get(0))? {
                return Err(QueueError::Expired);
            }
            self.arrivals.notify_waiters();
        }
        Ok(())
    }

    /// Hides a received message from now on for `hidden_for`; zero shows it at once.
    ///
    /// # Errors
    /// [`QueueError::Receipt`] if it was never a receipt of this endpoint, [`QueueError::NotInFlight`] if the message is
    /// gone, visible again or in other hands.
    pub fn hide(&self, queue: Queue, receipt: &str, hidden_for: Duration) -> Result<(), QueueError> {
        let now = self.now();
        let id = message_id(receipt)?;
        let hidden = self.connection().execute(
            "UPDATE message SET visible_at = ?4 WHERE queue = ?1 AND id = ?2 AND receipt = ?3 AND visible_at > ?5",
            params![queue.name(), id, receipt, now.saturating_add(millis(hidden_for)), now],
        )?;
        if hidden == 0 {
            return Err(QueueError::NotInFlight);
        }
        self.arrivals.notify_waiters();
        Ok(())
    }

    /// How many messages there are.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn depth(&self, queue: Queue) -> Result<Depth, QueueError> {
        let depth = self.connection().query_row(
            "SELECT count(*) FILTER (WHERE visible_at <= ?2),
                    count(*) FILTER (WHERE visible_at > ?2 AND receipt IS NOT NULL),
                    count(*) FILTER (WHERE visible_at > ?2 AND receipt IS NULL)
             FROM message WHERE queue = ?1",
            params![queue.name(), self.now()],
            |row| Ok(Depth { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? }),
        )?;
        Ok(depth)
    }

    /// Waits until something may have become visible: a message was sent or given back, or `at_most` has passed.
    pub async fn wait(&self, at_most: Duration) {
        // Whether it was an arrival or the time makes no difference: the caller looks again.
        let _ = tokio::time::timeout(at_most, self.arrivals.notified()).await;
    }

    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves what was received too often to the dead letters.
fn bury(transaction: &Transaction<'_>, queue: Queue, now: i64) -> Result<(), rusqlite::Error> {
    let Some(redrive) = queue.redrive() else { return Ok(()) };
    let buried = transaction.execute(
        "UPDATE message SET queue = ?2, receipt = NULL, visible_at = ?3
         WHERE queue = ?1 AND visible_at <= ?3 AND receives >= ?4",
        params![queue.name(), redrive.dead_letters.name(), now, redrive.max_receives],
    )?;
    if buried > 0 {
        tracing::warn!(queue = queue.name(), buried, "gave up on messages of queue `{}`", queue.name());
    }
    Ok(())
}

/// The messages to be received, as they will be once they are; without their receipts. Of a group in a FIFO queue only the
/// first is among them, visible or not: SQS would give more of them at once, but need not.
fn visible(
    transaction: &Transaction<'_>,
    queue: Queue,
    limit: usize,
    now: i64,
) -> Result<Vec<Message>, rusqlite::Error> {
    // What was not sent to a FIFO queue has no `sequence`, and so nothing before it.
    let select = format!(
        "SELECT {} FROM message AS this WHERE queue = ?1 AND visible_at <= ?3 AND NOT EXISTS (
             SELECT 1 FROM message AS before WHERE before.queue = this.queue
             AND before.message_group = this.message_group AND before.sequence < this.sequence)
         ORDER BY visible_at, sent_at, sequence LIMIT ?2",
        Message::COLUMNS
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    transaction.prepare_cached(&select)?.query_map(params![queue.name(), limit, now], Message::read)?.collect()
}

/// The id within a receipt, which is `{id}.{random}`.
fn message_id(receipt: &str) -> Result<&str, QueueError> {
    receipt.split_once('.').map(|(id, _)| id).filter(|id| !id.is_empty()).ok_or(QueueError::Receipt)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
