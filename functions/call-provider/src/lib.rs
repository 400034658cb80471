//! `call-provider`: calls a provider's API for an app, which does not get to see the token.

mod request;
mod response;

use axum::{
    Router,
    extract::{FromRef, Path, State},
    response::Response,
    routing::post,
};
use connectors::{
    domain::{ids::ConnectorId, provider::ProviderType},
    journeys::call_provider::{CallProvider, CalledBy},
    services::Services,
    web::{BackendCaller, Callers, JsonBody, Problem, UserCaller, Written, no_call},
};

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("POST", "/api/apps/{app}/connectors/{type}/call"),
    ("POST", "/api/apps/{app}/app-user-auth/connectors/{id}/call"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    journey: CallProvider,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function = Function { callers: services.callers(), journey: services.call_provider() };
    Router::new()
        .route("/api/apps/{app}/connectors/{type}/call", post(by_type))
        .route("/api/apps/{app}/app-user-auth/connectors/{id}/call", post(of_user))
        .with_state(function)
}

/// Calls a provider's API through the connection of a type: the user's own, if the backend speaks for one, or the one that
/// the workspace shares. The token is added inside. Answered 200 whatever the API said; `phase` tells whether anything was
/// sent. At most 4 MiB come back, within 25 seconds.
async fn by_type(
    State(journey): State<CallProvider>,
    BackendCaller(service, user): BackendCaller,
    Path((_, provider)): Path<(String, String)>,
    JsonBody(body): JsonBody<Written>,
) -> Result<Response, Problem> {
    let call = request::read(&body)?;
    let provider = ProviderType::parse(&provider).map_err(|_| Problem::no_connection())?;
    let place = journey.place(&service, user.as_ref(), &provider).await.map_err(no_call)?;
    Ok(response::of(journey.call(&place, &call, CalledBy::Backend(service.key())).await.map_err(no_call)?))
}

/// Calls a provider's API through the user's own connection. As by the type of the provider, but by the connector.
async fn of_user(
    State(journey): State<CallProvider>,
    UserCaller(user): UserCaller,
    Path((_, connector)): Path<(String, String)>,
    JsonBody(body): JsonBody<Written>,
) -> Result<Response, Problem> {
    let call = request::read(&body)?;
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    Ok(response::of(journey.call(&user.place(connector), &call, CalledBy::User).await.map_err(no_call)?))
}
