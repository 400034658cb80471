//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors_tests::{deployment::Deployment, grants::Target};
use serde_json::json;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_deliver-events");

#[tokio::test]
async fn a_reminder_of_what_was_told_long_since_costs_one_write_and_tells_nobody() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("deliver-events.batch")).await;
    assert_eq!(function.answer().await.value(), json!({ "batchItemFailures": [] }));
    assert_eq!(deployment.asked_by("deliver-events"), [(Target::Connections, "dynamodb:UpdateItem".to_owned())]);

    let mut garbled = deployment.event("deliver-events.batch");
    garbled["Records"][0]["body"] = "no message".into();
    let id = garbled["Records"][0]["messageId"].clone();
    assert_eq!(function.invoke(garbled).await.value(), json!({ "batchItemFailures": [{ "itemIdentifier": id }] }));
}
