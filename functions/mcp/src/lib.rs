//! `mcp`: what assistants speak (Model Context Protocol). A builder's assistant sets connectors up at `/mcp/{ws}`: it looks,
//! and proposes what a person confirms. An app's agent uses what its user has connected at `/mcp/apps/{app}`. Neither gets
//! to see a token or a secret.

mod agent;
mod answer;
mod builder;
mod elicitation;
mod endpoint;
mod metadata;
mod tool;
mod transport;

use axum::{
    Router,
    extract::{FromRef, State},
    http::HeaderMap,
    response::Response,
    routing::{get, post},
};
use connectors::{
    services::Services,
    web::{AgentCaller, AssistantCaller, Callers, JsonBody, Problem, Resources},
};

use self::{agent::Agent, builder::Builder, transport::Transport};

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("POST", "/mcp/{ws}"),
    ("POST", "/mcp/apps/{app}"),
    ("GET", "/.well-known/oauth-protected-resource/mcp/{ws}"),
    ("GET", "/.well-known/oauth-protected-resource/mcp/apps/{app}"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    resources: Resources,
    builders: Transport<Builder>,
    agents: Transport<Agent>,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let base = services.public_base_url();
    let function = Function {
        callers: services.callers(),
        resources: Resources::new(base),
        builders: Transport::new(Builder::new(services), base),
        agents: Transport::new(Agent::new(services), base),
    };
    Router::new()
        .route("/mcp/{ws}", post(of_builder))
        .route("/mcp/apps/{app}", post(of_agent))
        .route("/.well-known/oauth-protected-resource/mcp/{ws}", get(metadata::of_workspace))
        .route("/.well-known/oauth-protected-resource/mcp/apps/{app}", get(metadata::of_app))
        .with_state(function)
}

/// Answers a builder's assistant (Model Context Protocol, Streamable HTTP, no sessions). The tools propose; a person
/// confirms.
async fn of_builder(
    State(transport): State<Transport<Builder>>,
    AssistantCaller(person): AssistantCaller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    transport.answer(person, headers, &body).await
}

/// Answers an app's agent, for one of its users (Model Context Protocol, Streamable HTTP, no sessions).
async fn of_agent(
    State(transport): State<Transport<Agent>>,
    AgentCaller(user): AgentCaller,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    transport.answer(user, headers, &body).await
}
