//! What is kept of one user of an app, deleted at the workspace's wish.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::delete,
};
use connectors::{
    domain::ids::{AppId, Issuer, Subject},
    journeys::{
        end_connection::EndError,
        forget_user::{ForgetError, ForgetUser},
    },
    web::{Problem, Query, WriterCaller},
};
use serde::Serialize;

use crate::{Function, connector::actor};

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/apps/{app}/users/{sub}", delete(forget))
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
    query.confirms("sub", &subject)?;
    let issuer = query
        .read("issuer", "must be 1 to 512 characters without control characters", |raw| Issuer::parse(raw).ok())?;
    let app = AppId::parse(&app).map_err(|_| Problem::not_found())?;
    let subject = Subject::parse(&subject).map_err(|_| Problem::not_found())?;
    let forgotten = journey.forget(admin.workspace(), &app, subject, issuer, actor(&admin)).await;
    let connections = forgotten.map_err(problem)?;
    Ok((StatusCode::ACCEPTED, Json(Deleting { status: "deleting", connections })))
}

fn problem(error: ForgetError) -> Problem {
    match error {
        ForgetError::NoApp => Problem::not_found(),
        ForgetError::NoIssuer => Problem::invalid_field("?issuer", "is required: the app has no issuer of its own"),
        ForgetError::End(EndError::Store(cause)) | ForgetError::Store(cause) => cause.into(),
        ForgetError::End(cause @ EndError::Contended) => Problem::unavailable(&cause),
    }
}
