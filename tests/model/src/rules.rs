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
    /// Whoever takes the lease by a request that had to be repeated still knows of an earlier intent.
    EarlierIntentRemembered,
    /// Who asks again under the same lease does not take a refusal at its word: the first call had no answer.
    OwnSilenceRemembered,
    /// Who finds an intent first gives the queue time to deliver what may wait in it.
    QueueFirst,
    /// So does one who asks a provider that gives grace.
    GraceLooksToo,
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
    pub const ALL: [Self; 19] = [
        Self::Lease,
        Self::Deadline,
        Self::LeaseOutlivesSilence,
        Self::DoubtKept,
        Self::EarlierIntentRemembered,
        Self::OwnSilenceRemembered,
        Self::QueueFirst,
        Self::GraceLooksToo,
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
}
