//! An admin connects, in the console, what all apps of the workspace share.

use axum::{
    Json,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use connectors::{
    domain::{fields::text, ids::ConnectorId},
    journeys::start_authorization::{SharedWanted, StartAuthorization, StartError},
    web::{JsonBody, Problem, WriterCaller, checked, cookie, no_connector, not_started},
};
use serde::Serialize;

use crate::connection_config;

#[derive(Serialize)]
struct Connecting {
    redirect_url: String,
    session_id: String,
}

/// Begins to connect what all apps of the workspace share. It is asked for in the browser that goes to the provider, at this
/// API's own address: the cookie of the answer is the only way to finish.
pub(crate) async fn connect(
    State(journey): State<StartAuthorization>,
    WriterCaller(admin): WriterCaller,
    Path((_, connector)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| no_connector())?;
    let wanted = checked(&body, |body| SharedWanted {
        return_to: body.read("return_to", text),
        connection_config: connection_config(body),
    })?;
    let actor = admin.actor();
    let begun = journey.begin_shared(&admin, &connector, wanted, actor).await.map_err(|error| match error {
        // An admin may know what the plan says.
        StartError::Plan(required) => Problem::plan_required(&required),
        error => not_started(error),
    })?;
    let bound = cookie::bind(&begun.session_id, &begun.cookie);
    let answer = Connecting { redirect_url: begun.redirect_url, session_id: begun.session_id.as_str().to_owned() };
    let mut response = Json(answer).into_response();
    if let Some(bound) = bound {
        response.headers_mut().append(header::SET_COOKIE, bound);
    }
    Ok(response)
}
