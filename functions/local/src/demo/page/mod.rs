//! The demo app's page: static files, no script or style within the page, nothing from elsewhere, nothing secret.

use axum::{
    Router,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};

/// Only files of this origin, and requests to it; in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The routes of the files.
pub fn router() -> Router {
    let file =
        |content_type: &'static str, content: &'static str| get(move || async move { answer(content_type, content) });
    Router::new()
        .route("/", file(HTML, include_str!("index.html")))
        .route("/demo/page/planner.css", file(CSS, include_str!("planner.css")))
        .route("/demo/page/planner.js", file(SCRIPT, include_str!("planner.js")))
        .route("/demo/page/with-sdk.js", file(SCRIPT, include_str!("with-sdk.js")))
        .route("/demo/page/icon.svg", file(SVG, include_str!("icon.svg")))
}

fn answer(content_type: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (headers, content).into_response()
}
