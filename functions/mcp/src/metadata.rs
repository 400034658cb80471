//! What a client that has no token yet is told: who gives tokens for this address (RFC 9728). A resource whose tokens nobody
//! gives is answered like one that never was.

use axum::{
    Json,
    extract::{Path, State},
};
use connectors::{
    domain::{
        agent_scope::AgentScope,
        app::Identity,
        ids::{AppId, WorkspaceId},
    },
    web::{Callers, Problem, Resource, Resources},
};
use serde_json::{Value, json};

/// Tells a builder's assistant who gives tokens for its address (RFC 9728). 404 as long as nobody does.
pub(crate) async fn of_workspace(
    State(Callers(authenticator)): State<Callers>,
    State(resources): State<Resources>,
    Path(workspace): Path<String>,
) -> Result<Json<Value>, Problem> {
    let workspace = WorkspaceId::parse(&workspace).map_err(|_| Problem::not_found())?;
    let identity = authenticator.identity_of(&workspace).await?.ok_or_else(Problem::not_found)?;
    let resource = resources.of_workspace(&workspace);
    let scopes = [AgentScope::ReadConnectors, AgentScope::ProposeConnectors];
    Ok(Json(metadata(&resource, &identity.issuer, scopes, "Connectors, for builders' assistants")))
}

/// Tells an app's agent who gives tokens for its address (RFC 9728). 404 as long as nobody does.
pub(crate) async fn of_app(
    State(Callers(authenticator)): State<Callers>,
    State(resources): State<Resources>,
    Path(app): Path<String>,
) -> Result<Json<Value>, Problem> {
    let app = AppId::parse(&app).map_err(|_| Problem::not_found())?;
    let known = authenticator.app_with_identity(&app).await?;
    let identity = known.as_ref().and_then(|app| app.identity.as_ref()).ok_or_else(Problem::not_found)?;
    let scopes = [AgentScope::ReadConnections, AgentScope::ChangeConnections];
    Ok(Json(metadata(&resources.of_app(&app), identity, scopes, "Connections, for an app's agent")))
}

/// Scopes are named only where the issuer has them: clients ask for all that they read here, and an issuer refuses whoever
/// asks for what it does not know.
fn metadata(resource: &Resource, identity: &Identity, scopes: [AgentScope; 2], name: &str) -> Value {
    let mut metadata = json!({
        "resource": resource.url(),
        "authorization_servers": [identity.issuer.as_str()],
        "bearer_methods_supported": ["header"],
        "resource_name": name,
    });
    if identity.agent_scopes {
        metadata["scopes_supported"] = json!(scopes.map(AgentScope::as_str));
    }
    metadata
}
