//! `list-connections`: what a user has connected, and what an app's users have.

use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    routing::{get, post},
};
use connectors::{
    domain::{ids::ConnectorId, standing::Reason},
    journeys::list_connections::{ListConnections, UserConnector},
    services::Services,
    store::{Cursor, StoreError},
    web::{AccountOnWire, Callers, ConnectionOnWire, Problem, Query, ServiceCaller, UserCaller, list, seconds},
};
use serde::Serialize;
use serde_json::{Value, json};

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/apps/{app}/app-user-auth/connectors"),
    ("GET", "/api/apps/{app}/app-user-auth/connectors/{id}"),
    ("GET", "/api/apps/{app}/connections"),
    ("GET", "/api/apps/{app}/entities/User/me"),
    ("POST", "/api/apps/{app}/analytics/track/batch"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    journey: ListConnections,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function = Function { callers: services.callers(), journey: services.list_connections() };
    Router::new()
        .route("/api/apps/{app}/app-user-auth/connectors", get(of_user))
        .route("/api/apps/{app}/app-user-auth/connectors/{id}", get(one_of_user))
        .route("/api/apps/{app}/connections", get(of_app))
        .route("/api/apps/{app}/entities/User/me", get(me))
        .route("/api/apps/{app}/analytics/track/batch", post(track))
        .with_state(function)
}

#[derive(Serialize)]
struct ConnectorOnWire {
    connector_id: String,
    name: String,
    integration_type: String,
    status: &'static str,
    reason: Option<&'static str>,
    connection_id: Option<String>,
    label: Option<String>,
    account: Option<AccountOnWire>,
    scopes: Vec<String>,
    granted_scopes: Vec<String>,
    missing_scopes: Vec<String>,
    reconnect_required: bool,
    connected_at: Option<String>,
    last_used_on: Option<String>,
}

impl From<UserConnector> for ConnectorOnWire {
    fn from(view: UserConnector) -> Self {
        let UserConnector { connector, connection, standing } = view;
        let connection = connection.as_ref();
        Self {
            connector_id: connector.id.to_string(),
            name: connector.name.as_str().to_owned(),
            integration_type: connector.provider.to_string(),
            status: standing.status.as_str(),
            reason: standing.reason.map(Reason::as_str),
            connection_id: connection.map(|connection| connection.key.id().to_string()),
            label: connection.and_then(|connection| connection.label.clone()),
            account: connection.and_then(|connection| connection.account.as_ref()).map(AccountOnWire::from),
            scopes: list(&connector.scopes),
            granted_scopes: connection.map(|connection| list(&connection.granted)).unwrap_or_default(),
            missing_scopes: list(&standing.missing),
            reconnect_required: standing.reconnect_required(),
            connected_at: connection.map(|connection| seconds(connection.connected_at).to_string()),
            last_used_on: connection.and_then(|connection| connection.last_used_on).map(|day| day.to_string()),
        }
    }
}

#[derive(Serialize)]
struct Listing {
    connectors: Vec<ConnectorOnWire>,
}

/// Lists the connectors of the app's workspace, with how the user stands with each. What a Connect button needs.
async fn of_user(
    State(journey): State<ListConnections>,
    UserCaller(user): UserCaller,
) -> Result<Json<Listing>, Problem> {
    let connectors = journey.of_user(&user).await?;
    Ok(Json(Listing { connectors: connectors.into_iter().map(ConnectorOnWire::from).collect() }))
}

/// Tells how the user stands with one connector. 404 if the workspace has no such connector that users connect through.
async fn one_of_user(
    State(journey): State<ListConnections>,
    UserCaller(user): UserCaller,
    Path((_, connector)): Path<(String, String)>,
) -> Result<Json<ConnectorOnWire>, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::not_found())?;
    let view = journey.one_of_user(&user, connector).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(view.into()))
}

#[derive(Serialize)]
struct PageOnWire {
    connections: Vec<ConnectionOnWire>,
    next_cursor: Option<String>,
}

/// Lists the connections of the app's users, a page at a time. `next_cursor` is `null` on the last page.
async fn of_app(
    State(journey): State<ListConnections>,
    ServiceCaller(service): ServiceCaller,
    query: Query,
) -> Result<Json<PageOnWire>, Problem> {
    let cursor = query.read("cursor", "must be a `next_cursor` of this listing", Cursor::parse)?;
    let connector = match query.get("connector_id").map(ConnectorId::parse) {
        None => None,
        Some(Ok(connector)) => Some(connector),
        Some(Err(_)) => return Err(Problem::not_found()),
    };
    let app = service.app();
    let page = journey.page(&app.workspace, Some(&app.id), connector.as_ref(), cursor.as_ref()).await;
    let page = page.map_err(unreadable_cursor)?.ok_or_else(Problem::not_found)?;
    Ok(Json(PageOnWire {
        connections: page
            .connections
            .iter()
            .map(|(connection, standing)| ConnectionOnWire::new(connection, standing))
            .collect(),
        next_cursor: page.next.map(|cursor| cursor.to_text()),
    }))
}

fn unreadable_cursor(error: StoreError) -> Problem {
    match error {
        StoreError::Unreadable("cursor") => {
            Problem::invalid_field("?cursor", "must be a `next_cursor` of this listing")
        }
        error => error.into(),
    }
}

/// Tells the SDK in a browser who is signed in. It complains if nobody answers.
async fn me(UserCaller(user): UserCaller) -> Json<Value> {
    Json(json!({ "id": user.user().subject.as_str(), "role": "user" }))
}

/// Takes what the SDK in a browser reports of what happens, and keeps nothing of it. It complains if nobody takes it.
async fn track() -> Json<Value> {
    Json(json!({ "success": true }))
}
