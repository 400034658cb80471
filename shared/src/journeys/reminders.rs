//! Reminders: messages that say where to look, and no more. What they remind of stands in the table.

use std::time::Duration;

use super::refresh_due::DueMessage;
use crate::{
    queue::{LONGEST_DELAY, Queue},
    store::Due,
};

/// Leaves reminders in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Reminders(pub(crate) Queue);

impl Reminders {
    /// Reminds of something when `delay` is over. Nothing is lost if that fails, or if the delay is longer than a queue
    /// allows: the schedule finds in the index what is due and nobody was reminded of.
    pub(super) async fn leave(&self, due: Due, delay: Duration) {
        if delay > LONGEST_DELAY {
            return;
        }
        if let Err(error) = self.0.send(&DueMessage::from(due), delay).await {
            tracing::warn!(%error, "nobody was reminded; the schedule will find what is due");
        }
    }
}
