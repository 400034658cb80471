//! Receiving messages, and what is done with one that was received.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{INVALID_VALUE, MAX_BATCH, at_most, check_batch, failed_entry, md5_of, queue, send::sequence_number};
use crate::aws::{
    ACCOUNT, AwsError,
    answer::read,
    sqs::{Message, Queues, VISIBILITY_TIMEOUT},
};

/// SQS hides a message for at most 12 hours.
const MAX_VISIBILITY: u64 = 43_200;

/// SQS lets a receive wait at most 20 seconds.
const MAX_WAIT: u64 = 20;

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

pub(in crate::aws::sqs) async fn receive_message(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
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

pub(in crate::aws::sqs) fn delete_message(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
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

pub(in crate::aws::sqs) fn delete_message_batch(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
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

pub(in crate::aws::sqs) fn change_message_visibility(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
    let request: ChangeMessageVisibility = read(body)?;
    let hidden_for = at_most(request.visibility_timeout, MAX_VISIBILITY)?;
    queues.hide(queue(&request.queue_url)?, &request.receipt_handle, hidden_for)?;
    Ok(json!({}))
}

fn received(message: &Message, wanted: &[String]) -> Value {
    let mut attributes = attributes_of(message);
    attributes.retain(|name, _| wanted.iter().any(|wanted| wanted == name || wanted == "All"));
    json!({
        "MessageId": message.id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "MD5OfBody": md5_of(&message.body),
        "Attributes": attributes,
    })
}

/// What SQS tells of a message beside its body, to a receiver that asks for it and to every function.
pub(crate) fn attributes_of(message: &Message) -> Map<String, Value> {
    let mut attributes = Map::new();
    let mut tell = |name: &str, value: String| attributes.insert(name.to_owned(), value.into());
    tell("ApproximateReceiveCount", message.receives.to_string());
    tell("SentTimestamp", message.sent_at.to_string());
    tell("SenderId", ACCOUNT.to_owned());
    tell("ApproximateFirstReceiveTimestamp", message.first_received_at.to_string());
    if let Some(group) = &message.group {
        tell("MessageGroupId", group.clone());
    }
    if let Some(order) = &message.order {
        tell("MessageDeduplicationId", order.deduplication_id.clone());
        tell("SequenceNumber", sequence_number(order.sequence));
    }
    attributes
}
