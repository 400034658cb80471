//! The end of a connection here: in one transaction it is gone, and what it takes to end its grant at the provider is
//! kept until that is done.

use std::time::Duration;

use jiff::Timestamp;

use super::publish::Publisher;
use crate::{
    clock::Clock,
    domain::{
        connection::Connection,
        ended::EndedGrant,
        event::EventKind,
        ids::{EndedId, RevocationId},
        user::ConnectionKey,
    },
    random::Random,
    store::{Connections, EndedGrants, StoreError, Write},
};

/// How often it is tried while others write the connection: a refresh stores its tokens once.
const TRIES: usize = 5;

/// When the schedule looks after a grant that whoever ended it is about to revoke: they are done by then, or dead.
pub(super) const LOOK_AFTER: Duration = Duration::from_mins(1);

/// Ends connections.
#[derive(Debug, Clone)]
pub(crate) struct EndConnection {
    pub(crate) connections: Connections,
    pub(crate) ended: EndedGrants,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// Why a connection was not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// Others kept writing it. Nothing has changed.
    #[error("others keep writing the connection")]
    Contended,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EndConnection {
    /// Ends the connection at this place, if there is one. Its grant is due to be ended at the provider after `wait`.
    pub(super) async fn at(&self, place: &ConnectionKey, wait: Duration) -> Result<Option<EndedGrant>, EndError> {
        match self.connections.find(place).await? {
            None => Ok(None),
            Some(connection) => self.end(connection, wait).await,
        }
    }

    /// By lot, where a connection that goes is counted out.
    pub(super) fn draw(&self) -> u64 {
        self.random.below(u64::MAX)
    }

    /// Ends a connection that was read a moment ago. What is kept of it are its tokens as they are at the end: if a
    /// refresh stores others in between, it is read again.
    pub(super) async fn end(&self, connection: Connection, wait: Duration) -> Result<Option<EndedGrant>, EndError> {
        self.end_if(connection, wait, None, |_| true).await
    }

    /// The same, as long as it is one that is meant: in between the user may have connected anew. It is counted by the
    /// revocation that it is part of.
    pub(super) async fn end_if(
        &self,
        mut connection: Connection,
        wait: Duration,
        part_of: Option<&RevocationId>,
        is_meant: impl Fn(&Connection) -> bool + Send,
    ) -> Result<Option<EndedGrant>, EndError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let id = EndedId::of_ulid(&self.random.ulid(now));
            let due_at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            let ended = EndedGrant { part_of: part_of.cloned(), ..EndedGrant::of(&connection, id, now, due_at) };
            let told = self.publisher.of_connection(EventKind::ConnectionDisconnected, &connection.key);
            if self.ended.end(&connection, &ended, &told, self.draw()).await? == Write::Done {
                self.publisher.remind(&told).await;
                return Ok(Some(ended));
            }
            tokio::time::sleep(Duration::from_millis(self.random.below(50))).await;
            match self.connections.find(&connection.key).await? {
                None => return Ok(None),
                Some(changed) if !is_meant(&changed) => return Ok(None),
                Some(changed) => connection = changed,
            }
        }
        Err(EndError::Contended)
    }
}
