//! What was read a moment ago.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

/// How long a key, an app or its identity is believed without looking again: what was revoked is refused everywhere
/// after this long.
pub(super) const BELIEVED_FOR: Duration = Duration::from_mins(1);

/// How many things are remembered at once.
const MOST: usize = 1_024;

/// Values that are believed for [`BELIEVED_FOR`].
#[derive(Debug)]
pub(super) struct Cache<K, V>(Mutex<HashMap<K, (V, Timestamp)>>);

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    pub(super) fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(_, until)| *until > now).map(|(value, _)| value.clone())
    }

    pub(super) fn put(&self, key: K, value: V, now: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST {
            entries.retain(|_, (_, until)| *until > now);
        }
        if entries.len() >= MOST {
            entries.clear();
        }
        entries.insert(key, (value, now.checked_add(BELIEVED_FOR).unwrap_or(now)));
    }
}
