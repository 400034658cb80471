//! The page that a person sees when a connection could not be made: what happened, and what to do.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.6 system-ui,sans-serif}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:Canvas;color:CanvasText}\
main{max-width:30rem;padding:2rem 1.5rem}\
h1{font-size:1.4rem;line-height:1.3;margin:0 0 .75rem}\
p{margin:0 0 1rem}\
small{opacity:.7}";

/// A page with a status, a heading and what to do. `code` is for whoever is asked for help.
#[must_use]
pub fn refusal(status: StatusCode, code: &'static str, heading: &'static str, advice: &'static str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{heading}</title><style>{STYLE}</style></head>\
         <body><main><h1>{heading}</h1><p>{advice}</p><p><small>Code: {code}</small></p></main></body></html>"
    );
    let style = BASE64_STANDARD.encode(digest(&SHA256, STYLE.as_bytes()).as_ref());
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'");
    let mut response = (status, Html(page)).into_response();
    let headers = response.headers_mut();
    headers.insert(super::problem::CODE_HEADER, HeaderValue::from_static(code));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
