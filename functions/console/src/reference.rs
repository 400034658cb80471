//! What the API is: for programs, and for people. Both are made of the functions' code when this crate is built.

use axum::{
    Router,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
    routing::get,
};
use connectors::web::Problem;

use crate::{assets::Asset, page};

/// A new version may say something else.
const SOON_ASKED_FOR: HeaderValue = HeaderValue::from_static("public, max-age=300");

pub(crate) fn routes() -> Router {
    Router::new().route("/openapi.json", get(description)).route("/console/reference", get(reference))
}

/// Describes the API to programs, in OpenAPI 3.1. The same for everybody, wherever their tools run.
async fn description(headers: HeaderMap) -> Result<Response, Problem> {
    let description = Asset::of_source("openapi.json").ok_or_else(Problem::not_found)?;
    let mut response = description.answer(&headers, SOON_ASKED_FOR);
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

/// Shows this description to people.
async fn reference(headers: HeaderMap) -> Result<Response, Problem> {
    let page = Asset::of_source("reference/index.html").ok_or_else(Problem::not_found)?;
    Ok(page::answer_as_it_is(page, &headers))
}
