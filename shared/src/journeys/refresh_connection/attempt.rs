//! One attempt under a lease: the token call, and what follows from how it went.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    CALL, LEASE, LOOK_AFTER, Occasion, Prepared, RESERVE, RefreshError, Refresher, Refreshing, SHORTEST_CALL, after,
    backoff, gate::Passage, message::RefreshMessage,
};
use crate::{
    domain::{
        connection::{Connection, EndReason},
        connector::Connector,
        provider::{Provider, Step},
    },
    journeys::{filled, profile},
    metrics::Metric,
    oauth::{Outcome, RefreshRequest, TokenError, TokenSet},
    store::{Follows, Lease, Release, StoreError, Write},
    vault::Ready,
};

/// How many refusals that are neither passing nor final end a grant.
const REFUSALS_THAT_END: u32 = 3;

/// How often what an attempt has learnt is tried to be written down.
const WRITES: u32 = 4;

/// How long it waits in between.
const BETWEEN_WRITES: Duration = Duration::from_millis(300);

/// An attempt that may be made.
pub(super) struct Attempt {
    pub(super) lease: Lease,
    pub(super) with: Prepared,
    pub(super) passage: Passage,
    pub(super) occasion: Occasion,
}

impl Refresher {
    /// Makes the attempt, to its end.
    pub(super) async fn carry_out(&self, attempt: Attempt, connector: &Connector) -> Result<Connection, RefreshError> {
        let provider = profile(connector).ok_or(RefreshError::Ended)?;
        let lease = &attempt.lease;
        let provider = filled(provider, connector, &lease.connection.details, Step::Refresh);
        let provider = &*provider.map_err(|_| RefreshError::Ended)?;
        let ready = match self.vault.make_ready(&lease.connection.key.workspace).await {
            Ok(ready) => ready,
            Err(error) => {
                self.release(lease, untouched(lease, lease.connection.refresh.due_at)).await?;
                return Err(error.into());
            }
        };
        if provider.rotates() {
            self.ask_to_look_later(lease).await;
        }
        match self.ask(&attempt, connector, provider).await {
            Ok(tokens) => {
                let kept = self.keep(attempt.lease, &ready, connector, (&tokens, attempt.occasion)).await;
                self.note_success(connector, attempt.passage).await;
                kept
            }
            Err(error) => self.failed(attempt, connector, provider, &ready, error).await,
        }
    }

    /// If this process dies now, somebody finds the connection with its intent, and says what became of it.
    async fn ask_to_look_later(&self, lease: &Lease) {
        let message = RefreshMessage::look(&lease.connection.key);
        if let Err(error) = self.queue.send(&message, LEASE + LOOK_AFTER).await {
            tracing::warn!(%error, "nobody was asked to look after this refresh; the schedule will");
        }
    }

    /// Asks the provider; once more if its answer was lost and it forgives that.
    async fn ask(&self, attempt: &Attempt, connector: &Connector, provider: &Provider) -> Result<TokenSet, TokenError> {
        let first = self.call(attempt, connector, provider).await;
        let is_lost = |error: &TokenError| {
            matches!(error, TokenError::Passing { outcome: Outcome::Unanswered | Outcome::Garbled, .. })
        };
        if provider.gives_grace() && first.as_ref().is_err_and(is_lost) {
            tracing::info!("the answer to a refresh was lost; the provider gives grace and is asked again");
            let second = self.call(attempt, connector, provider).await;
            // Whatever else comes of it, the first answer stays lost.
            return if second.is_ok() { second } else { first };
        }
        first
    }

    async fn call(
        &self,
        attempt: &Attempt,
        connector: &Connector,
        provider: &Provider,
    ) -> Result<TokenSet, TokenError> {
        let Some(deadline) = self.time_to_call(attempt) else { return Err(TokenError::too_late()) };
        let credentials = attempt.with.client_proof.credentials(&connector.client_id);
        let request = RefreshRequest {
            refresh_token: attempt.with.refresh_token.as_ref(),
            access_token: attempt.with.access_token.as_ref(),
            redirect_uri: &connector.redirect_uri(&self.public_base_url),
            granted: &attempt.lease.connection.granted,
            is_bound: attempt.lease.connection.tokens.is_bound(),
            deadline,
        };
        self.client.refresh(provider, credentials, request, self.clock.now()).await
    }

    /// How long the token call may take, if the lease leaves any time for one. Read right before it is made.
    fn time_to_call(&self, attempt: &Attempt) -> Option<Duration> {
        let left = Duration::try_from(attempt.lease.until.duration_since(self.clock.now())).ok()?;
        let left = left.checked_sub(RESERVE)?;
        (left >= SHORTEST_CALL).then(|| left.min(CALL))
    }

    async fn failed(
        &self,
        attempt: Attempt,
        connector: &Connector,
        provider: &Provider,
        ready: &Ready<'_>,
        error: TokenError,
    ) -> Result<Connection, RefreshError> {
        let Attempt { lease, passage, .. } = attempt;
        let refusals = lease.connection.refresh.refusals;
        match &error {
            TokenError::Rejected { .. } => {
                self.note_success(connector, passage).await;
                self.rejected(lease, connector, provider).await
            }
            // It has moved, or a page says "back soon": however often, that says nothing about any grant.
            TokenError::Refused { status: 300..400, .. } => {
                self.note_failure(&lease.connection.key, None, passage).await;
                self.back_off(&lease, provider, refusals, None, error).await
            }
            TokenError::Refused { .. } if refusals + 1 >= REFUSALS_THAT_END => {
                self.rejected(lease, connector, provider).await
            }
            TokenError::Refused { .. } => {
                let wait = backoff::after_refusal(refusals + 1);
                self.back_off(&lease, provider, refusals + 1, Some(wait), error).await
            }
            TokenError::Blocked(_) => self.back_off(&lease, provider, refusals, None, error).await,
            TokenError::ClientRejected { error: code, status } => {
                self.note_refusal(connector, code, *status).await;
                let retry_at = after(self.clock.now(), self.spread(backoff::MISCONFIGURED));
                self.release(&lease, untouched(&lease, Some(retry_at))).await?;
                Err(RefreshError::Misconfigured(error))
            }
            TokenError::Passing { outcome: Outcome::TooLate, .. } => {
                self.release(&lease, untouched(&lease, lease.connection.refresh.due_at)).await?;
                Err(RefreshError::Busy)
            }
            TokenError::Passing { retry_after, salvaged, .. } => {
                self.note_failure(&lease.connection.key, *retry_after, passage).await;
                if let Some(token) = salvaged {
                    let delay = self.delay(&lease, *retry_after);
                    self.keep_refresh_token(lease, ready, connector, token, after(self.clock.now(), delay)).await?;
                    return Err(RefreshError::Unavailable { retry_after: delay, cause: Some(error) });
                }
                let asked = *retry_after;
                self.back_off(&lease, provider, refusals, asked, error).await
            }
        }
    }

    /// The provider says that the grant is over. Believed only if nobody has stored anything newer in the meantime.
    async fn rejected(
        &self,
        lease: Lease,
        connector: &Connector,
        provider: &Provider,
    ) -> Result<Connection, RefreshError> {
        // Where the row can't be read, what is written down next asks for the same version anyway.
        let row = match self.connections.find(&lease.connection.key).await {
            Ok(row) => Some(row.ok_or(RefreshError::Gone)?),
            Err(StoreError::Unavailable(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(row) = row.filter(|row| row.version != lease.connection.version) {
            return self.overtaken(row, &lease, connector).await;
        }
        let is_loss = lease.follows != Follows::NothingUnsettled && provider.rotates();
        let (reason, metric) = if is_loss {
            (EndReason::RotationLost, Metric::RotationsLost)
        } else {
            (EndReason::RefreshRejected, Metric::GrantsEnded)
        };
        let told = self.news_of_end(&lease, reason);
        match insist(|| self.leases.end(&lease, reason, &told)).await? {
            Write::Done => {
                self.metrics.record(metric, 1);
                tracing::info!(outcome = reason.as_str(), "a grant is over");
                self.tell(Some(&told)).await;
                Err(RefreshError::Ended)
            }
            Write::Conflict => match self.connections.find(&lease.connection.key).await? {
                None => Err(RefreshError::Gone),
                Some(row) if row.version != lease.connection.version => self.overtaken(row, &lease, connector).await,
                Some(_) => Err(RefreshError::Busy),
            },
        }
    }

    /// Something newer is there. If it is what the user connected meanwhile, it has nothing to do with the refusal.
    async fn overtaken(
        &self,
        row: Connection,
        lease: &Lease,
        connector: &Connector,
    ) -> Result<Connection, RefreshError> {
        if row.refresh.last_commit.is_none() {
            return self.renewed_by_another(row, &lease.connection);
        }
        self.verified(row, connector).await
    }

    /// A refresh stored newer tokens while this attempt showed the older one. A provider that takes that for theft has ended
    /// the newer ones with it: whether it has is found out before anybody uses them, and noted first in case this comes no
    /// further.
    async fn verified(&self, row: Connection, connector: &Connector) -> Result<Connection, RefreshError> {
        match insist(|| self.leases.doubt(&row, self.clock.now())).await? {
            Write::Done => self.again(row, connector).await,
            Write::Conflict => Err(RefreshError::Busy),
        }
    }

    /// Another refresh, behind this one.
    pub(super) fn again<'a>(&'a self, row: Connection, connector: &'a Connector) -> Refreshing<'a> {
        self.refresh(row, connector, Occasion::LookedAfter)
    }

    /// Gives the lease back after a passing failure, and leaves the provider alone for a while. Where it may still be at
    /// work on the request, and a second use of the refresh token may end the grant, nobody asks before the lease ends.
    async fn back_off(
        &self,
        lease: &Lease,
        provider: &Provider,
        refusals: u32,
        asked: Option<Duration>,
        error: TokenError,
    ) -> Result<Connection, RefreshError> {
        let (now, outcome) = (self.clock.now(), error.outcome());
        let runs_on = outcome == Outcome::Unanswered && provider.is_strict();
        let earliest = after(now, self.delay(lease, asked));
        let retry_at = if runs_on { earliest.max(lease.until) } else { earliest };
        let failures = lease.connection.refresh.failures.saturating_add(1);
        let release = Release {
            failures,
            refusals,
            retry_at: Some(retry_at),
            due_at: Some(self.next_try(failures, retry_at)),
            in_doubt: provider.rotates() && outcome.may_be_done(),
            runs_on,
        };
        self.release(lease, release).await?;
        self.metrics.record(Metric::RefreshFailed, 1);
        let retry_after = Duration::try_from(retry_at.duration_since(now)).unwrap_or_default();
        Err(RefreshError::Unavailable { retry_after, cause: Some(error) })
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<Write, StoreError> {
        insist(|| self.leases.release(lease, release)).await
    }

    fn delay(&self, lease: &Lease, asked: Option<Duration>) -> Duration {
        backoff::delay(lease.connection.refresh.failures, asked, self.random.below(1_001))
    }

    /// When the schedule brings a failing connection up again: one that has failed for hours need not be tried as often as
    /// somebody who reads it may.
    fn next_try(&self, failures: u32, retry_at: Timestamp) -> Timestamp {
        if failures < backoff::FAILURES_THAT_TIRE {
            return retry_at;
        }
        retry_at.max(after(self.clock.now(), self.spread(backoff::TIRED)))
    }

    /// At least this long, and up to twice as long: what was put off together does not come back together.
    pub(in crate::journeys) fn spread(&self, by: Duration) -> Duration {
        by + Duration::from_millis(self.random.below(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// What an attempt has learnt is written down even if the table does not take it at first: without it, whoever comes next
/// must take a refusal for a loss. Both writes can be made twice.
async fn insist<W>(write: impl Fn() -> W) -> Result<Write, StoreError>
where
    W: Future<Output = Result<Write, StoreError>>,
{
    for _ in 1..WRITES {
        match write().await {
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(BETWEEN_WRITES).await,
            outcome => return outcome,
        }
    }
    write().await
}

/// The lease is given back as if it had never been: the provider was not asked, or spoke of the client only.
fn untouched(lease: &Lease, due_at: Option<Timestamp>) -> Release {
    let refresh = &lease.connection.refresh;
    Release {
        failures: refresh.failures,
        refusals: refresh.refusals,
        retry_at: None,
        due_at,
        in_doubt: false,
        runs_on: false,
    }
}
