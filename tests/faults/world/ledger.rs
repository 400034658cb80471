//! What can be known from outside of a whole world, whichever proxy a request came through.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// How the users of these worlds are called.
pub(crate) fn user_name(number: usize) -> String {
    format!("user-{number:04}")
}

/// The order of everything that happens, who is who, and whose tokens were stored when.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<State>);

#[derive(Default)]
struct State {
    next: AtomicU64,
    users: Mutex<HashMap<String, String>>,
    stored: Mutex<HashMap<String, u64>>,
    at_work: AtomicU64,
}

/// A service is at work on a request, until this is dropped.
pub(crate) struct Work<'a>(&'a AtomicU64);

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ledger {
    /// The number of what happens now.
    pub(crate) fn next(&self) -> u64 {
        self.0.next.fetch_add(1, Ordering::SeqCst)
    }

    /// A service begins to work on a request.
    pub(crate) fn work(&self) -> Work<'_> {
        self.0.next.fetch_add(1, Ordering::SeqCst);
        self.0.at_work.fetch_add(1, Ordering::SeqCst);
        Work(&self.0.at_work)
    }

    /// A number that has not changed while nothing has happened; `None` while a service is at work.
    pub(crate) fn quiet_since(&self) -> Option<u64> {
        let is_quiet = self.0.at_work.load(Ordering::SeqCst) == 0;
        is_quiet.then(|| self.0.next.load(Ordering::SeqCst))
    }

    pub(super) fn add_user(&self, digest: String, user: &str) {
        self.0.users.lock().unwrap().insert(digest, user.to_owned());
    }

    /// Who is meant by a request, as far as can be seen: by the key of a row, or by name in a message.
    pub(crate) fn named_in(&self, body: &[u8]) -> Option<String> {
        let body = String::from_utf8_lossy(body);
        if let Some(at) = body.find("user-") {
            return body.get(at..at + 9).map(str::to_owned);
        }
        let key = &body[body.find("USER#")?..];
        let digest = key.splitn(3, '#').nth(2)?.get(..64)?;
        self.0.users.lock().unwrap().get(digest).cloned()
    }

    /// The table has taken new tokens of a user.
    pub(crate) fn stored(&self, user: &str) {
        let now = self.next();
        self.0.stored.lock().unwrap().insert(user.to_owned(), now);
    }

    /// When the table took new tokens of a user the last time.
    pub(crate) fn last_stored(&self, user: &str) -> Option<u64> {
        self.0.stored.lock().unwrap().get(user).copied()
    }
}
