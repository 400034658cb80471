//! `disconnect`: unusable here at once, then ended at the provider; and the queue of what is left to be done after
//! something ended: a connection, a connector, an app, a workspace, or many connections at once.

mod revocations;

use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::{delete, post},
};
use connectors::{
    domain::{
        audit::Actor,
        ids::{AppId, ConnectorId, Issuer, Subject},
        session::SessionId,
        user::{ConnectionKey, Owner, User},
    },
    journeys::{disconnect::Disconnect, revoke_matching::RevokeMatching},
    services::Services,
    web::{Callers, EventError, OwnPage, Problem, Query, UserCaller, WriterCaller, batch, cookie, not_disconnected},
};
use serde::Serialize;
use serde_json::Value;

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("DELETE", "/api/apps/{app}/app-user-auth/connectors/{id}"),
    ("DELETE", "/api/workspace/{ws}/connectors/{id}/connections/{connection}"),
    ("DELETE", "/api/workspace/{ws}/connectors/{id}/connection"),
    ("POST", "/connect/{session}/disconnect"),
    ("GET", "/api/workspace/{ws}/revocations"),
    ("POST", "/api/workspace/{ws}/revocations"),
    ("GET", "/api/workspace/{ws}/revocations/{revocation}"),
    ("DELETE", "/api/workspace/{ws}/revocations/{revocation}"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    journey: Disconnect,
    matching: RevokeMatching,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let (callers, journey, matching) = (services.callers(), services.disconnect(), services.revoke_matching());
    Router::new()
        .route("/api/apps/{app}/app-user-auth/connectors/{id}", delete(disconnect))
        .route("/connect/{session}/disconnect", post(disconnect_by_link))
        .route("/api/workspace/{ws}/connectors/{id}/connections/{connection}", delete(disconnect_user))
        .route("/api/workspace/{ws}/connectors/{id}/connection", delete(disconnect_shared))
        .merge(revocations::routes())
        .with_state(Function { callers, journey, matching })
}

#[derive(Serialize)]
struct Disconnected {
    status: &'static str,
    connector_id: String,
    /// What became of the grant at the provider.
    revocation: &'static str,
}

/// Disconnects the user. The connection is unusable here at once, and ended at the provider then or soon after: `revocation`
/// tells which. 404 if there is none.
async fn disconnect(
    State(journey): State<Disconnect>,
    UserCaller(user): UserCaller,
    Path((_, connector)): Path<(String, String)>,
) -> Result<Json<Disconnected>, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    let connector_id = connector.to_string();
    let actor = Actor::User(user.user().clone());
    let revocation = journey.disconnect(user.place(connector), actor).await.map_err(not_disconnected)?;
    Ok(Json(Disconnected { status: "disconnected", connector_id, revocation: revocation.as_str() }))
}

#[derive(Serialize)]
struct DisconnectedByLink {
    status: &'static str,
    revocation: &'static str,
}

/// Disconnects by a link, in the browser that opened it. The session is spent by it.
async fn disconnect_by_link(
    State(journey): State<Disconnect>,
    _: OwnPage,
    Path(session): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let session = SessionId::parse(&session).map_err(|_| Problem::link_over())?;
    let revocation =
        journey.disconnect_by_link(&session, cookie::shown(&headers, &session)).await.map_err(not_disconnected)?;
    let answer = DisconnectedByLink { status: "disconnected", revocation: revocation.as_str() };
    let mut response = Json(answer).into_response();
    if let Some(unbound) = cookie::unbind(&session) {
        response.headers_mut().append(header::SET_COOKIE, unbound);
    }
    Ok(response)
}

/// An admin disconnects one user. The query says who that is (`app_id`, `issuer` and `sub`, as the listing has them),
/// because an id is the digest of it: what is not the same is nobody's connection.
async fn disconnect_user(
    State(journey): State<Disconnect>,
    WriterCaller(admin): WriterCaller,
    Path((_, connector, connection)): Path<(String, String, String)>,
    query: Query,
) -> Result<Json<Disconnected>, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    let user = User {
        app: named(&query, "app_id", |raw| AppId::parse(raw).ok())?,
        issuer: named(&query, "issuer", |raw| Issuer::parse(raw).ok())?,
        subject: named(&query, "sub", |raw| Subject::parse(raw).ok())?,
    };
    let connector_id = connector.to_string();
    let owner = Owner::User(user);
    let place = ConnectionKey { workspace: admin.workspace().clone(), owner, connector };
    if place.id().as_str() != connection {
        return Err(Problem::no_connection());
    }
    let actor = admin.actor();
    let revocation = journey.disconnect(place, actor).await.map_err(not_disconnected)?;
    Ok(Json(Disconnected { status: "disconnected", connector_id, revocation: revocation.as_str() }))
}

/// An admin disconnects what all apps of the workspace share.
async fn disconnect_shared(
    State(journey): State<Disconnect>,
    WriterCaller(admin): WriterCaller,
    Path((_, connector)): Path<(String, String)>,
) -> Result<Json<Disconnected>, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    let connector_id = connector.to_string();
    let place = ConnectionKey { workspace: admin.workspace().clone(), owner: Owner::Workspace, connector };
    let actor = admin.actor();
    let revocation = journey.disconnect(place, actor).await.map_err(not_disconnected)?;
    Ok(Json(Disconnected { status: "disconnected", connector_id, revocation: revocation.as_str() }))
}

fn named<T>(query: &Query, name: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, Problem> {
    const EXPECTED: &str = "must be as the listing of connections has it";
    query.read(name, EXPECTED, parse)?.ok_or_else(|| Problem::invalid_field(&format!("?{name}"), EXPECTED))
}

/// Works off a batch of reminders.
///
/// # Errors
/// [`EventError`] if it is no such batch.
pub async fn on_event(services: &Services, event: Value) -> Result<Value, EventError> {
    if !batch::is_batch(&event) {
        return Err(EventError::Unknown);
    }
    let journey = services.work_endings();
    batch::work_off(event, |message| {
        let journey = journey.clone();
        async move { Box::pin(journey.work(&message.body)).await }
    })
    .await
}
