//! The protocol over HTTP, without sessions: every request stands for itself, because the next one may come to another
//! instance.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header},
    response::Response,
};
use connectors::{random::Random, web::Problem};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use serde_json::Value;
use url::Url;

use crate::{
    elicitation::{SESSION, session},
    endpoint::Endpoint,
    tool::Tools,
};

/// How long a refusal of the library is that is looked at, in bytes.
const LONGEST_REFUSAL: usize = 4 * 1024;

/// An endpoint, reachable.
#[derive(Clone)]
pub(crate) struct Transport<T: Tools> {
    service: Arc<StreamableHttpService<Endpoint<T>, NeverSessionManager>>,
    random: Random,
}

impl<T: Tools> Transport<T> {
    /// The tools below the address at which people reach this deployment. Requests that were meant for another host, or come
    /// from pages of another origin, are refused: a name that leads here is not ours for that (DNS rebinding).
    pub(crate) fn new(tools: T, public_base_url: &str) -> Self {
        let base = Url::parse(public_base_url).ok();
        let authority = base.as_ref().and_then(|base| match (base.host_str()?, base.port()) {
            (host, None) => Some(host.to_owned()),
            (host, Some(port)) => Some(format!("{host}:{port}")),
        });
        let origin = base.as_ref().and_then(|base| {
            Some(format!("{}://{}:{}", base.scheme(), base.host_str()?, base.port_or_known_default()?))
        });
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_sse_keep_alive(None)
            // An address without a host is none: then nobody is let in.
            .with_allowed_hosts([authority.unwrap_or_else(|| "invalid".to_owned())])
            .with_allowed_origins(origin)
            .enforce_origin_validation();
        let service = move || Ok(Endpoint(tools.clone()));
        let service = StreamableHttpService::new(service, Arc::new(NeverSessionManager::default()), config);
        Self { service: Arc::new(service), random: Random::default() }
    }

    /// Answers one request of somebody who has proven who they are.
    pub(crate) async fn answer(
        &self,
        caller: T::Caller,
        headers: HeaderMap,
        body: &Value,
    ) -> Result<Response, Problem> {
        let session = session(body, &self.random.token());
        let mut request =
            Request::post("/").body(Body::from(body.to_string())).map_err(|error| Problem::internal(&error))?;
        *request.headers_mut() = headers;
        // The token has done what it is for: nothing behind this gets to see it.
        request.headers_mut().remove(header::AUTHORIZATION);
        request.headers_mut().remove(header::CONTENT_LENGTH);
        request.extensions_mut().insert(caller);
        let (mut parts, body) = self.service.handle(request).await.into_parts();
        if let Some(session) = session.filter(|_| parts.status.is_success()) {
            let name = HeaderValue::from_str(&session).map_err(|error| Problem::internal(&error))?;
            parts.headers.insert(SESSION, name);
        }
        let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
        if parts.status.is_success() || is_json {
            return Ok(Response::from_parts(parts, Body::new(body)));
        }
        // What it says is for developers of clients, and has nothing of the request in it but names of headers.
        let said = to_bytes(Body::new(body), LONGEST_REFUSAL).await.unwrap_or_default();
        Err(refusal(parts.status, &String::from_utf8_lossy(&said)))
    }
}

/// The library's plain refusal, in the form that all others have.
fn refusal(status: StatusCode, said: &str) -> Problem {
    let detail = match status {
        StatusCode::FORBIDDEN => "The request was made for another host, or from a page of another origin.",
        StatusCode::NOT_ACCEPTABLE => "`Accept` must name both application/json and text/event-stream.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The body must be JSON, with `Content-Type: application/json`.",
        _ if status.is_server_error() => return Problem::internal(&NoAnswer),
        _ if said.contains("MCP-Protocol-Version") => "`MCP-Protocol-Version` names a version that is not spoken here.",
        _ => "The request is not one of the Model Context Protocol.",
    };
    let code = if status == StatusCode::FORBIDDEN { "forbidden" } else { "invalid_request" };
    Problem::new(status, code, detail)
}

#[derive(Debug, thiserror::Error)]
#[error("a tool gave no answer")]
struct NoAnswer;
