//! Working off the refresh queue and the ordered one behind it: what the schedule found due, connections and connectors,
//! what may not have come back, what could not be stored.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    doctor::Doctor,
    profile,
    refresh_connection::{Occasion, RefreshError, Refresher, message::RefreshMessage},
    reseal::{KeyMessage, NotResealed, Reseal},
    rotate_key::{RemindOfKeys, RotateError, RotateKey},
};
use crate::{
    clock::Clock,
    domain::{
        connection::{Connection, Grant, Quarantine},
        connector::Connector,
        ids::{AttemptId, WorkspaceId},
        notice::Notice,
        standing::Reason,
        user::ConnectionKey,
    },
    metrics::{Metric, Metrics},
    queue::DueMessage,
    store::{Checkups, Connections, Connectors, Schedule, StoreError, Write},
    vault::VaultError,
};

/// How long a connection is put off whose connector's client is refused: it takes a person to change that.
const MISCONFIGURED: Duration = Duration::from_mins(5);

/// How long a connection is put off that is on its way to another deployment: if it stays after all, it is not refreshed much
/// later than it would have been.
const MOVING_OUT: Duration = Duration::from_mins(5);

/// How long a connection is put off whose workspace's key the key service does not unwrap: it may be a KMS key of the
/// workspace's own, which its owner has disabled, and no message about it need come back and alarm this deployment's operator.
const KEY_REFUSED: Duration = Duration::from_mins(5);

/// What is put off for less comes up with the next round of the schedule anyway.
const WORTH_PUTTING_OFF: Duration = Duration::from_mins(1);

/// Works off the refresh queue, and the ordered one.
#[derive(Debug, Clone)]
pub struct RefreshDue {
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) schedule: Schedule,
    pub(crate) refresher: Refresher,
    pub(crate) rotate: RotateKey,
    pub(crate) doctor: Doctor,
    pub(crate) reseal: Reseal,
    pub(crate) remind: RemindOfKeys,
    pub(crate) metrics: Metrics,
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
    /// A connector was not examined.
    #[error("a connector was not examined: {0}")]
    Doctor(StoreError),
}

impl RefreshDue {
    /// Carries out one message of either queue, which the queue took at `sent_at`.
    ///
    /// # Errors
    /// [`Unfinished`] if it must come again.
    pub async fn work(&self, body: &str, sent_at: Option<Timestamp>) -> Result<(), Unfinished> {
        let outcome = match serde_json::from_str::<KeyMessage>(body) {
            Ok(message) => Box::pin(self.work_on_keys(message)).await,
            Err(_) => Box::pin(self.work_on_connection(body, sent_at)).await,
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

    async fn work_on_connection(&self, body: &str, sent_at: Option<Timestamp>) -> Result<(), Unfinished> {
        if let Ok(due) = serde_json::from_str::<DueMessage>(body) {
            if Checkups::is_key(&due.sk) {
                return Box::pin(self.doctor.examine_due(due.pk, due.sk)).await.map_err(Unfinished::Doctor);
            }
            return match self.schedule.find(&due.pk, &due.sk).await {
                Ok(Some(connection)) => self.look(connection, Occasion::Scheduled).await,
                Ok(None) => Ok(()),
                Err(StoreError::Unreadable(what)) => {
                    tracing::error!(what, "a connection's item can't be read");
                    self.quarantine((due.pk, due.sk), Quarantine::ItemUnreadable).await
                }
                Err(error) => Err(RefreshError::from(error).into()),
            };
        }
        match serde_json::from_str(body).map_err(|_| Unfinished::Unreadable)? {
            RefreshMessage::Look { place } => self.look_at(&place.parse().ok_or(Unfinished::Unreadable)?).await,
            RefreshMessage::Settle { place, attempt } => {
                let place = place.parse().ok_or(Unfinished::Unreadable)?;
                let attempt = AttemptId::parse(&attempt).map_err(|_| Unfinished::Unreadable)?;
                self.settle(&place, &attempt, sent_at.ok_or(Unfinished::Unreadable)?).await
            }
            RefreshMessage::Salvage { place, version, fence, attempt, tokens, grant } => {
                let place = place.parse().ok_or(Unfinished::Unreadable)?;
                Ok(self.refresher.store_salvaged(place, (version, fence), &attempt, &tokens, grant).await?)
            }
        }
    }

    async fn look_at(&self, place: &ConnectionKey) -> Result<(), Unfinished> {
        match self.connections.find(place).await.map_err(RefreshError::from)? {
            Some(connection) => self.look(connection, Occasion::LookedAfter).await,
            None => Ok(()),
        }
    }

    /// What comes of the refresh is not this message's business: it must not hold up its group, and the schedule brings the
    /// connection up again.
    async fn settle(&self, place: &ConnectionKey, attempt: &AttemptId, asked_at: Timestamp) -> Result<(), Unfinished> {
        let Some(connection) = self.refresher.settle(place, attempt, asked_at).await? else { return Ok(()) };
        if let Err(error) = self.look(connection, Occasion::LookedAfter).await {
            tracing::warn!(%error, "a connection whose last refresh never came back is not refreshed yet");
        }
        Ok(())
    }

    /// Refreshes a connection if it still has to be.
    async fn look(&self, connection: Connection, occasion: Occasion) -> Result<(), Unfinished> {
        let key = &connection.key;
        let connector = self.connectors.find(&key.workspace, &key.connector).await.map_err(RefreshError::from)?;
        let own_client = |connector: &Connector| connector.is_active() && connector.client_id == connection.client_id;
        let Some(connector) = connector.filter(own_client) else {
            return Ok(self.schedule.remove(&connection).await.map_err(RefreshError::from)?);
        };
        if !connection.refresh.is_due(self.clock.now()) {
            return Ok(());
        }
        if let Some(end) = profile(&connector).and_then(|provider| connection.tokens.end_unrenewed(provider)) {
            self.refresher.tell_of_expiry(&connection, end).await;
        }
        match self.refresher.refresh(connection.clone(), &connector, occasion).await {
            // Not the queue's business: the user, an admin or time must help, and the schedule brings it up again.
            Ok(_) | Err(RefreshError::Gone | RefreshError::Busy | RefreshError::Crowded) => Ok(()),
            // Nor the schedule's, if there is nothing to refresh it with.
            Err(RefreshError::Ended) => self.ended(&connection, &connector).await,
            Err(RefreshError::Unavailable { cause: None, retry_after }) => self.put_off(&connection, retry_after).await,
            Err(RefreshError::Misconfigured(_) | RefreshError::SecretUnreadable) => {
                self.put_off(&connection, MISCONFIGURED).await
            }
            Err(RefreshError::MovingOut) => self.put_off(&connection, MOVING_OUT).await,
            Err(RefreshError::Vault(error @ VaultError::KeyService(_))) => {
                tracing::warn!(%error, "a connection's key can't be had, and it is put off");
                self.put_off(&connection, KEY_REFUSED).await
            }
            Err(RefreshError::Vault(error @ (VaultError::DoesNotOpen | VaultError::NoKey))) => {
                tracing::error!(%error, "a connection's tokens can't be opened");
                self.metrics.record(Metric::Quarantined, 1);
                let told = self.refresher.news_of_loss(key, Reason::Unreadable);
                let write = self.schedule.quarantine_sealed(&connection, &told).await.map_err(RefreshError::from)?;
                self.tell(write, &told).await;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// There is nothing to refresh it with. If it works until its token ends, that is told when it comes.
    async fn ended(&self, connection: &Connection, connector: &Connector) -> Result<(), Unfinished> {
        let end = profile(connector).and_then(|provider| connection.tokens.end_unrenewed(provider));
        match end.filter(|_| connection.grant == Grant::Live) {
            None => self.schedule.remove(connection).await.map_err(RefreshError::from)?,
            Some(end) if self.clock.now() < end => {
                self.schedule.put_off(connection, end).await.map_err(RefreshError::from)?;
            }
            Some(_) => {
                let told = self.refresher.news_of_loss(&connection.key, Reason::Expired);
                let write = self.schedule.remove_ended(connection, &told).await.map_err(RefreshError::from)?;
                self.tell(write, &told).await;
            }
        }
        Ok(())
    }

    async fn tell(&self, write: Write, told: &Notice) {
        if write == Write::Done {
            self.refresher.tell(Some(told)).await;
        }
    }

    /// Nothing can be done before then: the schedule need not bring it up every minute.
    async fn put_off(&self, connection: &Connection, by: Duration) -> Result<(), Unfinished> {
        if by < WORTH_PUTTING_OFF {
            return Ok(());
        }
        let until = self.clock.now().checked_add(self.refresher.spread(by)).unwrap_or(Timestamp::MAX);
        Ok(self.schedule.put_off(connection, until).await.map_err(RefreshError::from)?)
    }

    /// Whatever is tried with it fails here, before any provider is asked: it comes up no more, and is left as it is for
    /// its user, or a better version of this code, to set right.
    async fn quarantine(&self, (pk, sk): (String, String), reason: Quarantine) -> Result<(), Unfinished> {
        self.metrics.record(Metric::Quarantined, 1);
        Ok(self.schedule.quarantine(&pk, &sk, reason).await.map_err(RefreshError::from)?)
    }
}
