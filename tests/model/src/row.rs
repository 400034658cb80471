//! The connection's item, and the conditional writes on it. Each is one step: the table does it wholly or not at all.

use crate::{
    provider::{Pair, Token},
    rules::{Protocol, Rule},
};

/// Why a grant is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The provider refused the refresh token.
    RefreshRejected,
    /// It did after an attempt whose outcome nobody learned.
    RotationLost,
}

/// Who stored the tokens that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoredBy {
    /// Whoever connected.
    Connecting,
    /// The holder of the lease.
    Holder,
    /// A holder that came back late.
    LateHolder,
    /// A message from the queue.
    Queue,
}

/// What one who took the lease knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hold {
    /// The version it refreshes.
    pub version: u8,
    /// That version's refresh token.
    pub token: Token,
    /// The lease, by the order in which they were taken. It names the attempt too.
    pub fence: u8,
    /// What is known of the attempts before it.
    pub follows: Follows,
}

/// What is known of the attempts since the last tokens were stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Follows {
    /// None of them can have changed anything at the provider.
    NothingUnsettled,
    /// One of them may have been carried out there, and its answer is lost.
    Doubt,
}

/// The item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// The refresh token; nothing if it was overwritten with nothing.
    pub refresh: Option<Token>,
    /// The access token.
    pub access: u8,
    /// Whether the access token is too old to be handed out.
    pub is_stale: bool,
    /// Counts writes of tokens.
    pub version: u8,
    /// Counts leases.
    pub fence: u8,
    /// Whether the newest lease lasts.
    pub is_leased: bool,
    /// The attempt that has not said yet what became of it.
    pub intent: Option<u8>,
    /// Whether one before it may have been carried out, and its answer is lost.
    pub in_doubt: bool,
    /// The attempt that stored last.
    pub last_commit: Option<u8>,
    /// How it stored.
    pub stored_by: StoredBy,
    /// Why the grant is over; nothing while it is not.
    pub ended: Option<Reason>,
}

/// What became of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// It is stored.
    Done,
    /// Somebody else has the lease now, and has stored nothing yet.
    LeaseLost,
    /// Something newer is stored.
    Overtaken,
}

impl Row {
    /// A connection whose access token has just become too old.
    #[must_use]
    pub fn new() -> Self {
        Self {
            refresh: Some(0),
            access: 0,
            is_stale: true,
            version: 0,
            fence: 0,
            is_leased: false,
            intent: None,
            in_doubt: false,
            last_commit: None,
            stored_by: StoredBy::Connecting,
            ended: None,
        }
    }

    /// Whether somebody has to refresh it.
    #[must_use]
    pub fn needs_work(&self) -> bool {
        self.is_stale && self.ended.is_none()
    }

    /// The attempt before which nobody may take the lease: it never came back, as far as the row tells.
    #[must_use]
    pub fn unaccounted(&self, protocol: &Protocol) -> Option<u8> {
        self.intent.filter(|_| protocol.intent_bars())
    }

    /// `IF ver = mine AND the grant stands AND no lease lasts AND no intent is there`.
    pub(crate) fn take_lease(&mut self, protocol: &Protocol, version: u8, token: Token) -> Option<Hold> {
        if self.version != version || self.ended.is_some() || self.is_leased || self.unaccounted(protocol).is_some() {
            return None;
        }
        // Only a protocol that lacks a rule comes past an intent here, if the provider rotates.
        self.in_doubt |= self.intent.is_some() && protocol.behaviour.rotates();
        let hold = Hold { version, token, fence: self.fence + 1, follows: self.follows() };
        (self.fence, self.is_leased, self.intent) = (hold.fence, true, Some(hold.fence));
        Some(hold)
    }

    /// What whoever takes the lease now knows of the attempts before.
    #[must_use]
    pub fn follows(&self) -> Follows {
        if self.in_doubt { Follows::Doubt } else { Follows::NothingUnsettled }
    }

    /// Gives an attempt up of which nothing can come any more, `IF ver = as read AND intent = the attempt AND no lease
    /// lasts`.
    pub(crate) fn settle(&mut self, protocol: &Protocol, version: u8, attempt: u8) {
        let holds = self.intent.is_some()
            && (self.intent == Some(attempt) || !protocol.keeps(Rule::AttemptInSettle))
            && (self.version == version || !protocol.keeps(Rule::VersionInSettle))
            && (!self.is_leased || !protocol.keeps(Rule::LeaseInSettle));
        if holds {
            self.intent = None;
            self.in_doubt |= protocol.keeps(Rule::SettledStaysInDoubt);
        }
    }

    /// `IF ver = mine AND fence = mine`.
    pub(crate) fn commit(&mut self, protocol: &Protocol, hold: Hold, pair: Pair) -> Commit {
        let (fence, version) = (protocol.keeps(Rule::FenceInCommit), protocol.keeps(Rule::VersionInCommit));
        if self.is_held_by(hold, fence, version) {
            self.store(protocol, hold.fence, pair, StoredBy::Holder);
            Commit::Done
        } else if self.last_commit == Some(hold.fence) {
            Commit::Done
        } else if self.version == hold.version {
            Commit::LeaseLost
        } else {
            Commit::Overtaken
        }
    }

    /// `IF ver = the one that was refreshed`, and nothing else. Says whether it is stored.
    pub(crate) fn salvage(&mut self, protocol: &Protocol, version: u8, fence: u8, pair: Pair, by: StoredBy) -> bool {
        let holds = self.version == version || !protocol.keeps(Rule::VersionInCommit);
        if holds {
            self.store(protocol, fence, pair, by);
        }
        holds
    }

    fn store(&mut self, protocol: &Protocol, fence: u8, pair: Pair, by: StoredBy) {
        let kept = if protocol.keeps(Rule::MissingTokenKeepsOld) { self.refresh } else { None };
        self.refresh = pair.refresh.or(kept);
        (self.access, self.is_stale, self.version) = (pair.access, false, self.version + 1);
        (self.is_leased, self.intent, self.in_doubt, self.ended) = (false, None, false, None);
        (self.last_commit, self.stored_by) = (Some(fence), by);
    }

    /// Says what became of an attempt that brought no tokens, `IF ver = mine AND fence = mine`: whether it may have been
    /// carried out, and whether the lease runs on to its end.
    pub(crate) fn give_back(&mut self, protocol: &Protocol, hold: Hold, in_doubt: bool, runs_on: bool) {
        if self.is_held_by(hold, protocol.keeps(Rule::FenceInGivingBack), true) {
            self.is_leased &= runs_on;
            self.intent = None;
            self.in_doubt |= in_doubt;
        }
    }

    /// Declares the grant over, `IF ver = mine AND fence = mine`. Says whether it did.
    pub(crate) fn end(&mut self, protocol: &Protocol, hold: Hold, reason: Reason) -> bool {
        let (fence, version) = (protocol.keeps(Rule::FenceInEnd), protocol.keeps(Rule::VersionInEnd));
        let holds = self.is_held_by(hold, fence, version);
        if holds {
            (self.ended, self.is_leased) = (Some(reason), false);
            (self.intent, self.in_doubt) = (None, false);
        }
        holds
    }

    fn is_held_by(&self, hold: Hold, by_fence: bool, by_version: bool) -> bool {
        (self.version == hold.version || !by_version) && (self.fence == hold.fence || !by_fence)
    }
}

impl Default for Row {
    fn default() -> Self {
        Self::new()
    }
}
