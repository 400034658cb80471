//! The entry of every Lambda function: HTTP requests go to the router, other events to the function's own handler.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::Router;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use super::gateway::{self, Unanswered};

/// What a function does with an event that is not an HTTP request.
pub type EventHandler =
    Arc<dyn Fn(Value) -> Pin<Box<dyn Future<Output = Result<Value, EventError>> + Send>> + Send + Sync>;

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The function has no use for events of this form.
    #[error("this function does not know what to do with such an event")]
    Unknown,
    /// The event lacks something, or has it wrong.
    #[error("the event can't be used: {0}")]
    Invalid(&'static str),
    /// It was not carried out. Sending it again is safe.
    #[error("the event was not carried out: {0}")]
    Failed(String),
}

/// Serves a function until its instance ends.
///
/// # Errors
/// If the runtime's own interface cannot be reached.
pub async fn serve(routes: Router, on_event: Option<EventHandler>) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let (routes, on_event) = (routes.clone(), on_event.clone());
        async move { dispatch(routes, on_event, event.payload).await }
    }))
    .await
}

async fn dispatch(
    routes: Router,
    on_event: Option<EventHandler>,
    event: Value,
) -> Result<Value, lambda_runtime::Error> {
    let outcome = if event.get("requestContext").is_some() {
        gateway::answer(routes, event).await.map_err(|unanswered| match unanswered {
            Unanswered::NoRequest => EventError::Invalid("it is no request of an HTTP API"),
            Unanswered::BrokenOff => EventError::Failed("the answer broke off".to_owned()),
        })
    } else {
        match on_event {
            Some(handler) => handler(event).await,
            None => Err(EventError::Unknown),
        }
    };
    outcome.map_err(|error| {
        tracing::error!(%error, "an event was not carried out");
        error.into()
    })
}
