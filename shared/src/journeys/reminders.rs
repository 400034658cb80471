//! Reminders: messages that say where to look, and no more. What they remind of stands in the table.

use std::time::Duration;

use crate::{
    queue::{DueMessage, LONGEST_DELAY, Queue},
    store::ItemKey,
};

/// Leaves reminders in a queue.
#[derive(Debug, Clone)]
pub(crate) struct Reminders(pub(crate) Queue);

impl Reminders {
    /// Reminds of something when `delay` is over. Nothing is lost if that fails, or if the delay is longer than a queue
    /// allows: the schedule finds in the index what is due and nobody was reminded of.
    pub(super) async fn leave(&self, item: ItemKey, delay: Duration) {
        if delay > LONGEST_DELAY {
            return;
        }
        if let Err(error) = self.0.send(&DueMessage::new(item.pk, item.sk), delay).await {
            tracing::warn!(%error, "nobody was reminded; the schedule will find what is due");
        }
    }
}
