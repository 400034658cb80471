//! The protocol under test: for which provider, with how many workers, under how many faults; and the rules that it
//! keeps, each of which can be switched off to see what it is good for.

use crate::{
    faults::{Fault, Faults},
    provider::Behaviour,
};

/// A rule of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nobody asks the provider without the lease.
    Lease,
    /// Nobody asks when the lease leaves no time for it.
    Deadline,
    /// Who got no answer keeps the lease: the next one asks when it has ended.
    LeaseOutlivesSilence,
    /// What may have been carried out is kept as doubt until new tokens are stored.
    DoubtKept,
    /// Who asks again under the same lease does not take a refusal at its word: the first call had no answer.
    OwnSilenceRemembered,
    /// Nobody takes the lease over an intent: what that attempt was given may still be on its way to the row.
    IntentBars,
    /// Nor where the provider gives grace.
    IntentBarsGraceToo,
    /// Nobody asks to have an attempt settled before its lease has ended by the slowest clock: what its holder leaves in the
    /// queue as long as it lasts comes first.
    SettleAfterDrift,
    /// The queue keeps its order: a settle is worked when everything that was left before it is.
    SettleBehindSalvaged,
    /// What the table does not take this time stays at the head of the queue.
    FailedStaysAtHead,
    /// A settle settles only the attempt that it names.
    AttemptInSettle,
    /// And only at the version that was read.
    VersionInSettle,
    /// And only if the lease has ended.
    LeaseInSettle,
    /// A settle that comes before the lease has ended is dropped; it does not wait at the head for that.
    EarlySettleDropped,
    /// What is settled stays in doubt.
    SettledStaysInDoubt,
    /// A holder leaves tokens in the queue only as long as its lease lasts.
    HandOverUnderLease,
    /// Tokens are stored before anybody is handed one.
    StoredFirst,
    /// An answer without a refresh token leaves the old one where it is.
    MissingTokenKeepsOld,
    /// Tokens are stored only over the version that they were refreshed from.
    VersionInCommit,
    /// A commit names its lease.
    FenceInCommit,
    /// What comes after the lease was lost is stored all the same, if nothing newer is there.
    LateTokensStored,
    /// What the table does not take goes to the queue.
    QueueTakesOver,
    /// So does what came after the lease was lost.
    QueueTakesLateTokens,
    /// Only the holder of the lease gives it back.
    FenceInGivingBack,
    /// Only the holder of the lease declares a grant over.
    FenceInEnd,
    /// It does so only for the version that it held the lease on.
    VersionInEnd,
    /// The row is read again before its grant is declared over.
    RereadBeforeEnd,
}

/// What is checked.
#[derive(Debug, Clone)]
pub struct Protocol {
    /// What the provider does.
    pub behaviour: Behaviour,
    /// How many processes are at it at a time.
    pub workers: usize,
    /// How many faults may happen in one run.
    pub faults: u8,
    /// Which faults may.
    pub possible: Faults,
    /// How many times the access token becomes too old once more.
    pub rounds: u8,
    /// How often a refresh token that was replaced answers within the grace time.
    pub grace_uses: u8,
    /// The rule that is switched off.
    pub without: Option<Rule>,
}

impl Rule {
    /// Every one.
    pub const ALL: [Self; 27] = [
        Self::Lease,
        Self::Deadline,
        Self::LeaseOutlivesSilence,
        Self::DoubtKept,
        Self::OwnSilenceRemembered,
        Self::IntentBars,
        Self::IntentBarsGraceToo,
        Self::SettleAfterDrift,
        Self::SettleBehindSalvaged,
        Self::FailedStaysAtHead,
        Self::AttemptInSettle,
        Self::VersionInSettle,
        Self::LeaseInSettle,
        Self::EarlySettleDropped,
        Self::SettledStaysInDoubt,
        Self::HandOverUnderLease,
        Self::StoredFirst,
        Self::MissingTokenKeepsOld,
        Self::VersionInCommit,
        Self::FenceInCommit,
        Self::LateTokensStored,
        Self::QueueTakesOver,
        Self::QueueTakesLateTokens,
        Self::FenceInGivingBack,
        Self::FenceInEnd,
        Self::VersionInEnd,
        Self::RereadBeforeEnd,
    ];
}

impl Protocol {
    /// The protocol as it is.
    #[must_use]
    pub fn new(behaviour: Behaviour, workers: usize, faults: u8) -> Self {
        Self { behaviour, workers, faults, possible: Faults::ALL, rounds: 1, grace_uses: 2, without: None }
    }

    /// The protocol without one of its rules.
    #[must_use]
    pub fn without(mut self, rule: Rule) -> Self {
        self.without = Some(rule);
        self
    }

    /// The protocol where nothing else goes wrong than this.
    #[must_use]
    pub fn where_only(mut self, faults: &[Fault]) -> Self {
        self.possible = Faults::of(faults);
        self
    }

    pub(crate) fn keeps(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    /// Whether an intent keeps everybody from the lease until it is settled: where refresh tokens stay, it hinders nobody.
    pub(crate) fn intent_bars(&self) -> bool {
        let here = self.behaviour.is_strict() || self.behaviour.has_grace() && self.keeps(Rule::IntentBarsGraceToo);
        here && self.keeps(Rule::IntentBars)
    }
}
