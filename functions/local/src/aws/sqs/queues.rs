//! What is queued: in a file, so that a revocation survives a restart.
//!
//! As in SQS, a received message stays, hidden until its visibility timeout; who is done with it deletes it with the
//! receipt of that very receive. Calls block for the time of one write to the file.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connectors::{clock::Clock, random::Random};
use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use tokio::sync::Notify;

use super::Queue;

/// How often a message is received before it becomes a dead letter; as in `template.yaml`.
pub(super) const MAX_RECEIVES: i64 = 5;

/// How long a received message stays hidden: a batch of ten, each with two provider calls of 8 s, fits in it.
pub const VISIBILITY_TIMEOUT: Duration = Duration::from_mins(3);

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS message (
        id TEXT PRIMARY KEY,
        queue TEXT NOT NULL,
        body TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        visible_at INTEGER NOT NULL,
        receives INTEGER NOT NULL DEFAULT 0,
        first_received_at INTEGER,
        receipt TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS message_due ON message (queue, visible_at);";

/// Why a queue can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The receipt is none of this endpoint, or no longer the message's.
    #[error("the receipt is not valid")]
    Receipt,
    /// The message is not being worked on.
    #[error("the message is not in flight")]
    NotInFlight,
    /// The file can't be used.
    #[error("the queue file can't be read or written")]
    Storage(#[from] rusqlite::Error),
}

/// A received message. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Names the message for its whole life.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// Proves this receive; needed to delete it.
    pub receipt: String,
    /// When it was sent.
    pub sent_at: i64,
    /// When it was received for the first time.
    pub first_received_at: i64,
    /// How often it was received, this time included.
    pub receives: i64,
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
        let connection = Connection::open(file)?;
        connection.execute_batch(SCHEMA)?;
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

    /// Puts a message into the queue, hidden for `delay`. Answers its id.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn send(&self, queue: Queue, body: &str, delay: Duration) -> Result<String, QueueError> {
        let now = self.now();
        let id = Random::default().token();
        self.connection().execute(
            "INSERT INTO message (id, queue, body, sent_at, visible_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![id, queue.name(), body, now, now.saturating_add(millis(delay))],
        )?;
        self.arrivals.notify_waiters();
        Ok(id)
    }

    /// Takes up to `limit` visible messages and hides them for `hidden_for`. One that was received five times already
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

    /// Deletes a message that was worked off. A receipt that a later receive has replaced deletes nothing.
    ///
    /// # Errors
    /// [`QueueError::Receipt`] if it was never a receipt of this endpoint.
    pub fn delete(&self, queue: Queue, receipt: &str) -> Result<(), QueueError> {
        let id = message_id(receipt)?;
        self.connection().execute(
            "DELETE FROM message WHERE queue = ?1 AND id = ?2 AND receipt = ?3",
            params![queue.name(), id, receipt],
        )?;
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
    let Some(dead_letters) = queue.dead_letters() else { return Ok(()) };
    let buried = transaction.execute(
        "UPDATE message SET queue = ?2, receipt = NULL, visible_at = ?3
         WHERE queue = ?1 AND visible_at <= ?3 AND receives >= ?4",
        params![queue.name(), dead_letters.name(), now, MAX_RECEIVES],
    )?;
    if buried > 0 {
        tracing::warn!(queue = queue.name(), buried, "gave up on messages of queue `{}`", queue.name());
    }
    Ok(())
}

/// The messages to be received, as they will be once they are; without their receipts.
fn visible(
    transaction: &Transaction<'_>,
    queue: Queue,
    limit: usize,
    now: i64,
) -> Result<Vec<Message>, rusqlite::Error> {
    let mut statement = transaction.prepare_cached(
        "SELECT id, body, sent_at, coalesce(first_received_at, ?3), receives + 1 FROM message
         WHERE queue = ?1 AND visible_at <= ?3 ORDER BY visible_at, sent_at LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement.query_map(params![queue.name(), limit, now], message)?.collect()
}

fn message(row: &Row<'_>) -> Result<Message, rusqlite::Error> {
    Ok(Message {
        id: row.get(0)?,
        body: row.get(1)?,
        receipt: String::new(),
        sent_at: row.get(2)?,
        first_received_at: row.get(3)?,
        receives: row.get(4)?,
    })
}

/// The id within a receipt, which is `{id}.{random}`.
fn message_id(receipt: &str) -> Result<&str, QueueError> {
    receipt.split_once('.').map(|(id, _)| id).filter(|id| !id.is_empty()).ok_or(QueueError::Receipt)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
