//! Ending a grant at its provider: now if the provider answers, else again and again, later and later, for a day.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    ask_provider::{AskProvider, NotRevoked},
    audit::deed,
    profile,
    publish::{Publisher, noticed_as},
    reminders::Reminders,
};
use crate::{
    clock::Clock,
    domain::{
        app::words,
        audit::Actor,
        connector::Connector,
        ended::{EndedGrant, Fate},
        event::EventKind,
        notice::Notice,
    },
    metrics::{Metric, Metrics},
    oauth::Revoked,
    random::Random,
    store::{Connections, Connectors, EndedGrants, LetGo, StoreError, Write},
    vault::VaultError,
};

/// How often a grant is let go of while others are counted in the same place, each time after twice as long: five seconds at
/// most in all.
const LET_GO_TRIES: u32 = 9;

/// Ends grants whose connections are gone.
#[derive(Debug, Clone)]
pub(crate) struct RevokeGrant {
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) ended: EndedGrants,
    pub(crate) provider: AskProvider,
    pub(crate) reminders: Reminders,
    pub(crate) publisher: Publisher,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What became of a grant at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It is ended there.
    Revoked,
    /// The provider did not do it yet; it is asked again.
    Pending,
    /// The provider has no way to end it, or none that would leave the user's other connections alone; the tokens were
    /// destroyed here.
    Unsupported,
    /// The provider refused for good, or could not be asked; the tokens were destroyed here.
    Failed,
}

words! {
    Revocation { Revoked = "revoked", Pending = "pending", Unsupported = "unsupported", Failed = "failed" }
}

/// What a try came to.
enum Outcome {
    Revoked,
    Unsupported,
    Failed,
    /// It may go better later.
    Passing(NotRevoked),
    /// It might, but the provider has had time enough.
    GivenUp,
    /// A newer connection took the grant over.
    Superseded,
    /// The provider would end another connection of its owner with it.
    Shared,
}

impl RevokeGrant {
    /// Tries to end a grant whose connection was just ended, while somebody waits. What does not succeed now is tried
    /// again later.
    pub(super) async fn first(&self, connector: &Connector, mut ended: EndedGrant) -> Revocation {
        ended.tries += 1;
        let outcome = match self.is_shared(connector, &ended).await {
            Ok(true) => Outcome::Shared,
            Ok(false) => {
                let asked = self.provider.to_revoke_soon(connector, &ended).await;
                self.outcome(&ended, asked)
            }
            // The schedule finds the grant, and asks again whose it is.
            Err(error) => {
                tracing::warn!(%error, "whether a grant is shared is not known, and it is not revoked yet");
                return Revocation::Pending;
            }
        };
        let revocation = match outcome {
            Outcome::Revoked => Revocation::Revoked,
            Outcome::Unsupported | Outcome::Shared => Revocation::Unsupported,
            Outcome::Failed | Outcome::GivenUp | Outcome::Superseded => Revocation::Failed,
            Outcome::Passing(_) => Revocation::Pending,
        };
        // What is noted of it is what its connection's end came to; and if it failed, that as well.
        let notice = self.failure(&ended, &outcome);
        if let Err(error) = self.settle(&ended, &outcome, notice).await {
            tracing::warn!(%error, "what became of a grant is not written down; its provider will be asked again");
        }
        revocation
    }

    /// Tries once more to end a grant, which was claimed for that.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer. The grant is due again then.
    #[tracing::instrument(skip_all, fields(connection.id = %ended.place.id(), tries = ended.tries))]
    pub(super) async fn again(&self, ended: EndedGrant) -> Result<(), StoreError> {
        let connector = self.connectors.find(&ended.place.workspace, ended.connector()).await?;
        let outcome = match (self.is_superseded(connector.as_ref(), &ended).await?, connector) {
            (Ok(true), _) => Outcome::Superseded,
            (Err(error), _) => self.outcome(&ended, Err(error.into())),
            (_, Some(connector)) if self.is_shared(&connector, &ended).await? => Outcome::Shared,
            (_, Some(connector)) => self.outcome(&ended, self.provider.to_revoke(&connector, &ended).await),
            (_, None) => self.outcome(&ended, Err(NotRevoked::ConnectorGone)),
        };
        let notice = self.failure(&ended, &outcome).or_else(|| self.silence(&ended, &outcome));
        self.settle(&ended, &outcome, notice).await?;
        if let Some(action) = action(&outcome) {
            tracing::info!(outcome = action, "a grant has ended");
        }
        Ok(())
    }

    /// Whether what stands in its place by now took it over, or is the same grant, which was replaced and came back.
    async fn is_superseded(
        &self,
        connector: Option<&Connector>,
        ended: &EndedGrant,
    ) -> Result<Result<bool, VaultError>, StoreError> {
        let Some(standing) = self.connections.find(&ended.place).await? else { return Ok(Ok(false)) };
        let is_taken_over = ended.is_taken_over_by(&standing, connector.and_then(profile));
        if is_taken_over || !ended.was_replaced {
            return Ok(Ok(is_taken_over));
        }
        Ok(self.provider.is_same_grant(ended, &standing).await)
    }

    /// Whether the provider would end another connection of its owner with this grant: where its data says that a revocation
    /// is wider than the token. The last of them to be disconnected ends it for all.
    async fn is_shared(&self, connector: &Connector, ended: &EndedGrant) -> Result<bool, StoreError> {
        let revoke = profile(connector).and_then(|provider| provider.revoke.as_ref());
        if !revoke.is_some_and(|revoke| revoke.wider_than_token) {
            return Ok(false);
        }
        let others = self.connections.readable_beside(&ended.place).await?;
        Ok(others.iter().any(|other| ended.is_shared_with(other)))
    }

    fn outcome(&self, ended: &EndedGrant, asked: Result<Revoked, NotRevoked>) -> Outcome {
        match asked {
            Ok(Revoked::Done) => Outcome::Revoked,
            Ok(Revoked::Unsupported) => Outcome::Unsupported,
            Err(error) if !error.may_pass() => {
                tracing::error!(%error, connection.id = %ended.place.id(), "a grant can't be revoked at its provider");
                Outcome::Failed
            }
            Err(error) if ended.is_given_up(self.clock.now()) => {
                tracing::error!(%error, connection.id = %ended.place.id(), "gave up revoking a grant at its provider");
                self.metrics.record(Metric::RevocationsGivenUp, 1);
                Outcome::GivenUp
            }
            Err(error) => Outcome::Passing(error),
        }
    }

    /// Writes down what a try came to: what is not to be tried again is destroyed, its tokens with it, and what is told of
    /// that stands in the table in the same moment.
    async fn settle(&self, ended: &EndedGrant, outcome: &Outcome, notice: Option<Notice>) -> Result<(), StoreError> {
        let fate = match outcome {
            Outcome::Passing(error) => return self.put_off(ended, error).await,
            Outcome::Revoked => Fate::Revoked,
            Outcome::Unsupported | Outcome::Shared => Fate::Unsupported,
            Outcome::Failed | Outcome::GivenUp | Outcome::Superseded => Fate::Failed,
        };
        if notice.is_none() && ended.part_of.is_none() {
            return self.ended.destroy(ended).await;
        }
        if let (true, Some(notice)) = (self.let_go(ended, fate, notice.as_ref()).await?, notice) {
            self.publisher.made(&notice).await;
        }
        Ok(())
    }

    async fn put_off(&self, ended: &EndedGrant, error: &NotRevoked) -> Result<(), StoreError> {
        let wait = ended.wait(error.retry_after(), self.random.below(1_001));
        tracing::warn!(%error, wait_s = wait.as_secs(), "a grant is not revoked yet");
        let due_at = self.clock.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        if self.ended.put_off(ended, due_at).await? == Write::Done {
            self.reminders.leave(EndedGrants::key(ended), wait).await;
        }
        Ok(())
    }

    /// Destroys what is left of a grant, unless somebody else was faster. Many that were ended together are counted in one
    /// place, so each may have to wait for others.
    async fn let_go(&self, ended: &EndedGrant, fate: Fate, told: Option<&Notice>) -> Result<bool, StoreError> {
        let mut counted = ended.part_of.as_ref().map(|whole| (whole, fate));
        for waited in 0..LET_GO_TRIES {
            match self.ended.let_go(ended, counted, told).await? {
                LetGo::Done => return Ok(true),
                LetGo::Gone => return Ok(false),
                // Reports are kept for a month.
                LetGo::Uncounted => counted = None,
                LetGo::Contended => tokio::time::sleep(Duration::from_millis(self.random.below(10 << waited))).await,
            }
        }
        Err(StoreError::Unavailable("many are counted at once".to_owned()))
    }

    /// What is told of a grant that its provider did not end, and noted.
    fn failure(&self, ended: &EndedGrant, outcome: &Outcome) -> Option<Notice> {
        let reason = match outcome {
            Outcome::Failed => "refused",
            Outcome::GivenUp => "given_up",
            _ => return None,
        };
        let event = self.publisher.of_connection(EventKind::ConnectionRevocationFailed, &ended.place).because(reason);
        let (place, tries) = (&ended.place, ended.tries.to_string());
        let details = [("connector", place.connector.as_str()), ("tries", tries.as_str())];
        Some(noticed_as(event, &Actor::System, (action(outcome)?, place.id().as_str()), &details))
    }

    /// What is noted of any other end that came later than its connection's.
    fn silence(&self, ended: &EndedGrant, outcome: &Outcome) -> Option<Notice> {
        let (place, tries) = (&ended.place, ended.tries.to_string());
        let details = [("connector", place.connector.as_str()), ("tries", tries.as_str())];
        let deed = deed(&Actor::System, action(outcome)?, place.id().as_str(), &details);
        Some(self.publisher.silent(&place.workspace, deed))
    }
}

/// What the audit trail says of an outcome, unless there will be another.
fn action(outcome: &Outcome) -> Option<&'static str> {
    Some(match outcome {
        Outcome::Revoked => "connection.revoked",
        Outcome::Unsupported => "connection.revocation_unsupported",
        Outcome::Failed => "connection.revocation_failed",
        Outcome::GivenUp => "connection.revocation_given_up",
        Outcome::Superseded => "connection.revocation_superseded",
        Outcome::Shared => "connection.revocation_shared",
        Outcome::Passing(_) => return None,
    })
}
