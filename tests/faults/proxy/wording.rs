//! How each service says that it can't: its own exception names and statuses, by which the SDK decides what to retry.

use serde_json::json;

use super::plan::Kind;
use crate::server::Answer;

/// What a service says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    /// There were too many requests.
    Throttled,
    /// It failed by itself.
    Failed,
}

pub(super) fn refusal(kind: Kind, how: Refusal) -> Answer {
    let (status, name, content_type) = match (kind, how) {
        (Kind::Key, Refusal::Throttled) => (400, "ThrottlingException", "application/x-amz-json-1.1"),
        (Kind::Key, Refusal::Failed) => (500, "KMSInternalException", "application/x-amz-json-1.1"),
        (kind, Refusal::Throttled) if kind.is_of_the_tables() => (
            400,
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "application/x-amz-json-1.0",
        ),
        (kind, Refusal::Failed) if kind.is_of_the_tables() => {
            (500, "com.amazonaws.dynamodb.v20120810#InternalServerError", "application/x-amz-json-1.0")
        }
        (_, Refusal::Throttled) => (400, "com.amazonaws.sqs#RequestThrottled", "application/x-amz-json-1.0"),
        (_, Refusal::Failed) => (500, "com.amazonaws.sqs#InternalError", "application/x-amz-json-1.0"),
    };
    Answer::json(status, content_type, &json!({"__type": name, "message": "not now"}))
}
