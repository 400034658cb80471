//! Refreshing one connection, so that no grant is ever lost to a race, a crash or a lost answer.
//!
//! A refresh token may be usable once. Asking twice, or losing the answer, can end the user's connection; so there is
//! one holder of a lease at a time, everything that can fail without harm comes before the provider is asked, and the
//! answer is stored before anybody uses it.

mod backoff;
pub mod salvage;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{ask_provider::AskProvider, carried_through, client_secret, end_connection, profile};
use crate::{
    clock::Clock,
    domain::{
        connection::{Connection, EndReason, Grant, SealedTokens},
        connector::Connector,
        ended::EndedGrant,
        ids::{AttemptId, EndedId},
        secret::{ClientSecret, RefreshToken, Secret},
    },
    oauth::{Credentials, Outcome, ProviderClient, RefreshRequest, TokenError, TokenSet, egress},
    queue::Queue,
    random::Random,
    store::{Commit, Connections, EndedGrants, FreshTokens, Lease, LeaseOutcome, Leases, StoreError, Write},
    vault::{Place, Ready, Vault, VaultError},
};
use salvage::RefreshMessage;

/// How long one refresh may hold the lease: the token call (8 s), storing the answer (5 s) and the drift of two clocks
/// (5 s) fit inside it with room to spare.
pub const LEASE: Duration = Duration::from_secs(30);

/// How much of the lease must be left behind the token call: storing the answer, and the drift of two clocks.
const RESERVE: Duration = Duration::from_secs(10);

/// The shortest token call worth making.
const SHORTEST_CALL: Duration = Duration::from_secs(1);

/// How long after the lease somebody looks whether its holder came back: the drift of two clocks.
const LOOK_AFTER: Duration = Duration::from_secs(2);

/// How long one waits for another's refresh.
const WAIT_AT_MOST: Duration = Duration::from_secs(10);

/// How long a stored answer is tried for before it goes to the queue.
const STORE_FOR: Duration = Duration::from_secs(5);

/// How many refusals that are neither passing nor final end a grant.
const REFUSALS_THAT_END: u32 = 3;

/// Refreshes connections.
#[derive(Debug, Clone)]
pub struct Refresher {
    pub(crate) leases: Leases,
    pub(crate) connections: Connections,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) ended: EndedGrants,
    pub(crate) provider: AskProvider,
    pub(crate) queue: Queue,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// Why a connection was not refreshed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// There is no connection any more.
    #[error("the connection is gone")]
    Gone,
    /// The grant is over; the user must connect again.
    #[error("the grant is over")]
    Ended,
    /// The provider does not accept the connector's client. The grant itself is not in question.
    #[error("the provider does not accept the connector's client")]
    Misconfigured(TokenError),
    /// The provider fails for now, or asked to be left alone.
    #[error("the provider fails for now")]
    Unavailable {
        /// How long to wait.
        retry_after: Duration,
        /// What it said, if it was asked just now.
        cause: Option<TokenError>,
    },
    /// Somebody else is refreshing it, and takes long.
    #[error("somebody else is refreshing the connection")]
    Busy,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't open or seal.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Everything that a refresh needs and that can be had without harm.
struct Prepared {
    refresh_token: Secret<RefreshToken>,
    client_secret: Option<Secret<ClientSecret>>,
}

impl Refresher {
    /// Refreshes a connection that was read a moment ago, and returns it as it is then. If somebody else is at it,
    /// waits for what they bring. Goes on to its end even if the caller goes away.
    ///
    /// # Errors
    /// [`RefreshError`], by what the caller can do about it.
    #[tracing::instrument(skip_all, fields(connection.id = %connection.key.id(), connector.id = %connector.id))]
    pub async fn refresh(&self, connection: Connection, connector: &Connector) -> Result<Connection, RefreshError> {
        let now = self.clock.now();
        if connection.grant != Grant::Live || connection.client_id != connector.client_id {
            return Err(RefreshError::Ended);
        }
        if let Some(retry_after) = connection.refresh.backing_off(now) {
            return Err(RefreshError::Unavailable { retry_after, cause: None });
        }
        let prepared = self.prepare(&connection, connector).await?;
        let attempt = AttemptId::of_ulid(&self.random.ulid(now));
        let until = now.checked_add(LEASE).unwrap_or(now);
        match self.leases.take(&connection, attempt, now, until).await? {
            LeaseOutcome::Lost => self.wait(connection).await,
            LeaseOutcome::Taken(lease) => {
                let (refresher, connector) = (self.clone(), connector.clone());
                carried_through(async move { refresher.under_lease(*lease, &connector, prepared).await }).await
            }
        }
    }

    /// Opens everything first: what cannot be opened must not be found out after the provider has spent the token.
    async fn prepare(&self, connection: &Connection, connector: &Connector) -> Result<Prepared, RefreshError> {
        let sealed = connection.tokens.refresh.as_ref().ok_or(RefreshError::Ended)?;
        self.vault.make_ready(&connection.key.workspace).await?;
        Ok(Prepared {
            refresh_token: self.vault.open(sealed, &Place::connection(&connection.key)).await?,
            client_secret: client_secret(&self.vault, connector).await?,
        })
    }

    async fn under_lease(
        &self,
        lease: Lease,
        connector: &Connector,
        with: Prepared,
    ) -> Result<Connection, RefreshError> {
        let provider = profile(connector).ok_or(RefreshError::Ended)?;
        let ready = self.vault.make_ready(&lease.connection.key.workspace).await?;
        if provider.rotates() {
            self.ask_to_look_later(&lease).await;
        }
        let Some(deadline) = self.time_to_call(&lease) else {
            let soon = self.clock.now();
            self.leases.release(&lease, lease.connection.refresh.failures, 0, soon, true).await?;
            return Err(RefreshError::Busy);
        };
        let credentials = Credentials { client_id: &connector.client_id, client_secret: with.client_secret.as_ref() };
        let granted = &lease.connection.granted;
        let request = RefreshRequest { refresh_token: &with.refresh_token, granted, deadline };
        match self.client.refresh(provider, credentials, request, self.clock.now()).await {
            Ok(tokens) => self.keep(lease, &ready, connector, tokens).await,
            Err(error) => self.failed(lease, &ready, error).await,
        }
    }

    /// How long the token call may take, if the lease leaves any time for one. Read right before it is made.
    fn time_to_call(&self, lease: &Lease) -> Option<Duration> {
        let left = Duration::try_from(lease.until.duration_since(self.clock.now())).ok()?;
        let left = left.checked_sub(RESERVE)?;
        (left >= SHORTEST_CALL).then(|| left.min(egress::DEADLINE))
    }

    /// If this process dies now, somebody finds the connection with its intent, and says what became of it.
    async fn ask_to_look_later(&self, lease: &Lease) {
        let message = RefreshMessage::look(&lease.connection.key);
        if let Err(error) = self.queue.send(&message, LEASE + LOOK_AFTER).await {
            tracing::warn!(%error, "nobody was asked to look after this refresh");
        }
    }

    async fn keep(
        &self,
        lease: Lease,
        ready: &Ready<'_>,
        connector: &Connector,
        tokens: TokenSet,
    ) -> Result<Connection, RefreshError> {
        let fresh = self.sealed(&lease, ready, &tokens);
        match self.commit(&lease, &fresh).await? {
            Commit::Done => {
                tracing::info!(outcome = "refreshed", "refreshed a connection");
                Ok(renewed(lease, fresh))
            }
            Commit::Refused(Some(row)) if row.refresh.last_commit.as_ref() == Some(&lease.attempt) => Ok(*row),
            Commit::Refused(Some(row)) if row.version == lease.connection.version => {
                match self.leases.salvage(&lease.claim(), &fresh).await? {
                    Commit::Done => Ok(renewed(lease, fresh)),
                    Commit::Refused(row) => self.renewed_by_another(*row.ok_or(RefreshError::Gone)?, &lease.connection),
                }
            }
            Commit::Refused(Some(row)) => self.renewed_by_another(*row, &lease.connection),
            Commit::Refused(None) => {
                self.revoke_orphan(connector, lease.connection, fresh).await;
                Err(RefreshError::Gone)
            }
        }
    }

    /// Stores the answer, and does not let go of it easily.
    async fn commit(&self, lease: &Lease, fresh: &FreshTokens) -> Result<Commit, RefreshError> {
        let give_up = self.clock.now().checked_add(STORE_FOR).unwrap_or(Timestamp::MAX);
        loop {
            let error = match self.leases.commit(lease, fresh).await {
                Ok(commit) => return Ok(commit),
                Err(error) => error,
            };
            if self.clock.now() >= give_up {
                let message = RefreshMessage::salvage(&lease.claim(), fresh);
                match self.queue.send(&message, Duration::ZERO).await {
                    Ok(()) => tracing::error!(%error, "the table took no tokens; their sealed form waits in the queue"),
                    Err(lost) => tracing::error!(%error, %lost, "neither the table nor the queue took the tokens"),
                }
                return Err(error.into());
            }
            tokio::time::sleep(Duration::from_millis(50 + self.random.below(350))).await;
        }
    }

    fn sealed(&self, lease: &Lease, ready: &Ready<'_>, tokens: &TokenSet) -> FreshTokens {
        let place = Place::connection(&lease.connection.key);
        let mut fresh = FreshTokens {
            access: ready.seal(&tokens.access_token, &place),
            refresh: tokens.refresh_token.as_ref().map(|token| ready.seal(token, &place)),
            token_type: tokens.token_type.clone(),
            issued_at: self.clock.now(),
            expires_at: tokens.expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            granted: Some(tokens.scopes.clone()),
            due_at: None,
        };
        let jitter = u16::try_from(self.random.below(1_001)).unwrap_or(0);
        let mut after = lease.connection.tokens.clone();
        (after.issued_at, after.expires_at) = (fresh.issued_at, fresh.expires_at);
        fresh.due_at = after.due_at(jitter);
        fresh
    }

    /// The user disconnected while the provider was rotating: what it gave belongs to nobody now. It is kept, sealed, as
    /// an ended grant until the provider has ended it, so that a crash or a failure here leaves nothing alive there.
    async fn revoke_orphan(&self, connector: &Connector, gone: Connection, fresh: FreshTokens) {
        let now = self.clock.now();
        let tokens = SealedTokens { access: fresh.access, refresh: fresh.refresh, ..gone.tokens.clone() };
        let id = EndedId::of_ulid(&self.random.ulid(now));
        let look_at = now.checked_add(end_connection::LOOK_AFTER).unwrap_or(Timestamp::MAX);
        let ended = EndedGrant::of(&Connection { tokens, ..gone }, id, now, look_at);
        if let Err(error) = self.ended.put(&ended).await {
            tracing::error!(%error, "tokens of a connection that is gone are not kept for a later revocation");
        }
        match self.provider.to_revoke_soon(connector, &ended).await {
            Ok(_) => {
                if let Err(error) = self.ended.destroy(&ended).await {
                    tracing::warn!(%error, "what became of a grant is not written down; its provider will be asked again");
                }
            }
            Err(error) => tracing::warn!(%error, "tokens of a connection that is gone are not revoked yet"),
        }
    }

    async fn failed(&self, lease: Lease, ready: &Ready<'_>, error: TokenError) -> Result<Connection, RefreshError> {
        match error {
            TokenError::Rejected { .. } => self.rejected(lease).await,
            TokenError::ClientRejected { .. } => {
                self.back_off(&lease, lease.connection.refresh.refusals, backoff::MISCONFIGURED, true).await?;
                Err(RefreshError::Misconfigured(error))
            }
            TokenError::Refused { .. } if lease.connection.refresh.refusals + 1 >= REFUSALS_THAT_END => {
                self.rejected(lease).await
            }
            TokenError::Refused { .. } => {
                let delay = self.delay(&lease, None);
                self.back_off(&lease, lease.connection.refresh.refusals + 1, delay, true).await?;
                Err(RefreshError::Unavailable { retry_after: delay, cause: Some(error) })
            }
            TokenError::Blocked(_) => {
                let delay = self.delay(&lease, None);
                self.back_off(&lease, lease.connection.refresh.refusals, delay, true).await?;
                Err(RefreshError::Unavailable { retry_after: delay, cause: Some(error) })
            }
            TokenError::Passing { retry_after, outcome, ref salvaged, .. } => {
                let delay = self.delay(&lease, retry_after);
                if let Some(token) = salvaged {
                    let sealed = ready.seal(token, &Place::connection(&lease.connection.key));
                    let retry_at = self.clock.now().checked_add(delay).unwrap_or(Timestamp::MAX);
                    self.leases.keep(&lease, &sealed, retry_at).await?;
                } else {
                    let known = outcome != Outcome::Unknown;
                    self.back_off(&lease, lease.connection.refresh.refusals, delay, known).await?;
                }
                Err(RefreshError::Unavailable { retry_after: delay, cause: Some(error) })
            }
        }
    }

    /// The provider says that the grant is over. Believed only if nobody has stored anything newer in the meantime.
    async fn rejected(&self, lease: Lease) -> Result<Connection, RefreshError> {
        let row = self.connections.find(&lease.connection.key).await?.ok_or(RefreshError::Gone)?;
        if row.version != lease.connection.version {
            return self.renewed_by_another(row, &lease.connection);
        }
        let reason = if lease.follows_lost_attempt { EndReason::RotationLost } else { EndReason::RefreshRejected };
        match self.leases.end(&lease, reason).await? {
            Write::Done => {
                tracing::info!(outcome = reason.as_str(), "a grant is over");
                Err(RefreshError::Ended)
            }
            Write::Conflict => match self.connections.find(&lease.connection.key).await? {
                None => Err(RefreshError::Gone),
                Some(row) if row.version != lease.connection.version => self.renewed_by_another(row, &lease.connection),
                Some(_) => Err(RefreshError::Busy),
            },
        }
    }

    /// The connection with what somebody else stored since it was `seen`. If that was a refresh token without an access
    /// token, there is nothing to hand out yet: the stored one is still the one that had to be refreshed.
    fn renewed_by_another(&self, row: Connection, seen: &Connection) -> Result<Connection, RefreshError> {
        if row.tokens.access.as_bytes() != seen.tokens.access.as_bytes() {
            return Ok(row);
        }
        Err(match row.refresh.backing_off(self.clock.now()) {
            Some(retry_after) => RefreshError::Unavailable { retry_after, cause: None },
            None => RefreshError::Busy,
        })
    }

    fn delay(&self, lease: &Lease, asked: Option<Duration>) -> Duration {
        backoff::delay(lease.connection.refresh.failures, asked, self.random.below(1_001))
    }

    async fn back_off(&self, lease: &Lease, refusals: u32, delay: Duration, known: bool) -> Result<(), RefreshError> {
        let retry_at = self.clock.now().checked_add(delay).unwrap_or(Timestamp::MAX);
        let failures = lease.connection.refresh.failures.saturating_add(1);
        self.leases.release(lease, failures, refusals, retry_at, known).await?;
        Ok(())
    }

    /// Waits for what the holder of the lease brings.
    async fn wait(&self, seen: Connection) -> Result<Connection, RefreshError> {
        let give_up = self.clock.now().checked_add(WAIT_AT_MOST).unwrap_or(Timestamp::MAX);
        loop {
            let row = self.connections.find(&seen.key).await?.ok_or(RefreshError::Gone)?;
            let now = self.clock.now();
            if row.version != seen.version {
                return self.renewed_by_another(row, &seen);
            }
            if row.grant != Grant::Live {
                return Err(RefreshError::Ended);
            }
            if let Some(retry_after) = row.refresh.backing_off(now) {
                return Err(RefreshError::Unavailable { retry_after, cause: None });
            }
            if now >= give_up || !row.refresh.is_leased(now) {
                return Err(RefreshError::Busy);
            }
            tokio::time::sleep(Duration::from_millis(50 + self.random.below(350))).await;
        }
    }
}

/// The connection as it stands after a commit.
fn renewed(lease: Lease, fresh: FreshTokens) -> Connection {
    let mut connection = lease.connection;
    let tokens = &mut connection.tokens;
    tokens.access = fresh.access;
    tokens.refresh = fresh.refresh.or(tokens.refresh.take());
    tokens.token_type = fresh.token_type;
    tokens.issued_at = fresh.issued_at;
    tokens.expires_at = fresh.expires_at;
    tokens.refresh_expires_at = fresh.refresh_expires_at.or(tokens.refresh_expires_at);
    connection.granted = fresh.granted.unwrap_or(connection.granted);
    connection.version += 1;
    let fence = connection.refresh.fence + 1;
    connection.refresh =
        crate::domain::connection::RefreshState { fence, last_commit: Some(lease.attempt), ..Default::default() };
    connection
}
