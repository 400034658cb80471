//! The workspace itself: with its plan, and deleted.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use connectors::{
    domain::plan::{Plan, PlanName},
    journeys::{
        delete_workspace::DeleteWorkspace,
        plan::{KeepPlan, Planned},
    },
    web::{AdminCaller, Problem, Query, WriterCaller, seconds},
};
use serde::Serialize;

use crate::{Function, connector::actor};

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}", get(look).delete(remove))
}

#[derive(Serialize)]
struct WorkspaceOnWire {
    workspace_id: String,
    name: String,
    created_at: String,
    /// What it may add; `null` if that is anything.
    plan: Option<PlanOnWire>,
    r#use: UseOnWire,
}

#[derive(Serialize)]
struct PlanOnWire {
    name: String,
    limits: LimitsOnWire,
}

#[derive(Serialize)]
struct LimitsOnWire {
    connectors: Option<u32>,
    connections: Option<u32>,
    custom_providers: bool,
    shared: bool,
}

#[derive(Serialize)]
struct UseOnWire {
    connectors: u64,
    connections: u64,
}

impl From<(PlanName, Plan)> for PlanOnWire {
    fn from((name, plan): (PlanName, Plan)) -> Self {
        let Plan { connectors, connections, custom_providers, shared } = plan;
        Self { name: name.to_string(), limits: LimitsOnWire { connectors, connections, custom_providers, shared } }
    }
}

/// Shows the workspace: its plan, with limits and use.
async fn look(
    State(journey): State<KeepPlan>,
    AdminCaller(admin): AdminCaller,
) -> Result<Json<WorkspaceOnWire>, Problem> {
    let Planned { workspace, plan, connectors } =
        journey.of(admin.workspace()).await?.ok_or_else(Problem::not_found)?;
    let connections = journey.connections(admin.workspace()).await?;
    Ok(Json(WorkspaceOnWire {
        workspace_id: workspace.id.to_string(),
        name: workspace.name.as_str().to_owned(),
        created_at: seconds(workspace.created_at).to_string(),
        plan: plan.map(PlanOnWire::from),
        r#use: UseOnWire { connectors, connections },
    }))
}

#[derive(Serialize)]
struct Deleting {
    workspace_id: String,
    status: &'static str,
}

/// Ends the workspace. Its keys are deleted first, so that nobody can open what was sealed; all else is removed in the
/// background. Grants are not ended at their providers: delete the connectors first, if you want that.
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
