//! Batches of queue messages, as Lambda hands them over (SQS event, `ReportBatchItemFailures`).

use std::{fmt::Display, future::Future, panic::AssertUnwindSafe};

use futures::{FutureExt, future::join_all};
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

/// Works off a batch, all messages at once, and answers with those that must come again. One whose work panics is one of
/// them, and does not take the others with it.
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
        let work = AssertUnwindSafe(work(body)).catch_unwind();
        async { (message_id, work.await) }
    });
    let failed = join_all(outcomes).await.into_iter().filter_map(|(message_id, outcome)| {
        match outcome {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => tracing::warn!(%error, message.id = message_id, "a message must come again"),
            Err(_) => tracing::error!(message.id = message_id, "the work on a message broke down"),
        }
        Some(json!({ "itemIdentifier": message_id }))
    });
    Ok(json!({ "batchItemFailures": failed.collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_that_breaks_its_worker_does_not_take_the_batch_with_it() {
        let record = |id: &str| json!({"messageId": id, "body": id, "eventSource": "aws:sqs"});
        let event = json!({"Records": [record("poison"), record("fails"), record("good")]});
        let answer = work_off(event, |body| async move {
            assert_ne!(body, "poison");
            if body == "fails" { Err("not now") } else { Ok(()) }
        });
        let failures = json!([{"itemIdentifier": "poison"}, {"itemIdentifier": "fails"}]);
        assert_eq!(answer.await.unwrap(), json!({"batchItemFailures": failures}));
    }
}
