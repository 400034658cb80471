//! `call-provider`: calls a provider's API for an app, which does not get to see the token.

mod request;
mod response;

use axum::{
    Router,
    extract::{FromRef, Path, State},
    http::StatusCode,
    response::Response,
    routing::post,
};
use connectors::{
    domain::{call::NoTarget, ids::ConnectorId, provider::ProviderType},
    journeys::call_provider::{CallError, CallProvider},
    services::Services,
    web::{BackendCaller, Callers, JsonBody, Problem, UserCaller, no_token},
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

/// Through the connection of a type: the user's own, if the backend speaks for one, or the one that the workspace shares.
async fn by_type(
    State(journey): State<CallProvider>,
    BackendCaller(service, user): BackendCaller,
    Path((_, provider)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let call = request::read(&body)?;
    let provider = ProviderType::parse(&provider).map_err(|_| Problem::no_connection())?;
    let place = journey.place(&service, user.as_ref(), &provider).await.map_err(problem)?;
    Ok(response::of(journey.call(&place, &call).await.map_err(problem)?))
}

/// Through the user's own connection.
async fn of_user(
    State(journey): State<CallProvider>,
    UserCaller(user): UserCaller,
    Path((_, connector)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let call = request::read(&body)?;
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    Ok(response::of(journey.call(&user.place(connector), &call).await.map_err(problem)?))
}

fn problem(error: CallError) -> Problem {
    match error {
        // The SDK's routes say 404 of an ended grant.
        CallError::Token(error) => no_token(error, StatusCode::NOT_FOUND),
        CallError::Ambiguous => Problem::conflict(
            "The user is connected through several connectors of this type: call one of them by its id, at \
             /api/apps/{app}/app-user-auth/connectors/{id}/call.",
        ),
        CallError::Target(error @ (NoTarget::NoRoot | NoTarget::UnknownHost)) => Problem::invalid_field("/host", error),
        CallError::Target(error @ NoTarget::Unusable) => Problem::invalid_field("/path", error),
        CallError::Unaddressable => Problem::new(
            StatusCode::BAD_GATEWAY,
            "connector_misconfigured",
            "The connection lacks something that the address of the provider's API is made of: an admin has to look at \
             the connector, or the user to connect again.",
        ),
        CallError::NotAllowed => Problem::new(
            StatusCode::FORBIDDEN,
            "blocked_by_policy",
            "The connector's `call_rules` do not allow this call: an admin can change them.",
        ),
        CallError::Header(error) => {
            Problem::invalid_field(&format!("/headers/{}", connectors::domain::fields::step(&error.0)), error)
        }
        CallError::Body => Problem::invalid_field(
            "/body",
            "does not fit the `content-type` among the headers: beside JSON it may be a text, or the fields of a form",
        ),
        CallError::TokenInQuery => Problem::invalid_field(
            "/query",
            "has the parameter by which this provider takes the token, which is set here",
        ),
    }
}
