//! What goes wrong around one refresh, drawn.

use std::time::Duration;

use crate::{
    dice::Dice,
    hold::Phase,
    provider::{Fate, Step},
    proxy::{Fault, Kind, Rule},
};

/// One thing that goes wrong with requests to AWS.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    kind: Kind,
    skip: usize,
    times: usize,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Throttle,
    Failure,
    Delay(Duration),
    DropRequest,
    DropResponse,
}

/// What happens to one connection in one round.
#[derive(Debug, Clone)]
pub(super) enum Chaos {
    /// Some read it, and requests to AWS and to the provider go wrong.
    Read { readers: usize, aws: Vec<Trouble>, provider: Option<Step> },
    /// The instance that refreshes it dies at a request; some wait for what it brings.
    Crash { at: Kind, phase: Phase, aws: Vec<Trouble>, waiting: usize },
    /// The tables take nothing once the provider has answered; with `queue_too`, nor does the queue.
    Outage { lasts: Duration, queue_too: bool, how: Outage, reads_after: Duration },
}

/// How the tables are away.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outage {
    Throttling,
    Failing,
    Unreachable,
}

impl Chaos {
    /// `outages`: whether there may be outages in this round. They last longer than all the rest.
    pub(super) fn draw(dice: &mut Dice, outages: bool) -> Self {
        match dice.below(100) {
            0..10 => Self::Crash {
                at: [Kind::Read, Kind::Lease, Kind::Send, Kind::Commit, Kind::Commit][dice.below(5)],
                phase: [Phase::Arrived, Phase::Processed][dice.below(2)],
                aws: if dice.percent(30) { vec![Trouble::draw(dice)] } else { Vec::new() },
                waiting: usize::from(dice.percent(20)),
            },
            10..30 if outages => Self::Outage {
                // Shorter and longer than a lease.
                lasts: Duration::from_secs([4, 12, 25, 38][dice.below(4)]),
                queue_too: dice.percent(15),
                how: [Outage::Throttling, Outage::Failing, Outage::Unreachable][dice.below(3)],
                reads_after: Duration::from_millis(u64::try_from(dice.below(1_500)).unwrap()),
            },
            _ => Self::Read {
                readers: [1, 1, 1, 2, 3][dice.below(5)],
                aws: (0..[0, 0, 1, 1, 2, 3][dice.below(6)]).map(|_| Trouble::draw(dice)).collect(),
                provider: dice.percent(35).then(|| provider(dice)),
            },
        }
    }

    /// Whether the connection must be put right before anything else happens to it.
    pub(super) fn must_settle(&self) -> bool {
        !matches!(self, Self::Read { .. })
    }
}

/// Lost answers are rarest: nothing helps against them.
fn provider(dice: &mut Dice) -> Step {
    match dice.below(100) {
        0..12 => Step::of(Fate::WorkThenClose),
        12..30 => Step::of(Fate::Close),
        30..45 => Step::status(500),
        45..55 => {
            Step::of(Fate::Answer { status: 429, headers: vec![("retry-after", "7".to_owned())], body: String::new() })
        }
        55..65 => Step::status(503),
        65..80 => Step::delayed_before(Duration::from_millis(200)),
        _ => Step::delayed_after(Duration::from_millis(400)),
    }
}

impl Trouble {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let kinds =
            [Kind::Read, Kind::Lease, Kind::Lease, Kind::Commit, Kind::Commit, Kind::Commit, Kind::Send, Kind::Write];
        let what = match dice.below(100) {
            0..25 => What::Throttle,
            25..50 => What::Failure,
            50..60 => What::Delay(Duration::from_millis(150)),
            60..62 => What::Delay(Duration::from_millis(3_300)),
            62..80 => What::DropRequest,
            _ => What::DropResponse,
        };
        Self { kind: kinds[dice.below(8)], skip: dice.below(5) / 3, times: [1, 1, 1, 2, 3, 4, 7][dice.below(7)], what }
    }

    /// As a rule for one user's requests.
    pub(super) fn rule(&self, user: &str) -> Rule {
        let fault = match self.what {
            What::Throttle => Fault::Throttle,
            What::Failure => Fault::Failure,
            What::Delay(delay) => Fault::Delay(delay),
            What::DropRequest => Fault::DropRequest,
            What::DropResponse => Fault::DropResponse,
        };
        // A request that is stuck is so once: the second one of the same operation is another one's.
        let times = if matches!(self.what, What::Delay(_)) { 1 } else { self.times };
        Rule { kind: Some(self.kind), user: Some(user.to_owned()), skip: self.skip, times, fault }
    }
}

impl Outage {
    /// What becomes of every request of one kind while it lasts.
    pub(super) fn rule(self, kind: Kind, user: &str) -> Rule {
        let fault = match self {
            Self::Throttling => Fault::Throttle,
            Self::Failing => Fault::Failure,
            Self::Unreachable => Fault::DropRequest,
        };
        Rule::always(kind, fault).of(user)
    }
}
