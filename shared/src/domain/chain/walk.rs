//! Following the chains of the audit trail event by event, and what is found out by that.

use std::fmt;

use jiff::Timestamp;

use super::{ChainKey, Content, Head, LANES, Link, NOTHING, SIGNING_BEGUN, Vouched};
use crate::domain::digest::hex;

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
    /// The key that the chains are signed with is gone, so nothing can be said of them.
    KeyGone,
    /// Nothing of it was ever signed: it is older than signing, and nothing was noted since.
    NeverSigned,
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
            Self::NeverSigned => "never_signed",
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
    unsigned: Unsigned,
}

/// Events that were passed before the first that is signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Unsigned {
    count: u64,
    first: String,
}

impl Walk {
    /// A walk that has seen nothing yet, over what happened from `begins_at`.
    #[must_use]
    pub fn new(from_first: bool, begins_at: Timestamp) -> Self {
        Self { last: [None; LANES as usize], from_first, begins_at, unsigned: Unsigned::default() }
    }

    /// How many events were passed that are from before the trail was signed.
    #[must_use]
    pub fn unsigned(&self) -> u64 {
        self.unsigned.count
    }

    /// The first event that nobody vouches for, where nothing that is signed has said yet that such events are to be there.
    #[must_use]
    pub fn slipped_in(&self) -> Option<&str> {
        (self.unsigned.count > 0 && self.has_seen_nothing()).then_some(self.unsigned.first.as_str())
    }

    fn has_seen_nothing(&self) -> bool {
        self.last.iter().all(Option::is_none)
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
        let Some(link) = link else { return self.pass(content, Break::Unlinked) };
        match link.vouched(key, content) {
            None => return Err(Break::Altered),
            Some(Vouched::ByNobody) => return self.pass(content, Break::Altered),
            Some(Vouched::ByKey) => {}
        }
        if self.slipped_in().is_some() && content.deed.action != SIGNING_BEGUN {
            return Err(Break::Unlinked);
        }
        let Some(last) = self.last.get_mut(usize::from(link.lane)) else { return Err(Break::Altered) };
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

    /// Passes an event that nobody vouches for: before the first that is signed there may be such. Whether there may is what
    /// that one says.
    fn pass(&mut self, content: Content<'_>, otherwise: Break) -> Result<(), Break> {
        if !self.has_seen_nothing() {
            return Err(otherwise);
        }
        if self.unsigned.count == 0 {
            // Whoever put it there has chosen its id: nothing of it may end a cursor.
            self.unsigned.first = content.id.chars().filter(char::is_ascii_alphanumeric).collect();
        }
        self.unsigned.count += 1;
        Ok(())
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
        let (begins_at, rest) = rest.split_once(',')?;
        let (unsigned, places) = rest.split_once(',')?;
        let from_first = match from_first {
            "first" => true,
            "since" => false,
            _ => return None,
        };
        let begins_at = Timestamp::from_millisecond(begins_at.parse().ok()?).ok()?;
        let unsigned = match unsigned.split_once(':') {
            None if unsigned.is_empty() => Unsigned::default(),
            None => return None,
            Some((count, first)) => Unsigned { count: count.parse().ok()?, first: first.to_owned() },
        };
        Some(Self { last: read_places(places)?, from_first, begins_at, unsigned })
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = if self.from_first { "first" } else { "since" };
        write!(formatter, "{from},{},", self.begins_at.as_millisecond())?;
        if self.unsigned.count > 0 {
            write!(formatter, "{}:{}", self.unsigned.count, self.unsigned.first)?;
        }
        write!(formatter, ",{}", Written(&self.last))
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
                let (seq, hash) = part.split_once(':').filter(|(seq, _)| !seq.starts_with('+'))?;
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
