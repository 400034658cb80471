//! Storing what the provider gave. It may be the only token that works, so it is not let go of before it is stored: under
//! the lease, or without it as long as nothing newer is there, or, sealed, in the queue.

use std::time::Duration;

use super::{RefreshError, Refresher, salvage::RefreshMessage};
use crate::{
    domain::{
        connection::{Connection, RefreshState},
        connector::Connector,
        schedule::Use,
        secret::{RefreshToken, Secret},
    },
    journeys::{client_secret, profile},
    metrics::Metric,
    oauth::{Credentials, GrantTokens, TokenSet},
    queue::QueueError,
    store::{Commit, FreshAccess, Lease, Renewal, StoreError},
    vault::{Place, Ready},
};

/// How long the table may take for one try: it is asked again rather than waited for.
const TRY: Duration = Duration::from_millis(2_500);

/// After what time the queue is asked as well.
const ALONE: Duration = Duration::from_secs(3);

impl Refresher {
    /// Stores the tokens, and returns the connection with them.
    pub(super) async fn keep(
        &self,
        lease: Lease,
        ready: &Ready<'_>,
        connector: &Connector,
        tokens: &TokenSet,
    ) -> Result<Connection, RefreshError> {
        let renewal = self.sealed(&lease, ready, connector, tokens);
        match self.stored(&lease, &renewal).await? {
            Commit::Done => {
                self.metrics.record(Metric::Refreshed, 1);
                tracing::info!(outcome = "refreshed", "refreshed a connection");
                Ok(renewed(lease, renewal))
            }
            Commit::Refused(Some(row)) => self.renewed_by_another(*row, &lease.connection),
            Commit::Refused(None) => {
                let grant = GrantTokens {
                    access_token: Some(&tokens.access_token),
                    refresh_token: tokens.refresh_token.as_ref(),
                };
                self.revoke_orphan(connector, grant).await;
                Err(RefreshError::Gone)
            }
        }
    }

    /// Stores a refresh token that came without an access token: the one before it may be used up.
    pub(super) async fn keep_refresh_token(
        &self,
        lease: Lease,
        ready: &Ready<'_>,
        connector: &Connector,
        token: &Secret<RefreshToken>,
        retry_at: jiff::Timestamp,
    ) -> Result<(), RefreshError> {
        let renewal = Renewal {
            access: None,
            refresh: Some(ready.seal(token, &Place::connection(&lease.connection.key))),
            refresh_expires_at: None,
            granted: None,
            due_at: Some(retry_at),
            retry_at: Some(retry_at),
        };
        if let Commit::Refused(None) = self.stored(&lease, &renewal).await? {
            self.revoke_orphan(connector, GrantTokens { access_token: None, refresh_token: Some(token) }).await;
            return Err(RefreshError::Gone);
        }
        Ok(())
    }

    /// Stores a renewal under its lease; without it, if the lease was lost and nothing newer is there. What is refused in
    /// the end is refused because of something newer, or because the connection is gone.
    async fn stored(&self, lease: &Lease, renewal: &Renewal) -> Result<Commit, RefreshError> {
        match self.commit(lease, renewal).await? {
            // The answer to an earlier try was lost.
            Commit::Refused(Some(row)) if row.refresh.last_commit.as_ref() == Some(&lease.attempt) => Ok(Commit::Done),
            Commit::Refused(Some(row)) if row.version == lease.connection.version => {
                Ok(self.renewals.salvage(&lease.claim(), renewal).await?)
            }
            outcome => Ok(outcome),
        }
    }

    /// Asks the table alone for a moment, then the queue in turn with it, until one of them has the sealed answer or the
    /// lease ends.
    async fn commit(&self, lease: &Lease, renewal: &Renewal) -> Result<Commit, RefreshError> {
        if let Ok(commit) = tokio::time::timeout(ALONE, self.committed(lease, renewal)).await {
            return Ok(commit);
        }
        let left = Duration::try_from(lease.until.duration_since(self.clock.now())).unwrap_or_default();
        let in_turn = async {
            loop {
                if self.hand_over(lease, renewal).await.is_ok() {
                    return None;
                }
                if let Ok(commit) = tokio::time::timeout(TRY, self.committed(lease, renewal)).await {
                    return Some(commit);
                }
            }
        };
        match tokio::time::timeout(left, in_turn).await {
            Ok(Some(commit)) => return Ok(commit),
            Ok(None) => tracing::error!("the table took no tokens; their sealed form waits in the queue"),
            Err(_) => tracing::error!("neither the table nor the queue took the tokens"),
        }
        Err(StoreError::Unavailable("no tokens taken".to_owned()).into())
    }

    /// Asks the table until it answers. An error may hide that it has stored them: asking again is safe.
    async fn committed(&self, lease: &Lease, renewal: &Renewal) -> Commit {
        loop {
            match tokio::time::timeout(TRY, self.renewals.commit(lease, renewal)).await {
                Ok(Ok(commit)) => return commit,
                Ok(Err(error)) => tracing::warn!(%error, "the table took no tokens yet"),
                Err(_) => tracing::warn!("the table does not answer"),
            }
            tokio::time::sleep(self.moment()).await;
        }
    }

    async fn hand_over(&self, lease: &Lease, renewal: &Renewal) -> Result<(), QueueError> {
        self.queue.send(&RefreshMessage::salvage(&lease.claim(), renewal), Duration::ZERO).await
    }

    fn sealed(&self, lease: &Lease, ready: &Ready<'_>, connector: &Connector, tokens: &TokenSet) -> Renewal {
        let connection = &lease.connection;
        let place = Place::connection(&connection.key);
        let access = FreshAccess {
            token: ready.seal(&tokens.access_token, &place),
            token_type: tokens.token_type.clone(),
            issued_at: self.clock.now(),
            expires_at: tokens.expires_at,
        };
        let mut after = connection.tokens.clone();
        (after.issued_at, after.expires_at) = (access.issued_at, access.expires_at);
        after.refresh_expires_at = tokens.refresh_expires_at.or(after.refresh_expires_at);
        let due_at = profile(connector).and_then(|provider| {
            after.due_at(Use {
                provider,
                last_used_on: connection.last_used_on,
                connected_at: connection.connected_at,
                jitter: u16::try_from(self.random.below(1_001)).unwrap_or(0),
            })
        });
        Renewal {
            access: Some(access),
            refresh: tokens.refresh_token.as_ref().map(|token| ready.seal(token, &place)),
            refresh_expires_at: tokens.refresh_expires_at,
            granted: Some(tokens.scopes.clone()),
            due_at,
            retry_at: None,
        }
    }

    /// The user disconnected while the provider was rotating: what it gave belongs to nobody now.
    async fn revoke_orphan(&self, connector: &Connector, grant: GrantTokens<'_>) {
        let Some(provider) = profile(connector) else { return };
        let Ok(secret) = client_secret(&self.vault, connector).await else { return };
        let credentials = Credentials { client_id: &connector.client_id, client_secret: secret.as_ref() };
        if let Err(error) = self.client.revoke(provider, credentials, grant, self.clock.now()).await {
            tracing::warn!(%error, "tokens of a connection that is gone were not revoked");
        }
    }
}

/// The connection as it stands after a commit.
fn renewed(lease: Lease, renewal: Renewal) -> Connection {
    let mut connection = lease.connection;
    let tokens = &mut connection.tokens;
    if let Some(access) = renewal.access {
        tokens.access = access.token;
        tokens.token_type = access.token_type;
        tokens.issued_at = access.issued_at;
        tokens.expires_at = access.expires_at;
    }
    tokens.refresh = renewal.refresh.or(tokens.refresh.take());
    tokens.refresh_expires_at = renewal.refresh_expires_at.or(tokens.refresh_expires_at);
    connection.granted = renewal.granted.unwrap_or(connection.granted);
    connection.version += 1;
    connection.quarantine = None;
    connection.refresh = RefreshState {
        fence: connection.refresh.fence + 1,
        last_commit: Some(lease.attempt),
        due_at: renewal.due_at,
        ..RefreshState::default()
    };
    connection
}
