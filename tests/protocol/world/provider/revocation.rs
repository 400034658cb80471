//! The revocation endpoint (RFC 7009).

use std::sync::Mutex;

use serde_json::json;

use super::{Entry, State, token::basic};
use crate::world::wire::{Received, Reply};

/// How revocations are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Revocation {
    /// They are carried out.
    #[default]
    Done,
    /// They are refused for good.
    Refused,
    /// They fail for now.
    Failing,
}

pub(super) fn answer(state: &Mutex<State>, request: &Received) -> Reply {
    let mut state = state.lock().unwrap();
    let entry = Entry { endpoint: "/revoke", form: request.form(), client: basic(request), status: 0 };
    let is_client = entry.client.as_ref().is_some_and(|(id, secret)| state.grants.clients.get(id) == Some(secret));
    let status = match state.revocation {
        _ if !is_client => 401,
        Revocation::Done => 200,
        Revocation::Refused => 400,
        Revocation::Failing => 500,
    };
    if status == 200 {
        state.grants.revoke(entry.get("token").unwrap_or_default());
    }
    state.journal.push(Entry { status, ..entry });
    Reply::json(status, &if status == 200 { json!({}) } else { json!({"error": "invalid_request"}) })
}
