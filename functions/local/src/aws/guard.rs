//! Who may speak to the AWS endpoints: programs on this machine, never a page in its browser.
//!
//! A page may send requests to loopback, and with a name that it makes resolve to 127.0.0.1 it may even read the
//! answers. Three marks give it away: browsers send `Origin` with every cross-origin POST, `Host` carries the rebound
//! name, and the content type of the AWS protocols cannot be sent across origins without a preflight.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

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

/// The host and port that the caller believes to speak to. The listener speaks HTTP/1.1 alone, where the header is required.
pub(super) fn host_of(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    matches!(name, "127.0.0.1" | "localhost" | "::1")
}

fn is_aws_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.starts_with("application/x-amz-json-1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for (host, expected) in [
            ("127.0.0.1:8788", true),
            ("localhost:8788", true),
            ("localhost", true),
            ("[::1]:8788", true),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:8788", false),
            ("evil.example:8788", false),
            ("", false),
            ("[::1", true),
            ("0.0.0.0:8788", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
