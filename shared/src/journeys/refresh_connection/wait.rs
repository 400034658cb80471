//! Waiting for what somebody else brings.

use std::time::Duration;

use super::{RefreshError, Refresher, after};
use crate::domain::connection::{Connection, Grant};

/// How long one waits for another's refresh.
const WAIT_AT_MOST: Duration = Duration::from_secs(10);

/// Who is waited for. Nobody who has waited makes an attempt of their own: it may take as long as a lease, and who asked
/// has no time left for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// The holder of the lease, as long as they have it.
    Holder,
    /// Whoever settles what became of an earlier attempt, and goes on from there.
    Settlement,
}

impl Refresher {
    /// Waits for what somebody else brings.
    pub(super) async fn wait(&self, seen: Connection, awaited: Awaited) -> Result<Connection, RefreshError> {
        let give_up = after(self.clock.now(), WAIT_AT_MOST);
        loop {
            let row = self.connections.find(&seen.key).await?.ok_or(RefreshError::Gone)?;
            let now = self.clock.now();
            if row.version != seen.version && !row.refresh.unproven {
                return self.renewed_by_another(row, &seen);
            }
            if row.grant != Grant::Live {
                return Err(RefreshError::Ended);
            }
            if let Some(retry_after) = row.refresh.backing_off(now) {
                return Err(RefreshError::Unavailable { retry_after, cause: None });
            }
            let in_vain = awaited == Awaited::Holder && !row.refresh.is_leased(now);
            if now >= give_up || in_vain {
                return Err(RefreshError::Busy);
            }
            tokio::time::sleep(self.moment()).await;
        }
    }

    /// The connection with what somebody else stored since it was `seen`. If that was a refresh token without an access
    /// token, there is nothing to hand out yet: the stored one is still the one that had to be refreshed. Nor is there if it
    /// is not certain that what was stored works.
    pub(super) fn renewed_by_another(&self, row: Connection, seen: &Connection) -> Result<Connection, RefreshError> {
        if row.tokens.access.as_bytes() != seen.tokens.access.as_bytes() && !row.refresh.unproven {
            return Ok(row);
        }
        Err(match row.refresh.backing_off(self.clock.now()) {
            Some(retry_after) => RefreshError::Unavailable { retry_after, cause: None },
            None => RefreshError::Busy,
        })
    }

    /// A moment before looking again, for each another.
    pub(super) fn moment(&self) -> Duration {
        Duration::from_millis(50 + self.random.below(350))
    }
}
