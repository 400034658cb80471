//! The token endpoint (RFC 6749, sections 4.1.3 and 6; RFC 7636, section 4.6).

use std::sync::Mutex;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Entry, State, examined, script::Step};
use crate::world::wire::{Received, Reply};

pub(super) async fn answer(state: &Mutex<State>, request: &Received) -> Reply {
    let (client, proved) = (basic(request), request.is_proved());
    let entry = Entry { endpoint: "/token", at: request.at(), form: request.form(), client, proved, status: 0 };
    if examined::is_probe(&entry) {
        return examined::answer(state, entry);
    }
    let step = state.lock().unwrap().script.take();
    if let Some(Step::Answer { status, headers, body }) = step {
        note(state, Entry { status, ..entry });
        return Reply::Answer { status, headers, body };
    }
    let (status, mut body) = work(state, &entry);
    let index = note(state, Entry { status, ..entry });
    match step {
        Some(Step::HangUpAfterWork) => {
            state.lock().unwrap().journal[index].status = 0;
            return Reply::HangUp;
        }
        Some(Step::Without(members)) => remove(&mut body, members),
        Some(Step::HoldAnswer(held, members)) => {
            remove(&mut body, members);
            // A test that no longer waits for either has said so by dropping its end.
            let _ = held.arrived.send(());
            let _ = held.released.await;
        }
        Some(Step::Answer { .. }) | None => {}
    }
    Reply::json(status, &body)
}

fn remove(body: &mut Value, members: &[&str]) {
    let answer = body.as_object_mut().unwrap();
    for member in members {
        answer.remove(*member);
    }
}

fn note(state: &Mutex<State>, entry: Entry) -> usize {
    let mut state = state.lock().unwrap();
    state.journal.push(entry);
    state.journal.len() - 1
}

fn work(state: &Mutex<State>, entry: &Entry) -> (u16, Value) {
    let refused = |error: &str| (400, json!({"error": error, "error_description": "free text of the provider"}));
    let mut state = state.lock().unwrap();
    let Some((client, _)) = entry.client.as_ref().filter(|(id, secret)| state.grants.clients.get(id) == Some(secret))
    else {
        return (401, json!({"error": "invalid_client"}));
    };
    if let Some(error) = state.grants.wants_proofs.filter(|_| !entry.proved) {
        return refused(error);
    }
    state.grants.binds = entry.proved;
    match entry.get("grant_type") {
        Some("authorization_code") => {
            let code = entry.get("code").and_then(|code| state.grants.take_code(code));
            let proves = |challenge: &str| {
                let verifier = entry.get("code_verifier").unwrap_or_default();
                BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) == challenge
            };
            match code {
                Some(code)
                    if code.client == *client
                        && entry.get("redirect_uri") == Some(&code.redirect_uri)
                        && proves(&code.challenge) =>
                {
                    (200, state.grants.begin(code))
                }
                _ => refused("invalid_grant"),
            }
        }
        Some("refresh_token") => match state.grants.refresh(client, entry.get("refresh_token").unwrap_or_default()) {
            Some(answer) => (200, answer),
            None => refused("invalid_grant"),
        },
        _ => refused("unsupported_grant_type"),
    }
}

/// Client id and secret by HTTP Basic, each form-encoded before they were joined (RFC 6749, section 2.3.1).
pub(super) fn basic(request: &Received) -> Option<(String, String)> {
    let encoded = request.headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let joined = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = joined.split_once(':')?;
    let decoded = |text: &str| form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned());
    Some((decoded(id)?, decoded(secret)?))
}
