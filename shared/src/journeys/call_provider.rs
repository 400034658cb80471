//! Calling a provider's API for an app, which says what it wants and does not get to see the token.

mod request;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    client_proof::ClientProof,
    filled,
    get_token::{GetToken, GetTokenError, Issued, Wish},
    profile,
    shared_connection::SharedConnections,
};
use crate::{
    auth::{AppUser, Service},
    clock::Clock,
    domain::{
        call::{CallMethod, CallPath, Data, InvalidHeader, NoTarget, Query, Target, answered, forwarded},
        connector::{Connector, ConnectorKind},
        digest::sha256,
        ids::ConnectorId,
        provider::{Provider, ProviderType, Step, TokenIn},
        user::ConnectionKey,
    },
    metrics::{Metric, Metrics},
    oauth::{
        ApiRequest, Presented, ProviderClient,
        egress::{Ending, FetchError, Fetched},
        says_expired,
    },
    random::Random,
    store::{Connections, Connectors, StoreError},
    vault::{Vault, VaultError},
};

pub use request::read_call;

/// How long all of it may take. The gateway hangs up after twenty-nine seconds; the answer must be on its way by then.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// What must be left of it to begin a call: less would leave most of them without an answer.
const LEAST: Duration = Duration::from_secs(2);

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Calls APIs.
#[derive(Debug, Clone)]
pub struct CallProvider {
    pub(crate) tokens: GetToken,
    pub(crate) shared: SharedConnections,
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What an app wants of an API.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: CallMethod,
    /// The host, if it is another than that of the API's root.
    pub host: Option<String>,
    /// The path below the root, or below the host.
    pub path: CallPath,
    /// The query.
    pub query: Query,
    /// Headers. Those that may not go along are dropped.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON, or with another `content-type` a text, or the fields of a form.
    pub body: Option<Value>,
}

/// How far a call came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The provider never saw it.
    NotSent,
    /// The provider answered.
    Responded,
    /// No answer came in time. The provider may have done it.
    TimedOut,
    /// The connection broke before an answer came. The provider may have done it.
    SentUnconfirmed,
}

/// What came of a call.
#[derive(Debug)]
pub struct Called {
    /// How far it came.
    pub phase: Phase,
    /// What the provider answered.
    pub status: Option<StatusCode>,
    /// Those headers of the answer that are told.
    pub headers: BTreeMap<String, String>,
    /// The body, or why there is none.
    pub body: Result<Data, NoBody>,
}

/// Why there is no body of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBody {
    /// The guard of outgoing requests did not let it pass.
    Blocked,
    /// The host could not be reached.
    Unreachable,
    /// There was no time left, because the token had to be refreshed first.
    NoTime,
    /// No answer came in time.
    NoAnswer,
    /// The connection broke before an answer came.
    Broken,
    /// It is longer than can be handed on.
    TooLong,
    /// It broke off.
    Cut,
}

impl NoBody {
    /// What kept the answer away, for programs and for people.
    #[must_use]
    pub fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Blocked => {
                ("address_blocked", "The host's name does not lead to the public internet. Nothing was sent.")
            }
            Self::Unreachable => ("host_unreachable", "The host could not be reached. Nothing was sent; try again."),
            Self::NoTime => (
                "no_time",
                "The token had to be refreshed first, and no time was left for the call. Nothing was sent; try again.",
            ),
            Self::NoAnswer => (
                "no_answer",
                "No answer came in time. The provider may have done it all the same: look before you try again.",
            ),
            Self::Broken => (
                "connection_lost",
                "The connection broke before an answer came. The provider may have done it all the same: look before you try again.",
            ),
            Self::TooLong => (
                "answer_too_large",
                "The answer is larger than 4 MiB. Ask for less: a page, fewer fields, or a `Range`.",
            ),
            Self::Cut => (
                "answer_incomplete",
                "The answer broke off, or took too long. The provider has done it all the same, as the status says.",
            ),
        }
    }
}

/// Why a call was not tried.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no token.
    #[error(transparent)]
    Token(#[from] GetTokenError),
    /// Several connectors of this type are there, and the user is connected through several of them, or through none.
    #[error("several connectors of this type")]
    Ambiguous,
    /// It leads nowhere.
    #[error(transparent)]
    Target(#[from] NoTarget),
    /// The data of the provider, or of the connection, lacks something that its API needs.
    #[error("the provider's API can't be addressed")]
    Unaddressable,
    /// The connector's rules do not have it.
    #[error("the connector's rules do not allow it")]
    NotAllowed,
    /// A header can't be sent.
    #[error(transparent)]
    Header(#[from] InvalidHeader),
    /// The body is not what its `content-type` says.
    #[error("the body does not fit its content type")]
    Body,
    /// The query has the parameter by which the provider takes the token.
    #[error("the query has the parameter of the token")]
    TokenInQuery,
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::Token(error.into())
    }
}

impl From<VaultError> for CallError {
    fn from(error: VaultError) -> Self {
        Self::Token(error.into())
    }
}

impl CallProvider {
    /// Where the connection of this type stands, for the app: the user's own, if there is a user, and a connector of this
    /// type that users connect through; else the one that the workspace shares.
    ///
    /// # Errors
    /// [`CallError`] if there is none, or it is not clear which one is meant.
    pub async fn place(
        &self,
        service: &Service,
        user: Option<&AppUser>,
        provider: &ProviderType,
    ) -> Result<ConnectionKey, CallError> {
        let workspace = &service.app().workspace;
        if let Some(user) = user {
            let is_meant = |connector: &Connector| {
                connector.is_active() && connector.kind == ConnectorKind::PerUser && connector.provider == *provider
            };
            let connectors = self.connectors.of_workspace(workspace).await?.into_iter().filter(is_meant);
            let connectors: Vec<ConnectorId> = connectors.map(|connector| connector.id).collect();
            if !connectors.is_empty() {
                return Ok(user.place(self.connected(user, connectors).await?));
            }
        }
        let place = self.shared.of_type(workspace, provider).await?;
        Ok(place.ok_or(GetTokenError::NotConnected)?)
    }

    /// The only one of these connectors, or the only one that the user is connected through.
    async fn connected(&self, user: &AppUser, connectors: Vec<ConnectorId>) -> Result<ConnectorId, CallError> {
        if let [only] = connectors.as_slice() {
            return Ok(only.clone());
        }
        let through = self.connections.connectors_of_user(user.user()).await?;
        let mut connected = connectors.into_iter().filter(|connector| through.contains(connector));
        match (connected.next(), connected.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(GetTokenError::NotConnected.into()),
            (Some(_), Some(_)) => Err(CallError::Ambiguous),
        }
    }

    /// Calls the API with the token of the connection at this place. If the provider says that the token has expired, it is
    /// refreshed, once, and the call made again: a provider that does not take the token has not done anything.
    ///
    /// # Errors
    /// [`CallError`]; nothing was sent then.
    #[tracing::instrument(skip_all, fields(connector.id = %place.connector))]
    pub async fn call(&self, place: &ConnectionKey, call: &Call) -> Result<Called, CallError> {
        let ends_at = Instant::now() + PATIENCE;
        let issued = self.token(place, Wish::default(), ends_at).await?;
        let provider = addressed(&issued)?;
        let prepared = Prepared::of(&provider, &issued.connector, call)?;
        let mut fetched = self.send(&provider, &prepared, &issued, ends_at).await?;
        // Where nothing renews a token, the provider's own answer says more than that it is over.
        let may_be_renewed = issued.connection.tokens.have_what_renews(&provider);
        let is_time = ends_at.saturating_duration_since(Instant::now()) > LEAST;
        if may_be_renewed && is_time && is_expired(&provider, fetched.as_ref()) {
            let rejected = Some(sha256(issued.access_token.expose().as_bytes()));
            match self.token(place, Wish { rejected, ..Wish::default() }, ends_at).await {
                Ok(renewed) => {
                    // What the connection tells of its API may have changed with it.
                    let provider = addressed(&renewed)?;
                    let prepared = Prepared::of(&provider, &renewed.connector, call)?;
                    fetched = self.send(&provider, &prepared, &renewed, ends_at).await?;
                }
                Err(error @ (GetTokenError::ReconnectRequired | GetTokenError::NotConnected)) => {
                    return Err(error.into());
                }
                // The provider's own answer says more.
                Err(_) => {}
            }
        }
        let called = called(&provider, &prepared.target, fetched);
        self.metrics.record(if called.status.is_some() { Metric::CallsAnswered } else { Metric::CallsUnanswered }, 1);
        tracing::info!(
            phase = called.phase.as_str(),
            status = called.status.map(|status| status.as_u16()),
            "called an API"
        );
        Ok(called)
    }

    /// A token, in time. What a refresh has begun it finishes, whoever waits.
    async fn token(&self, place: &ConnectionKey, wish: Wish, ends_at: Instant) -> Result<Issued, GetTokenError> {
        let unavailable = GetTokenError::Unavailable { retry_after: Duration::from_secs(1), cause: None };
        timeout_at(ends_at, Box::pin(self.tokens.get(place, &wish))).await.unwrap_or(Err(unavailable))
    }

    async fn send(
        &self,
        provider: &Provider,
        prepared: &Prepared<'_>,
        issued: &Issued,
        ends_at: Instant,
    ) -> Result<Result<Fetched, NotFetched>, CallError> {
        let now = self.clock.now();
        let is_bound = issued.connection.tokens.is_bound();
        let proof = if is_bound {
            ClientProof::open(&self.vault, &self.random, &issued.connector, now).await?
        } else {
            ClientProof::default()
        };
        let client_id = issued.connection.client_id.as_str();
        let bound_to = proof.credentials(client_id).signer;
        if is_bound && bound_to.is_none() {
            return Err(CallError::Unaddressable);
        }
        let left = ends_at.saturating_duration_since(Instant::now());
        if left < LEAST {
            return Ok(Err(NotFetched::NoTime));
        }
        let presented = Presented { client_id, access_token: &issued.access_token, bound_to };
        let fetched = self.client.call(provider, prepared.request(), presented, now, left).await;
        Ok(fetched.map_err(NotFetched::Failed))
    }
}

impl Phase {
    /// The word used on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Responded => "responded",
            Self::TimedOut => "timed_out",
            Self::SentUnconfirmed => "sent_unconfirmed",
        }
    }
}

/// Why there is no answer.
enum NotFetched {
    NoTime,
    Failed(FetchError),
}

/// A call, ready to be sent.
struct Prepared<'c> {
    method: CallMethod,
    target: Target,
    headers: BTreeMap<String, String>,
    body: Option<Cow<'c, [u8]>>,
}

impl<'c> Prepared<'c> {
    fn of(provider: &Provider, connector: &Connector, call: &'c Call) -> Result<Self, CallError> {
        let api = &provider.api;
        if matches!(&api.token_in, Some(TokenIn::Query { query }) if call.query.has(query)) {
            return Err(CallError::TokenInQuery);
        }
        let target = Target::of(api, call.host.as_deref(), &call.path, &call.query)?;
        if !connector.call_rules.allow(call.method, &target, &call.path) {
            return Err(CallError::NotAllowed);
        }
        let mut headers = forwarded(&call.headers, api)?;
        let given = call.body.as_ref().filter(|body| call.method.has_body() && !body.is_null());
        let body = if let Some(given) = given {
            let content_type = headers.entry("content-type".to_owned()).or_insert_with(|| JSON.to_owned());
            Some(written(given, content_type)?)
        } else {
            headers.remove("content-type");
            None
        };
        Ok(Self { method: call.method, target, headers, body })
    }

    fn request(&self) -> ApiRequest<'_> {
        ApiRequest {
            method: self.method.as_str(),
            url: self.target.url(),
            headers: &self.headers,
            body: self.body.as_deref(),
        }
    }
}

/// The body in the form that its content type says.
fn written<'c>(body: &'c Value, content_type: &str) -> Result<Cow<'c, [u8]>, CallError> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match body {
        _ if essence == JSON || essence.ends_with("+json") => Ok(Cow::Owned(body.to_string().into_bytes())),
        Value::String(text) => Ok(Cow::Borrowed(text.as_bytes())),
        Value::Object(_) if essence == FORM => {
            let fields = Query::of_json(body).map_err(|_| CallError::Body)?;
            Ok(Cow::Owned(fields.encoded().into_bytes()))
        }
        _ => Err(CallError::Body),
    }
}

/// The provider, with everything that the connection tells about where its API is.
fn addressed(issued: &Issued) -> Result<Cow<'_, Provider>, CallError> {
    let provider = profile(&issued.connector).ok_or(GetTokenError::NotConnected)?;
    filled(provider, &issued.connector, &issued.connection.details, Step::Api).map_err(|_| CallError::Unaddressable)
}

fn is_expired(provider: &Provider, fetched: Result<&Fetched, &NotFetched>) -> bool {
    fetched.is_ok_and(|fetched| says_expired(&provider.api, fetched.response.status(), fetched.response.body()))
}

fn called(provider: &Provider, target: &Target, fetched: Result<Fetched, NotFetched>) -> Called {
    let (phase, cause) = match fetched {
        Ok(fetched) => return answer(provider, target, fetched),
        Err(NotFetched::NoTime) => (Phase::NotSent, NoBody::NoTime),
        Err(NotFetched::Failed(FetchError::Blocked(_))) => (Phase::NotSent, NoBody::Blocked),
        Err(NotFetched::Failed(FetchError::NotSent)) => (Phase::NotSent, NoBody::Unreachable),
        Err(NotFetched::Failed(FetchError::TimedOut)) => (Phase::TimedOut, NoBody::NoAnswer),
        Err(NotFetched::Failed(FetchError::Broken)) => (Phase::SentUnconfirmed, NoBody::Broken),
    };
    Called { phase, status: None, headers: BTreeMap::new(), body: Err(cause) }
}

fn answer(provider: &Provider, target: &Target, fetched: Fetched) -> Called {
    let (parts, body) = fetched.response.into_parts();
    let text = |name| parts.headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let is_encoded = text(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity"));
    let body = match fetched.ending {
        Ending::Whole => Ok(Data::of(body, text(header::CONTENT_TYPE), is_encoded)),
        Ending::TooLong => Err(NoBody::TooLong),
        Ending::Cut => Err(NoBody::Cut),
    };
    let mut headers = told(&parts.headers);
    if let Some(led) = text(header::LOCATION).and_then(|location| target.redirect(&provider.api, location)) {
        headers.insert("location".to_owned(), led.into());
    }
    Called { phase: Phase::Responded, status: Some(parts.status), headers, body }
}

/// The headers that go back. One that comes several times is one list (RFC 9110, section 5.3).
fn told(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut told = BTreeMap::<String, String>::new();
    for (name, value) in headers.iter().filter(|(name, _)| answered(name.as_str())) {
        let Ok(value) = value.to_str() else { continue };
        told.entry(name.as_str().to_owned())
            .and_modify(|earlier| {
                earlier.push_str(", ");
                earlier.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_written_as_its_content_type_says() {
        for (body, content_type, expected) in [
            (json!({"a": [1, "é"]}), JSON, Some(r#"{"a":[1,"é"]}"#)),
            (json!("text"), "application/merge-patch+json; charset=utf-8", Some("\"text\"")),
            (json!("<a/>"), "application/xml", Some("<a/>")),
            (json!("a=b"), FORM, Some("a=b")),
            (json!({"a": "b c", "n": 1}), FORM, Some("a=b%20c&n=1")),
            (json!({"a": {"b": 1}}), FORM, None),
            (json!({"a": 1}), "text/plain", None),
            (json!(1), "text/plain", None),
        ] {
            let written = written(&body, content_type).ok();
            assert_eq!(written.as_deref(), expected.map(str::as_bytes), "{body} as {content_type}");
        }
    }
}
