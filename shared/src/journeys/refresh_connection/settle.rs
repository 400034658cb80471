//! An attempt that never came back. If it was given tokens that the table did not take, they wait in the ordered queue:
//! whoever shows the provider the token before them ends the grant. No length of time tells that nothing waits there any
//! more, but the order does: a message that is left behind them comes after they were stored.

use jiff::Timestamp;

use super::{Occasion, RefreshError, Refresher, message::RefreshMessage, wait::Awaited};
use crate::domain::{connection::Connection, ids::AttemptId, user::ConnectionKey};

/// Of all that ask within so many seconds one message is left.
const ASKED_EVERY: i64 = 5;

impl Refresher {
    /// Asks what became of an attempt whose lease is over. Whoever works the answer off refreshes the connection as well; who
    /// needs a token waits for that.
    pub(super) async fn ask_to_settle(
        &self,
        seen: Connection,
        attempt: &AttemptId,
        occasion: Occasion,
    ) -> Result<Connection, RefreshError> {
        let message = RefreshMessage::settle(&seen.key, attempt);
        // Asked again later, it must be left again: the message before may have come to nothing.
        let name = format!("settle-{attempt}-{}", self.clock.now().as_second() / ASKED_EVERY);
        if let Err(error) = self.salvage.send(&message, &group(&seen.key), &name).await {
            tracing::warn!(%error, "it can't be settled yet what became of a refresh");
            return Err(RefreshError::Busy);
        }
        if occasion.waits() { self.wait(seen, Awaited::Settlement).await } else { Err(RefreshError::Busy) }
    }

    /// Everything that this attempt may have left was stored, or there was nothing: the provider may be asked again. Answers
    /// the connection if it still has to be refreshed because of that. `asked_at` is when the queue took the question: what
    /// the attempt left after that stands behind it.
    ///
    /// # Errors
    /// [`RefreshError::Store`] if the table does not answer: the message must come again.
    pub async fn settle(
        &self,
        place: &ConnectionKey,
        attempt: &AttemptId,
        asked_at: Timestamp,
    ) -> Result<Option<Connection>, RefreshError> {
        let settled = self.leases.settle(place, attempt, asked_at, self.clock.now()).await?;
        if settled.is_some() {
            tracing::info!(connection.id = %place.id(), "a refresh never came back, and left nothing");
        }
        Ok(settled)
    }
}

/// In which group of the ordered queue all about one connection is.
pub(super) fn group(place: &ConnectionKey) -> String {
    place.id().to_string()
}
