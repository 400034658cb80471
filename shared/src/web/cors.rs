//! What a browser is told about calls from other pages (CORS). Only registered origins are ever named.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};

/// Headers that a page may send: those of the SDK, and those of an agent in the page (Model Context Protocol, Streamable
/// HTTP).
const ALLOWED_HEADERS: &str = "authorization, content-type, accept, x-app-id, x-origin-url, x-base44-anonymous-id, \
    base44-state, x-data-env, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name";

/// Headers that a page may read. An agent learns from two of them who gives tokens, and what it was given as it began.
const EXPOSED_HEADERS: &str = "x-base44-connector-error, x-request-id, retry-after, www-authenticate, mcp-session-id";

/// Methods that a page may use.
const ALLOWED_METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS";

/// How long a browser may remember the answer, in seconds.
const REMEMBERED_FOR: &str = "600";

/// Whether this is a browser asking before it calls.
pub(super) fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a browser that asks before it calls.
pub(super) fn preflight(allowed: Option<&HeaderValue>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if allowed.is_some() {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(ALLOWED_METHODS));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED_FOR));
    }
    response
}

/// Lets the page read the answer, if its origin is registered.
pub(super) fn mark(headers: &mut HeaderMap, allowed: Option<HeaderValue>) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    }
}
