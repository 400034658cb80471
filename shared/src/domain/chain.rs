//! The chains of the audit trail: every event holds the digest of itself and of the one before it, so that one that is
//! missing, or is not what was written, shows.
//!
//! The digests are made with a key that the workspace's vault holds (HMAC-SHA256, RFC 2104): whoever may write the table,
//! and not open the vault, can't make a chain that fits. A workspace has several chains, lanes, so that events of many users
//! at the same moment do not wait for one another. In each the events are numbered from 1, and each is later than the one
//! before it. All lanes begin with their workspace, each with a head that says that nothing is behind it yet: so that a lane
//! that is gone as a whole shows, too.

mod walk;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use super::{
    digest::{joined, sha256},
    ids::WorkspaceId,
    secret::{AuditKey, Secret},
};

pub use walk::{Break, Walk, Witness};

/// How many chains a workspace has.
pub const LANES: u8 = 8;

/// What stands for the event before the first.
pub const NOTHING: [u8; 32] = [0; 32];

/// What the digests of a workspace's chains are made with.
#[derive(Debug)]
pub struct ChainKey(hmac::Key);

impl ChainKey {
    /// The key, of what the vault opened; nothing if that is none.
    #[must_use]
    pub fn of(secret: &Secret<AuditKey>) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(secret.expose()).ok().filter(|bytes| bytes.len() == 32)?;
        Some(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// A new one, of these random bytes, as the vault seals it.
    #[must_use]
    pub fn made_of(random: [u8; 32]) -> Secret<AuditKey> {
        Secret::new(BASE64_STANDARD.encode(random))
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 32] {
        let mut digest = NOTHING;
        digest.copy_from_slice(hmac::sign(&self.0, bytes).as_ref());
        digest
    }

    /// What a head is signed with.
    #[must_use]
    pub fn of_head(&self, workspace: &WorkspaceId, lane: u8, head: &Head) -> [u8; 32] {
        let (lane, seq, at) = (lane.to_string(), head.seq.to_string(), head.at.as_millisecond().to_string());
        let mut bytes = joined(&["connectors.audit.head.v2", workspace.as_str(), &lane, &seq, &at]);
        bytes.extend(head.hash);
        self.sign(&bytes)
    }
}

/// The place of an event in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which chain, from 0 up to [`LANES`].
    pub lane: u8,
    /// Its number in it, from 1.
    pub seq: u64,
    /// The digest of the event before it.
    pub previous: [u8; 32],
    /// When that happened: an event that is kept no longer was long ago.
    pub previous_at: Option<Timestamp>,
    /// Its own digest, into which those went.
    pub hash: [u8; 32],
}

/// The last event of a chain; number 0 where there is none yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// Its digest.
    pub hash: [u8; 32],
    /// When it happened.
    pub at: Timestamp,
}

impl Head {
    /// The head of a lane that begins.
    #[must_use]
    pub fn first(at: Timestamp) -> Self {
        Self { seq: 0, hash: NOTHING, at }
    }
}

/// What the next event of a lane is put behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tip {
    /// The last event, or the beginning.
    Sound(Head),
    /// Somebody removed or changed the head. What follows is kept, and shows for good that something is missing before it.
    Broken(Option<Head>),
}

impl Tip {
    /// The head as it is stored.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        match self {
            Self::Sound(head) => Some(head),
            Self::Broken(head) => head.as_ref(),
        }
    }
}

/// An event as its texts, in the one form that is digested.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a>(pub &'a [&'a str]);

impl Link {
    /// The link behind the tip of a lane.
    #[must_use]
    pub fn behind(key: Option<&ChainKey>, tip: &Tip, lane: u8, content: Content<'_>) -> Self {
        let (seq, previous, previous_at) = match tip {
            Tip::Sound(head) => (head.seq + 1, head.hash, (head.seq > 0).then_some(head.at)),
            // Never 1: that would be a lane that begins.
            Tip::Broken(head) => (head.as_ref().map_or(1, |head| head.seq.max(1)) + 1, NOTHING, None),
        };
        let mut link = Self { lane, seq, previous, previous_at, hash: NOTHING };
        link.hash = link.digest(key, content);
        link
    }

    fn digest(&self, key: Option<&ChainKey>, content: Content<'_>) -> [u8; 32] {
        let (lane, seq) = (self.lane.to_string(), self.seq.to_string());
        let before = self.previous_at.map(|at| at.as_millisecond().to_string()).unwrap_or_default();
        let mut bytes = joined(&["connectors.audit.v2", &lane, &seq, &before]);
        bytes.extend(joined(content.0));
        bytes.extend(self.previous);
        key.map_or_else(|| sha256(&bytes), |key| key.sign(&bytes))
    }
}

#[cfg(test)]
mod tests;
