//! `move-grants`: connections come in from elsewhere, and go out encrypted. A function of its own, because it is the one
//! that opens tokens for whoever administers a workspace: what manages connectors never reads one.

mod export;
mod import;

use axum::{Router, extract::FromRef, routing::post};
use connectors::{
    domain::ids::ConnectorId,
    journeys::{export_grants::ExportGrants, import_grants::ImportGrants},
    services::Services,
    web::{Callers, Problem},
};

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("POST", "/api/workspace/{ws}/connectors/{id}/import"),
    ("POST", "/api/workspace/{ws}/connectors/{id}/import/nango"),
    ("POST", "/api/workspace/{ws}/connectors/{id}/export"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    import: ImportGrants,
    export: ExportGrants,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function =
        Function { callers: services.callers(), import: services.import_grants(), export: services.export_grants() };
    Router::new()
        .route("/api/workspace/{ws}/connectors/{id}/import", post(import::own))
        .route("/api/workspace/{ws}/connectors/{id}/import/nango", post(import::nango))
        .route("/api/workspace/{ws}/connectors/{id}/export", post(export::page))
        .with_state(function)
}

fn connector(id: &str) -> Result<ConnectorId, Problem> {
    ConnectorId::parse(id).map_err(|_| Problem::not_found())
}

/// What is said where tokens work with one key only.
fn bound() -> Problem {
    Problem::conflict(
        "Tokens of this provider are bound to the key of the connector that they were given to, which never leaves. \
         They would be of no use anywhere else.",
    )
}
