//! Requests that only a page of this origin may make: what proves them is a cookie, and a browser sends cookies with
//! whatever any page has it ask for.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, StatusCode, request::Parts},
};

use super::problem::Problem;

/// No form can send it; a script elsewhere has to ask first, and no address outside of `/api/apps/` says yes.
const MARK: HeaderName = HeaderName::from_static("x-own-page");

/// The request is one of our own pages', or of no browser.
#[derive(Debug, Clone, Copy)]
pub struct OwnPage;

impl<S: Send + Sync> FromRequestParts<S> for OwnPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let site = parts.headers.get("sec-fetch-site");
        let is_ours = site.is_none_or(|site| site == "same-origin") && parts.headers.contains_key(MARK);
        let refusal = "This address is for the page beside it: its requests have `X-Own-Page`.";
        if is_ours { Ok(Self) } else { Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", refusal)) }
    }
}
