//! What a provider shows to whoever examines a connector: its metadata, and what it makes of a client with a code that it
//! never gave.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{Entry, FakeProvider, State};
use crate::world::wire::Reply;

/// How a code begins that the doctor made up.
const MADE_UP: &str = "doctor_";

/// What is shown.
#[derive(Default)]
pub(super) struct Shown {
    metadata: Option<Value>,
    verdict: Option<(u16, String)>,
}

impl FakeProvider {
    /// Metadata that agrees with [`FakeProvider::registration`].
    pub(crate) fn metadata(&self) -> Value {
        json!({
            "issuer": self.issuer(),
            "authorization_endpoint": self.url("/authorize"),
            "token_endpoint": self.url("/token"),
            "revocation_endpoint": self.url("/revoke"),
            "userinfo_endpoint": self.url("/userinfo"),
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["read", "write"],
        })
    }

    /// Publishes this as the issuer's metadata.
    pub(crate) fn publish(&self, metadata: Value) {
        self.state().shown.metadata = Some(metadata);
    }

    /// Answers nobody who asks for the issuer's metadata.
    pub(crate) fn publish_nothing(&self) {
        self.state().shown.metadata = None;
    }

    /// Answers every code that was never given with this.
    pub(crate) fn answer_made_up_codes_with(&self, status: u16, body: &str) {
        self.state().shown.verdict = Some((status, body.to_owned()));
    }

    /// The token requests that presented a made-up code.
    pub(crate) fn probes(&self) -> Vec<Entry> {
        self.journal("/token with a made-up code")
    }
}

pub(super) fn is_probe(entry: &Entry) -> bool {
    entry.get("code").is_some_and(|code| code.starts_with(MADE_UP))
}

/// The answer to a made-up code. It takes nothing of what the next exchange or refresh is to meet.
pub(super) fn answer(state: &Mutex<State>, entry: Entry) -> Reply {
    let mut state = state.lock().unwrap();
    let is_known = entry.client.as_ref().is_some_and(|(id, secret)| state.grants.clients.get(id) == Some(secret));
    let honest = if is_known { (400, "invalid_grant") } else { (401, "invalid_client") };
    let honest = (honest.0, json!({"error": honest.1, "error_description": "free text of the provider"}).to_string());
    let (status, body) = state.shown.verdict.clone().unwrap_or(honest);
    state.journal.push(Entry { endpoint: "/token with a made-up code", status, ..entry });
    Reply::Answer { status, headers: vec![("content-type".to_owned(), "application/json".to_owned())], body }
}

pub(super) fn metadata(state: &Mutex<State>) -> Reply {
    match &state.lock().unwrap().shown.metadata {
        Some(metadata) => Reply::json(200, metadata),
        None => Reply::json(404, &json!({})),
    }
}
