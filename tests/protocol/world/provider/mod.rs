//! An authorization server that does as it is told: it rotates, fails, hangs up, waits, and keeps a journal.

mod examined;
mod grants;
mod revocation;
mod script;
mod token;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use connectors::random::Random;
use serde_json::json;
use url::Url;

use examined::Shown;
pub(crate) use grants::Rotate;
use grants::{Code, Grants};
pub(crate) use revocation::Revocation;
use script::Script;
pub(crate) use script::{Hold, Step};

use super::wire::{self, Received, Reply};

/// A request that reached the provider: where, its form, and the status of the answer (0 for none).
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) endpoint: &'static str,
    /// What stands before the endpoint's path: a shop, a realm.
    pub(crate) at: String,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) client: Option<(String, String)>,
    /// Whether it came with a proof of possession (RFC 9449).
    pub(crate) proved: bool,
    pub(crate) status: u16,
}

impl Entry {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What the provider remembers.
#[derive(Default)]
struct State {
    grants: Grants,
    script: Script,
    revocation: Revocation,
    shown: Shown,
    journal: Vec<Entry>,
}

/// The provider.
#[derive(Clone)]
pub(crate) struct FakeProvider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Whether authorization responses carry `iss` (RFC 9207).
    sends_iss: bool,
}

impl FakeProvider {
    pub(crate) async fn start(sends_iss: bool) -> Self {
        let state = Arc::<Mutex<State>>::default();
        let served = state.clone();
        let address = wire::serve(Arc::new(move |request| Box::pin(answer(served.clone(), request)))).await;
        Self { address, state, sends_iss }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn issuer(&self) -> String {
        self.url("")
    }

    /// The provider as a workspace registers it.
    pub(crate) fn registration(&self, id: &str) -> serde_json::Value {
        json!({
            "id": id,
            "name": "Fake provider",
            "authorize": {"url": self.url("/authorize"), "pkce": "required"},
            "token": {"url": self.url("/token"), "client_auth": "basic"},
            "refresh": {"rotation": "always"},
            "revoke": {"url": self.url("/revoke"), "token": "refresh_token"},
            "identity": {"url": self.url("/userinfo")},
            "oidc": {"issuer": self.issuer(), "iss_parameter_supported": self.sends_iss},
            "api": {"base_url": self.url("")},
        })
    }

    pub(crate) fn register_client(&self, id: &str, secret: &str) {
        self.state().grants.clients.insert(id.to_owned(), secret.to_owned());
    }

    /// The user says yes: answers the address that the browser is sent back to.
    pub(crate) fn approve(&self, authorization_url: &str, account: &str) -> String {
        let request = Url::parse(authorization_url).unwrap();
        let get =
            |name: &str| request.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
        assert_eq!(get("response_type").as_deref(), Some("code"));
        assert_eq!(get("code_challenge_method").as_deref(), Some("S256"));
        let code = format!("code_{}", Random::default().token());
        let granted = Code {
            client: get("client_id").unwrap(),
            redirect_uri: get("redirect_uri").unwrap(),
            challenge: get("code_challenge").unwrap(),
            scope: get("scope").unwrap_or_default(),
            account: account.to_owned(),
        };
        let back = granted.redirect_uri.clone();
        self.state().grants.add_code(&code, granted);
        let mut back = Url::parse(&back).unwrap();
        back.query_pairs_mut().extend_pairs([("code", code), ("state", get("state").unwrap())]);
        if self.sends_iss {
            back.query_pairs_mut().append_pair("iss", &self.issuer());
        }
        back.into()
    }

    /// A grant that came about somewhere else: the tokens that whoever connected the account there was given.
    pub(crate) fn grant(&self, client: &str, account: &str, scope: &str) -> serde_json::Value {
        let [redirect_uri, challenge] = [const { String::new() }; 2];
        let (client, account, scope) = (client.to_owned(), account.to_owned(), scope.to_owned());
        self.state().grants.begin(Code { client, redirect_uri, challenge, scope, account })
    }

    /// The provider sends the browser back with an error instead.
    /// What a refresh that somebody else makes brings them.
    pub(crate) fn refresh_elsewhere(&self, client: &str, refresh_token: &str) -> serde_json::Value {
        self.state().grants.refresh(client, refresh_token).expect("a grant that lives")
    }

    pub(crate) fn refuse(&self, authorization_url: &str, error: &str, description: &str) -> String {
        let request = Url::parse(authorization_url).unwrap();
        let get = |name: &str| request.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned();
        let mut back = Url::parse(&get("redirect_uri")).unwrap();
        let state = get("state");
        back.query_pairs_mut().extend_pairs([("error", error), ("error_description", description), ("state", &state)]);
        if self.sends_iss {
            back.query_pairs_mut().append_pair("iss", &self.issuer());
        }
        back.into()
    }

    /// Gives bound tokens only, as no metadata says: a request without a proof is refused with this error.
    pub(crate) fn demand_proofs(&self, error: &'static str) {
        self.state().grants.wants_proofs = Some(error);
    }

    pub(crate) fn rotate(&self, how: Rotate) {
        self.state().grants.rotate = how;
    }

    /// The life of access tokens from now on, in seconds.
    pub(crate) fn give_life(&self, seconds: Option<u64>) {
        self.state().grants.life = seconds;
    }

    /// What the next token request meets, after those that were said before.
    pub(crate) fn next(&self, step: Step) {
        self.state().script.push(step);
    }

    /// What every token request of a refresh meets from now on, until [`Self::heal`].
    pub(crate) fn fail_with(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        self.state().script.fail_with(Step::answer(status, headers, body));
    }

    pub(crate) fn heal(&self) {
        self.state().script.heal();
    }

    pub(crate) fn answer_revocations_with(&self, revocation: Revocation) {
        self.state().revocation = revocation;
    }

    /// The user takes the grant back, at the provider.
    pub(crate) fn take_back(&self, account: &str) {
        self.state().grants.revoke_of(account);
    }

    /// Whether this access token opens anything there.
    pub(crate) fn honours(&self, access_token: &str) -> bool {
        self.state().grants.account_of(access_token).is_some()
    }

    /// Everything that reached an endpoint, in order.
    pub(crate) fn journal(&self, endpoint: &str) -> Vec<Entry> {
        self.state().journal.iter().filter(|entry| entry.endpoint == endpoint).cloned().collect()
    }

    /// The requests that presented a refresh token.
    pub(crate) fn refreshes(&self) -> Vec<Entry> {
        let is_refresh = |entry: &Entry| entry.get("grant_type") == Some("refresh_token");
        self.journal("/token").into_iter().filter(is_refresh).collect()
    }

    /// The requests that presented a code.
    pub(crate) fn exchanges(&self) -> Vec<Entry> {
        let is_exchange = |entry: &Entry| entry.get("grant_type") == Some("authorization_code");
        self.journal("/token").into_iter().filter(is_exchange).collect()
    }

    /// Every secret that it gave out or was shown: codes, tokens, verifiers, client secrets.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let state = self.state();
        let shown = state.journal.iter().flat_map(|entry| {
            let named =
                ["code", "code_verifier", "refresh_token", "token"].into_iter().filter_map(|name| entry.get(name));
            let secret = entry.client.as_ref().map(|(_, secret)| secret.as_str());
            named.chain(secret).map(str::to_owned).collect::<Vec<_>>()
        });
        shown.chain(state.grants.issued.iter().cloned()).collect()
    }
}

impl Received {
    fn is_proved(&self) -> bool {
        self.headers.contains_key("dpop")
    }

    /// The path without the query.
    fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// The last step of the path.
    fn endpoint(&self) -> &str {
        let path = self.bare_path();
        &path[path.rfind('/').unwrap_or(0)..]
    }

    /// What stands before it.
    fn at(&self) -> String {
        let path = self.bare_path();
        path[..path.rfind('/').unwrap_or(0)].to_owned()
    }
}

async fn answer(state: Arc<Mutex<State>>, request: Received) -> Reply {
    match request.endpoint() {
        "/token" => token::answer(&state, &request).await,
        "/openid-configuration" => examined::metadata(&state),
        "/revoke" => revocation::answer(&state, &request).await,
        "/userinfo" => {
            let bearer =
                request.headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
            match bearer.and_then(|token| state.lock().unwrap().grants.account_of(token)) {
                Some(account) => Reply::json(200, &json!({"sub": account, "name": account})),
                None => Reply::json(401, &json!({"error": "invalid_token"})),
            }
        }
        _ => Reply::json(404, &json!({})),
    }
}
