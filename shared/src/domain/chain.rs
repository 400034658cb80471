//! The chains of the audit trail: every event holds the digest of itself and of the one before it, so that one that is
//! missing, or is not what was written, shows.
//!
//! A digest is the SHA-256 of the event as canonical JSON (RFC 8785), which whoever has a copy of the trail makes anew. Each
//! is signed with a key that the workspace's vault holds (HMAC-SHA256, RFC 2104): whoever may write the table, and not open
//! the vault, can't make a chain that fits. A workspace has several chains, lanes, so that events of many users at the same
//! moment do not wait for one another. In each the events are numbered from 1, and each is later than the one before it. All
//! lanes begin with their workspace, each with a head that says that nothing is behind it yet: so that a lane that is gone as
//! a whole shows, too.
//!
//! Of a workspace that is older than this, the first events stand in no chain, or in one that no key has signed. Its lanes
//! begin anew with an event that says so.

mod line;
mod walk;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use super::{
    audit::Deed,
    digest::{joined, sha256},
    ids::WorkspaceId,
    secret::{AuditKey, Secret},
};

pub use line::{line, unreadable_line};
pub use walk::{Break, Walk, Witness};

/// How many chains a workspace has.
pub const LANES: u8 = 8;

/// What stands for the event before the first.
pub const NOTHING: [u8; 32] = [0; 32];

/// What is noted where events of a workspace are signed from now on, and those before are not.
pub const SIGNING_BEGUN: &str = "audit.signing_begun";

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

    /// What an event is signed with.
    fn of_event(&self, hash: &[u8; 32]) -> [u8; 32] {
        let mut bytes = joined(&["connectors.audit.event.v3"]);
        bytes.extend(hash);
        self.sign(&bytes)
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
    /// What vouches for that digest. Of an earlier form the digest itself did, or nothing.
    pub signature: Option<[u8; 32]>,
}

/// Who vouches for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vouched {
    /// Whoever has the key.
    ByKey,
    /// Nobody: it is from before events were signed, or says that it is.
    ByNobody,
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

/// An event, as far as it is not its place.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    /// Its ULID.
    pub id: &'a str,
    /// When.
    pub at: Timestamp,
    /// The workspace that it happened in.
    pub workspace: &'a WorkspaceId,
    /// What.
    pub deed: &'a Deed,
}

impl Content<'_> {
    /// Its texts, as the earlier form digested them.
    fn texts(&self) -> Vec<u8> {
        let (at, deed) = (self.at.as_millisecond().to_string(), self.deed);
        let mut texts = vec![self.workspace.as_str(), self.id, &at, &deed.actor];
        texts.push(deed.issuer.as_deref().unwrap_or_default());
        texts.extend([deed.action.as_str(), &deed.target, deed.origin.as_deref().unwrap_or_default()]);
        texts.extend(deed.details.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
        joined(&texts)
    }
}

impl Link {
    /// The link behind the tip of a lane.
    #[must_use]
    pub fn behind(key: Option<&ChainKey>, tip: &Tip, lane: u8, content: Content<'_>) -> Self {
        let (seq, previous, previous_at) = match tip {
            Tip::Sound(head) => (head.seq + 1, head.hash, (head.seq > 0).then_some(head.at)),
            // Never 1: that would be a lane that begins.
            Tip::Broken(head) => (head.as_ref().map_or(1, |head| head.seq.max(1)) + 1, NOTHING, None),
        };
        let mut link = Self { lane, seq, previous, previous_at, hash: NOTHING, signature: None };
        link.hash = link.digest(content);
        link.signature = key.map(|key| key.of_event(&link.hash));
        link
    }

    fn digest(&self, content: Content<'_>) -> [u8; 32] {
        sha256(line::digested(content, self).as_bytes())
    }

    /// What the earlier form digested.
    fn earlier_form(&self, content: Content<'_>) -> Vec<u8> {
        let (lane, seq) = (self.lane.to_string(), self.seq.to_string());
        let before = self.previous_at.map(|at| at.as_millisecond().to_string()).unwrap_or_default();
        let mut bytes = joined(&[line::EARLIER_FORMAT, &lane, &seq, &before]);
        bytes.extend(content.texts());
        bytes.extend(self.previous);
        bytes
    }

    /// Who vouches for this event; nothing if it is not what was written.
    fn vouched(&self, key: &ChainKey, content: Content<'_>) -> Option<Vouched> {
        if let Some(signature) = self.signature {
            let is_whole = self.digest(content) == self.hash && key.of_event(&self.hash) == signature;
            return is_whole.then_some(Vouched::ByKey);
        }
        let earlier = self.earlier_form(content);
        if key.sign(&earlier) == self.hash {
            return Some(Vouched::ByKey);
        }
        let is_plain = sha256(&earlier) == self.hash || self.digest(content) == self.hash;
        is_plain.then_some(Vouched::ByNobody)
    }
}

#[cfg(test)]
mod tests;
