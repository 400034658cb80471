//! Sending messages.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{INVALID_VALUE, NOT_FOR_THIS_QUEUE, at_most, check_batch, failed_entry, md5_of, queue};
use crate::aws::{
    AwsError,
    answer::read,
    sqs::{Queue, Queues},
};

/// SQS takes a delay of at most 15 minutes.
const MAX_DELAY: u64 = 900;

/// SQS takes a body of at most 1 MiB.
const MAX_BODY: usize = 1_048_576;

const NO_GROUP: AwsError =
    AwsError::client("MissingParameter", "The request must contain the parameter MessageGroupId.");
const NO_DEDUPLICATION: AwsError = AwsError::client(
    "InvalidParameterValue",
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
);
const NO_DELAY: AwsError = AwsError::client(
    "InvalidParameterValue",
    "Value for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue \
     type.",
);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SendMessage {
    queue_url: String,
    message_body: String,
    #[serde(default)]
    delay_seconds: u64,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

pub(in crate::aws::sqs) fn send_message(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: SendMessage = read(body)?;
    let SendMessage { message_body, delay_seconds, message_group_id, message_deduplication_id, .. } = request;
    let queue = queue(&request.queue_url)?;
    send(queues, queue, &Outgoing { message_body, delay_seconds, message_group_id, message_deduplication_id })
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
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

pub(in crate::aws::sqs) fn send_message_batch(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: SendMessageBatch = read(body)?;
    let queue = queue(&request.queue_url)?;
    check_batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for SendEntry { id, message_body, delay_seconds, message_group_id, message_deduplication_id } in request.entries {
        let message = Outgoing { message_body, delay_seconds, message_group_id, message_deduplication_id };
        match send(queues, queue, &message) {
            Ok(mut sent) => {
                sent["Id"] = id.into();
                successful.push(sent);
            }
            Err(error) => failed.push(failed_entry(&id, &error)),
        }
    }
    Ok(json!({"Successful": successful, "Failed": failed}))
}

/// A message as its sender describes it, alone or in a batch.
struct Outgoing {
    message_body: String,
    delay_seconds: u64,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

/// Answers what the sender is told of it.
fn send(queues: &Queues, queue: Queue, message: &Outgoing) -> Result<Value, AwsError> {
    let body = message.message_body.as_str();
    if !(1..=MAX_BODY).contains(&body.len()) {
        return Err(INVALID_VALUE);
    }
    let (group, deduplication_id) = (message.message_group_id.as_deref(), message.message_deduplication_id.as_deref());
    let delay = at_most(message.delay_seconds, MAX_DELAY)?;
    if !queue.is_fifo() {
        if deduplication_id.is_some() {
            return Err(NOT_FOR_THIS_QUEUE);
        }
        let id = queues.send_for(queue, body, delay, group)?;
        return Ok(json!({"MessageId": id, "MD5OfMessageBody": md5_of(body)}));
    }
    // Like SQS: no delay may be said to be none.
    if !delay.is_zero() {
        return Err(NO_DELAY);
    }
    let sent = queues.send_to_group(queue, body, group.ok_or(NO_GROUP)?, deduplication_id.ok_or(NO_DEDUPLICATION)?)?;
    Ok(json!({
        "MessageId": sent.id,
        "MD5OfMessageBody": md5_of(body),
        "SequenceNumber": sequence_number(sent.sequence),
    }))
}

/// The number of a message as SQS writes it: of twenty digits, so that it also sorts as a text.
pub(super) fn sequence_number(sequence: i64) -> String {
    format!("{sequence:020}")
}
