//! The page of a workspace's admins. Which of its views is shown is read from the address by the page itself.

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue},
    response::Response,
    routing::get,
};
use connectors::{journeys::sign_in::SIGNED_IN_PAGE, services::Services, web::Problem};

use crate::{
    assets::Asset,
    page::{self, Keeping},
};

/// Stands in the page for where people and providers reach this deployment: redirect URIs begin with it, whatever address
/// the page was opened at.
const PUBLIC_BASE_URL: &str = "{public_base_url}";

pub(crate) fn routes(services: &Services) -> Router {
    let page = Asset::of_source("console/index.html")
        .map(|asset| page::filled(asset, PUBLIC_BASE_URL, services.public_base_url()));
    let signed_in = Asset::of_source("console/signed-in.html")
        .map(|asset| page::filled(asset, PUBLIC_BASE_URL, services.public_base_url()));
    Router::new()
        .route("/console", get(console))
        .route("/console/{*path}", get(console))
        .with_state(page)
        .merge(Router::new().route(SIGNED_IN_PAGE, get(signed_in_page)).with_state(signed_in))
}

/// Where a workspace's issuer sends people back to, with a code in the address: nobody keeps it.
async fn signed_in_page(State(page): State<Option<String>>) -> Result<Response, Problem> {
    Ok(alone(page::answer(page.ok_or_else(Problem::not_found)?, Keeping::Never)))
}

async fn console(State(page): State<Option<String>>) -> Result<Response, Problem> {
    Ok(alone(page::answer(page.ok_or_else(Problem::not_found)?, Keeping::AskEachTime)))
}

fn alone(mut response: Response) -> Response {
    // A window that opened the console, or that it opened, can't reach into it: an admin's key is in its memory.
    response
        .headers_mut()
        .insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}
