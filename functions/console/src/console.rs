//! The page of a workspace's admins. Which of its views is shown is read from the address by the page itself.

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
    routing::get,
};
use connectors::web::Problem;

use crate::{
    assets::Asset,
    page::{self, Keeping},
};

pub(crate) fn routes() -> Router {
    Router::new().route("/console", get(console)).route("/console/{*path}", get(console))
}

async fn console(headers: HeaderMap) -> Result<Response, Problem> {
    let page = Asset::of_source("console/index.html").ok_or_else(Problem::not_found)?;
    let mut response = page::answer(page, &headers, Keeping::AskEachTime);
    // A window that opened the console, or that it opened, can't reach into it: an admin's key is in its memory.
    response
        .headers_mut()
        .insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    Ok(response)
}
