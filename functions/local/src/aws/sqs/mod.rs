//! SQS: the queues with their dead letters in one file, behind the wire format (JSON 1.0).

mod fifo;
mod file;
mod message;
mod queue;
mod queues;
mod wire;

use axum::response::Response;
pub use fifo::{DEDUPLICATION, Sent};
pub use message::{Message, Order};
pub use queue::{Queue, Redrive};
pub use queues::{Depth, QueueError, Queues, VISIBILITY_TIMEOUT};
pub(crate) use wire::{attributes_of, md5_of};

use super::answer::{UNKNOWN_OPERATION, respond};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Runs one operation. `host` is where the caller reached this endpoint, which its queue URLs name.
pub(super) async fn answer(queues: &Queues, host: &str, operation: &str, body: &[u8]) -> Response {
    let result = match operation {
        "GetQueueUrl" => wire::get_queue_url(host, body),
        "GetQueueAttributes" => wire::get_queue_attributes(queues, body),
        "SendMessage" => wire::send_message(queues, body),
        "SendMessageBatch" => wire::send_message_batch(queues, body),
        "ReceiveMessage" => wire::receive_message(queues, body).await,
        "DeleteMessage" => wire::delete_message(queues, body),
        "DeleteMessageBatch" => wire::delete_message_batch(queues, body),
        "ChangeMessageVisibility" => wire::change_message_visibility(queues, body),
        _ => Err(UNKNOWN_OPERATION),
    };
    respond(CONTENT_TYPE, result)
}
