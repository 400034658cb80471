//! What is kept of one user of an app: shown, and deleted at the workspace's wish.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{delete, get},
};
use connectors::{
    domain::ids::{AppId, Issuer, Subject},
    journeys::{
        end_connection::EndError,
        forget_user::{ForgetError, ForgetUser},
        list_connections::{ListConnections, UserConnections, UserConnectionsError},
    },
    web::{AdminCaller, ConnectionOnWire, Problem, Query, WriterCaller},
};
use serde::Serialize;

use crate::{Function, connector::actor};

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/apps/{app}/users/{sub}", delete(forget))
        .route("/api/workspace/{ws}/apps/{app}/users/{sub}/connections", get(connections))
}

/// What one user has connected, through whichever connector.
#[derive(Serialize)]
struct UserOnWire {
    app_id: String,
    issuer: String,
    sub: String,
    connections: Vec<ConnectionOnWire>,
    /// How many more there are that can't be read, and are left as they are.
    unreadable: usize,
}

/// Shows all that one user of an app has connected, through whichever connector.
async fn connections(
    State(journey): State<ListConnections>,
    AdminCaller(admin): AdminCaller,
    Path((_, app, subject)): Path<(String, String, String)>,
    query: Query,
) -> Result<Json<UserOnWire>, Problem> {
    let (app, subject, issuer) = named(&app, &subject, &query)?;
    let found = journey.of_named(admin.workspace(), &app, subject, issuer).await.map_err(not_listed)?;
    let UserConnections { user, connections, unreadable } = found;
    let connections = connections.iter().map(|(connection, standing)| ConnectionOnWire::new(connection, standing));
    Ok(Json(UserOnWire {
        app_id: user.app.to_string(),
        issuer: user.issuer.to_string(),
        sub: user.subject.to_string(),
        connections: connections.collect(),
        unreadable,
    }))
}

/// Whom a path means: a user of an app, of the issuer in the query if there is one.
fn named(app: &str, subject: &str, query: &Query) -> Result<(AppId, Subject, Option<Issuer>), Problem> {
    query.confirms("sub", subject)?;
    let issuer = query
        .read("issuer", "must be 1 to 512 characters without control characters", |raw| Issuer::parse(raw).ok())?;
    let app = AppId::parse(app).map_err(|_| Problem::not_found())?;
    let subject = Subject::parse(subject).map_err(|_| Problem::not_found())?;
    Ok((app, subject, issuer))
}

#[derive(Serialize)]
struct Deleting {
    status: &'static str,
    /// How many connections were ended by this request.
    connections: usize,
}

/// Ends every connection of a user of an app, at once here and at the providers in the background. A sign-in that they began
/// before connects nothing any more. Asking again is safe.
async fn forget(
    State(journey): State<ForgetUser>,
    WriterCaller(admin): WriterCaller,
    Path((_, app, subject)): Path<(String, String, String)>,
    query: Query,
) -> Result<(StatusCode, Json<Deleting>), Problem> {
    let (app, subject, issuer) = named(&app, &subject, &query)?;
    let forgotten = journey.forget(admin.workspace(), &app, subject, issuer, actor(&admin)).await;
    let connections = forgotten.map_err(problem)?;
    Ok((StatusCode::ACCEPTED, Json(Deleting { status: "deleting", connections })))
}

fn problem(error: ForgetError) -> Problem {
    match error {
        ForgetError::NoApp => Problem::not_found(),
        ForgetError::NoIssuer => no_issuer(),
        ForgetError::End(EndError::Store(cause)) | ForgetError::Store(cause) => cause.into(),
        ForgetError::End(cause @ EndError::Contended) => Problem::unavailable(&cause),
    }
}

fn not_listed(error: UserConnectionsError) -> Problem {
    match error {
        UserConnectionsError::NoApp => Problem::not_found(),
        UserConnectionsError::NoIssuer => no_issuer(),
        UserConnectionsError::Store(cause) => cause.into(),
    }
}

fn no_issuer() -> Problem {
    Problem::invalid_field("?issuer", "is required: the app has no issuer of its own")
}
