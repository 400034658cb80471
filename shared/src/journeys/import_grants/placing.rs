//! A grant that can be a connection is put where its owner's connection stands, or it is said what would come of that.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::{Desk, ImportError, ImportGrants, Imported, Skipped};
use crate::{
    domain::{
        connection::{Connection, SealedTokens},
        ended::EndedGrant,
        event::EventKind,
        freshness::{Freshness, MinTtl},
        ids::{ConnectionId, EndedId},
        portable_grant::PortableGrant,
        provider::Provider,
        schedule::Use,
        secret::{AccessToken, Secret},
        user::ConnectionKey,
    },
    journeys::{connection_quota::Quota, known_tokens::KnownTokens, publish::noticed_as},
    store::{Arrival, Import, NewGrant, Replaced, Standing, StoreError, Tally},
    vault::{Place, VaultError},
};

/// In which time what has to be refreshed first is refreshed: a thousand that came together are not due together.
const SOON: Duration = Duration::from_mins(10);

/// In which time what was replaced is ended at its provider: as many as a request brings are not due together.
const ENDED_WITHIN: Duration = Duration::from_mins(1);

/// As in every other place where a connection is made.
const FIRST_VERSIONS: u64 = 1 << 62;

/// How often a write is tried that met another at the same place.
const TRIES: usize = 5;

/// How often it is tried while others only write at the same moment: all that come to a workspace whose plan limits its
/// connections are counted in one place.
const CONTENDED_TRIES: usize = 10;

/// What a run that changes nothing has come to: it says of the second grant of one user what would become of it behind the
/// first.
#[derive(Default)]
pub(super) struct Rehearsal {
    /// The digest of what would stand there by now.
    placed: HashMap<ConnectionId, [u8; 32]>,
    /// How many connections there would be more.
    new: u64,
}

impl ImportGrants {
    pub(super) async fn placed(
        &self,
        desk: &mut Desk<'_>,
        place: &ConnectionKey,
        grant: &PortableGrant,
    ) -> Result<Imported, ImportError> {
        let digest = grant.digest(place);
        if desk.wish.dry_run {
            return Ok(self.rehearse(desk, place, digest).await?);
        }
        let (mut met, mut contended, mut room_made) = (0, 0, None);
        while met < TRIES {
            let replaced = room_made.is_some();
            match self.store(desk, place, grant, (digest, room_made.take())).await? {
                Arrival::Done => return Ok(Imported::Done { id: place.id(), replaced }),
                Arrival::Full | Arrival::Contended if contended == CONTENDED_TRIES => {
                    return Err(StoreError::Unavailable("others keep writing".to_owned()).into());
                }
                Arrival::Full => {
                    // Some may have ended since the batch began, and others may have been faster.
                    desk.quota = self.quotas.of(&place.workspace).await?;
                    if let Some(Err(required)) = desk.quota.as_ref().map(Quota::has_room) {
                        return Ok(Imported::NoRoom(required));
                    }
                    contended += 1;
                }
                Arrival::Contended => {
                    contended += 1;
                    tokio::time::sleep(Duration::from_millis(self.random.below(100))).await;
                }
                Arrival::Conflict => match (self.imports.standing(place, &digest).await?, desk.wish.replaces) {
                    (Some(Standing::Imported), _) => return Ok(before(place)),
                    (Some(Standing::Ended), _) => return Ok(ended(place)),
                    (Some(Standing::Other(_) | Standing::Unreadable), false) => return Ok(connected(place)),
                    (Some(Standing::Unreadable), true) => return Ok(unreadable(place)),
                    (Some(Standing::Other(standing)), true) => {
                        room_made = Some(self.making_room(desk, &standing, grant).await?);
                        met += 1;
                    }
                    // What stood in the way is gone by now, or somebody forgot the user.
                    (None, _) => met += 1,
                },
            }
        }
        Ok(Imported::Skipped(place.id(), Skipped::Forgotten))
    }

    async fn store(
        &self,
        desk: &Desk<'_>,
        place: &ConnectionKey,
        grant: &PortableGrant,
        (digest, replaces): ([u8; 32], Option<Replaced>),
    ) -> Result<Arrival, StoreError> {
        let event = self.publisher.of_connection(EventKind::ConnectionCreated, place).because("imported");
        let (id, details) = (place.id(), [("connector", place.connector.as_str())]);
        let told = noticed_as(event, desk.admin, ("connection.imported", id.as_str()), &details);
        let import = Import {
            place,
            grant: self.new_grant(desk, place, grant),
            digest,
            last_used_on: grant.last_used_on.map(|day| day.min(self.clock.today())),
            told: &told,
            unproven: is_unproven(desk.provider, grant),
            replaces,
            imported_at: self.clock.now(),
            began_at: desk.began_at,
            tally: Tally { drawn: self.random.below(u64::MAX), room: desk.quota.as_ref().map(Quota::room) },
        };
        let arrival = self.imports.store(&import).await?;
        if arrival == Arrival::Done {
            // Noted a little later: nobody who brings a thousand waits for a thousand lines in the trail.
            self.publisher.remind(&told).await;
        }
        Ok(arrival)
    }

    /// What makes room for the grant. What stood there is left to be ended at the provider, unless that may end the new one
    /// with it: if it is the same one, perhaps a few refreshes later, or the provider ends all that an account granted by any
    /// token of it.
    async fn making_room(
        &self,
        desk: &Desk<'_>,
        standing: &Connection,
        grant: &PortableGrant,
    ) -> Result<Replaced, VaultError> {
        let now = self.clock.now();
        let wait =
            Duration::from_millis(self.random.below(u64::try_from(ENDED_WITHIN.as_millis()).unwrap_or(u64::MAX)));
        let due_at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let id = EndedId::of_ulid(&self.random.ulid(now));
        let ended = EndedGrant { was_replaced: true, ..EndedGrant::of(standing, id, now, due_at) };
        let account_id = grant.account.as_ref().map(|account| account.id.as_str());
        let (access, refresh) = (Some(&standing.tokens.access), standing.tokens.refresh.as_ref());
        let lives_on = ended.endangers(desk.provider, account_id, grant.refresh.is_some())
            || KnownTokens::open(&self.vault, &standing.key, access, refresh)
                .await?
                .have_one_of(grant.access.as_ref(), grant.refresh.as_ref());
        Ok(Replaced { version: standing.version, ended: (!lives_on).then_some(ended) })
    }

    /// What would become of it.
    async fn rehearse(
        &self,
        desk: &mut Desk<'_>,
        place: &ConnectionKey,
        digest: [u8; 32],
    ) -> Result<Imported, StoreError> {
        let may_replace = desk.wish.replaces;
        let replaced = match desk.rehearsal.placed.get(&place.id()) {
            Some(placed) if *placed == digest => return Ok(before(place)),
            Some(_) if !may_replace => return Ok(connected(place)),
            Some(_) => true,
            None => match self.imports.standing(place, &digest).await? {
                Some(Standing::Imported) => return Ok(before(place)),
                Some(Standing::Ended) => return Ok(ended(place)),
                Some(Standing::Other(_) | Standing::Unreadable) if !may_replace => return Ok(connected(place)),
                Some(Standing::Unreadable) => return Ok(unreadable(place)),
                Some(Standing::Other(_)) => true,
                None => {
                    let room = desk.quota.as_ref().map(|quota| quota.has_room_beside(desk.rehearsal.new));
                    if let Some(Err(required)) = room {
                        return Ok(Imported::NoRoom(required));
                    }
                    desk.rehearsal.new += 1;
                    false
                }
            },
        };
        desk.rehearsal.placed.insert(place.id(), digest);
        Ok(Imported::Done { id: place.id(), replaced })
    }

    fn new_grant(&self, desk: &Desk<'_>, key: &ConnectionKey, grant: &PortableGrant) -> NewGrant {
        let (now, place) = (self.clock.now(), Place::connection(key));
        // Where there is no access token, what stands in its place has ended already: nobody opens it, and a refresh
        // brings the first one.
        let none = Secret::<AccessToken>::new("");
        let tokens = SealedTokens {
            access: desk.ready.seal(grant.access.as_ref().unwrap_or(&none), &place),
            refresh: grant.refresh.as_ref().map(|token| desk.ready.seal(token, &place)),
            token_type: grant.token_type.clone(),
            issued_at: grant.issued_at.map_or(now, |at| at.min(now)),
            expires_at: if grant.access.is_some() { grant.expires_at } else { Some(now) },
            refresh_expires_at: grant.refresh_expires_at,
        };
        NewGrant {
            client_id: grant.client_id.clone(),
            scopes_revision: desk.connector.scopes_revision,
            granted: grant.scopes.clone().unwrap_or_else(|| desk.connector.scopes.clone()),
            account: grant.account.clone(),
            label: grant.label.clone(),
            details: grant.details.clone(),
            keeps_earlier_refresh_token: false,
            due_at: self.due_at(&tokens, desk.provider, grant, now),
            tokens,
            connected_at: connected_at(grant, now),
            connected_by: key.owner.user().is_none().then(|| desk.admin.describe()),
            first_version: self.random.below(FIRST_VERSIONS),
        }
    }

    /// Ahead of its end like every other, and soon if it has to be refreshed before it is of use.
    fn due_at(
        &self,
        tokens: &SealedTokens,
        provider: &Provider,
        grant: &PortableGrant,
        now: Timestamp,
    ) -> Option<Timestamp> {
        if !tokens.are_renewable(provider, now) {
            return None;
        }
        if is_unproven(provider, grant) || tokens.freshness(now, MinTtl::Usual) != Freshness::Fresh {
            let within = u64::try_from(SOON.as_millis()).unwrap_or(u64::MAX);
            return now.checked_add(Duration::from_millis(self.random.below(within))).ok();
        }
        let jitter = u16::try_from(self.random.below(1_001)).unwrap_or(0);
        let (last_used_on, connected_at) = (grant.last_used_on, connected_at(grant, now));
        let due = tokens.due_at(Use { provider, last_used_on, connected_at, jitter });
        due.map(|at| at.max(now))
    }
}

/// When its user granted it: now, if nobody knows, and never later.
fn connected_at(grant: &PortableGrant, now: Timestamp) -> Timestamp {
    grant.connected_at.map_or(now, |at| at.min(now))
}

fn before(place: &ConnectionKey) -> Imported {
    Imported::Skipped(place.id(), Skipped::ImportedBefore)
}

fn ended(place: &ConnectionKey) -> Imported {
    Imported::Skipped(place.id(), Skipped::Ended)
}

fn connected(place: &ConnectionKey) -> Imported {
    Imported::Skipped(place.id(), Skipped::Connected)
}

fn unreadable(place: &ConnectionKey) -> Imported {
    Imported::Skipped(place.id(), Skipped::Unreadable)
}

/// Whether nobody knows if the access token works still, and a refresh would tell.
fn is_unproven(provider: &Provider, grant: &PortableGrant) -> bool {
    grant.refresh.is_some() && grant.expires_at.is_none() && provider.refreshes()
}
