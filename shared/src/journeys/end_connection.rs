//! The end of a connection here: in one transaction it is gone, and what it takes to end its grant at the provider is
//! kept until that is done.

use std::time::Duration;

use jiff::Timestamp;

use super::publish::{Publisher, noticed_as};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        connection::Connection,
        ended::EndedGrant,
        event::EventKind,
        ids::{EndedId, RevocationId},
        notice::Notice,
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

/// A connection that is gone.
#[derive(Debug)]
pub(super) struct Ended {
    /// What it takes to end its grant at the provider.
    pub(super) grant: EndedGrant,
    /// What is left to be noted of it, once it is known what became of the grant. If nobody says so soon, it is noted as it is.
    pub(super) notice: Notice,
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
    /// Ends the connection at this place for somebody, if there is one. Its grant is due to be ended at the provider after
    /// `wait`.
    pub(super) async fn at(
        &self,
        place: &ConnectionKey,
        actor: &Actor,
        wait: Duration,
    ) -> Result<Option<Ended>, EndError> {
        match self.connections.find(place).await? {
            None => Ok(None),
            Some(connection) => self.end(connection, actor, wait).await,
        }
    }

    /// What is told and noted of a connection's end.
    pub(super) fn notice(&self, place: &ConnectionKey, actor: &Actor) -> Notice {
        let event = self.publisher.of_connection(EventKind::ConnectionDisconnected, place);
        let details = [("connector", place.connector.as_str())];
        noticed_as(event, actor, ("connection.deleted", place.id().as_str()), &details)
    }

    /// Notes a connection's end, and what became of its grant at the provider.
    pub(super) async fn note(&self, notice: Notice, revocation: &str) {
        self.publisher.note(&notice.with("revocation", revocation)).await;
    }

    /// By lot, where a connection that goes is counted out.
    pub(super) fn draw(&self) -> u64 {
        self.random.below(u64::MAX)
    }

    /// Ends a connection that was read a moment ago. What is kept of it are its tokens as they are at the end: if a
    /// refresh stores others in between, it is read again.
    pub(super) async fn end(
        &self,
        connection: Connection,
        actor: &Actor,
        wait: Duration,
    ) -> Result<Option<Ended>, EndError> {
        self.end_if(connection, actor, wait, None, |_| true).await
    }

    /// The same, as long as it is one that is meant: in between the user may have connected anew. It is counted by the
    /// revocation that it is part of.
    pub(super) async fn end_if(
        &self,
        mut connection: Connection,
        actor: &Actor,
        wait: Duration,
        part_of: Option<&RevocationId>,
        is_meant: impl Fn(&Connection) -> bool + Send,
    ) -> Result<Option<Ended>, EndError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let id = EndedId::of_ulid(&self.random.ulid(now));
            let due_at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            let grant = EndedGrant { part_of: part_of.cloned(), ..EndedGrant::of(&connection, id, now, due_at) };
            let notice = self.notice(&connection.key, actor);
            if self.ended.end(&connection, &grant, &notice, self.draw()).await? == Write::Done {
                self.publisher.remind(&notice).await;
                return Ok(Some(Ended { grant, notice }));
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
