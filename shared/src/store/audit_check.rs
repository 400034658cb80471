//! Following the chains of the audit trail, to find out whether it is whole.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{
    audit_log::{AuditLog, RETENTION, StoredEvent, day_of},
    error::StoreError,
    table::Cursor,
};
use crate::domain::{
    chain::{Break, ChainKey, Head, LANES, Walk, Witness},
    ids::WorkspaceId,
};

/// How many days one call looks at: of a quiet workspace most are empty.
const DAYS_PER_PAGE: u32 = 62;

/// How long a walk may take in which events come to their end that it has not seen yet.
const WALKED_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What one call found of the chains.
#[derive(Debug)]
pub struct Checked {
    /// How many events were looked at.
    pub looked_at: usize,
    /// How many events were passed so far, from the beginning on, that are from before the trail was signed.
    pub unsigned: u64,
    /// The first thing that is wrong. Nothing behind it was looked at.
    pub flaw: Option<Flaw>,
    /// Where the next call goes on, if nothing is wrong so far and there is more.
    pub next: Option<Cursor>,
    /// How far the chains have come, if nothing is wrong with any of them up to their ends.
    pub witness: Option<Witness>,
}

impl Checked {
    /// Something is wrong with the trail as a whole.
    #[must_use]
    pub fn nowhere(what: Break) -> Self {
        Self::broken(0, 0, Flaw { what, event: None, at: None })
    }

    fn broken(looked_at: usize, unsigned: u64, flaw: Flaw) -> Self {
        Self { looked_at, unsigned, flaw: Some(flaw), next: None, witness: None }
    }
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// What is wrong.
    pub what: Break,
    /// The event at which it shows; none if it shows by what should follow the last one.
    pub event: Option<String>,
    /// When that happened.
    pub at: Option<Timestamp>,
}

impl Flaw {
    fn at(what: Break, event: &StoredEvent, walk: &Walk) -> Self {
        match walk.slipped_in() {
            Some(first) if what == Break::Unlinked => Self { what, event: Some(first.to_owned()), at: None },
            _ => Self { what, event: Some(event.id.clone()), at: Some(event.at) },
        }
    }
}

/// Which part of the trail is looked at, and with what.
#[derive(Debug)]
pub struct Extent<'a> {
    /// Whose trail it is.
    pub workspace: &'a WorkspaceId,
    /// When it was made.
    pub made_at: Timestamp,
    /// What its chains are made with.
    pub key: &'a ChainKey,
    /// Where an earlier call ended.
    pub from: Option<&'a Cursor>,
    /// What happened before that day is not judged, unless the workspace was made since.
    pub since: Option<Timestamp>,
    /// How far the chains had come when somebody else looked.
    pub witness: Option<&'a Witness>,
    /// The present.
    pub now: Timestamp,
    /// How many events are looked at, at most.
    pub limit: usize,
}

impl AuditLog {
    /// Follows the chains over an extent of the trail.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an event cannot be read.
    pub async fn check(&self, extent: &Extent<'_>) -> Result<Checked, StoreError> {
        let (mut day, mut after, mut walk) = match extent.from {
            None => start(extent),
            Some(cursor) => resumed(cursor).ok_or(StoreError::Unreadable("cursor"))?,
        };
        // Read before the events: whatever a head tells of is there when they are read.
        let heads = match self.heads(extent).await? {
            Ok(heads) => heads,
            Err(what) => return Ok(Checked::nowhere(what)),
        };
        let mut looked_at = 0;
        for _ in 0..DAYS_PER_PAGE {
            let room = extent.limit - looked_at;
            let (events, last) = self.of_day(extent.workspace, day, after.take(), room, true).await?;
            for found in &events {
                looked_at += 1;
                let flaw = match found {
                    Ok(event) => event.step(extent, &mut walk).err().map(|what| Flaw::at(what, event, &walk)),
                    Err(id) => Some(Flaw { what: Break::Altered, event: Some(id.clone()), at: None }),
                };
                if let Some(flaw) = flaw {
                    return Ok(Checked::broken(looked_at, walk.unsigned(), flaw));
                }
            }
            match (last, day.tomorrow()) {
                (Some(last), _) => after = Some(last),
                // A lane's clock may be a moment ahead of this one.
                (None, Ok(next)) if day <= day_of(extent.now) => day = next,
                (None, _) => return Ok(ended(looked_at, &walk, &heads, extent.witness)),
            }
            if looked_at >= extent.limit {
                break;
            }
        }
        let next = Cursor::of(&[&day.to_string(), after.as_deref().unwrap_or_default(), &walk.to_string()]);
        Ok(Checked { looked_at, unsigned: walk.unsigned(), flaw: None, next: Some(next), witness: None })
    }

    /// The heads of all lanes, or what is wrong with one: only who has the key signs one.
    async fn heads(&self, extent: &Extent<'_>) -> Result<Result<Vec<Option<Head>>, Break>, StoreError> {
        let mut heads = Vec::with_capacity(usize::from(LANES));
        for lane in 0..LANES {
            let found = match self.signed_head(extent.workspace, lane).await {
                Err(StoreError::Unreadable(_)) => return Ok(Err(Break::Altered)),
                found => found?,
            };
            if let Some((head, signature)) = &found
                && *signature != Some(extent.key.of_head(extent.workspace, lane, head))
            {
                return Ok(Err(Break::Altered));
            }
            heads.push(found.map(|(head, _)| head));
        }
        Ok(Ok(heads))
    }
}

impl StoredEvent {
    fn step(&self, extent: &Extent<'_>, walk: &mut Walk) -> Result<(), Break> {
        walk.step(extent.key, extent.witness, self.link.as_ref(), self.content(extent.workspace))
    }
}

/// Where a walk begins: at the beginning, or as far back as events are kept, or on the day that was asked for.
fn start(extent: &Extent<'_>) -> (Date, Option<String>, Walk) {
    let Extent { since, made_at, now, .. } = *extent;
    let kept_since = now.checked_sub(RETENTION).unwrap_or(Timestamp::MIN);
    let from = since.unwrap_or(made_at).max(kept_since);
    let from_first = day_of(from) <= day_of(made_at) && made_at > kept_since;
    let day = day_of(from.max(made_at));
    let whole_day = day.to_zoned(TimeZone::UTC).map_or(from, |start| start.timestamp());
    let ending = kept_since.checked_add(WALKED_WITHIN).unwrap_or(kept_since);
    (day, None, Walk::new(from_first, whole_day.max(ending)))
}

fn resumed(cursor: &Cursor) -> Option<(Date, Option<String>, Walk)> {
    let [day, after, walk] = cursor.parts::<3>()?;
    let after = Some(after.to_owned()).filter(|after| !after.is_empty());
    Some((day.parse().ok()?, after, Walk::parse(walk)?))
}

/// What is to be said of chains that were followed to their ends.
fn ended(looked_at: usize, walk: &Walk, heads: &[Option<Head>], witness: Option<&Witness>) -> Checked {
    let unsigned = walk.unsigned();
    if let Some(first) = walk.slipped_in() {
        let flaw = Flaw { what: Break::Unlinked, event: Some(first.to_owned()), at: None };
        return Checked::broken(looked_at, unsigned, flaw);
    }
    let mut lanes = (0..LANES).zip(heads);
    match lanes.find_map(|(lane, head)| walk.reaches(lane, head.as_ref(), witness).err()) {
        Some(what) => Checked::broken(looked_at, unsigned, Flaw { what, event: None, at: None }),
        None => Checked { looked_at, unsigned, flaw: None, next: None, witness: Some(Witness::of(heads)) },
    }
}
