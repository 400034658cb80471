//! The workspace itself, deleted.

use axum::{Json, Router, extract::State, http::StatusCode, routing::delete};
use connectors::{
    journeys::delete_workspace::DeleteWorkspace,
    web::{Problem, Query, WriterCaller},
};
use serde::Serialize;

use crate::{Function, connector::actor};

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}", delete(remove))
}

#[derive(Serialize)]
struct Deleting {
    workspace_id: String,
    status: &'static str,
}

async fn remove(
    State(journey): State<DeleteWorkspace>,
    WriterCaller(admin): WriterCaller,
    query: Query,
) -> Result<(StatusCode, Json<Deleting>), Problem> {
    let workspace = admin.workspace();
    if query.get("confirm") != Some(workspace.as_str()) {
        let detail = "must be the workspace's id: everything in it will be gone, and nobody can bring it back";
        return Err(Problem::invalid_field("?confirm", detail));
    }
    journey.delete(workspace, actor(&admin)).await?;
    Ok((StatusCode::ACCEPTED, Json(Deleting { workspace_id: workspace.to_string(), status: "deleting" })))
}
