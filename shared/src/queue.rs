//! Queues: what is to be done a little later, by whom it will be done.
//!
//! A message gives no right to anything. Whoever takes it looks at the tables and does what is still to be done. Of an
//! ordered queue the order is worth something: who takes a message knows that all before it in its group are done with.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{QueueAttributeName, SendMessageBatchRequestEntry},
};
use serde::{Deserialize, Serialize};

/// A queue of the deployment.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

/// A queue that delivers the messages of a group in the order in which they were left, each after the one before it was
/// done with.
#[derive(Debug, Clone)]
pub struct OrderedQueue {
    client: Client,
    url: String,
}

/// A message could not be left.
#[derive(Debug, thiserror::Error)]
#[error("the queue can't take messages now ({0})")]
pub struct QueueError(String);

/// How long a message can be delayed at most: the service's own limit.
pub const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// How many messages go into one request: the service's own limit.
const BATCH: usize = 10;

/// A message about something that is due: its keys in the table of connections, nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueMessage {
    kind: DueKind,
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DueKind {
    Due,
}

impl DueMessage {
    /// A message about the item with these keys.
    #[must_use]
    pub fn new(pk: String, sk: String) -> Self {
        Self { kind: DueKind::Due, pk, sk }
    }
}

impl Queue {
    /// The queue at this URL.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Leaves a message, to be seen after `delay`, in whole seconds.
    ///
    /// # Errors
    /// [`QueueError`] if the queue does not take it.
    pub async fn send<M: Serialize>(&self, message: &M, delay: Duration) -> Result<(), QueueError> {
        let body = serde_json::to_string(message).map_err(|_| QueueError("the message can't be written".to_owned()))?;
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let request = request.delay_seconds(whole_seconds(delay));
        request.send().await.map(|_| ()).map_err(|error| failed(&error))
    }

    /// About how many messages are to be taken, now or after their delay.
    ///
    /// # Errors
    /// [`QueueError`] if the queue does not say.
    pub async fn depth(&self) -> Result<usize, QueueError> {
        let (now, later) =
            (QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesDelayed);
        let request = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = request.attribute_names(now.clone()).attribute_names(later.clone()).send().await;
        let attributes = answer.map_err(|error| failed(&error))?.attributes.unwrap_or_default();
        let count = |name| attributes.get(&name).and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
        Ok(count(now) + count(later))
    }

    /// Leaves many messages, each to be seen after its delay.
    ///
    /// # Errors
    /// [`QueueError`] if the queue does not take one of them; those before it are left.
    pub async fn send_all<M: Serialize>(&self, messages: &[(M, Duration)]) -> Result<(), QueueError> {
        for batch in messages.chunks(BATCH) {
            let mut request = self.client.send_message_batch().queue_url(&self.url);
            for (index, (message, delay)) in batch.iter().enumerate() {
                let body = serde_json::to_string(message);
                let body = body.map_err(|_| QueueError("the message can't be written".to_owned()))?;
                let entry = SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body);
                let entry = entry.delay_seconds(whole_seconds(*delay)).build();
                request = request.entries(entry.map_err(|_| QueueError("incomplete message".to_owned()))?);
            }
            let answer = request.send().await.map_err(|error| failed(&error))?;
            if let Some(first) = answer.failed.first() {
                return Err(QueueError(first.code.clone()));
            }
        }
        Ok(())
    }
}

impl OrderedQueue {
    /// The queue at this URL.
    #[must_use]
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Leaves a message behind those of its group, unless one of the same `name` was left within the last minutes. Both are
    /// letters, digits and punctuation, 128 at most.
    ///
    /// # Errors
    /// [`QueueError`] if the queue does not take it.
    pub async fn send<M: Serialize>(&self, message: &M, group: &str, name: &str) -> Result<(), QueueError> {
        let body = serde_json::to_string(message).map_err(|_| QueueError("the message can't be written".to_owned()))?;
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let request = request.message_group_id(group).message_deduplication_id(name);
        request.send().await.map(|_| ()).map_err(|error| failed(&error))
    }
}

fn whole_seconds(delay: Duration) -> i32 {
    let seconds = delay.min(LONGEST_DELAY).as_millis().div_ceil(1_000);
    i32::try_from(seconds).unwrap_or(0)
}

fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> QueueError {
    QueueError(match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown").to_owned(),
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        _ => "no answer".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_shortened_below_a_second_and_never_beyond_the_limit() {
        for (delay, seconds) in [(0, 0), (1, 1), (32_000, 32), (1_001, 2), (3_600_000, 900)] {
            assert_eq!(whole_seconds(Duration::from_millis(delay)), seconds, "{delay} ms");
        }
    }
}
