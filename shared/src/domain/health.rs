//! How a connector's provider does, as seen by everybody who refreshes through it: one provider that is down must not be
//! asked a million times, and a client that is not accepted says nothing about any user's grant.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How many different connections must fail in a row, with no success of any between them, before the provider is left
/// alone. A few that fail beside others that work are their own matter.
pub const FAILING_TO_OPEN: usize = 8;

/// How long the provider is left alone the first time; twice as long each time after that.
const FIRST_REST: Duration = Duration::from_secs(5);

/// How long it is left alone at most; it may ask for more itself.
const LONGEST_REST: Duration = Duration::from_mins(5);

/// How long one try may take that finds out whether the provider is back.
pub const PROBE: Duration = Duration::from_secs(20);

/// How long a refusal of the client stands before the provider is asked again. An admin's change of the connector ends it
/// at once.
pub const REFUSAL_STANDS: Duration = Duration::from_secs(15);

/// What is known of a connector's provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Connections whose last refresh failed, since the last success of any: short digests, as many as were counted.
    pub failing: usize,
    /// How often in a row the provider was left alone.
    pub openings: u32,
    /// Until when it is left alone; in the past while somebody finds out whether it is back.
    pub open_until: Option<Timestamp>,
    /// The provider does not accept the client.
    pub refusal: Option<ClientRefusal>,
}

/// A provider's refusal of a connector's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRefusal {
    /// The error code, made harmless.
    pub error: String,
    /// The HTTP status.
    pub status: u16,
    /// When the provider was asked.
    pub at: Timestamp,
    /// The revision of the connector that was refused: a later one may be right.
    pub revision: u64,
}

/// Whether the provider may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Ask,
    /// One may, to find out whether it is back: whoever claims the moment that is named here.
    Probe(Timestamp),
    /// It is left alone for now.
    Rest(Duration),
    /// It would refuse the client.
    Refused(ClientRefusal),
}

impl Health {
    /// Whether a connector of this `revision` may ask its provider at `now`.
    #[must_use]
    pub fn verdict(&self, revision: u64, now: Timestamp) -> Verdict {
        if let Some(refusal) = self.refusal_of(revision)
            && now.duration_since(refusal.at) < signed(REFUSAL_STANDS)
        {
            return Verdict::Refused(refusal.clone());
        }
        match self.open_until {
            None => Verdict::Ask,
            Some(until) if until > now => Verdict::Rest(until.duration_since(now).unsigned_abs()),
            Some(until) => Verdict::Probe(until),
        }
    }

    /// The refusal of the client, unless the connector was changed since.
    #[must_use]
    pub fn refusal_of(&self, revision: u64) -> Option<&ClientRefusal> {
        self.refusal.as_ref().filter(|refusal| refusal.revision == revision)
    }

    /// Whether anything is noted that a success would clear.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        *self != Self::default()
    }

    /// How long the provider is to be left alone after one more failure; `None` while it need not be.
    ///
    /// `asked` is what it asked for; `jitter` (0 to 1,000 thousandths) adds up to a half, so that connectors of one
    /// provider do not come back together.
    #[must_use]
    pub fn rest(&self, asked: Option<Duration>, jitter: u32) -> Option<Duration> {
        if self.failing < FAILING_TO_OPEN {
            return None;
        }
        let own = FIRST_REST.saturating_mul(1 << self.openings.min(10)).min(LONGEST_REST);
        let own = own + own / 2 * jitter.min(1_000) / 1_000;
        Some(asked.map_or(own, |asked| asked.max(own)))
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_few_failures_leave_the_provider_in_use_and_many_do_not() {
        let health = |failing| Health { failing, ..Health::default() };
        assert_eq!(health(FAILING_TO_OPEN - 1).rest(None, 0), None);
        assert_eq!(health(FAILING_TO_OPEN).rest(None, 0), Some(FIRST_REST));
    }

    #[test]
    fn rests_double_up_to_a_limit_and_heed_the_provider() {
        let rest = |openings, asked, jitter| {
            let health = Health { failing: FAILING_TO_OPEN, openings, ..Health::default() };
            health.rest(asked, jitter).unwrap().as_secs()
        };
        assert_eq!([rest(0, None, 0), rest(1, None, 0), rest(3, None, 0), rest(30, None, 0)], [5, 10, 40, 300]);
        assert_eq!(rest(1, None, 1_000), 15);
        assert_eq!(rest(0, Some(Duration::from_mins(1)), 0), 60);
    }

    #[test]
    fn a_refusal_stands_for_its_revision_and_its_time() {
        let refusal = ClientRefusal { error: "invalid_client".into(), status: 401, at: at(100), revision: 3 };
        let health = Health { refusal: Some(refusal.clone()), ..Health::default() };
        assert_eq!(health.verdict(3, at(114)), Verdict::Refused(refusal));
        assert_eq!(health.verdict(3, at(115)), Verdict::Ask);
        assert_eq!(health.verdict(4, at(101)), Verdict::Ask);
    }

    #[test]
    fn after_its_rest_one_finds_out_whether_the_provider_is_back() {
        let health = Health { open_until: Some(at(100)), ..Health::default() };
        assert_eq!(health.verdict(1, at(97)), Verdict::Rest(Duration::from_secs(3)));
        assert_eq!(health.verdict(1, at(100)), Verdict::Probe(at(100)));
    }
}
