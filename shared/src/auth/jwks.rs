//! The keys of issuers (RFC 7517). The set that was registered with the app serves for a day, and until a token names a
//! key that is not in it; then the issuer is asked, and not again for half a minute.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use tokio::sync::Mutex as AsyncMutex;

use crate::{
    clock::Clock,
    domain::{app::Identity, digest::sha256},
    oauth::ProviderClient,
};

/// How long an issuer is left alone after it was asked: however many tokens name unknown keys, it sees one request.
const ASKED_AT_MOST_EVERY: Duration = Duration::from_secs(30);

/// How long a fetched set is used before it is fetched anew, so that a withdrawn key is withdrawn here too.
const BELIEVED_FOR: Duration = Duration::from_hours(1);

/// How long the registered set is used. Longer, because a cold start should not wait for an issuer.
const REGISTERED_BELIEVED_FOR: Duration = Duration::from_hours(24);

/// How many keys of a set are looked at.
const MOST_KEYS: usize = 100;

/// How many issuers' sets are held at once.
const MOST_ISSUERS: usize = 256;

#[derive(Debug)]
pub(super) struct KeySets {
    client: Arc<ProviderClient>,
    clock: Clock,
    sets: Mutex<HashMap<Registered, Arc<Issuer>>>,
}

/// What a set of keys is known by: all of what was registered. By the address alone, the keys of one app could vouch for
/// the users of another, and a set that was registered anew would count for nothing until the old one is outdated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Registered {
    jwks_uri: String,
    snapshot: [u8; 32],
}

#[derive(Debug)]
struct Issuer {
    state: Mutex<State>,
    /// Held by whoever asks the issuer; the others wait for the same answer.
    asking: AsyncMutex<()>,
}

#[derive(Debug)]
struct State {
    keys: Arc<Vec<Jwk>>,
    good_until: Timestamp,
    asked_at: Option<Timestamp>,
}

impl KeySets {
    pub(super) fn new(client: Arc<ProviderClient>, clock: Clock) -> Self {
        Self { client, clock, sets: Mutex::default() }
    }

    /// The issuer's key of this id, or its only key if the token names none.
    pub(super) async fn find(&self, identity: &Identity, kid: Option<&str>) -> Option<Jwk> {
        let issuer = self.issuer(identity);
        let (keys, outdated) = issuer.look(self.clock.now());
        if let (Some(key), false) = (choose(&keys, kid), outdated) {
            return Some(key);
        }
        self.ask(&issuer, identity).await;
        choose(&issuer.look(self.clock.now()).0, kid)
    }

    fn issuer(&self, identity: &Identity) -> Arc<Issuer> {
        let registered =
            Registered { jwks_uri: identity.jwks_uri.clone(), snapshot: sha256(identity.jwks_snapshot.as_bytes()) };
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= MOST_ISSUERS && !sets.contains_key(&registered) {
            sets.clear();
        }
        Arc::clone(sets.entry(registered).or_insert_with(|| Arc::new(Issuer::new(identity))))
    }

    /// Asks the issuer for its keys, unless it was asked a moment ago. A bad answer never replaces good keys.
    async fn ask(&self, issuer: &Issuer, identity: &Identity) {
        let _asking = issuer.asking.lock().await;
        if identity.jwks_uri.is_empty() || !issuer.may_be_asked(self.clock.now()) {
            return;
        }
        let answer = self.client.jwks(&identity.jwks_uri).await;
        if let Some(keys) = answer.ok().and_then(|body| usable(&body)) {
            issuer.learn(keys, self.clock.now());
        } else {
            tracing::warn!("an issuer's keys could not be fetched; the known ones stay");
        }
    }
}

impl Issuer {
    fn new(identity: &Identity) -> Self {
        let keys = Arc::new(usable(identity.jwks_snapshot.as_bytes()).unwrap_or_default());
        let good_until = later(identity.jwks_fetched_at, REGISTERED_BELIEVED_FOR);
        Self { state: Mutex::new(State { keys, good_until, asked_at: None }), asking: AsyncMutex::new(()) }
    }

    /// The known keys, and whether they are too old to be believed without asking.
    fn look(&self, now: Timestamp) -> (Arc<Vec<Jwk>>, bool) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&state.keys), state.good_until <= now)
    }

    fn may_be_asked(&self, now: Timestamp) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = state.asked_at.is_none_or(|at| later(at, ASKED_AT_MOST_EVERY) <= now);
        if rested {
            state.asked_at = Some(now);
        }
        rested
    }

    fn learn(&self, keys: Vec<Jwk>, now: Timestamp) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.keys = Arc::new(keys);
        state.good_until = later(now, BELIEVED_FOR);
    }
}

/// Reads a set of keys; `None` if it has none that can verify a signature. A key that cannot be read is passed over.
#[must_use]
pub fn usable(body: &[u8]) -> Option<Vec<Jwk>> {
    #[derive(serde::Deserialize)]
    struct Raw {
        keys: Vec<serde_json::Value>,
    }
    let raw: Raw = serde_json::from_slice(body).ok()?;
    let readable = raw.keys.into_iter().take(MOST_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let set = JwkSet { keys: readable.filter(|key| !is_for_encryption(key)).collect() };
    Some(set.keys).filter(|keys| !keys.is_empty())
}

fn is_for_encryption(key: &Jwk) -> bool {
    matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption))
}

fn choose(keys: &[Jwk], kid: Option<&str>) -> Option<Jwk> {
    match kid {
        Some(kid) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(kid)).cloned(),
        None if keys.len() == 1 => keys.first().cloned(),
        None => None,
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}
