//! `deliver-events`: tells the event bus and the workspaces' webhooks what happened, as a queue reminds it.

use axum::Router;
use connectors::{
    journeys::deliver_events::DeliverEvents,
    services::Services,
    web::{EventError, batch},
};
use serde_json::Value;

/// This function answers no HTTP requests.
pub const ROUTES: &[(&str, &str)] = &[];

/// No routes: what this function does, events begin.
pub fn router(_: &Services) -> Router {
    Router::new()
}

/// Works off a batch of reminders.
///
/// # Errors
/// [`EventError`] if it is no such batch.
pub async fn on_event(journey: &DeliverEvents, event: Value) -> Result<Value, EventError> {
    if !batch::is_batch(&event) {
        return Err(EventError::Unknown);
    }
    batch::work_off(event, |message| {
        let journey = journey.clone();
        async move { Box::pin(journey.work(&message.body)).await }
    })
    .await
}
