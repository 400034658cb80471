//! What there is to know about a queue.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{NO_QUEUE, queue};
use crate::aws::{
    AwsError,
    answer::read,
    sqs::{Queue, Queues, Redrive, VISIBILITY_TIMEOUT},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetQueueUrl {
    queue_name: String,
}

pub(in crate::aws::sqs) fn get_queue_url(host: &str, body: &[u8]) -> Result<Value, AwsError> {
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

pub(in crate::aws::sqs) fn get_queue_attributes(queues: &Queues, body: &[u8]) -> Result<Value, AwsError> {
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
    if let Some(Redrive { dead_letters, max_receives }) = queue.redrive() {
        let policy = json!({"deadLetterTargetArn": queues.arn(dead_letters), "maxReceiveCount": max_receives});
        attributes["RedrivePolicy"] = policy.to_string().into();
    }
    // SQS leaves these out where a queue is not FIFO.
    if queue.is_fifo() {
        attributes["FifoQueue"] = "true".into();
        attributes["ContentBasedDeduplication"] = "false".into();
        attributes["DeduplicationScope"] = "messageGroup".into();
    }
    if let Value::Object(attributes) = &mut attributes {
        let wanted = |name: &str| request.attribute_names.iter().any(|wanted| wanted == name || wanted == "All");
        attributes.retain(|name, _| wanted(name));
    }
    Ok(json!({"Attributes": attributes}))
}
