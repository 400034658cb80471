//! The AWS endpoints of the local process: one listener on loopback, spoken to by the unmodified AWS SDK.
//!
//! All four services speak JSON over `POST /` and say in `X-Amz-Target` which operation is meant. Signatures are not
//! verified: who may reach loopback may use the endpoints. A web page may not, see [`guard`].

mod answer;
pub mod dynamodb;
pub mod eventbridge;
mod guard;
pub mod kms;
pub mod sqs;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};

pub use answer::AwsError;

use crate::hosts::host_of;

/// DynamoDB's limit for one request, in bytes; the largest of the three.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// The account that every ARN and queue URL of the local endpoints names.
pub const ACCOUNT: &str = "000000000000";

/// The services this process serves itself. One that is absent is served by another process.
#[derive(Clone, Default)]
pub struct Engines {
    /// The tables.
    pub dynamodb: Option<dynamodb::Engine>,
    /// The key.
    pub kms: Option<Arc<kms::KeyService>>,
    /// The queues.
    pub sqs: Option<Arc<sqs::Queues>>,
    /// The event bus.
    pub events: Arc<eventbridge::Bus>,
}

/// The routes of the AWS listener.
pub fn router(engines: Engines) -> Router {
    Router::new()
        .route("/", post(dispatch))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn(guard::refuse_web_pages))
        .with_state(engines)
}

/// Hands the request to the service and operation that `X-Amz-Target` names: `DynamoDB_20120810.GetItem`,
/// `TrentService.Decrypt`, `AmazonSQS.SendMessage`, `AWSEvents.PutEvents`.
async fn dispatch(State(engines): State<Engines>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((service, operation)) = target.split_once('.') else {
        return (StatusCode::NOT_FOUND, "no AWS operation is named").into_response();
    };
    match (service, engines) {
        ("DynamoDB_20120810", Engines { dynamodb: Some(engine), .. }) => engine.answer(operation, body).await,
        ("TrentService", Engines { kms: Some(keys), .. }) => kms::answer(&keys, operation, &body),
        ("AmazonSQS", Engines { sqs: Some(queues), .. }) => {
            sqs::answer(&queues, host_of(&headers), operation, &body).await
        }
        ("AWSEvents", Engines { events, .. }) => eventbridge::answer(&events, operation, &body),
        _ => (StatusCode::NOT_FOUND, "this endpoint does not serve that service").into_response(),
    }
}
