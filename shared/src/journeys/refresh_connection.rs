//! Refreshing one connection, so that no grant is ever lost to a race, a crash or a lost answer.
//!
//! A refresh token may be usable once. Asking twice, or losing the answer, can end the user's connection; so there is
//! one holder of a lease at a time, everything that can fail without harm comes before the provider is asked, and the
//! answer is stored before anybody uses it.
//!
//! ```text
//! refresh ─┬─ gate (is the provider to be asked at all?) ── prepare ── lease ─┬─ attempt ── store
//!          │                                                                  └─ wait, for what its holder brings
//!          └─ settle, where an attempt never came back: what it was given may still be in the queue
//! ```

mod attempt;
mod backoff;
mod crowd;
mod gate;
pub mod message;
mod orphan;
mod salvage;
mod settle;
mod store;
mod tell;
mod wait;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use jiff::Timestamp;

use self::wait::Awaited;
use super::{
    ask_provider::AskProvider, carried_through, client_proof::ClientProof, filled, profile, publish::Publisher,
};
use crate::{
    clock::Clock,
    domain::{
        connection::{Connection, Grant},
        connector::Connector,
        ids::AttemptId,
        provider::{Provider, RefreshGrant, Step},
        secret::{AccessToken, RefreshToken, Secret},
    },
    metrics::Metrics,
    oauth::{ProviderClient, TokenError},
    queue::{OrderedQueue, Queue},
    random::Random,
    store::{Bid, Connections, EndedGrants, Healths, LeaseOutcome, Leases, Paces, Renewals, Schedule, StoreError},
    vault::{Place, Vault, VaultError},
};
pub(crate) use crowd::Crowd;
pub(in crate::journeys) use gate::USUAL_PER_SECOND;

/// How long one refresh may hold the lease: the token call (12 s), and storing the answer, in the table or the queue, by
/// clocks that may drift (10 s), fit inside it. No longer, because whoever comes after a holder that died should come within the half minute for
/// which many providers forgive a second use of a refresh token, even where their data does not say so.
pub const LEASE: Duration = Duration::from_secs(22);

/// How much of the lease must be left behind the token call: storing the answer, and the drift of two clocks.
const RESERVE: Duration = Duration::from_secs(10);

/// How long a token call may take. Longer than any other request: an answer that comes too late may have held the only
/// token that works. Who waits for it has an answer within fifteen seconds all the same.
pub const CALL: Duration = Duration::from_secs(12);

/// The shortest token call worth making.
const SHORTEST_CALL: Duration = Duration::from_secs(1);

/// How long after the lease somebody looks whether its holder came back: when it can be asked what became of it.
const LOOK_AFTER: Duration = Duration::from_secs(3);

/// How often the schedule comes by: what it would bring up before that needs no message of its own.
const SCHEDULE: Duration = Duration::from_mins(1);

/// Refreshes connections.
#[derive(Debug, Clone)]
pub struct Refresher {
    pub(crate) leases: Leases,
    pub(crate) renewals: Renewals,
    pub(crate) schedule: Schedule,
    pub(crate) connections: Connections,
    pub(crate) healths: Healths,
    pub(crate) paces: Paces,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) ended: EndedGrants,
    pub(crate) provider: AskProvider,
    pub(crate) queue: Queue,
    pub(crate) salvage: OrderedQueue,
    pub(crate) crowd: Crowd,
    pub(crate) public_base_url: String,
    pub(crate) publisher: Publisher,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// On what occasion a connection is refreshed: it decides who waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Somebody reads, and has no token that works until the refresh is done.
    Needed,
    /// Somebody reads, and an API refused the token that they have.
    Refused,
    /// Somebody reads, and the token they have works for a little longer: they do not wait for another's refresh.
    Wanted,
    /// Nobody asked: its time has come.
    Scheduled,
    /// An attempt on it may not have come back.
    LookedAfter,
}

impl Occasion {
    /// Whether somebody has nothing to go on with until the refresh is done, and so waits for another's.
    fn waits(self) -> bool {
        matches!(self, Self::Needed | Self::Refused)
    }
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
    /// The connector's client secret does not open: it was changed, or its key is gone. An admin has to set it again.
    #[error("the connector's client secret does not open")]
    SecretUnreadable,
    /// The provider fails for now, or asked to be left alone.
    #[error("the provider fails for now")]
    Unavailable {
        /// How long to wait.
        retry_after: Duration,
        /// What it said, if it was asked just now.
        cause: Option<TokenError>,
    },
    /// The connector's connections are on their way to another deployment, which refreshes them from now on.
    #[error("the connections are moving out")]
    MovingOut,
    /// The provider is asked as often as it may be: another time.
    #[error("the provider is asked as often as it may be")]
    Crowded,
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

/// A refresh at work. It has this form so that it is compiled here, and not again in every function that waits for one.
pub type Refreshing<'a> = Pin<Box<dyn Future<Output = Result<Connection, RefreshError>> + Send + 'a>>;

/// Everything that a refresh needs and that can be had without harm.
struct Prepared {
    refresh_token: Option<Secret<RefreshToken>>,
    access_token: Option<Secret<AccessToken>>,
    client_proof: ClientProof,
}

impl Refresher {
    /// Refreshes a connection that was read a moment ago, and returns it as it is then. If somebody else is at it,
    /// waits for what they bring. Goes on to its end even if the caller goes away.
    ///
    /// # Errors
    /// [`RefreshError`], by what the caller can do about it.
    #[tracing::instrument(skip_all, fields(connection.id = %connection.key.id(), connector.id = %connector.id))]
    pub fn refresh<'a>(
        &'a self,
        connection: Connection,
        connector: &'a Connector,
        occasion: Occasion,
    ) -> Refreshing<'a> {
        Box::pin(async move { self.refresh_now(connection, connector, occasion).await })
    }

    async fn refresh_now(
        &self,
        connection: Connection,
        connector: &Connector,
        occasion: Occasion,
    ) -> Result<Connection, RefreshError> {
        let provider = profile(connector).ok_or(RefreshError::Ended)?;
        if !connection.tokens.have_what_renews(provider)
            || connection.grant != Grant::Live
            || connection.client_id != connector.client_id
        {
            return Err(RefreshError::Ended);
        }
        // Before anything is claimed: what lacks a value can never be asked for.
        filled(provider, connector, &connection.details, Step::Refresh).map_err(|_| RefreshError::Ended)?;
        if let Some(retry_after) = connection.refresh.backing_off(self.clock.now()) {
            return Err(RefreshError::Unavailable { retry_after, cause: None });
        }
        if provider.rotates()
            && let Some(attempt) = connection.refresh.unaccounted(self.clock.now()).cloned()
        {
            return self.ask_to_settle(connection, &attempt, occasion).await;
        }
        if connector.is_moving_out() {
            return Err(RefreshError::MovingOut);
        }
        self.is_time(&connection, provider)?;
        let gate = self.look_at_gate(connector).await?;
        let with = self.prepare(&connection, connector, provider).await?;
        let place_in_crowd = self.keep_pace(connector, provider, occasion).await?;
        let passage = self.pass(gate, connector).await?;
        let lease = self.lease(&connection, provider).await;
        if !matches!(lease, Ok(LeaseOutcome::Taken(_))) {
            self.turn_back(passage, connector).await;
        }
        match lease? {
            LeaseOutcome::Lost if occasion.waits() => self.wait(connection, Awaited::Holder).await,
            LeaseOutcome::Lost => Err(RefreshError::Busy),
            LeaseOutcome::Taken(lease) => {
                let (refresher, connector) = (self.clone(), connector.clone());
                let attempt = attempt::Attempt { lease: *lease, with, passage, occasion };
                let work = Box::pin(async move {
                    let renewed = Box::pin(refresher.carry_out(attempt, &connector)).await;
                    drop(place_in_crowd);
                    renewed
                });
                carried_through(work).await
            }
        }
    }

    /// Whether a refresh can succeed at this moment: not once what it presents has ended, and not while the provider takes
    /// the access token for too young. Neither is worth a question to the provider, which could count as a refusal.
    fn is_time(&self, connection: &Connection, provider: &Provider) -> Result<(), RefreshError> {
        let (tokens, now) = (&connection.tokens, self.clock.now());
        if !tokens.are_renewable(provider, now) {
            return Err(RefreshError::Ended);
        }
        match Duration::try_from(tokens.old_enough_at(provider).duration_since(now)) {
            Ok(retry_after) if !retry_after.is_zero() => Err(RefreshError::Unavailable { retry_after, cause: None }),
            _ => Ok(()),
        }
    }

    /// Opens everything first: what cannot be opened must not be found out after the provider has spent the token.
    async fn prepare(
        &self,
        connection: &Connection,
        connector: &Connector,
        provider: &Provider,
    ) -> Result<Prepared, RefreshError> {
        let (tokens, place) = (&connection.tokens, Place::connection(&connection.key));
        let refresh = tokens.refresh.as_ref().filter(|_| provider.refresh.grant == RefreshGrant::RefreshToken);
        self.vault.make_ready(&connection.key.workspace).await?;
        Ok(Prepared {
            refresh_token: match refresh {
                Some(sealed) => Some(self.vault.open(sealed, &place).await?),
                None => None,
            },
            access_token: match &tokens.access {
                sealed if provider.shows_access_token() => Some(self.vault.open(sealed, &place).await?),
                _ => None,
            },
            client_proof: ClientProof::open(&self.vault, &self.random, connector, self.clock.now())
                .await
                .map_err(of_connector)?,
        })
    }

    /// Asks for the lease. Where the table's answer is lost, asks the item who holds it.
    async fn lease(&self, connection: &Connection, provider: &Provider) -> Result<LeaseOutcome, StoreError> {
        let now = self.clock.now();
        let attempt = AttemptId::of_ulid(&self.random.ulid(now));
        let until = after(now, LEASE);
        let comes_by = after(until, SCHEDULE);
        let unscheduled = connection.refresh.due_at.is_none_or(|at| at > comes_by);
        let look_at = unscheduled.then(|| after(until, LOOK_AFTER));
        let bid = Bid { attempt: attempt.clone(), now, until, look_at, respects_intent: provider.rotates() };
        match self.leases.take(connection, bid).await {
            Err(StoreError::Unavailable(_)) => self.leases.find(&connection.key, attempt, until).await,
            outcome => outcome,
        }
    }
}

/// What is wrong with the connector's secret is held against no connection.
fn of_connector(error: VaultError) -> RefreshError {
    match error {
        VaultError::DoesNotOpen | VaultError::NoKey => {
            tracing::error!(%error, "a connector's client secret can't be opened");
            RefreshError::SecretUnreadable
        }
        VaultError::KeyService(_) | VaultError::Store(_) => error.into(),
    }
}

fn after(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}
