//! Which name a request was sent to. A page whose own name resolves to 127.0.0.1 may read every answer it gets from
//! loopback (DNS rebinding); the name in `Host` gives it away.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use url::Url;

/// The host and port that the caller believes to speak to. The listeners speak HTTP/1.1 alone, where the header is required.
pub(crate) fn host_of(headers: &HeaderMap) -> &str {
    headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether this host is a name of this machine that nobody else can have.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(name_of(host), "127.0.0.1" | "localhost" | "::1")
}

/// The host without its port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// The host of the base URL, which may be the name of a tunnel to this machine.
#[derive(Clone)]
pub(crate) struct BaseHost(String);

impl BaseHost {
    pub(crate) fn of(base_url: &str) -> Self {
        Self(Url::parse(base_url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default())
    }
}

/// Lets through what was sent to this machine, or to the base URL.
pub(crate) async fn refuse_other_names(
    State(BaseHost(base)): State<BaseHost>,
    request: Request,
    next: Next,
) -> Response {
    let host = host_of(request.headers());
    if is_loopback(host) || (!base.is_empty() && name_of(host) == base) {
        return next.run(request).await;
    }
    (StatusCode::MISDIRECTED_REQUEST, "this machine is not served under that name").into_response()
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
            ("0.0.0.0:8788", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
