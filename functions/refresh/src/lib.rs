//! `refresh`: a schedule finds what is due and fills a queue; batches of the queue are worked off by the same refresh
//! as ever.

use axum::Router;
use connectors::{
    services::Services,
    web::{EventError, batch},
};
use serde_json::{Value, json};

/// This function answers no HTTP requests.
pub const ROUTES: &[(&str, &str)] = &[];

/// No routes: what this function does, events begin.
pub fn router(_: &Services) -> Router {
    Router::new()
}

/// Finds what is due (schedule), or refreshes it (batch of the refresh queue).
///
/// # Errors
/// [`EventError`] if it is neither, or what is due could not be found.
pub async fn on_event(services: &Services, event: Value) -> Result<Value, EventError> {
    if batch::is_batch(&event) {
        let journey = services.refresh_due();
        return batch::work_off(event, |message| {
            let journey = journey.clone();
            async move { Box::pin(journey.work(&message.body, message.sent_at)).await }
        })
        .await;
    }
    if !is_schedule(&event) {
        return Err(EventError::Unknown);
    }
    let found = services.dispatch_due().dispatch().await.map_err(|error| EventError::Failed(error.to_string()))?;
    Ok(json!({ "due": found }))
}

/// What the template gives the schedule as its input; also the form of a scheduled EventBridge rule.
fn is_schedule(event: &Value) -> bool {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    text("source") == Some("aws.scheduler") || text("source") == Some("aws.events")
}
