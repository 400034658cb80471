//! Refreshing ahead of time: a schedule finds what is due, a queue carries it, and the same refresh as ever does it.

use futures::{StreamExt, stream};

use super::{
    refresh_connection::{RefreshError, Refresher, salvage::RefreshMessage},
    reseal::{KeyMessage, NotResealed, Reseal},
    rotate_key::{RemindOfKeys, RotateError, RotateKey},
};
use crate::{
    clock::Clock,
    domain::{connection::Connection, connector::Connector, ids::WorkspaceId, user::ConnectionKey},
    queue::{Queue, QueueError},
    store::{Connections, Due, DueIndex, StoreError, TokenReads, schema::DUE_SHARDS},
};

/// How many connections of one shard one sweep takes: what is left is still due a minute later.
const PER_SHARD: i32 = 200;

/// How many shards are asked at a time.
const AT_A_TIME: usize = 8;

/// Finds what is due.
#[derive(Debug, Clone)]
pub struct DispatchDue {
    pub(crate) due: DueIndex,
    pub(crate) queue: Queue,
    pub(crate) clock: Clock,
}

/// Why not everything that is due was found.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue takes no messages.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl DispatchDue {
    /// Leaves a message for every connection that is due, and says how many there were. Doing it twice is harmless:
    /// whoever takes the second message finds the work done.
    ///
    /// # Errors
    /// [`DispatchError`]; what was not found stays due.
    #[tracing::instrument(skip_all)]
    pub async fn dispatch(&self) -> Result<usize, DispatchError> {
        let now = self.clock.now();
        let mut shards = stream::iter(0..DUE_SHARDS)
            .map(|shard| async move { self.due.of_shard(shard, now, PER_SHARD).await })
            .buffer_unordered(AT_A_TIME);
        let mut found = 0;
        while let Some(due) = shards.next().await {
            let messages: Vec<DueMessage> = due?.into_iter().map(DueMessage::from).collect();
            found += messages.len();
            self.queue.send_all(&messages).await?;
        }
        tracing::info!(due.count = found, "looked for connections that are due");
        Ok(found)
    }
}

/// A message about a due connection: its keys in the table, nothing more.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct DueMessage {
    kind: DueKind,
    pk: String,
    sk: String,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum DueKind {
    Due,
}

impl From<Due> for DueMessage {
    fn from(due: Due) -> Self {
        Self { kind: DueKind::Due, pk: due.pk, sk: due.sk }
    }
}

/// Works off the refresh queue.
#[derive(Debug, Clone)]
pub struct RefreshDue {
    pub(crate) reads: TokenReads,
    pub(crate) connections: Connections,
    pub(crate) refresher: Refresher,
    pub(crate) rotate: RotateKey,
    pub(crate) reseal: Reseal,
    pub(crate) remind: RemindOfKeys,
    pub(crate) clock: Clock,
}

/// A message that must come again.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// It cannot be read; in the end it lands where somebody looks at it.
    #[error("the message can't be read")]
    Unreadable,
    /// It was not carried out.
    #[error(transparent)]
    Refresh(#[from] RefreshError),
    /// A workspace's key could not be looked after.
    #[error(transparent)]
    Rotate(#[from] RotateError),
    /// Something was not sealed anew.
    #[error(transparent)]
    Reseal(#[from] NotResealed),
}

impl RefreshDue {
    /// Carries out one message of the refresh queue.
    ///
    /// # Errors
    /// [`Unfinished`] if it must come again.
    pub async fn work(&self, body: &str) -> Result<(), Unfinished> {
        let outcome = match serde_json::from_str::<KeyMessage>(body) {
            Ok(message) => Box::pin(self.work_on_keys(message)).await,
            Err(_) => Box::pin(self.work_on_connection(body)).await,
        };
        self.remind.remind().await;
        outcome
    }

    async fn work_on_keys(&self, message: KeyMessage) -> Result<(), Unfinished> {
        match message {
            KeyMessage::LookAfterKeys { workspace } => {
                let workspace = WorkspaceId::parse(&workspace).map_err(|_| Unfinished::Unreadable)?;
                Ok(self.rotate.look_after(&workspace).await?)
            }
            KeyMessage::Reseal(walk) => Ok(self.reseal.step(walk).await?),
        }
    }

    async fn work_on_connection(&self, body: &str) -> Result<(), Unfinished> {
        if let Ok(due) = serde_json::from_str::<DueMessage>(body) {
            let row = self.connections.find_due(&Due { pk: due.pk, sk: due.sk }).await;
            return match row.map_err(RefreshError::from)? {
                Some(connection) => self.look(&connection.key).await,
                None => Ok(()),
            };
        }
        match serde_json::from_str(body).map_err(|_| Unfinished::Unreadable)? {
            RefreshMessage::Look { place } => self.look(&place.parse().ok_or(Unfinished::Unreadable)?).await,
            RefreshMessage::Salvage { place, version, attempt, tokens } => {
                let place = place.parse().ok_or(Unfinished::Unreadable)?;
                Ok(self.refresher.store_salvaged(place, version, &attempt, &tokens).await?)
            }
        }
    }

    /// Refreshes a connection if it still has to be: it is due, or an attempt on it never came back.
    async fn look(&self, place: &ConnectionKey) -> Result<(), Unfinished> {
        let (connection, connector) = self.reads.find(place).await.map_err(RefreshError::from)?;
        let Some(connection) = connection else { return Ok(()) };
        let own_client = |connector: &Connector| connector.is_active() && connector.client_id == connection.client_id;
        let Some(connector) = connector.filter(own_client) else {
            return Ok(self.connections.unschedule(&connection).await.map_err(RefreshError::from)?);
        };
        if !self.needs_work(&connection) {
            return Ok(());
        }
        match self.refresher.refresh(connection, &connector).await {
            // Not the queue's business: the user, an admin or time must help, and the index brings it up again.
            Ok(_)
            | Err(
                RefreshError::Gone
                | RefreshError::Ended
                | RefreshError::Busy
                | RefreshError::Misconfigured(_)
                | RefreshError::Unavailable { cause: None, .. },
            ) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn needs_work(&self, connection: &Connection) -> bool {
        let now = self.clock.now();
        let lost_attempt = connection.refresh.intent.is_some() && !connection.refresh.is_leased(now);
        // With full jitter the earliest moment at which the index may have named it.
        let due = connection.tokens.due_at(0).is_some_and(|at| at <= now);
        lost_attempt || due
    }
}
