//! The requests and answers of the operations. A member that is not listed is refused, not ignored: message attributes,
//! for example, would be lost without a word.

use std::{collections::HashSet, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Message, Queue, QueueError, Queues,
    queues::{MAX_RECEIVES, VISIBILITY_TIMEOUT},
};
use crate::aws::{AwsError, answer::read};

/// SQS takes a delay of at most 15 minutes.
const MAX_DELAY: u64 = 900;

/// SQS hides a message for at most 12 hours.
const MAX_VISIBILITY: u64 = 43_200;

/// SQS takes a body of at most 1 MiB.
const MAX_BODY: usize = 1_048_576;

/// SQS takes and gives at most ten messages at a time.
const MAX_BATCH: usize = 10;

/// SQS lets a receive wait at most 20 seconds.
const MAX_WAIT: u64 = 20;

const NO_QUEUE: AwsError = AwsError::client("QueueDoesNotExist", "there is no such queue")
    .with_query_code("AWS.SimpleQueueService.NonExistentQueue");
const INVALID_VALUE: AwsError = AwsError::client("InvalidParameterValue", "a value is outside of what SQS takes");
const INVALID_RECEIPT: AwsError = AwsError::client("ReceiptHandleIsInvalid", "the receipt handle is not valid");
const NOT_IN_FLIGHT: AwsError = AwsError::client("MessageNotInflight", "the message is not in flight")
    .with_query_code("AWS.SimpleQueueService.MessageNotInflight");
const EMPTY_BATCH: AwsError = AwsError::client("EmptyBatchRequest", "the batch is empty")
    .with_query_code("AWS.SimpleQueueService.EmptyBatchRequest");
const LARGE_BATCH: AwsError = AwsError::client("TooManyEntriesInBatchRequest", "a batch has at most ten entries")
    .with_query_code("AWS.SimpleQueueService.TooManyEntriesInBatchRequest");
const SAME_IDS: AwsError = AwsError::client("BatchEntryIdsNotDistinct", "two entries of the batch have one id")
    .with_query_code("AWS.SimpleQueueService.BatchEntryIdsNotDistinct");
const INTERNAL: AwsError = AwsError::server("InternalFailure", "the queue can't be read or written");

impl From<QueueError> for AwsError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Receipt => INVALID_RECEIPT,
            QueueError::NotInFlight => NOT_IN_FLIGHT,
            QueueError::Storage(_) => INTERNAL,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetQueueUrl {
    queue_name: String,
}

pub(super) fn get_queue_url(host: &str, body: &[u8]) -> Result<Value, AwsError> {
    let request: GetQueueUrl = read(body)?;
    let queue = Queue::find(&request.queue_name).ok_or(NO_QUEUE)?;
    Ok(json!({"QueueUrl": queue.url(&format!("http://{host}"))}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetQueueAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

pub(super) fn get_queue_attributes(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: GetQueueAttributes = read(body)?;
    let queue = queue(&request.queue_url)?;
    let depth = queues.depth(queue)?;
    let mut attributes = json!({
        "QueueArn": queues.arn(queue),
        "ApproximateNumberOfMessages": depth.visible.to_string(),
        "ApproximateNumberOfMessagesNotVisible": depth.in_flight.to_string(),
        "ApproximateNumberOfMessagesDelayed": depth.delayed.to_string(),
        "VisibilityTimeout": VISIBILITY_TIMEOUT.as_secs().to_string(),
    });
    if let Some(dead_letters) = queue.dead_letters() {
        let policy = json!({"deadLetterTargetArn": queues.arn(dead_letters), "maxReceiveCount": MAX_RECEIVES});
        attributes["RedrivePolicy"] = policy.to_string().into();
    }
    if let Value::Object(attributes) = &mut attributes {
        let wanted = |name: &str| request.attribute_names.iter().any(|wanted| wanted == name || wanted == "All");
        attributes.retain(|name, _| wanted(name));
    }
    Ok(json!({"Attributes": attributes}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendMessage {
    queue_url: String,
    message_body: String,
    #[serde(default)]
    delay_seconds: u64,
}

pub(super) fn send_message(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: SendMessage = read(body)?;
    let queue = queue(&request.queue_url)?;
    let id = send(queues, queue, &request.message_body, request.delay_seconds)?;
    Ok(json!({"MessageId": id, "MD5OfMessageBody": md5_of(&request.message_body)}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendMessageBatch {
    queue_url: String,
    entries: Vec<SendEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendEntry {
    id: String,
    message_body: String,
    #[serde(default)]
    delay_seconds: u64,
}

pub(super) fn send_message_batch(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: SendMessageBatch = read(body)?;
    let queue = queue(&request.queue_url)?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for SendEntry { id, message_body, delay_seconds } in request.entries {
        match send(queues, queue, &message_body, delay_seconds) {
            Ok(message) => {
                successful.push(json!({"Id": id, "MessageId": message, "MD5OfMessageBody": md5_of(&message_body)}));
            }
            Err(error) => failed.push(failed_entry(&id, &error)),
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ReceiveMessage {
    queue_url: String,
    max_number_of_messages: Option<usize>,
    visibility_timeout: Option<u64>,
    #[serde(default)]
    wait_time_seconds: u64,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
}

pub(super) async fn receive_message(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: ReceiveMessage = read(body)?;
    let queue = queue(&request.queue_url)?;
    let limit = request.max_number_of_messages.unwrap_or(1);
    if !(1..=MAX_BATCH).contains(&limit) {
        return Err(INVALID_VALUE);
    }
    let hidden_for = match request.visibility_timeout {
        Some(seconds) => at_most(seconds, MAX_VISIBILITY)?,
        None => VISIBILITY_TIMEOUT,
    };
    let wait = at_most(request.wait_time_seconds, MAX_WAIT)?;
    let wanted = [request.attribute_names, request.message_system_attribute_names].concat();
    let mut messages = queues.receive(queue, limit, hidden_for)?;
    if messages.is_empty() && !wait.is_zero() {
        queues.wait(wait).await;
        messages = queues.receive(queue, limit, hidden_for)?;
    }
    Ok(json!({"Messages": messages.iter().map(|message| received(message, &wanted)).collect::<Vec<_>>()}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteMessage {
    queue_url: String,
    receipt_handle: String,
}

pub(super) fn delete_message(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: DeleteMessage = read(body)?;
    queues.delete(queue(&request.queue_url)?, &request.receipt_handle)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteMessageBatch {
    queue_url: String,
    entries: Vec<DeleteEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DeleteEntry {
    id: String,
    receipt_handle: String,
}

pub(super) fn delete_message_batch(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: DeleteMessageBatch = read(body)?;
    let queue = queue(&request.queue_url)?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in request.entries {
        match queues.delete(queue, &entry.receipt_handle) {
            Ok(()) => successful.push(json!({"Id": entry.id})),
            Err(error) => failed.push(failed_entry(&entry.id, &error.into())),
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ChangeMessageVisibility {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: u64,
}

pub(super) fn change_message_visibility(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: ChangeMessageVisibility = read(body)?;
    let hidden_for = at_most(request.visibility_timeout, MAX_VISIBILITY)?;
    queues.hide(queue(&request.queue_url)?, &request.receipt_handle, hidden_for)?;
    Ok(json!({}))
}

/// The queue that a URL names by its last part.
fn queue(url: &str) -> Result<Queue, AwsError> {
    url.rsplit('/').next().and_then(Queue::find).ok_or(NO_QUEUE)
}

fn send(queues: &Queues, queue: Queue, body: &str, delay_seconds: u64) -> Result<String, AwsError> {
    if !(1..=MAX_BODY).contains(&body.len()) {
        return Err(INVALID_VALUE);
    }
    Ok(queues.send(queue, body, at_most(delay_seconds, MAX_DELAY)?)?)
}

fn at_most(seconds: u64, limit: u64) -> Result<Duration, AwsError> {
    if seconds <= limit { Ok(Duration::from_secs(seconds)) } else { Err(INVALID_VALUE) }
}

fn check_batch<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), AwsError> {
    let count = ids.len();
    if count == 0 {
        return Err(EMPTY_BATCH);
    }
    if count > MAX_BATCH {
        return Err(LARGE_BATCH);
    }
    if ids.collect::<HashSet<_>>().len() < count { Err(SAME_IDS) } else { Ok(()) }
}

fn received(message: &Message, wanted: &[String]) -> Value {
    let mut attributes = json!({
        "ApproximateReceiveCount": message.receives.to_string(),
        "SentTimestamp": message.sent_at.to_string(),
        "ApproximateFirstReceiveTimestamp": message.first_received_at.to_string(),
    });
    if let Value::Object(attributes) = &mut attributes {
        attributes.retain(|name, _| wanted.iter().any(|wanted| wanted == name || wanted == "All"));
    }
    json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": md5_of(&message.body),
        "Attributes": attributes,
    })
}

fn failed_entry(id: &str, error: &AwsError) -> Value {
    json!({"Id": id, "Code": error.code(), "SenderFault": error.is_the_callers()})
}

/// The checksum that SQS gives of a body and some SDKs verify.
pub(crate) fn md5_of(body: &str) -> String {
    format!("{:x}", md5::compute(body))
}
