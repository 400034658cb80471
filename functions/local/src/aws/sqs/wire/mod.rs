//! The requests and answers of the operations. A member that is not listed is refused, not ignored: message attributes,
//! for example, would be lost without a word.

mod queue;
mod receive;
mod send;

use std::{collections::HashSet, time::Duration};

use serde_json::{Value, json};

pub(crate) use self::receive::attributes_of;
pub(super) use self::{
    queue::{get_queue_attributes, get_queue_url},
    receive::{change_message_visibility, delete_message, delete_message_batch, receive_message},
    send::{send_message, send_message_batch},
};
use super::{Queue, QueueError};
use crate::aws::AwsError;

/// SQS takes and gives at most ten messages at a time.
const MAX_BATCH: usize = 10;

const NO_QUEUE: AwsError = AwsError::client("QueueDoesNotExist", "there is no such queue")
    .with_query_code("AWS.SimpleQueueService.NonExistentQueue");
const INVALID_VALUE: AwsError = AwsError::client("InvalidParameterValue", "a value is outside of what SQS takes");
const INVALID_NAME: AwsError = AwsError::client(
    "InvalidParameterValue",
    "MessageGroupId and MessageDeduplicationId have 1 to 128 ASCII letters, digits and punctuation",
);
const NOT_FOR_THIS_QUEUE: AwsError = AwsError::client(
    "InvalidParameterValue",
    "MessageDeduplicationId is not valid for this queue type: the queue is not FIFO",
);
const INVALID_RECEIPT: AwsError = AwsError::client("ReceiptHandleIsInvalid", "the receipt handle is not valid");
const EXPIRED_RECEIPT: AwsError = AwsError::client("InvalidParameterValue", "the receipt handle has expired");
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
            QueueError::Expired => EXPIRED_RECEIPT,
            QueueError::OtherKind => NOT_FOR_THIS_QUEUE,
            QueueError::Name => INVALID_NAME,
            QueueError::Storage(_) => INTERNAL,
        }
    }
}

/// The queue that a URL names by its last part.
fn queue(url: &str) -> Result<Queue, AwsError> {
    url.rsplit('/').next().and_then(Queue::find).ok_or(NO_QUEUE)
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

fn failed_entry(id: &str, error: &AwsError) -> Value {
    json!({"Id": id, "Code": error.code(), "SenderFault": error.is_the_callers()})
}

/// The checksum that SQS gives of a body and some SDKs verify.
pub(crate) fn md5_of(body: &str) -> String {
    format!("{:x}", md5::compute(body))
}
