//! Token exchange (RFC 8693): a user's own token in, their access token at a provider out, as any OAuth library asks for it.
//!
//! The client is the app, its secret a service key. Who calls is told in the form of RFC 6749, section 5.2; a header has the
//! code that the other routes would have refused with.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use connectors::{
    auth::{AppUser, Authenticator, Service, Unauthenticated},
    clock::Clock,
    domain::{
        ids::{AppId, ConnectorId},
        scopes::Scopes,
    },
    journeys::get_token::{GetToken, Issued, Wish},
    web::{Callers, FormBody, Problem, no_token},
};
use serde::Serialize;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// What a user's token may be called: it is a JSON web token of the app's issuer in any case.
const SUBJECT_TOKEN_TYPES: [&str; 3] =
    ["urn:ietf:params:oauth:token-type:jwt", ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:id_token"];

/// Fields that mean one thing only. Several of `audience` and `resource` are allowed by the RFC, and refused as targets.
const ONCE: [&str; 11] = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "subject_token",
    "subject_token_type",
    "requested_token_type",
    "scope",
    "actor_token",
    "actor_token_type",
];

/// A token, as RFC 8693, section 2.2.1 has it.
#[derive(Serialize)]
pub(crate) struct Exchanged {
    access_token: String,
    issued_token_type: &'static str,
    token_type: String,
    /// In seconds; absent if the provider does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    /// What the token is good for; absent if the provider does not say, because a scope is never empty (RFC 6749, section
    /// 3.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// Exchanges a user's own token for their access token at a provider (RFC 8693). The client is an app, its secret a service
/// key, `audience` a connector. Refused as RFC 6749, section 5.2 has it: `invalid_target` for whatever keeps a token from
/// being issued.
pub(crate) async fn exchange(
    State(Callers(authenticator)): State<Callers>,
    State(journey): State<GetToken>,
    State(clock): State<Clock>,
    headers: HeaderMap,
    form: Result<FormBody, Problem>,
) -> Result<(NotCached, Json<Exchanged>), Refusal> {
    let form = form.map_err(|problem| Refusal::invalid(problem.detail()))?;
    if let Some(field) = ONCE.into_iter().find(|field| form.is_repeated(field)) {
        return Err(Refusal::invalid(format!("`{field}` must not come twice.")));
    }
    let credentials = Credentials::of(&headers, &form)?;
    let (service, user) = parties(&authenticator, &credentials, &form).await?;
    let (place, wish) = (user.place(target(&form)?), wish(&form)?);
    let issued = journey.get(&place, &wish).await;
    let issued = issued.map_err(|error| Refusal::of_target(&no_token(error, StatusCode::BAD_REQUEST)))?;
    tracing::info!(key.id = %service.key(), connector.id = %place.connector, outcome = "read", "handed out a token");
    Ok((NOT_CACHED, Json(Exchanged::of(issued, &clock))))
}

/// Beside the `Cache-Control` that every answer has (RFC 6749, sections 5.1 and 5.2).
type NotCached = [(HeaderName, &'static str); 1];
const NOT_CACHED: NotCached = [(header::PRAGMA, "no-cache")];

impl Exchanged {
    fn of(issued: Issued, clock: &Clock) -> Self {
        let tokens = issued.connection.tokens;
        let left = tokens.expires_at.map(|at| at.as_second() - clock.now().as_second());
        let granted: Vec<&str> = issued.connection.granted.iter().collect();
        Self {
            access_token: issued.access_token.expose().to_owned(),
            issued_token_type: ACCESS_TOKEN,
            token_type: tokens.token_type,
            expires_in: left.map(|seconds| u64::try_from(seconds).unwrap_or(0)),
            scope: Some(granted.join(" ")).filter(|scope| !scope.is_empty()),
        }
    }
}

/// The client: an app by its id, and what it shows for it.
struct Credentials {
    app: AppId,
    key: String,
}

impl Credentials {
    /// By `client_secret_basic` or `client_secret_post` (RFC 6749, section 2.3.1), and never by both (section 2.3).
    fn of(headers: &HeaderMap, form: &FormBody) -> Result<Self, Refusal> {
        let named = form.get("client_id");
        let shown: Vec<&HeaderValue> = headers.get_all(header::AUTHORIZATION).iter().collect();
        // A header that is no client's proves no client, whatever stands in the form (RFC 6749, section 5.2).
        if shown.iter().any(|shown| !is_basic(shown)) {
            return Err(Refusal::client());
        }
        let is_asserted = form.all("client_assertion").chain(form.all("client_assertion_type")).next().is_some();
        let ways = shown.len() + form.all("client_secret").count() + usize::from(is_asserted);
        if ways > 1 {
            return Err(Refusal::invalid("The client must show who it is in one way only."));
        }
        let (app, key) = match (shown.first(), form.get("client_secret")) {
            (Some(basic), _) => {
                let (id, secret) = basic.to_str().ok().and_then(of_basic).ok_or_else(Refusal::client)?;
                if named.is_some_and(|named| named != id) {
                    return Err(Refusal::invalid("`client_id` is not the one of the header."));
                }
                (id, secret)
            }
            (None, secret) => {
                let (id, secret) = named.zip(secret).ok_or_else(Refusal::client)?;
                (id.to_owned(), secret.to_owned())
            }
        };
        let app = AppId::parse(&app).map_err(|_| Refusal::client())?;
        Ok(Self { app, key })
    }
}

fn is_basic(header: &HeaderValue) -> bool {
    header.as_bytes().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic "))
}

/// Id and secret are encoded as a form's values are, before they are put together (RFC 6749, section 2.3.1).
fn of_basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    let plain = |value: &str| {
        let raw = format!("value={}", value.replace('&', "%26"));
        FormBody::parse(raw.as_bytes()).get("value").map(str::to_owned)
    };
    Some((plain(id)?, plain(secret)?))
}

/// The client, which proves first who it is, and the user whose token it shows.
async fn parties(
    authenticator: &Authenticator,
    credentials: &Credentials,
    form: &FormBody,
) -> Result<(Service, AppUser), Refusal> {
    let service = match authenticator.service(Some(&credentials.key), &credentials.app).await {
        Ok(service) => service,
        Err(Unauthenticated::Store(cause)) => return Err(Refusal::of_target(&cause.into())),
        Err(_) => return Err(Refusal::client()),
    };
    asks_for_an_exchange(form)?;
    match authenticator.user(form.get("subject_token"), &credentials.app).await {
        Ok(user) => Ok((service, user)),
        Err(Unauthenticated::Store(cause)) => Err(Refusal::of_target(&cause.into())),
        // RFC 8693, section 2.2.2, has `invalid_request` for a subject token that is not valid, whatever is wrong with it.
        Err(_) => Err(Refusal::invalid("`subject_token` is no valid token of a user of this app.")),
    }
}

/// Whether this is the one thing that is done here (RFC 8693, section 2.1).
fn asks_for_an_exchange(form: &FormBody) -> Result<(), Refusal> {
    match form.get("grant_type") {
        Some(TOKEN_EXCHANGE) => {}
        Some(_) => {
            return Err(Refusal::bad("unsupported_grant_type", "Tokens are exchanged here, and nothing else."));
        }
        None => return Err(Refusal::invalid("`grant_type` is required.")),
    }
    if form.get("actor_token").or_else(|| form.get("actor_token_type")).is_some() {
        return Err(Refusal::invalid("An actor is not taken: whoever acts for the user is the client itself."));
    }
    if !form.get("subject_token_type").is_some_and(|kind| SUBJECT_TOKEN_TYPES.contains(&kind)) {
        let kinds = SUBJECT_TOKEN_TYPES.join(", ");
        return Err(Refusal::invalid(format!("`subject_token_type` must be one of {kinds}.")));
    }
    if form.get("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Err(Refusal::invalid(format!("`requested_token_type` can be {ACCESS_TOKEN} only.")));
    }
    Ok(())
}

/// The connector, named by `audience`.
fn target(form: &FormBody) -> Result<ConnectorId, Refusal> {
    let target = |description| Refusal::bad("invalid_target", description);
    if form.all("resource").next().is_some() {
        return Err(target("The target is named by `audience`: the id of a connector."));
    }
    if form.is_repeated("audience") {
        return Err(target("A token is for one connector: name one `audience`."));
    }
    let audience = form.get("audience").ok_or_else(|| Refusal::invalid("`audience` is required: a connector's id."))?;
    ConnectorId::parse(audience).map_err(|_| Refusal::of_target(&Problem::no_connection()))
}

fn wish(form: &FormBody) -> Result<Wish, Refusal> {
    let scopes = form.get("scope").unwrap_or_default();
    let required_scopes = Scopes::parse(scopes.split_ascii_whitespace());
    let required_scopes = required_scopes
        .map_err(|_| Refusal::bad("invalid_scope", "`scope` must be scopes, with a space between them."))?;
    Ok(Wish { required_scopes, ..Wish::default() })
}

/// A refusal, as RFC 6749, section 5.2 has it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: &'static str,
    description: String,
    code: Option<&'static str>,
    retry_after: Option<HeaderValue>,
}

#[derive(Serialize)]
struct RefusalOnWire<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl Refusal {
    fn bad(error: &'static str, description: impl Into<String>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self { status, error, description: description.into(), code: None, retry_after: None }
    }

    fn invalid(description: impl Into<String>) -> Self {
        Self::bad("invalid_request", description)
    }

    /// The same for every cause, so that nobody can find out which it was.
    fn client() -> Self {
        let description = "The client must be an app, by its id, with one of its service keys for a secret.";
        Self { status: StatusCode::UNAUTHORIZED, ..Self::bad("invalid_client", description) }
    }

    /// Why there is no token for the target. RFC 8693, section 2.2.2, has `invalid_target` for whatever keeps one from being
    /// issued, also that the user has not connected, or not any more: the user's token is good, so it is no `invalid_grant`.
    fn of_target(problem: &Problem) -> Self {
        let error = match (problem.code(), problem.status()) {
            ("missing_scopes", _) => "invalid_scope",
            (_, StatusCode::SERVICE_UNAVAILABLE) => "temporarily_unavailable",
            (_, status) if status.is_server_error() => "server_error",
            _ => "invalid_target",
        };
        let status = Some(problem.status()).filter(StatusCode::is_server_error).unwrap_or(StatusCode::BAD_REQUEST);
        let retry_after = problem.retry_after_seconds().map(HeaderValue::from);
        Self { status, code: Some(problem.code()), retry_after, ..Self::bad(error, problem.detail()) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = RefusalOnWire { error: self.error, error_description: &self.description };
        let mut response = (self.status, NOT_CACHED, Json(body)).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"apps\""));
        }
        if let Some(code) = self.code {
            headers.insert(CODE, HeaderValue::from_static(code));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

const CODE: HeaderName = HeaderName::from_static("x-base44-connector-error");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_read_from_its_header_as_the_rfc_encodes_it() {
        let of = |pair: &str| of_basic(&format!("Basic {}", BASE64_STANDARD.encode(pair)));
        let read = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(of("app_1:uck_app_2"), read("app_1", "uck_app_2"));
        assert_eq!(of("a%3Ab:c+d%2B"), read("a:b", "c d+"));
        assert_eq!(of("a:b&c=d"), read("a", "b&c=d"));
        for none in ["", "a", ":b", "a:"] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(of_basic("Bearer YTpi"), None);
    }
}
