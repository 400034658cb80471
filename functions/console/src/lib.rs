//! `console`: the pages that people see. It answers files; what the pages show, they ask the API for.

pub mod assets;
mod connect;
mod console;
pub mod page;
mod reference;

use axum::{Router, routing::get};
use connectors::services::Services;

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/console"),
    ("GET", "/console/{path+}"),
    ("GET", "/assets/{name}"),
    ("GET", "/openapi.json"),
    ("GET", connect::SCRIPT),
    ("GET", connect::THIS_VERSION),
    ("GET", "/connect/{session}"),
];

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    Router::new()
        .route("/assets/{name}", get(assets::by_name))
        .merge(console::routes(services))
        .merge(connect::routes())
        .merge(reference::routes())
}
