//! The chains of the audit trail: every event holds the digest of itself and of the one before it, so that one that is
//! missing, or is not what was written, shows.
//!
//! The digests are made with a key that the workspace's vault holds (HMAC-SHA256, RFC 2104): whoever may write the table,
//! and not open the vault, can't make a chain that fits. A workspace has several chains, lanes, so that events of many users
//! at the same moment do not wait for one another. In each the events are numbered from 1, and each is later than the one
//! before it. All lanes begin with their workspace, each with a head that says that nothing is behind it yet: so that a lane
//! that is gone as a whole shows, too.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;

use super::{
    digest::{hex, joined, sha256},
    ids::WorkspaceId,
    secret::{AuditKey, Secret},
};

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
            Tip::Broken(head) => (head.as_ref().map_or(1, |head| head.seq) + 1, NOTHING, None),
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

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The event, or what is noted of the last one, is not what was written.
    Altered,
    /// One or more events before it are missing, or stand elsewhere.
    Missing,
    /// It has no place in a chain.
    Unlinked,
    /// The last events of a chain are missing.
    CutOff,
    /// The key that the chains are made with is gone, so nothing can be said of them.
    KeyGone,
}

impl Break {
    /// The break as it is told.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::Unlinked => "unlinked",
            Self::CutOff => "cut_off",
            Self::KeyGone => "key_gone",
        }
    }
}

/// A place in each lane, as far as there is one: its event's number and digest.
type Places = [Option<(u64, [u8; 32])>; LANES as usize];

/// How far each chain had come at some time, kept by somebody else: against whoever puts back all that there was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness(Places);

/// How far each chain was followed. As text it is what a later page goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    last: Places,
    /// Whether the walk begins where the chains do: then each must begin with its first event.
    from_first: bool,
    /// What happened before is not looked at, or is not kept any more.
    begins_at: Timestamp,
}

impl Walk {
    /// A walk that has seen nothing yet, over what happened from `begins_at`.
    #[must_use]
    pub fn new(from_first: bool, begins_at: Timestamp) -> Self {
        Self { last: [None; LANES as usize], from_first, begins_at }
    }

    /// Takes the next event of the trail, earliest first.
    ///
    /// # Errors
    /// [`Break`] says what is wrong at this event.
    pub fn step(
        &mut self,
        key: &ChainKey,
        witness: Option<&Witness>,
        link: Option<&Link>,
        content: Content<'_>,
    ) -> Result<(), Break> {
        let link = link.ok_or(Break::Unlinked)?;
        let Some(last) = self.last.get_mut(usize::from(link.lane)) else { return Err(Break::Altered) };
        if link.digest(Some(key), content) != link.hash {
            return Err(Break::Altered);
        }
        let follows = match last {
            Some((seq, hash)) => link.seq == *seq + 1 && link.previous == *hash,
            None if link.seq == 1 => link.previous == NOTHING,
            None if self.from_first => false,
            // Of an event before it that is still to be kept and looked at, something is left.
            None => link.previous_at.is_some_and(|at| at < self.begins_at),
        };
        *last = Some((link.seq, link.hash));
        if !follows {
            return Err(Break::Missing);
        }
        let seen = witness.and_then(|witness| witness.0.get(usize::from(link.lane)).copied().flatten());
        if seen.is_some_and(|(seq, hash)| seq == link.seq && hash != link.hash) { Err(Break::Altered) } else { Ok(()) }
    }

    /// Whether everything was seen up to the last event of a lane, as it was noted apart from the events, and that is not
    /// before what a witness saw.
    ///
    /// # Errors
    /// [`Break::CutOff`] if events at the end of it are missing; [`Break::Altered`] if its last event is another one.
    pub fn reaches(&self, lane: u8, head: Option<&Head>, witness: Option<&Witness>) -> Result<(), Break> {
        let head = head.ok_or(Break::CutOff)?;
        let place = usize::from(lane);
        match self.last.get(place).copied().flatten() {
            None if head.seq > 0 && (self.from_first || head.at >= self.begins_at) => return Err(Break::CutOff),
            Some((seq, _)) if seq < head.seq => return Err(Break::CutOff),
            Some((seq, hash)) if seq == head.seq && hash != head.hash => return Err(Break::Altered),
            _ => {}
        }
        match witness.and_then(|witness| witness.0.get(place).copied().flatten()) {
            Some((seq, _)) if head.seq < seq => Err(Break::CutOff),
            Some((seq, hash)) if head.seq == seq && hash != head.hash => Err(Break::Altered),
            _ => Ok(()),
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let (from_first, rest) = raw.split_once(',')?;
        let (begins_at, places) = rest.split_once(',')?;
        let from_first = match from_first {
            "first" => true,
            "since" => false,
            _ => return None,
        };
        let begins_at = Timestamp::from_millisecond(begins_at.parse().ok()?).ok()?;
        Some(Self { last: read_places(places)?, from_first, begins_at })
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = if self.from_first { "first" } else { "since" };
        write!(formatter, "{from},{},{}", self.begins_at.as_millisecond(), Written(&self.last))
    }
}

impl Witness {
    /// What these heads testify.
    #[must_use]
    pub fn of(heads: &[Option<Head>]) -> Self {
        let mut places = [None; LANES as usize];
        for (place, head) in places.iter_mut().zip(heads) {
            *place = head.as_ref().filter(|head| head.seq > 0).map(|head| (head.seq, head.hash));
        }
        Self(places)
    }

    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        read_places(raw).map(Self)
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Written(&self.0).fmt(formatter)
    }
}

struct Written<'a>(&'a Places);

impl fmt::Display for Written<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (lane, place) in self.0.iter().enumerate() {
            if lane > 0 {
                formatter.write_str(",")?;
            }
            if let Some((seq, hash)) = place {
                write!(formatter, "{seq}:{}", hex(hash))?;
            }
        }
        Ok(())
    }
}

fn read_places(raw: &str) -> Option<Places> {
    let mut parts = raw.split(',');
    let mut places = [None; LANES as usize];
    for place in &mut places {
        *place = match parts.next()? {
            "" => None,
            part => {
                let (seq, hash) = part.split_once(':')?;
                Some((seq.parse().ok()?, unhex(hash)?))
            }
        };
    }
    parts.next().is_none().then_some(places)
}

fn unhex(raw: &str) -> Option<[u8; 32]> {
    if raw.len() != 64 || !raw.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(raw.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
