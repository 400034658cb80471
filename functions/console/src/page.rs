//! A page: what a browser is told about it.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{Html, IntoResponse, Response},
};

use crate::assets::Asset;

/// Only files of this origin, and requests to it; in no frame. No script or style stands in a page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page asks for nothing that a device could tell.
const NO_DEVICES: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Whether the page's address tells something that no cache may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// The page is the same for everybody: it may be kept, and is asked for each time.
    AskEachTime,
    /// Nobody keeps it.
    Never,
}

impl Keeping {
    fn cache_control(self) -> HeaderValue {
        match self {
            Self::AskEachTime => HeaderValue::from_static("no-cache"),
            Self::Never => HeaderValue::from_static("no-store"),
        }
    }
}

/// A page with `value` in the place of `mark`, as text.
#[must_use]
pub fn filled(page: &Asset, mark: &str, value: &str) -> String {
    let escaped = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    String::from_utf8_lossy(page.plain).replace(mark, &escaped)
}

/// Answers with a page. Its other headers are every answer's.
#[must_use]
pub fn answer(page: String, keeping: Keeping) -> Response {
    dressed(Html(page).into_response(), keeping)
}

/// Answers with a page that is the same for everybody, compressed if the browser takes that.
#[must_use]
pub fn answer_as_it_is(page: &Asset, request: &HeaderMap) -> Response {
    let keeping = Keeping::AskEachTime;
    dressed(page.answer(request, keeping.cache_control()), keeping)
}

fn dressed(mut response: Response, keeping: Keeping) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, keeping.cache_control());
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(NO_DEVICES));
    response
}
