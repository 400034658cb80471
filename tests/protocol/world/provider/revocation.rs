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
    /// They are carried out on every grant of the account, as some providers do.
    EndsTheAccountsGrants,
    /// They are refused for good.
    Refused,
    /// They fail for now.
    Failing,
    /// They fail for now for this account, and are carried out for others.
    FailingFor(&'static str),
    /// They fail for now, and the provider asks to be left alone for this many seconds.
    Busy(u64),
    /// They are never answered.
    Hanging,
}

pub(super) async fn answer(state: &Mutex<State>, request: &Received) -> Reply {
    let (client, proved) = (basic(request), request.is_proved());
    let entry = Entry { endpoint: "/revoke", at: request.at(), form: request.form(), client, proved, status: 0 };
    let (status, headers) = {
        let mut state = state.lock().unwrap();
        let (status, headers) = verdict(&state, &entry);
        let token = entry.get("token").unwrap_or_default();
        match (status, state.revocation) {
            (200, Revocation::EndsTheAccountsGrants) => state.grants.revoke_account_of(token),
            (200, _) => state.grants.revoke(token),
            _ => {}
        }
        state.journal.push(Entry { status, ..entry });
        (status, headers)
    };
    let error = match status {
        0 => return std::future::pending().await,
        200 => return Reply::json(200, &json!({})),
        401 => "invalid_client",
        _ => "invalid_request",
    };
    Reply::Answer { status, headers, body: json!({ "error": error }).to_string() }
}

/// Status, 0 for none, and headers.
fn verdict(state: &State, entry: &Entry) -> (u16, Vec<(String, String)>) {
    let is_client = entry.client.as_ref().is_some_and(|(id, secret)| state.grants.clients.get(id) == Some(secret));
    let account = entry.get("token").and_then(|token| state.grants.account_by(token));
    let status = match state.revocation {
        _ if !is_client => 401,
        Revocation::FailingFor(failing) if account.as_deref() == Some(failing) => 500,
        Revocation::Done | Revocation::EndsTheAccountsGrants | Revocation::FailingFor(_) => 200,
        Revocation::Refused => 400,
        Revocation::Failing => 500,
        Revocation::Busy(seconds) => return (429, vec![("retry-after".to_owned(), seconds.to_string())]),
        Revocation::Hanging => 0,
    };
    (status, Vec::new())
}
