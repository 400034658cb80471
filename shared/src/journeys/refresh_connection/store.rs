//! Storing what the provider gave. It may be the only token that works, so it is not let go of before it is stored: under
//! the lease, or without it as long as nothing newer is there, or, sealed, in the queue.

use std::{future::Future, time::Duration};

use jiff::Timestamp;

use super::{
    Occasion, RefreshError, Refresher,
    message::{GrantOnWire, RefreshMessage},
    settle::group,
};
use crate::{
    domain::{
        connection::{Connection, RefreshState, SealedTokens, kept},
        connector::Connector,
        schedule::Use,
        secret::{RefreshToken, Secret},
    },
    journeys::profile,
    metrics::Metric,
    oauth::TokenSet,
    queue::QueueError,
    store::{Commit, FreshAccess, Lease, Renewal, StoreError},
    vault::{Place, Ready},
};

/// How long the table may take for one try: it is asked again rather than waited for.
const TRY: Duration = Duration::from_millis(2_500);

/// After what time the queue is asked as well.
const ALONE: Duration = Duration::from_secs(3);

/// How a renewal was stored.
enum Stored {
    /// Under its lease.
    Under,
    /// After another had one: it is unproven.
    Late,
    /// It is not, and this is what is there instead.
    Refused(Option<Box<Connection>>),
}

impl Refresher {
    /// Stores the tokens, and returns the connection with them.
    pub(super) async fn keep(
        &self,
        lease: Lease,
        ready: &Ready<'_>,
        connector: &Connector,
        (tokens, occasion): (&TokenSet, Occasion),
    ) -> Result<Connection, RefreshError> {
        let renewal = self.sealed(&lease, ready, connector, (tokens, occasion));
        match self.stored(&lease, &renewal).await? {
            Stored::Under => {
                self.metrics.record(Metric::Refreshed, 1);
                tracing::info!(outcome = "refreshed", "refreshed a connection");
                let before = lease.connection.tokens.clone();
                let connection = renewed(lease, renewal);
                if let Some(end) = connection.tokens.end_in_spite_of_refresh(&before) {
                    self.tell_of_expiry(&connection, end).await;
                }
                Ok(connection)
            }
            Stored::Late => {
                let row = self.connections.find(&lease.connection.key).await?.ok_or(RefreshError::Gone)?;
                self.again(row, connector).await
            }
            Stored::Refused(Some(row)) => {
                self.revoke_orphan(connector, &lease.connection, renewal, Some(&row)).await;
                self.renewed_by_another(*row, &lease.connection)
            }
            Stored::Refused(None) => {
                self.revoke_orphan(connector, &lease.connection, renewal, None).await;
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
            scopes_changed: false,
            details: None,
            due_at: Some(retry_at),
            retry_at: Some(retry_at),
        };
        match self.stored(&lease, &renewal).await? {
            Stored::Under | Stored::Late => Ok(()),
            Stored::Refused(Some(row)) => {
                self.revoke_orphan(connector, &lease.connection, renewal, Some(&row)).await;
                Ok(())
            }
            Stored::Refused(None) => {
                self.revoke_orphan(connector, &lease.connection, renewal, None).await;
                Err(RefreshError::Gone)
            }
        }
    }

    /// Stores a renewal under its lease; without it, if the lease was lost and nothing newer is there. What is refused in
    /// the end is refused because of something newer, or because the connection is gone.
    async fn stored(&self, lease: &Lease, renewal: &Renewal) -> Result<Stored, RefreshError> {
        let claim = lease.claim();
        let told = self.news_of_scopes(&claim, renewal);
        let told = told.as_ref();
        match self.insist(lease, renewal, || self.renewals.commit(&claim, renewal, told)).await? {
            Commit::Done => {
                self.tell(told).await;
                return Ok(Stored::Under);
            }
            Commit::Refused(Some(row)) if row.version == claim.version => {}
            Commit::Refused(standing) => return Ok(Stored::Refused(standing)),
        }
        let write = || self.renewals.salvage(&claim, renewal, self.clock.now(), told);
        Ok(match self.insist(lease, renewal, write).await? {
            Commit::Done => {
                self.tell(told).await;
                Stored::Late
            }
            Commit::Refused(standing) => Stored::Refused(standing),
        })
    }

    /// Asks the table alone for a moment, then the queue in turn with it, until one of them has the sealed answer or the
    /// lease ends; and for a moment even if that has ended already. An error may hide that the table has stored it: asking
    /// again is safe, and the attempt's own commit is recognised.
    async fn insist<W>(&self, lease: &Lease, renewal: &Renewal, write: impl Fn() -> W) -> Result<Commit, RefreshError>
    where
        W: Future<Output = Result<Commit, StoreError>>,
    {
        let written = async || match self.until_answered(&write).await {
            Commit::Refused(Some(row)) if row.refresh.last_commit.as_ref() == Some(&lease.attempt) => Commit::Done,
            outcome => outcome,
        };
        if let Ok(commit) = tokio::time::timeout(ALONE, written()).await {
            return Ok(commit);
        }
        let left = Duration::try_from(lease.until.duration_since(self.clock.now())).unwrap_or_default();
        let in_turn = async {
            loop {
                if matches!(tokio::time::timeout(TRY, self.hand_over(lease, renewal)).await, Ok(Ok(()))) {
                    return None;
                }
                if let Ok(commit) = tokio::time::timeout(TRY, written()).await {
                    return Some(commit);
                }
            }
        };
        match tokio::time::timeout(left.max(ALONE), in_turn).await {
            Ok(Some(commit)) => return Ok(commit),
            Ok(None) => tracing::error!("the table took no tokens; their sealed form waits in the queue"),
            Err(_) => tracing::error!("neither the table nor the queue took the tokens"),
        }
        Err(StoreError::Unavailable("no tokens taken".to_owned()).into())
    }

    /// Asks the table until it answers.
    async fn until_answered<W>(&self, write: impl Fn() -> W) -> Commit
    where
        W: Future<Output = Result<Commit, StoreError>>,
    {
        loop {
            match tokio::time::timeout(TRY, write()).await {
                Ok(Ok(commit)) => return commit,
                Ok(Err(error)) => tracing::warn!(%error, "the table took no tokens yet"),
                Err(_) => tracing::warn!("the table does not answer"),
            }
            tokio::time::sleep(self.moment()).await;
        }
    }

    async fn hand_over(&self, lease: &Lease, renewal: &Renewal) -> Result<(), QueueError> {
        let message = RefreshMessage::salvage(&lease.claim(), GrantOnWire::of(&lease.connection), renewal);
        self.salvage.send(&message, &group(&lease.connection.key), lease.attempt.as_str()).await
    }

    fn sealed(
        &self,
        lease: &Lease,
        ready: &Ready<'_>,
        connector: &Connector,
        (tokens, occasion): (&TokenSet, Occasion),
    ) -> Renewal {
        let (connection, now) = (&lease.connection, self.clock.now());
        let place = Place::connection(&connection.key);
        let access = FreshAccess {
            token: ready.seal(&tokens.access_token, &place),
            token_type: tokens.token_type.clone(),
            issued_at: now,
            expires_at: tokens.expires_at,
            refused_in_row: if occasion == Occasion::Refused { connection.refused_once_more(now) } else { 0 },
        };
        let mut after = connection.tokens.clone();
        (after.issued_at, after.expires_at) = (access.issued_at, access.expires_at);
        after.refresh_expires_at = refresh_token_ends(&connection.tokens, tokens, access.issued_at);
        let provider = profile(connector);
        let due_at = provider.and_then(|provider| {
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
            refresh_expires_at: after.refresh_expires_at,
            scopes_changed: connection.granted != tokens.scopes,
            granted: Some(tokens.scopes.clone()),
            details: provider
                .and_then(|provider| provider.renewed_details(&connection.details, &tokens.kept))
                .map(kept),
            due_at,
            retry_at: None,
        }
    }
}

/// When the refresh token ends. A new one of which nothing is said lives for as long as the one before it did; one that
/// stays is kept alive by no refresh, so its end is no reason for one.
fn refresh_token_ends(before: &SealedTokens, given: &TokenSet, now: Timestamp) -> Option<Timestamp> {
    given.refresh_expires_at.or_else(|| {
        given.refresh_token.as_ref()?;
        let life = before.refresh_expires_at?.duration_since(before.issued_at);
        if life.is_positive() { now.checked_add(life).ok() } else { None }
    })
}

/// The connection as it stands after a commit.
fn renewed(lease: Lease, renewal: Renewal) -> Connection {
    let mut connection = lease.connection;
    let (tokens, mut refused_in_row) = (&mut connection.tokens, connection.refresh.refused_in_row);
    if let Some(access) = renewal.access {
        refused_in_row = access.refused_in_row;
        tokens.access = access.token;
        tokens.token_type = access.token_type;
        tokens.issued_at = access.issued_at;
        tokens.expires_at = access.expires_at;
    }
    tokens.refresh = renewal.refresh.or(tokens.refresh.take());
    tokens.refresh_expires_at = renewal.refresh_expires_at.or(tokens.refresh_expires_at);
    connection.granted = renewal.granted.unwrap_or(connection.granted);
    connection.details = renewal.details.unwrap_or(connection.details);
    connection.version += 1;
    connection.quarantine = None;
    connection.refresh = RefreshState {
        fence: connection.refresh.fence + 1,
        last_commit: Some(lease.attempt),
        due_at: renewal.due_at,
        refused_in_row,
        ..RefreshState::default()
    };
    connection
}
