//! The authorization endpoint (RFC 6749, section 3.1; PKCE: RFC 7636; `iss`: RFC 9207).
//!
//! A request of an unknown client, or to another redirect URI than the client's, is answered on a page: sending the browser
//! there would make this server an open redirector. Everything else goes back to the client.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use connectors::random::Random;
use url::Url;

use super::{
    DemoProvider, calendar,
    client::{Client, Form},
    consent,
    grants::{Question, StorageError},
    scope::{self, Scope},
};

/// Names the browser that a question was put to, so that no other page can answer it. Value: 256 random bits.
const BROWSER_COOKIE: &str = "demo_provider_browser";

/// A `S256` challenge is a SHA-256 digest in base64url (RFC 7636, section 4.2).
const CHALLENGE_LENGTH: usize = 43;

/// Why a request or a decision goes nowhere.
pub(super) enum Refusal {
    /// The client is not known here.
    UnknownClient,
    /// The redirect URI is not the client's.
    RedirectUri,
    /// The question was answered already, has expired, or was put to another browser.
    Gone,
    /// The server's own failure.
    Storage,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, sentence) = match self {
            Self::UnknownClient => (StatusCode::BAD_REQUEST, "No app of this client id is registered here."),
            Self::RedirectUri => {
                (StatusCode::BAD_REQUEST, "The app asked to return to an address that is not its own.")
            }
            Self::Gone => {
                (StatusCode::BAD_REQUEST, "This request has expired or was answered before. Start again in the app.")
            }
            Self::Storage => (StatusCode::INTERNAL_SERVER_ERROR, "The server can't remember anything right now."),
        };
        (status, consent::refusal(sentence)).into_response()
    }
}

impl From<StorageError> for Refusal {
    fn from(_: StorageError) -> Self {
        Self::Storage
    }
}

/// `GET /authorize`: asks the user.
pub(super) async fn ask(
    State(provider): State<Arc<DemoProvider>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).ok_or(Refusal::UnknownClient)?;
    let client = form.get("client_id").map(|id| provider.grants.client(id)).transpose()?.flatten();
    let (client, _) = client.ok_or(Refusal::UnknownClient)?;
    if form.get("redirect_uri") != Some(client.redirect_uri.as_str()) {
        return Err(Refusal::RedirectUri);
    }
    let state = form.get("state").unwrap_or_default();
    let question = match question(&form, &client) {
        Ok(question) => question,
        Err(error) => return back(&provider, &client.redirect_uri, state, ("error", error)),
    };
    let browser = match browser_of(&headers) {
        Some(browser) => browser.to_owned(),
        None => Random::default().token(),
    };
    let token = provider.grants.ask(&question, &browser, provider.clock.now())?;
    let cookie = format!("{BROWSER_COOKIE}={browser}; Path=/demo-provider; HttpOnly; SameSite=Lax");
    let page = consent::page(&client, &question.scopes, form.get("login_hint"), &token);
    Ok(([(header::SET_COOKIE, cookie)], page).into_response())
}

/// `POST /authorize/decision`: takes the user's answer back to the client.
pub(super) async fn decide(
    State(provider): State<Arc<DemoProvider>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let form = Form::parse(&body).ok_or(Refusal::Gone)?;
    let now = provider.clock.now();
    let (token, browser) = (form.get("request").unwrap_or_default(), browser_of(&headers).unwrap_or_default());
    let question = provider.grants.take(token, browser, now)?.ok_or(Refusal::Gone)?;
    let is_ticked = |scope: &Scope| form.get(&consent::field(*scope)).is_some();
    let allowed: Vec<Scope> = question.scopes.iter().copied().filter(is_ticked).collect();
    let account = form.get("account").and_then(calendar::account);
    match (form.get("decision"), account) {
        (Some("allow"), Some(account)) if !allowed.is_empty() => {
            let code = provider.grants.allow(&question, account.id, &allowed, now)?;
            back(&provider, &question.redirect_uri, &question.state, ("code", &code))
        }
        _ => back(&provider, &question.redirect_uri, &question.state, ("error", "access_denied")),
    }
}

/// What the client asks for, or the error code that it gets (RFC 6749, section 4.1.2.1). PKCE and `state` are required.
fn question(form: &Form, client: &Client) -> Result<Question, &'static str> {
    match form.get("response_type") {
        Some("code") => {}
        Some(_) => return Err("unsupported_response_type"),
        None => return Err("invalid_request"),
    }
    let state = form.get("state").ok_or("invalid_request")?;
    let challenge = form.get("code_challenge").filter(|challenge| challenge.len() == CHALLENGE_LENGTH);
    let (Some(challenge), Some("S256")) = (challenge, form.get("code_challenge_method")) else {
        return Err("invalid_request");
    };
    let scopes = scope::parse(form.get("scope").unwrap_or_default()).filter(|scopes| !scopes.is_empty());
    Ok(Question {
        client_id: client.id.clone(),
        redirect_uri: client.redirect_uri.clone(),
        state: state.to_owned(),
        scopes: scopes.ok_or("invalid_scope")?,
        code_challenge: challenge.to_owned(),
    })
}

/// Sends the browser back to the client with one result, its `state`, and who says so.
fn back(
    provider: &DemoProvider,
    redirect_uri: &str,
    state: &str,
    (name, value): (&str, &str),
) -> Result<Response, Refusal> {
    let mut url = Url::parse(redirect_uri).map_err(|_| Refusal::RedirectUri)?;
    let mut query = url.query_pairs_mut();
    query.append_pair(name, value);
    if !state.is_empty() {
        query.append_pair("state", state);
    }
    query.append_pair("iss", &provider.issuer);
    drop(query);
    Ok(([(header::CACHE_CONTROL, "no-store")], Redirect::to(url.as_str())).into_response())
}

fn browser_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix(BROWSER_COOKIE)?.strip_prefix('='))
}
