//! Everything at one moment: the provider, the table, the queue, who is at work, and what has happened so far.

use crate::{
    faults::{Fault, Faults},
    provider::{Answer, Pair, Provider, Token},
    row::{Hold, Row},
    rules::Protocol,
};

/// A process, by what it does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Worker {
    /// Nobody asked it to do anything.
    Idle,
    /// It has read the row, and found that the access token is too old.
    Seen {
        /// The version it read.
        version: u8,
        /// That version's refresh token.
        token: Token,
    },
    /// It asked for the lease, got it, and did not hear so.
    LeaseUnheard(Hold),
    /// Somebody else has the lease.
    Waiting {
        /// The version it read.
        version: u8,
    },
    /// It has read the row, and found an attempt there that never came back.
    Unsettled {
        /// Which.
        attempt: u8,
    },
    /// It has the lease.
    Leased {
        /// What it knows.
        hold: Hold,
        /// Whether it has asked before under this lease.
        is_again: bool,
    },
    /// It has the lease, and its time is over.
    Late(Hold),
    /// It waits for the provider.
    Asking {
        /// What it knows.
        hold: Hold,
        /// Whether it has asked before under this lease.
        is_again: bool,
        /// The answer, once the provider has given it.
        answer: Option<Answer>,
    },
    /// No answer came.
    Unanswered {
        /// What it knows.
        hold: Hold,
        /// Whether it had asked before under this lease.
        is_again: bool,
    },
    /// The provider certainly did nothing.
    TurnedAway(Hold),
    /// It has new tokens, to be stored under the lease.
    Storing(Hold, Pair),
    /// It has new tokens, and lost the lease.
    Salvaging(Hold, Pair),
    /// It has new tokens, and the table took them not.
    Queueing(Hold, Pair),
    /// The provider refused the refresh token.
    Refused(Hold),
    /// It is about to declare the grant over.
    Ending(Hold),
}

/// A request at the provider that nobody waits for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Adrift {
    /// The refresh token it shows.
    pub token: Token,
    /// The lease it was sent under.
    pub fence: u8,
}

/// What waits in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Message {
    /// Tokens that the table did not take.
    Salvage {
        /// The version that was refreshed.
        version: u8,
        /// The lease it was refreshed under.
        fence: u8,
        /// The tokens.
        pair: Pair,
    },
    /// An attempt is to be given up that never came back.
    Settle {
        /// Which.
        attempt: u8,
    },
}

/// One who was delivered a message, and has not made their write when it is delivered to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LateWriter {
    /// What they were delivered.
    pub message: Message,
    /// The version that was there when they looked.
    pub version: u8,
}

/// What no process could know, and the properties are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Past {
    /// What went wrong.
    pub happened: Faults,
    /// The refresh tokens that came to a process and did not die with it.
    pub in_good_hands: Numbers,
    /// The access tokens that were stored.
    pub stored: Numbers,
    /// The access tokens that were handed out.
    pub handed_out: Numbers,
    /// Whether somebody declared the grant over who had not the newest lease.
    pub ended_by_another: bool,
}

/// A set of small numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Numbers(u16);

impl Numbers {
    pub(crate) fn insert(&mut self, number: u8) {
        self.0 |= 1 << number;
    }

    pub(crate) fn remove(&mut self, number: u8) {
        self.0 &= !(1 << number);
    }

    pub(crate) fn has(self, number: u8) -> bool {
        self.0 & (1 << number) != 0
    }

    pub(crate) fn is_within(self, others: Self) -> bool {
        self.0 & !others.0 == 0
    }
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The grant at the provider.
    pub provider: Provider,
    /// The connection's item.
    pub row: Row,
    /// Whether the table answers nothing.
    pub table_is_down: bool,
    /// The processes, in order: which is which makes no difference.
    pub workers: Vec<Worker>,
    /// Requests that nobody waits for, in order.
    pub adrift: Vec<Adrift>,
    /// What is in the queue, the first at its head.
    pub queue: Vec<Message>,
    /// Who is late with the write that a message asks for, in order.
    pub late: Vec<LateWriter>,
    /// How often the access token will become too old once more.
    pub rounds_left: u8,
    /// How many faults may still happen.
    pub faults_left: u8,
    /// What has happened.
    pub past: Past,
}

impl State {
    pub(crate) fn first(protocol: &Protocol) -> Self {
        let mut past = Past::default();
        past.stored.insert(0);
        past.in_good_hands.insert(0);
        Self {
            provider: Provider::new(protocol.grace_uses),
            row: Row::new(),
            table_is_down: false,
            workers: vec![Worker::Idle; protocol.workers],
            adrift: Vec::new(),
            queue: Vec::new(),
            late: Vec::new(),
            rounds_left: protocol.rounds,
            faults_left: protocol.faults,
            past,
        }
    }

    /// Has a fault happen, if it still may.
    pub(crate) fn spend(&mut self, protocol: &Protocol, fault: Fault) -> Option<()> {
        if self.faults_left == 0 || !protocol.possible.has(fault) {
            return None;
        }
        self.faults_left -= 1;
        self.past.happened.note(fault);
        Some(())
    }

    /// Which process is which makes no difference. The queue is left as it is: its order does.
    pub(crate) fn put_in_order(&mut self) {
        self.workers.sort_unstable();
        self.adrift.sort_unstable();
        self.late.sort_unstable();
    }

    /// The pairs that a process has and has not stored.
    pub(crate) fn pairs_in_hand(&self) -> impl Iterator<Item = Pair> {
        self.workers.iter().filter_map(|worker| match worker {
            Worker::Storing(_, pair) | Worker::Salvaging(_, pair) | Worker::Queueing(_, pair) => Some(*pair),
            _ => None,
        })
    }

    /// The tokens that wait in the queue, with the version that each was refreshed from.
    pub(crate) fn pairs_in_queue(&self) -> impl Iterator<Item = (u8, Pair)> {
        self.queue.iter().filter_map(|message| match message {
            Message::Salvage { version, pair, .. } => Some((*version, *pair)),
            Message::Settle { .. } => None,
        })
    }

    /// Whether the newest lease's holder is at work.
    pub(crate) fn holder_is_at_work(&self) -> bool {
        self.workers.iter().any(|worker| worker.hold().is_some_and(|hold| hold.fence == self.row.fence))
    }

    /// Whether a request that was sent under this lease may still be worked on although nobody waits for it.
    pub(crate) fn is_adrift(&self, fence: u8) -> bool {
        self.adrift.iter().any(|request| request.fence == fence)
    }
}

impl Worker {
    /// What it knows of its lease, if it took one.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        match self {
            Self::Idle | Self::Seen { .. } | Self::Waiting { .. } | Self::Unsettled { .. } => None,
            Self::LeaseUnheard(hold)
            | Self::Leased { hold, .. }
            | Self::Late(hold)
            | Self::Asking { hold, .. }
            | Self::Unanswered { hold, .. }
            | Self::TurnedAway(hold)
            | Self::Storing(hold, _)
            | Self::Salvaging(hold, _)
            | Self::Queueing(hold, _)
            | Self::Refused(hold)
            | Self::Ending(hold) => Some(*hold),
        }
    }
}
