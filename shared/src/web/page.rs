//! The page that a person sees when a connection could not be made: what happened, and what to do.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};

/// The look of the pages of `functions/console`, which this function does not serve: it stands alone even when nothing else
/// answers.
const STYLE: &str = "\
:root{color-scheme:light dark;--paper:light-dark(#f7f7f4,#121513);--card:light-dark(#fff,#1a1e1c);\
--ink:light-dark(#1b211f,#e9eeeb);--quiet:light-dark(#59625e,#a3aeaa);--line:light-dark(#dfe2dd,#303734);\
--bad:light-dark(#b0261d,#ff9d92);--soft:light-dark(#fbe9e7,#3a1a17);font:1rem/1.55 system-ui,sans-serif}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:start center;padding:max(1rem,12vh) 1rem 1rem;\
background:var(--paper);color:var(--ink)}\
main{width:min(29rem,100%);padding:clamp(1.25rem,5vw,2.25rem);background:var(--card);border:1px solid var(--line);\
border-radius:.75rem;overflow-wrap:anywhere}\
main::before{content:'!'/'';display:grid;place-items:center;width:3rem;height:3rem;margin-bottom:1.25rem;\
border-radius:50%;background:var(--soft);color:var(--bad);font-size:1.375rem;font-weight:650}\
h1{font-size:clamp(1.5rem,1.2rem + 1.5vw,1.875rem);line-height:1.2;font-weight:650;letter-spacing:-.015em;\
margin:0 0 .375rem}\
p{margin:0 0 1.25rem;color:var(--quiet)}\
p:last-child{margin:0}\
small{font-size:.875rem}\
@media(max-width:32rem){body{padding:0;background:var(--card)}main{border:0;border-radius:0}}";

/// What a page says, and how it is read. All of it is text of ours: nothing is escaped.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Its language (RFC 5646).
    pub language: &'static str,
    /// Which way it is read: `ltr` or `rtl`.
    pub dir: &'static str,
    /// What happened.
    pub heading: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// What stands before the code.
    pub code_is: &'static str,
}

/// A page with a status, what happened and what to do. `code` is for whoever is asked for help.
#[must_use]
pub fn refusal(status: StatusCode, code: &'static str, words: &Words) -> Response {
    let Words { language, dir, heading, advice, code_is } = words;
    let page = format!(
        "<!doctype html><html lang=\"{language}\" dir=\"{dir}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{heading}</title><style>{STYLE}</style></head>\
         <body><main><h1>{heading}</h1><p>{advice}</p><p><small>{code_is} <bdi>{code}</bdi></small></p></main></body></html>"
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
