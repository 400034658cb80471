//! A provider's API: it takes the tokens that the provider gave out, says what it is told to, and keeps a journal.

use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::http::HeaderMap;
use serde_json::json;

use super::{FakeProvider, Reply, wire};

/// A request that reached the API.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Method, path and query.
    pub(crate) line: String,
    headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

#[derive(Default)]
struct State {
    journal: Vec<Seen>,
    replies: VecDeque<Reply>,
    refused: BTreeSet<String>,
}

/// The API.
pub(crate) struct ApiDouble {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl ApiDouble {
    pub(crate) async fn start(provider: &FakeProvider) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let (served, provider) = (state.clone(), provider.clone());
        let handler = move |request: wire::Received| {
            let seen = Seen {
                line: format!("{} {}", request.method, request.path),
                headers: request.headers,
                body: request.body,
            };
            let reply = reply(&served, &provider, &seen);
            served.lock().unwrap().journal.push(seen);
            Box::pin(async move { reply }) as futures::future::BoxFuture<'static, Reply>
        };
        Self { address: wire::serve(Arc::new(handler)).await, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What the next request meets, after those that were said before.
    pub(crate) fn next(&self, reply: Reply) {
        self.state.lock().unwrap().replies.push_back(reply);
    }

    /// The next request meets these bytes, and the end of the connection.
    pub(crate) fn raw(&self, head: &str, body: &[u8]) {
        self.next(Reply::Raw([head.as_bytes(), b"\r\n\r\n", body].concat()));
    }

    pub(crate) fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.next(Reply::Answer { status, headers, body: body.to_owned() });
    }

    /// This access token opens nothing here from now on, whatever the provider says.
    pub(crate) fn refuse(&self, access_token: &str) {
        self.state.lock().unwrap().refused.insert(access_token.to_owned());
    }

    /// Everything that reached it since this was asked last.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().journal)
    }
}

fn reply(state: &Mutex<State>, provider: &FakeProvider, seen: &Seen) -> Reply {
    let mut state = state.lock().unwrap();
    if let Some(reply) = state.replies.pop_front() {
        return reply;
    }
    // A bound token is shown by another scheme, and with a proof (RFC 9449, section 7.1).
    let scheme = if seen.header("dpop").is_some() { "DPoP " } else { "Bearer " };
    let token = seen.header("authorization").and_then(|header| header.strip_prefix(scheme));
    if !token.is_some_and(|token| !state.refused.contains(token) && provider.honours(token)) {
        return Reply::json(401, &json!({"error": "invalid_token"}));
    }
    let method = seen.line.split(' ').next();
    let headers = [
        ("content-type", "application/json"),
        ("etag", "\"1\""),
        ("x-ratelimit-remaining", "9"),
        ("set-cookie", "session=canary"),
        ("x-internal", "canary"),
    ];
    Reply::Answer {
        status: 200,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: json!({"seen": method}).to_string(),
    }
}
