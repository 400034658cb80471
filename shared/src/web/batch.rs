//! Batches of queue messages, as Lambda hands them over (SQS event, `ReportBatchItemFailures`).

use std::{fmt::Display, future::Future, panic::AssertUnwindSafe};

use futures::{FutureExt, future::join_all};
use jiff::Timestamp;
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
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Attributes {
    sent_timestamp: Option<String>,
}

/// A message, as its queue hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What was left.
    pub body: String,
    /// When the queue took it, by the queue's own clock.
    pub sent_at: Option<Timestamp>,
}

impl Record {
    fn into_delivery(self) -> (String, Delivery) {
        let milliseconds = self.attributes.sent_timestamp.and_then(|text| text.parse().ok());
        let sent_at = milliseconds.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok());
        (self.message_id, Delivery { body: self.body, sent_at })
    }
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
pub async fn work_off<W, E>(event: Value, work: impl Fn(Delivery) -> W) -> Result<Value, EventError>
where
    W: Future<Output = Result<(), E>>,
    E: Display,
{
    let batch: Batch = serde_json::from_value(event).map_err(|_| EventError::Invalid("it is no batch of messages"))?;
    let outcomes = batch.records.into_iter().map(|record| {
        let (message_id, delivery) = record.into_delivery();
        let work = AssertUnwindSafe(work(delivery)).catch_unwind();
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
        let answer = work_off(event, |message| async move {
            assert_ne!(message.body, "poison");
            if message.body == "fails" { Err("not now") } else { Ok(()) }
        });
        let failures = json!([{"itemIdentifier": "poison"}, {"itemIdentifier": "fails"}]);
        assert_eq!(answer.await.unwrap(), json!({"batchItemFailures": failures}));
    }

    #[tokio::test]
    async fn a_message_says_when_its_queue_took_it() {
        let record = |sent: Value| json!({"messageId": "1", "body": "", "attributes": {"SentTimestamp": sent}});
        for (sent, expected) in
            [(json!("1795345200001"), Some(1_795_345_200_001)), (json!("soon"), None), (json!(null), None)]
        {
            work_off(json!({"Records": [record(sent)]}), |message| async move {
                assert_eq!(message.sent_at.map(Timestamp::as_millisecond), expected);
                Ok::<(), &str>(())
            })
            .await
            .unwrap();
        }
    }
}
