//! `finish-authorization`: the user finishes a session whose browser was not bound by cookie, or asks how it stands.

use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    http::StatusCode,
    routing::{get, post},
};
use connectors::{
    domain::{
        fields::text,
        secret::Secret,
        session::{FailureReason, SessionId},
    },
    journeys::complete_authorization::{CompleteAuthorization, ExchangeError, FinishError, SessionView},
    oauth::TokenError,
    services::Services,
    web::{Callers, JsonBody, Problem, Upstream, UserCaller, checked, seconds},
};
use serde::Serialize;

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/apps/{app}/app-user-auth/sessions/{session}"),
    ("POST", "/api/apps/{app}/app-user-auth/sessions/{session}/finish"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    journey: CompleteAuthorization,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function = Function { callers: services.callers(), journey: services.complete_authorization() };
    Router::new()
        .route("/api/apps/{app}/app-user-auth/sessions/{session}", get(view))
        .route("/api/apps/{app}/app-user-auth/sessions/{session}/finish", post(finish))
        .with_state(function)
}

#[derive(Serialize)]
struct SessionOnWire {
    session_id: String,
    status: &'static str,
    reason: Option<&'static str>,
    /// What is still to be done, for whoever builds the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
    connector_id: String,
    connection_id: String,
    expires_at: String,
}

const TO_BE_FINISHED: &str = "The app has to finish this session in its user's name: load connect.js on the page that the user \
                              comes back to, or POST the `handle` from its address to `…/finish`.";

impl From<SessionView> for SessionOnWire {
    fn from(SessionView { session, status, reason }: SessionView) -> Self {
        Self {
            session_id: session.id.as_str().to_owned(),
            status,
            reason: reason.map(FailureReason::as_str),
            detail: (status == "awaiting_finish").then_some(TO_BE_FINISHED),
            connector_id: session.key.connector.to_string(),
            connection_id: session.key.id().to_string(),
            expires_at: seconds(session.expires_at).to_string(),
        }
    }
}

/// Tells how a session stands: `pending`, `awaiting_finish`, `completed` or `failed` with a reason. A session is its user's
/// own; any other is 404.
async fn view(
    State(journey): State<CompleteAuthorization>,
    UserCaller(user): UserCaller,
    Path((_, session)): Path<(String, String)>,
) -> Result<Json<SessionOnWire>, Problem> {
    let session = SessionId::parse(&session).map_err(|_| no_session())?;
    let view = journey.view(&user, &session).await?.ok_or_else(no_session)?;
    Ok(Json(view.into()))
}

/// Finishes a session whose browser was not bound by a cookie. `handle` is what the browser came back with, good once and
/// for two minutes; only now is the code exchanged.
async fn finish(
    State(journey): State<CompleteAuthorization>,
    UserCaller(user): UserCaller,
    Path((_, session)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<SessionOnWire>, Problem> {
    let handle = checked(&body, |body| body.require("handle", body.read("handle", text)))?;
    let session = SessionId::parse(&session).map_err(|_| no_session())?;
    let view = Box::pin(journey.finish(&user, &session, &Secret::new(handle))).await.map_err(problem)?;
    Ok(Json(view.into()))
}

fn no_session() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "No such session.")
}

fn problem(error: FinishError) -> Problem {
    match error {
        FinishError::NotFound => no_session(),
        FinishError::WrongHandle => {
            Problem::new(StatusCode::BAD_REQUEST, "state_mismatch", "The handle is not the one of this session.")
        }
        FinishError::Expired => expired(),
        FinishError::WrongStage | FinishError::Exchange(ExchangeError::Spent) => {
            Problem::conflict("The session does not wait to be finished: ask for its status, or start a new one.")
        }
        FinishError::Exchange(ExchangeError::Failed { reason, cause }) => failed(reason, cause.as_ref()),
        FinishError::Exchange(ExchangeError::Store(cause)) | FinishError::Store(cause) => cause.into(),
        FinishError::Exchange(ExchangeError::Vault(cause)) | FinishError::Vault(cause) => cause.into(),
    }
}

fn expired() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "session_expired", "The session is over: start a new one.")
}

fn failed(reason: FailureReason, cause: Option<&TokenError>) -> Problem {
    let problem = match reason {
        FailureReason::ConnectorMisconfigured => Problem::new(
            StatusCode::BAD_GATEWAY,
            "connector_misconfigured",
            "The provider does not accept the connector's client id, secret or redirect URI: an admin has to correct it.",
        ),
        FailureReason::ConnectorChanged => {
            Problem::conflict("The connector was changed in the meantime: start a new session.")
        }
        FailureReason::AccountChanged => Problem::new(
            StatusCode::CONFLICT,
            "account_changed",
            "This is another account than the connected one, which was kept. Disconnect first to change accounts.",
        ),
        FailureReason::BlockedByPolicy => Problem::blocked_by_policy(),
        FailureReason::PlanLimit => Problem::no_room_for_connection(),
        FailureReason::Expired => expired(),
        FailureReason::Denied
        | FailureReason::Disconnected
        | FailureReason::ProviderRefused
        | FailureReason::ResponseRejected
        | FailureReason::ProviderUnavailable
        | FailureReason::UserMismatch => Problem::new(
            StatusCode::BAD_GATEWAY,
            "provider_error",
            "The provider gave no tokens for the code: start a new session.",
        ),
    };
    match cause {
        Some(cause) => problem.upstream(Upstream::of(cause)),
        None => problem,
    }
}
