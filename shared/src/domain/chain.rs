//! The chains of the audit trail: every event holds the digest of itself and of the one before it, so that one that is
//! missing, or is not what was written, shows.
//!
//! A workspace has several chains, lanes, so that events of many users at the same moment do not wait for one another. In
//! each the events are numbered from 1, and each is later than the one before it.

use std::fmt;

use jiff::Timestamp;

use super::digest::{hex, joined, sha256};

/// How many chains a workspace has.
pub const LANES: u8 = 8;

/// What stands for the event before the first.
pub const NOTHING: [u8; 32] = [0; 32];

/// The place of an event in its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which chain, from 0 up to [`LANES`].
    pub lane: u8,
    /// Its number in it, from 1.
    pub seq: u64,
    /// The digest of the event before it.
    pub previous: [u8; 32],
    /// Its own digest, into which that one went.
    pub hash: [u8; 32],
}

/// The last event of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub seq: u64,
    /// Its digest.
    pub hash: [u8; 32],
    /// When it happened.
    pub at: Timestamp,
}

/// An event as its texts, in the one form that is digested.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a>(pub &'a [&'a str]);

impl Link {
    /// The link behind the last event of a lane, or the first of it.
    #[must_use]
    pub fn behind(head: Option<&Head>, lane: u8, content: Content<'_>) -> Self {
        let (seq, previous) = head.map_or((1, NOTHING), |head| (head.seq + 1, head.hash));
        Self { lane, seq, previous, hash: digest(lane, seq, content, &previous) }
    }
}

fn digest(lane: u8, seq: u64, content: Content<'_>, previous: &[u8; 32]) -> [u8; 32] {
    let (lane, seq) = (lane.to_string(), seq.to_string());
    let mut bytes = joined(&["connectors.audit.v1", &lane, &seq]);
    bytes.extend(joined(content.0));
    bytes.extend(previous);
    sha256(&bytes)
}

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// The event is not what was written.
    Altered,
    /// One or more events before it are missing, or stand elsewhere.
    Missing,
    /// It has no place in a chain, though it is later than the chains' beginning.
    Unlinked,
    /// The last events of a chain are missing.
    CutOff,
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
        }
    }
}

/// How far each chain was followed. As text it is what a later page goes on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walk {
    last: [Option<(u64, [u8; 32])>; LANES as usize],
    /// Whether the walk begins where the chains do: then each must begin with its first event.
    from_first: bool,
}

impl Walk {
    /// A walk that has seen nothing yet.
    #[must_use]
    pub fn new(from_first: bool) -> Self {
        Self { last: [None; LANES as usize], from_first }
    }

    /// Takes the next event of the trail, earliest first.
    ///
    /// # Errors
    /// [`Break`] says what is wrong at this event.
    pub fn step(&mut self, link: Option<&Link>, content: Content<'_>) -> Result<(), Break> {
        let Some(link) = link else {
            // Before chains were kept, events had no place in one.
            let has_begun = self.last.iter().any(Option::is_some);
            return if has_begun { Err(Break::Unlinked) } else { Ok(()) };
        };
        let Some(last) = self.last.get_mut(usize::from(link.lane)) else { return Err(Break::Altered) };
        if digest(link.lane, link.seq, content, &link.previous) != link.hash {
            return Err(Break::Altered);
        }
        let follows = match last {
            Some((seq, hash)) => link.seq == *seq + 1 && link.previous == *hash,
            None if self.from_first || link.seq == 1 => link.seq == 1 && link.previous == NOTHING,
            None => true,
        };
        *last = Some((link.seq, link.hash));
        if follows { Ok(()) } else { Err(Break::Missing) }
    }

    /// Whether everything was seen up to the last event of a lane, as it was noted apart from the events.
    ///
    /// # Errors
    /// [`Break::CutOff`] if events at the end of it are missing; [`Break::Altered`] if its last event is another one.
    pub fn reaches(&self, lane: u8, head: Option<&Head>) -> Result<(), Break> {
        match (head, self.last.get(usize::from(lane)).copied().flatten()) {
            (None, Some(_)) => Err(Break::Altered),
            (Some(_), None) if self.from_first => Err(Break::CutOff),
            (Some(head), Some((seq, _))) if seq < head.seq => Err(Break::CutOff),
            (Some(head), Some((seq, hash))) if seq == head.seq && hash != head.hash => Err(Break::Altered),
            _ => Ok(()),
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let mut parts = raw.split(',');
        let from_first = match parts.next()? {
            "first" => true,
            "since" => false,
            _ => return None,
        };
        let mut walk = Self::new(from_first);
        for last in &mut walk.last {
            *last = match parts.next()? {
                "" => None,
                part => {
                    let (seq, hash) = part.split_once(':')?;
                    Some((seq.parse().ok()?, unhex(hash)?))
                }
            };
        }
        parts.next().is_none().then_some(walk)
    }
}

impl fmt::Display for Walk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.from_first { "first" } else { "since" })?;
        for last in &self.last {
            match last {
                None => formatter.write_str(",")?,
                Some((seq, hash)) => write!(formatter, ",{seq}:{}", hex(hash))?,
            }
        }
        Ok(())
    }
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
mod tests {
    use super::*;

    /// Events of one lane with these contents.
    fn chain(contents: &[&'static str]) -> Vec<(Link, &'static str)> {
        let mut head: Option<Head> = None;
        let mut links = Vec::new();
        for content in contents {
            let link = Link::behind(head.as_ref(), 3, Content(&[content]));
            head = Some(Head { seq: link.seq, hash: link.hash, at: Timestamp::UNIX_EPOCH });
            links.push((link, *content));
        }
        links
    }

    fn walked(from_first: bool, events: &[(Link, &str)]) -> Result<Walk, (usize, Break)> {
        let mut walk = Walk::new(from_first);
        for (index, (link, content)) in events.iter().enumerate() {
            walk.step(Some(link), Content(&[content])).map_err(|wrong| (index, wrong))?;
            walk = Walk::parse(&walk.to_string()).unwrap();
        }
        Ok(walk)
    }

    #[test]
    fn a_whole_chain_is_intact_from_its_beginning_and_from_anywhere() {
        let events = chain(&["a", "b", "c"]);
        assert!(walked(true, &events).is_ok());
        assert!(walked(false, &events[1..]).is_ok());
    }

    #[test]
    fn an_altered_a_missing_and_a_moved_event_show_where_they_are() {
        let events = chain(&["a", "b", "c"]);
        let mut altered = events.clone();
        altered[1].1 = "B";
        assert_eq!(walked(true, &altered), Err((1, Break::Altered)));
        let without = [events[0].clone(), events[2].clone()];
        assert_eq!(walked(true, &without), Err((1, Break::Missing)));
        let moved = [events[0].clone(), events[2].clone(), events[1].clone()];
        assert_eq!(walked(true, &moved), Err((1, Break::Missing)));
        assert_eq!(walked(true, &events[1..]), Err((0, Break::Missing)));
    }

    #[test]
    fn a_digest_that_was_made_anew_breaks_the_chain_at_the_next_event() {
        let mut events = chain(&["a", "b", "c"]);
        let before = Head { seq: 1, hash: events[0].0.hash, at: Timestamp::UNIX_EPOCH };
        events[1] = (Link::behind(Some(&before), 3, Content(&["forged"])), "forged");
        assert_eq!(walked(true, &events), Err((2, Break::Missing)));
    }

    #[test]
    fn an_end_that_is_cut_off_shows_by_the_head() {
        let events = chain(&["a", "b", "c"]);
        let head = Head { seq: 3, hash: events[2].0.hash, at: Timestamp::UNIX_EPOCH };
        assert_eq!(walked(true, &events).unwrap().reaches(3, Some(&head)), Ok(()));
        assert_eq!(walked(true, &events[..2]).unwrap().reaches(3, Some(&head)), Err(Break::CutOff));
        assert_eq!(walked(true, &[]).unwrap().reaches(3, Some(&head)), Err(Break::CutOff));
        let other = Head { hash: NOTHING, ..head };
        assert_eq!(walked(true, &events).unwrap().reaches(3, Some(&other)), Err(Break::Altered));
    }

    #[test]
    fn an_event_without_a_place_is_of_before_the_chains_or_was_slipped_in() {
        let events = chain(&["a"]);
        let mut walk = Walk::new(true);
        assert_eq!(walk.step(None, Content(&["old"])), Ok(()));
        assert_eq!(walk.step(Some(&events[0].0), Content(&["a"])), Ok(()));
        assert_eq!(walk.step(None, Content(&["slipped in"])), Err(Break::Unlinked));
    }

    #[test]
    fn what_is_no_walk_is_not_read() {
        for raw in ["", "first", "then,,,,,,,,", "first,,,,,,,,,", "first,1:00,,,,,,,", "first,x,,,,,,,"] {
            assert_eq!(Walk::parse(raw), None, "{raw}");
        }
    }
}
