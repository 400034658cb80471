//! Who may speak to the AWS endpoints: programs on this machine, never a page in its browser.
//!
//! Three marks give a page away: browsers send `Origin` with every cross-origin POST, `Host` carries a rebound name, and
//! the content type of the AWS protocols cannot be sent across origins without a preflight.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::hosts::{host_of, is_loopback};

/// Lets through what no web page can have sent.
pub(super) async fn refuse_web_pages(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) || !is_loopback(host_of(headers)) {
        return (StatusCode::FORBIDDEN, "only programs on this machine may use these endpoints").into_response();
    }
    if !is_aws_json(headers) {
        return (StatusCode::NOT_FOUND, "the AWS JSON protocols are spoken here").into_response();
    }
    next.run(request).await
}

fn is_aws_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.starts_with("application/x-amz-json-1.")
}
