//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use std::time::Duration;

use axum::http::Method;
use connectors::clock::Clock;
use connectors_tests::{deployment::Deployment, grants::Target};
use serde_json::json;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_refresh");

#[tokio::test]
async fn the_schedule_looks_for_what_is_due_and_opens_nothing() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("refresh.schedule")).await;
    assert_eq!(function.answer().await.value(), json!({ "due": 0 }));
    let asked = [(Target::DueIndex, "dynamodb:Query"), (Target::RefreshQueue, "sqs:GetQueueAttributes")];
    assert_eq!(deployment.asked_by("refresh"), asked.map(|(target, action)| (target, action.to_owned())));
    assert!(function.writes("\"oldest_due_age\":0").await, "the figure that the alarm stands on");
}

#[tokio::test]
async fn a_batch_is_worked_off_and_what_cannot_be_read_comes_again() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("refresh.batch")).await;
    assert_eq!(function.answer().await.value(), json!({ "batchItemFailures": [] }));
    let asked = deployment.asked_by("refresh");
    assert!(asked.contains(&(Target::Connections, "dynamodb:GetItem".to_owned())), "{asked:?}");

    let mut garbled = deployment.event("refresh.batch");
    garbled["Records"][1]["body"] = "{}".into();
    let id = garbled["Records"][1]["messageId"].clone();
    assert_eq!(function.invoke(garbled).await.value(), json!({ "batchItemFailures": [{ "itemIdentifier": id }] }));
}

#[tokio::test]
async fn a_key_that_is_too_old_is_replaced_and_everything_sealed_anew() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let now = Clock::system().now();
    deployment.date_key(1, now - Duration::from_hours(24 * 366)).await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("refresh.keys")).await;
    assert_eq!(function.answer().await.value(), json!({ "batchItemFailures": [] }));
    let asked = deployment.asked_by("refresh");
    for (target, action) in [
        (Target::Registry, "dynamodb:PutItem"),
        (Target::Key, "kms:GenerateDataKey"),
        (Target::Audit, "dynamodb:PutItem"),
        (Target::RefreshQueue, "sqs:SendMessage"),
    ] {
        assert!(asked.contains(&(target, action.to_owned())), "{action} of {asked:?}");
    }

    deployment.date_key(2, now - Duration::from_mins(10)).await;
    assert_eq!(function.invoke(deployment.event("refresh.keys")).await.value(), json!({ "batchItemFailures": [] }));
    let asked = deployment.asked_by("refresh");
    for (target, action) in [
        (Target::ByConnectorIndex, "dynamodb:Query"),
        (Target::Connections, "dynamodb:BatchGetItem"),
        (Target::Connections, "dynamodb:UpdateItem"),
        (Target::Registry, "dynamodb:UpdateItem"),
    ] {
        assert!(asked.contains(&(target, action.to_owned())), "{action} of {asked:?}");
    }
    let (_, keys) = deployment.administer(Method::GET, "/encryption-keys", json!(null)).await;
    assert_eq!(
        keys["encryption_keys"][0]["resealed"], 4,
        "two tokens, a client secret and the key of the audit trail: {keys}"
    );
}

#[tokio::test]
async fn no_http_request_leads_here() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("get-token.of-user")).await;
    assert_eq!(function.answer().await.http().status, 404);
    let error = function.invoke(deployment.event("manage-connector.bootstrap")).await.error();
    assert_eq!(error["errorMessage"], "this function does not know what to do with such an event");
    assert!(deployment.asked_by("refresh").is_empty());
}
