//! Whether the provider is to be asked at all. One that is down, or does not accept the client, is the connector's matter:
//! it is noted there, once, and never on anybody's connection.

use std::time::Duration;

use jiff::Timestamp;

use super::{Occasion, RefreshError, Refresher, after, crowd::PlaceInCrowd};
use crate::{
    domain::{
        connector::Connector,
        health::{ClientRefusal, PROBE, Verdict},
        provider::Provider,
        user::ConnectionKey,
    },
    oauth::{ErrorCode, TokenError},
    store::{Pace, Refused, Slot, StoreError, Write},
};

/// How many refreshes ahead of time a client may ask for in a second, where nothing else is known of the provider.
pub(in crate::journeys) const USUAL_PER_SECOND: u32 = 50;

/// How much of its pace a connector may make up for after a pause.
const BURST: Duration = Duration::from_secs(2);

/// How long one waits for a moment of its own; what would take longer comes another time.
const WAIT_FOR_SLOT: Duration = Duration::from_secs(2);

/// What the gate looked like to somebody who may go through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate {
    /// Something is noted of the provider that a success would clear.
    is_marked: bool,
    /// One may go through, to find out whether the provider is back: whoever claims this moment.
    only_one: Option<Timestamp>,
}

/// The right to ask, and whether that finds out if the provider is back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    /// Something is noted of the provider that a success would clear.
    is_marked: bool,
    /// This is the one try that finds out.
    probe: Option<Probe>,
}

/// The claim to be the one who finds out.
#[derive(Debug, Clone, Copy)]
struct Probe {
    /// What was claimed.
    seen: Timestamp,
    /// Until when.
    until: Timestamp,
}

impl Refresher {
    /// Whether the provider may be asked. Nothing is claimed yet.
    pub(super) async fn look_at_gate(&self, connector: &Connector) -> Result<Gate, RefreshError> {
        let now = self.clock.now();
        let health = self.healths.find(&connector.id).await?;
        let is_marked = health.is_marked();
        match health.verdict(connector.revision, now) {
            Verdict::Ask => Ok(Gate { is_marked, only_one: None }),
            Verdict::Probe(seen) => Ok(Gate { is_marked, only_one: Some(seen) }),
            Verdict::Rest(retry_after) => Err(RefreshError::Unavailable { retry_after, cause: None }),
            Verdict::Refused(refusal) => Err(RefreshError::Misconfigured(TokenError::ClientRejected {
                error: ErrorCode::of(&refusal.error),
                status: refusal.status,
            })),
        }
    }

    /// Goes through the gate, right before the provider is asked: whoever claims the one try that finds out whether it is
    /// back, and then does not ask, keeps it from everybody.
    pub(super) async fn pass(&self, gate: Gate, connector: &Connector) -> Result<Passage, RefreshError> {
        let Gate { is_marked, only_one } = gate;
        let Some(seen) = only_one else { return Ok(Passage { is_marked, probe: None }) };
        let until = after(self.clock.now(), PROBE);
        match self.healths.claim_probe(&connector.id, seen, until).await? {
            Write::Done => Ok(Passage { is_marked, probe: Some(Probe { seen, until }) }),
            Write::Conflict => Err(RefreshError::Unavailable { retry_after: PROBE, cause: None }),
        }
    }

    /// Comes back without having asked: another may find out.
    pub(super) async fn turn_back(&self, passage: Passage, connector: &Connector) {
        if let Some(Probe { seen, until }) = passage.probe {
            warned(self.healths.claim_probe(&connector.id, until, seen).await.map(|_| ()));
        }
    }

    /// What nobody waits for goes no faster than its provider likes, and no more of it at a time than is good for those
    /// who do wait.
    pub(super) async fn keep_pace(
        &self,
        connector: &Connector,
        provider: &Provider,
        occasion: Occasion,
    ) -> Result<Option<PlaceInCrowd>, RefreshError> {
        if occasion != Occasion::Scheduled {
            return Ok(None);
        }
        let place = self.crowd.enter(&connector.id).await;
        let now = self.clock.now();
        match self.paces.draw(&connector.id, pace(provider), now).await? {
            Slot::Taken => Err(RefreshError::Crowded),
            Slot::At(moment) => {
                let left = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
                if !left.is_zero() {
                    tokio::time::sleep(left).await;
                }
                Ok(Some(place))
            }
        }
    }

    /// The provider answered as it should.
    pub(super) async fn note_success(&self, connector: &Connector, passage: Passage) {
        if passage.is_marked {
            warned(self.healths.clear(&connector.id).await);
        }
    }

    /// The provider failed for a connection, for a reason that is not the connection's.
    pub(super) async fn note_failure(&self, of: &ConnectionKey, asked: Option<Duration>, passage: Passage) {
        warned(self.count_failure(of, asked, passage).await);
    }

    async fn count_failure(
        &self,
        of: &ConnectionKey,
        asked: Option<Duration>,
        passage: Passage,
    ) -> Result<(), StoreError> {
        let health = self.healths.count_failure(of).await?;
        let now = self.clock.now();
        let is_decided = health.open_until.is_some_and(|until| until > now) && passage.probe.is_none();
        let jitter = u32::try_from(self.random.below(1_001)).unwrap_or(0);
        if let Some(rest) = health.rest(asked, jitter).filter(|_| !is_decided)
            && self.healths.open(&of.connector, &health, after(now, rest)).await? == Write::Done
        {
            tracing::warn!(rest_s = rest.as_secs(), "a provider fails for everybody and is left alone for a while");
        }
        Ok(())
    }

    /// The provider does not accept the client. Others are told once for each of the connector's revisions: an admin who
    /// changed it wants to know whether that helped.
    pub(super) async fn note_refusal(&self, connector: &Connector, error: &ErrorCode, status: u16) {
        let refusal = ClientRefusal {
            error: error.as_str().to_owned(),
            status,
            at: self.clock.now(),
            revision: connector.revision,
        };
        tracing::error!(%error, status, "a provider does not accept a connector's client id or secret");
        let told = self.news_of_refusal(connector);
        match self.healths.note_refusal(&connector.id, &refusal, &told).await {
            Ok(Refused::ForTheFirstTime) => self.tell(Some(&told)).await,
            outcome => warned(outcome.map(|_| ())),
        }
    }
}

/// How often a provider is asked ahead of time.
fn pace(provider: &Provider) -> Pace {
    let per_second = provider.refresh.per_second.unwrap_or(USUAL_PER_SECOND).max(1);
    Pace { interval: Duration::from_secs(1) / per_second, burst: BURST, ahead: WAIT_FOR_SLOT }
}

/// What is noted of a provider spares it requests; a note that fails costs some.
fn warned(outcome: Result<(), StoreError>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "how a provider does was not noted");
    }
}
