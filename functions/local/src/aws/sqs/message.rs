//! What is received from a queue.

use rusqlite::Row;

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
    /// The group it was sent to: always one in a FIFO queue; in another one the sender may have named one.
    pub group: Option<String>,
    /// Its place in a FIFO queue.
    pub order: Option<Order>,
}

/// The place of a message in a FIFO queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What its sender called it, so that sending it again changes nothing.
    pub deduplication_id: String,
    /// Larger than that of every message sent before it.
    pub sequence: i64,
}

impl Message {
    /// The columns that [`Message::read`] reads, as the message will be once it is received; `?3` is now.
    pub(super) const COLUMNS: &str = "id, body, sent_at, coalesce(first_received_at, ?3), receives + 1, message_group,
        deduplication_id, sequence";

    /// Reads a row of [`Message::COLUMNS`]. The receipt is still to be made.
    pub(super) fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        let order = row.get::<_, Option<String>>(6)?.zip(row.get::<_, Option<i64>>(7)?);
        Ok(Self {
            id: row.get(0)?,
            body: row.get(1)?,
            receipt: String::new(),
            sent_at: row.get(2)?,
            first_received_at: row.get(3)?,
            receives: row.get(4)?,
            group: row.get(5)?,
            order: order.map(|(deduplication_id, sequence)| Order { deduplication_id, sequence }),
        })
    }
}
