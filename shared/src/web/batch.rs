//! Batches of queue messages, as Lambda hands them over (SQS event, `ReportBatchItemFailures`).

use std::{fmt::Display, future::Future};

use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::EventError;

#[derive(Deserialize)]
struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    body: String,
}

/// Whether an event is a batch of queue messages.
#[must_use]
pub fn is_batch(event: &Value) -> bool {
    event.pointer("/Records/0/eventSource").and_then(Value::as_str) == Some("aws:sqs")
}

/// Works off a batch, all messages at once, and answers with those that must come again.
///
/// # Errors
/// [`EventError::Invalid`] if it is no batch.
pub async fn work_off<W, E>(event: Value, work: impl Fn(String) -> W) -> Result<Value, EventError>
where
    W: Future<Output = Result<(), E>>,
    E: Display,
{
    let batch: Batch = serde_json::from_value(event).map_err(|_| EventError::Invalid("it is no batch of messages"))?;
    let outcomes = batch.records.into_iter().map(|Record { message_id, body }| {
        let work = work(body);
        async { work.await.map_err(|error| (message_id, error)) }
    });
    let failed = join_all(outcomes).await.into_iter().filter_map(Result::err).map(|(message_id, error)| {
        tracing::warn!(%error, message.id = message_id, "a message must come again");
        json!({ "itemIdentifier": message_id })
    });
    Ok(json!({ "batchItemFailures": failed.collect::<Vec<_>>() }))
}
