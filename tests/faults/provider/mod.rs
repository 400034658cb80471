//! An authorization server that does as it is told, and knows the truth: for each grant whether it is alive, and for each
//! refresh token how often it was presented, and whether twice at once.

mod grants;
mod script;
mod token;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use connectors::{clock::Clock, random::Random};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use grants::Grants;
pub(crate) use grants::Rotate;
use script::Script;
pub(crate) use script::{Fate, Step};

use crate::{
    hold::Stop,
    server::{self, Answer, Asked, Verdict},
    world::Ledger,
};

/// A request that presented a refresh token.
#[derive(Debug, Clone)]
pub(crate) struct Presentation {
    pub(crate) order: u64,
    pub(crate) user: String,
    pub(crate) refresh_token: String,
    pub(crate) arrived: Instant,
    /// When it was carried out, if it was.
    pub(crate) worked: Option<u64>,
    /// Whether another presentation of the same token was under way.
    pub(crate) overlaps: bool,
    /// The status of the answer; 0 while there is none.
    pub(crate) status: u16,
}

/// How revocations are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Revocation {
    #[default]
    Ok,
    Refused,
    Failing,
    Hanging,
}

/// The provider. Clones are the same one.
#[derive(Clone)]
pub(crate) struct FakeProvider {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    clock: Clock,
    ledger: Ledger,
    clients: Mutex<HashMap<String, String>>,
    codes: Mutex<HashMap<String, String>>,
    grants: Mutex<Grants>,
    script: Mutex<Script>,
    journal: Mutex<Vec<Presentation>>,
    revocation: Mutex<Revocation>,
    revoked: Mutex<Vec<u16>>,
}

impl FakeProvider {
    pub(crate) async fn start(clock: &Clock, ledger: Ledger, rotate: Rotate) -> Self {
        let state = Arc::new(State {
            clock: clock.clone(),
            ledger,
            clients: Mutex::default(),
            codes: Mutex::default(),
            grants: Mutex::new(Grants::new(rotate)),
            script: Mutex::default(),
            journal: Mutex::default(),
            revocation: Mutex::default(),
            revoked: Mutex::default(),
        });
        let served = state.clone();
        let address = server::serve(Arc::new(move |asked| {
            let state = served.clone();
            Box::pin(async move { state.answer(asked).await })
        }))
        .await;
        Self { address, state }
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        self.state.grants.lock().unwrap()
    }

    /// The provider as a workspace registers it, with what it knows of itself.
    pub(crate) fn registration(&self, id: &str) -> Value {
        let url = |path: &str| format!("http://{}{path}", self.address);
        let refresh = match self.grants().rotate {
            Rotate::None => json!({"rotation": "never"}),
            Rotate::GraceIdempotent(grace) => grace_of("same_pair", grace),
            Rotate::GraceNewPair(grace) => grace_of("new_pair", grace),
            Rotate::StrictError | Rotate::StrictRevokeFamily => json!({"rotation": "always"}),
        };
        json!({
            "id": id, "name": "Fake provider",
            "authorize": {"url": url("/authorize"), "pkce": "required"},
            "token": {"url": url("/token"), "client_auth": "basic"},
            "refresh": refresh,
            "revoke": {"url": url("/revoke"), "token": "refresh_token"},
            "identity": {"url": url("/userinfo")},
        })
    }

    pub(crate) fn register_client(&self, id: &str, secret: &str) {
        self.state.clients.lock().unwrap().insert(id.to_owned(), secret.to_owned());
    }

    /// A user says yes: the address that the browser is sent back to.
    pub(crate) fn approve(&self, authorization_url: &str, user: &str) -> String {
        let request = Url::parse(authorization_url).unwrap();
        let get = |name: &str| request.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        let code = format!("code_{}", Random::default().token());
        self.state.codes.lock().unwrap().insert(code.clone(), user.to_owned());
        let mut back = Url::parse(&get("redirect_uri")).unwrap();
        back.query_pairs_mut().extend_pairs([("code", code), ("state", get("state"))]);
        back.into()
    }

    /// What the next refresh of this user meets, after what was said before.
    pub(crate) fn next(&self, user: &str, step: Step) {
        self.state.script.lock().unwrap().add(user, step);
    }

    /// Stops the next refresh of this user.
    pub(crate) fn stop(&self, user: &str, stop: Stop) {
        self.state.script.lock().unwrap().stop(user, stop);
    }

    /// What every refresh meets for which nothing else was said; `None` heals.
    pub(crate) fn always(&self, step: Option<Step>) {
        self.state.script.lock().unwrap().always(step);
    }

    /// Forgets what was planned for a user.
    pub(crate) fn heal(&self, user: &str) {
        self.state.script.lock().unwrap().forget(user);
    }

    pub(crate) fn answer_revocations_with(&self, revocation: Revocation) {
        *self.state.revocation.lock().unwrap() = revocation;
    }

    /// The statuses that revocations were answered with; 0 for none.
    pub(crate) fn revocations(&self) -> Vec<u16> {
        self.state.revoked.lock().unwrap().clone()
    }

    /// The access tokens of a user open nothing any more.
    pub(crate) fn expire_access(&self, user: &str) {
        self.grants().expire_access(user);
    }

    /// The user takes the grant back.
    pub(crate) fn revoke(&self, user: &str) {
        self.grants().revoke(user);
    }

    /// How many access tokens a user's grant has given.
    pub(crate) fn issued_count(&self, user: &str) -> usize {
        self.grants().issued(user)
    }

    pub(crate) fn honours(&self, access_token: &str) -> bool {
        self.grants().honours(access_token)
    }

    pub(crate) fn is_over(&self, user: &str) -> bool {
        self.grants().is_over(user)
    }

    /// When a user's refresh token was replaced the last time.
    pub(crate) fn rotated(&self, user: &str) -> Option<u64> {
        self.grants().rotated(user)
    }

    /// Every refresh of a user, in order.
    pub(crate) fn refreshes(&self, user: &str) -> Vec<Presentation> {
        self.state.journal.lock().unwrap().iter().filter(|entry| entry.user == user).cloned().collect()
    }

    /// How many refreshes there were, of everybody.
    pub(crate) fn count(&self) -> usize {
        self.state.journal.lock().unwrap().len()
    }
}

fn grace_of(kind: &str, grace: Duration) -> Value {
    json!({"rotation": "always", "grace_kind": kind, "grace_seconds": grace.as_secs()})
}

impl State {
    async fn answer(&self, asked: Asked) -> Verdict {
        match asked.path.as_str() {
            "/token" => self.token(&asked).await,
            "/revoke" => self.revoke(&asked).await,
            "/userinfo" => {
                let bearer = asked.headers.get("authorization").and_then(|value| value.to_str().ok());
                let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
                match self.grants.lock().unwrap().user_of(token) {
                    Some(user) => json_answer(200, &json!({"sub": user, "name": user})),
                    None => json_answer(401, &json!({"error": "invalid_token"})),
                }
            }
            _ => json_answer(404, &json!({})),
        }
    }

    /// The revocation endpoint (RFC 7009).
    async fn revoke(&self, asked: &Asked) -> Verdict {
        let form = token::form(asked);
        let mode = *self.revocation.lock().unwrap();
        let status = match mode {
            Revocation::Ok => 200,
            Revocation::Refused => 400,
            Revocation::Failing => 500,
            Revocation::Hanging => 0,
        };
        self.revoked.lock().unwrap().push(status);
        if status == 0 {
            // Longer than anybody waits.
            tokio::time::sleep(Duration::from_mins(5)).await;
            return Verdict::Cut;
        }
        if status == 200 {
            self.grants.lock().unwrap().revoke_by(form.get("token").map_or("", String::as_str));
        }
        json_answer(status, &json!({}))
    }
}

fn json_answer(status: u16, body: &Value) -> Verdict {
    Verdict::Answer(Answer::json(status, "application/json", body))
}
