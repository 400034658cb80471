//! `mcp`: what assistants speak (Model Context Protocol). A builder's assistant sets connectors up at `/mcp/{ws}`: it looks,
//! and proposes what a person confirms. An app's agent uses what its user has connected at `/mcp/apps/{app}`. Neither gets
//! to see a token or a secret.

mod agent;
mod answer;
mod behind;
mod builder;
mod elicitation;
mod endpoint;
mod library;
mod message;
mod metadata;
mod tool;
mod transport;

use axum::{
    Extension, Router,
    extract::{FromRef, State},
    http::{HeaderMap, header},
    response::Response,
    routing::{get, post},
};
use connectors::{
    auth::{Admin, AppUser},
    services::Services,
    web::{AgentCaller, AssistantCaller, Callers, OwnHost, Problem, Resources},
};

pub use self::transport::Served;
use self::{
    agent::Agent,
    builder::Builder,
    message::JsonBody,
    transport::{Said, Transport},
};

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
    builders: Transport<Admin>,
    agents: Transport<AppUser>,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    routes(services, Transport::to(Builder::new(services), services.public_base_url()))
}

/// The same with something else for builders' assistants: what the way to it is tried with.
pub fn serving(services: &Services, builders: impl Served) -> Router {
    routes(services, Transport::new(builders, services.public_base_url()))
}

fn routes(services: &Services, builders: Transport<Admin>) -> Router {
    let base = services.public_base_url();
    let function = Function {
        callers: services.callers(),
        resources: Resources::new(base),
        builders,
        agents: Transport::to(Agent::new(services), base),
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
    State(transport): State<Transport<Admin>>,
    AssistantCaller(person, access): AssistantCaller,
    own_host: Option<Extension<OwnHost>>,
    headers: HeaderMap,
    JsonBody(messages): JsonBody,
) -> Result<Response, Problem> {
    let own_host = own_host.map(|Extension(own_host)| own_host);
    transport.answer(person, Said { access, own_host, headers, messages }).await
}

/// Answers an app's agent, for one of its users (Model Context Protocol, Streamable HTTP, no sessions).
async fn of_agent(
    State(transport): State<Transport<AppUser>>,
    AgentCaller(user, access): AgentCaller,
    own_host: Option<Extension<OwnHost>>,
    mut headers: HeaderMap,
    JsonBody(messages): JsonBody,
) -> Result<Response, Problem> {
    let own_host = own_host.map(|Extension(own_host)| own_host);
    // Pages of the app call for their user here as elsewhere. The way on knows one origin, its own.
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    if origin.is_some_and(|origin| user.app().allows_origin(origin)) {
        headers.remove(header::ORIGIN);
    }
    transport.answer(user, Said { access, own_host, headers, messages }).await
}
