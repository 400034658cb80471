//! What can go wrong, one by one. A run spends a bounded number of these, in any order and combination.

use std::fmt;

/// Something that goes wrong, or that somebody does from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Fault {
    /// The request never reaches the provider.
    RequestDropped = 1,
    /// The provider says that it did not do it, and that one may ask again.
    TurnedAway = 1 << 1,
    /// The provider takes so long that the asker hangs up. The request may still be worked on.
    HungUp = 1 << 2,
    /// The provider gave new tokens, and nobody was there to hear it: the answer was lost on the wire, or whoever asked
    /// had hung up or died.
    AnswerLost = 1 << 3,
    /// A process dies that holds nothing which is nowhere else.
    Crash = 1 << 4,
    /// A process dies that has the new tokens, and has not stored them.
    CrashWithTokens = 1 << 5,
    /// The table or the queue does what was asked, and its answer is lost.
    WriteUnheard = 1 << 6,
    /// The table answers nothing for a while.
    TableDown = 1 << 7,
    /// The queue takes nothing either, while the table is down.
    QueueDown = 1 << 8,
    /// A message is delivered twice, and the first delivery may be worked long after the second.
    Duplicate = 1 << 9,
    /// A lease ends, or is taken for over, while its holder is still at work: clocks drift apart further than was reckoned
    /// with, or a process is frozen and thaws.
    EarlyEnd = 1 << 10,
    /// A process is held up before it asks, and notices that its time is over.
    Stalled = 1 << 11,
    /// The provider works on a request after the one who asked has hung up and the next one was allowed to ask.
    LateRequest = 1 << 12,
    /// The next try comes when the grace of the provider is over.
    GraceShort = 1 << 13,
    /// The user takes the grant back at the provider.
    UserRevoked = 1 << 14,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 15] = [
        Self::RequestDropped,
        Self::TurnedAway,
        Self::HungUp,
        Self::AnswerLost,
        Self::Crash,
        Self::CrashWithTokens,
        Self::WriteUnheard,
        Self::TableDown,
        Self::QueueDown,
        Self::Duplicate,
        Self::EarlyEnd,
        Self::Stalled,
        Self::LateRequest,
        Self::GraceShort,
        Self::UserRevoked,
    ];
}

/// Which of them happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Faults(u16);

impl fmt::Debug for Faults {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_set().entries(Fault::ALL.into_iter().filter(|fault| self.has(*fault))).finish()
    }
}

impl Faults {
    /// These.
    #[must_use]
    pub const fn of(faults: &[Fault]) -> Self {
        let (mut bits, mut index) = (0, 0);
        while index < faults.len() {
            bits |= faults[index] as u16;
            index += 1;
        }
        Self(bits)
    }

    /// All of them.
    pub const ALL: Self = Self(u16::MAX);

    /// Whether it is among them.
    #[must_use]
    pub const fn has(self, fault: Fault) -> bool {
        self.0 & fault as u16 != 0
    }

    /// Whether any of `others` is among them.
    #[must_use]
    pub const fn has_any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    /// These without those of `others`.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(crate) fn note(&mut self, fault: Fault) {
        self.0 |= fault as u16;
    }
}
