//! The protocol over HTTP, without sessions: every request stands for itself, because the next one may come to another
//! instance.

use std::{fmt, marker::PhantomData, pin::Pin, sync::Arc};

use axum::{
    Json,
    body::{Body, to_bytes},
    http::{Extensions, HeaderMap, HeaderValue, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use connectors::{
    domain::agent_scope::AgentScope,
    random::Random,
    web::{Access, OwnHost, Problem},
};
use rmcp::{
    ServerHandler,
    model::ProtocolVersion,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde_json::Value;
use url::Url;

use crate::{
    elicitation::{SESSION, session},
    endpoint::Endpoint,
    library::Library,
    message::{Messages, answerable, unread},
};

/// How long a refusal of the library is that is looked at, in bytes.
const LONGEST_REFUSAL: usize = 4 * 1024;

/// How long one answer of a batch is at most, in bytes: the longest that a tool has, twice told, fits in.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// What stands behind an address, and answers those who have proven who they are.
pub trait Served: ServerHandler + Clone {
    /// What a token must be good for to say this, if anything.
    fn needs(&self, message: &Value) -> Option<AgentScope>;
}

type Handler = dyn Fn(Request<Body>) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync;

type Needs = dyn Fn(&Value) -> Option<AgentScope> + Send + Sync;

/// An endpoint for callers of one kind, reachable.
pub(crate) struct Transport<C> {
    way: Way,
    callers: PhantomData<fn(C)>,
}

/// The way to an endpoint, the same for callers of every kind.
#[derive(Clone)]
struct Way {
    handler: Arc<Handler>,
    needs: Arc<Needs>,
    /// The host of the address at which people reach this deployment. One without a host is none: then nobody is let in.
    authority: HeaderValue,
    random: Random,
}

/// A request of somebody who has proven who they are: what their token is good for, the name by which the gateway took it,
/// and what they wrote.
pub(crate) struct Said {
    pub(crate) access: Access,
    pub(crate) own_host: Option<OwnHost>,
    pub(crate) headers: HeaderMap,
    pub(crate) messages: Messages,
}

impl<C> Clone for Transport<C> {
    fn clone(&self) -> Self {
        Self { way: self.way.clone(), callers: PhantomData }
    }
}

impl<C> fmt::Debug for Transport<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Transport")
    }
}

impl<C: Clone + Send + Sync + 'static> Transport<C> {
    /// Tools and library for such callers, below the address at which people reach this deployment.
    pub(crate) fn to(library: impl Library<Caller = C>, public_base_url: &str) -> Self {
        Self::new(Endpoint::of(library), public_base_url)
    }

    /// The same for what takes no caller, or looks itself for one among the parts of the request.
    pub(crate) fn new(served: impl Served, public_base_url: &str) -> Self {
        Self { way: Way::new(served, public_base_url), callers: PhantomData }
    }

    /// Answers one request.
    pub(crate) async fn answer(&self, caller: C, said: Said) -> Result<Response, Problem> {
        let mut extensions = Extensions::new();
        extensions.insert(caller);
        self.way.answer(extensions, said).await
    }
}

impl Way {
    /// The way below this address. Requests that were meant for another host, or come from pages of another origin, are
    /// refused: a name that leads here is not ours for that (DNS rebinding).
    fn new(served: impl Served, public_base_url: &str) -> Self {
        let base = Url::parse(public_base_url).ok();
        let authority = base.as_ref().and_then(|base| match (base.host_str()?, base.port()) {
            (host, None) => Some(host.to_owned()),
            (host, Some(port)) => Some(format!("{host}:{port}")),
        });
        let authority = authority.unwrap_or_else(|| "invalid".to_owned());
        let origin = base.as_ref().and_then(|base| {
            Some(format!("{}://{}:{}", base.scheme(), base.host_str()?, base.port_or_known_default()?))
        });
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_sse_keep_alive(None)
            .with_allowed_hosts([authority.clone()])
            .with_allowed_origins(origin)
            .enforce_origin_validation();
        let asked = served.clone();
        let service = move || Ok(served.clone());
        let service = StreamableHttpService::new(service, Arc::new(NeverSessionManager::default()), config);
        let handler = move |request| -> Pin<Box<dyn Future<Output = Response> + Send>> {
            let service = service.clone();
            Box::pin(async move { service.handle(request).await.map(Body::new) })
        };
        Self {
            handler: Arc::new(handler),
            needs: Arc::new(move |message| asked.needs(message)),
            authority: HeaderValue::from_str(&authority).unwrap_or(HeaderValue::from_static("invalid")),
            random: Random::default(),
        }
    }

    async fn answer(&self, extensions: Extensions, said: Said) -> Result<Response, Problem> {
        let Said { access, own_host, mut headers, messages } = said;
        self.know_own_host(own_host.as_ref(), &mut headers);
        match messages {
            Messages::One(message) => {
                self.require(&access, &message)?;
                self.answer_one(extensions, headers, message).await
            }
            Messages::Several(messages) => {
                messages.iter().flatten().try_for_each(|message| self.require(&access, message))?;
                self.answer_all(&extensions, &headers, messages).await
            }
        }
    }

    fn require(&self, access: &Access, message: &Value) -> Result<(), Problem> {
        (self.needs)(message).map_or(Ok(()), |scope| access.require(scope))
    }

    /// Answers a batch: what asks for an answer gets one, in the order of the messages (JSON-RPC 2.0, section 6).
    async fn answer_all(
        &self,
        extensions: &Extensions,
        headers: &HeaderMap,
        messages: Vec<Result<Value, Value>>,
    ) -> Result<Response, Problem> {
        let mut answers = Vec::new();
        for message in messages {
            let answer = match message {
                Ok(message) => self.answer_one(extensions.clone(), headers.clone(), message).await?,
                Err(refusal) => {
                    answers.push(refusal);
                    continue;
                }
            };
            if answer.status() == StatusCode::ACCEPTED {
                continue;
            }
            let body = to_bytes(answer.into_body(), LONGEST_ANSWER).await.map_err(|error| Problem::internal(&error))?;
            answers.push(serde_json::from_slice(&body).map_err(|error| Problem::internal(&error))?);
        }
        if answers.is_empty() {
            return Ok(StatusCode::ACCEPTED.into_response());
        }
        Ok(Json(answers).into_response())
    }

    async fn answer_one(
        &self,
        extensions: Extensions,
        headers: HeaderMap,
        message: Value,
    ) -> Result<Response, Problem> {
        let id = answerable(&message);
        let session = session(&message, &self.random.token());
        let mut request =
            Request::post("/").body(Body::from(message.to_string())).map_err(|error| Problem::internal(&error))?;
        *request.headers_mut() = headers;
        // The token has done what it is for: nothing behind this gets to see it.
        request.headers_mut().remove(header::AUTHORIZATION);
        request.headers_mut().remove(header::CONTENT_LENGTH);
        *request.extensions_mut() = extensions;
        let (mut parts, body) = (self.handler)(request).await.into_parts();
        if let Some(session) = session.filter(|_| parts.status.is_success()) {
            let name = HeaderValue::from_str(&session).map_err(|error| Problem::internal(&error))?;
            parts.headers.insert(SESSION, name);
        }
        let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        if parts.status.is_success() || is_json {
            return Ok(Response::from_parts(parts, body));
        }
        // What it says is for developers of clients, and has nothing of the request in it but names of headers.
        let refusal = to_bytes(body, LONGEST_REFUSAL).await.unwrap_or_default();
        let said = String::from_utf8_lossy(&refusal);
        // What the library can't read it takes for another kind of content.
        if parts.status == StatusCode::UNSUPPORTED_MEDIA_TYPE && !said.contains("Content-Type") {
            return Ok(unread(&id));
        }
        Err(refused(parts.status, &said))
    }

    /// The gateway says by which of its own names it took a request: that is ours too, for instance behind a distribution
    /// that has the public name.
    fn know_own_host(&self, own: Option<&OwnHost>, headers: &mut HeaderMap) {
        let written = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if own.is_some_and(|OwnHost(own)| written.is_some_and(|written| written.eq_ignore_ascii_case(own))) {
            headers.insert(header::HOST, self.authority.clone());
        }
    }
}

/// The library's plain refusal, in the form that all others have.
fn refused(status: StatusCode, said: &str) -> Problem {
    let detail = match status {
        StatusCode::FORBIDDEN => "The request was made for another host, or from a page of another origin.",
        StatusCode::NOT_ACCEPTABLE => "`Accept` must name both application/json and text/event-stream.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The body must be JSON, with `Content-Type: application/json`.",
        _ if status.is_server_error() => return Problem::internal(&NoAnswer),
        _ if said.contains("MCP-Protocol-Version") => return Problem::new(status, "invalid_request", no_version()),
        _ => "The request is not one of the Model Context Protocol.",
    };
    let code = if status == StatusCode::FORBIDDEN { "forbidden" } else { "invalid_request" };
    Problem::new(status, code, detail)
}

fn no_version() -> String {
    let spoken: Vec<&str> = ProtocolVersion::KNOWN_VERSIONS.iter().map(ProtocolVersion::as_str).collect();
    format!("`MCP-Protocol-Version` names a version that is not spoken here. These are: {}.", spoken.join(", "))
}

#[derive(Debug, thiserror::Error)]
#[error("a tool gave no answer")]
struct NoAnswer;
