//! `disconnect`: unusable here at once, then ended at the provider; and the queue of what is left to be done after
//! something ended: a connection, a connector, an app, a workspace.

use axum::{
    Json, Router,
    extract::{FromRef, Path, State},
    routing::delete,
};
use connectors::{
    domain::{audit::Actor, ids::ConnectorId},
    journeys::{
        disconnect::{Disconnect, DisconnectError},
        end_connection::EndError,
    },
    services::Services,
    web::{Callers, EventError, Problem, UserCaller, batch},
};
use serde::Serialize;
use serde_json::Value;

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[("DELETE", "/api/apps/{app}/app-user-auth/connectors/{id}")];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    journey: Disconnect,
}

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function = Function { callers: services.callers(), journey: services.disconnect() };
    Router::new().route("/api/apps/{app}/app-user-auth/connectors/{id}", delete(disconnect)).with_state(function)
}

#[derive(Serialize)]
struct Disconnected {
    status: &'static str,
    connector_id: String,
    /// What became of the grant at the provider.
    revocation: &'static str,
}

async fn disconnect(
    State(journey): State<Disconnect>,
    UserCaller(user): UserCaller,
    Path((_, connector)): Path<(String, String)>,
) -> Result<Json<Disconnected>, Problem> {
    let connector = ConnectorId::parse(&connector).map_err(|_| Problem::no_connection())?;
    let connector_id = connector.to_string();
    let actor = Actor::User(user.user().clone());
    let revocation = journey.disconnect(user.place(connector), actor).await.map_err(problem)?;
    Ok(Json(Disconnected { status: "disconnected", connector_id, revocation: revocation.as_str() }))
}

fn problem(error: DisconnectError) -> Problem {
    match error {
        DisconnectError::NotConnected => Problem::no_connection(),
        DisconnectError::End(EndError::Store(cause)) | DisconnectError::Store(cause) => cause.into(),
        DisconnectError::End(cause @ EndError::Contended) => Problem::unavailable(&cause),
    }
}

/// Works off a batch of reminders.
///
/// # Errors
/// [`EventError`] if it is no such batch.
pub async fn on_event(services: &Services, event: Value) -> Result<Value, EventError> {
    if !batch::is_batch(&event) {
        return Err(EventError::Unknown);
    }
    let journey = services.work_endings();
    batch::work_off(event, |message| {
        let journey = journey.clone();
        async move { Box::pin(journey.work(&message.body)).await }
    })
    .await
}
