//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors_tests::{deployment::Deployment, grants::Target};
use serde_json::json;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_disconnect");

#[tokio::test]
async fn a_connection_ends_here_and_at_the_provider_and_only_once() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let event = deployment.event("disconnect.by-user");
    let mut function = deployment.launch(BOOTSTRAP, event.clone()).await;
    let first = function.answer().await.http();
    assert_eq!(first.status, 200);
    let connector = &deployment.dev().connector_id;
    assert_eq!(first.body, json!({ "status": "disconnected", "connector_id": connector, "revocation": "revoked" }));
    let again = function.invoke(event).await.http();
    assert_eq!(again.status, 404);
    assert_eq!(
        again.problem(),
        json!({
            "type": "about:blank", "title": "Not Found", "status": 404, "code": "NOT_FOUND",
            "detail": "No active connection found for this connector",
        })
    );
    deployment.asked_by("disconnect");
}

#[tokio::test]
async fn a_sweep_of_a_connector_that_was_not_deleted_ends_no_connection() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("disconnect.batch")).await;
    assert_eq!(function.answer().await.value(), json!({ "batchItemFailures": [] }));
    assert_eq!(deployment.asked_by("disconnect"), [(Target::Registry, "dynamodb:GetItem".to_owned())]);

    let mut garbled = deployment.event("disconnect.batch");
    garbled["Records"][0]["body"] = "no message".into();
    let id = garbled["Records"][0]["messageId"].clone();
    assert_eq!(function.invoke(garbled).await.value(), json!({ "batchItemFailures": [{ "itemIdentifier": id }] }));
}

#[tokio::test]
async fn a_sweep_of_a_deleted_apps_users_asks_for_nothing_that_the_role_does_not_grant() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut sweep = deployment.event("disconnect.batch");
    let dev = deployment.dev();
    let body = json!({
        "kind": "sweep", "workspace": dev.workspace_id, "connector": dev.connector_id, "app": dev.app_id, "revoke": true,
    });
    sweep["Records"][0]["body"] = body.to_string().into();
    let mut function = deployment.launch(BOOTSTRAP, sweep).await;
    assert_eq!(function.answer().await.value(), json!({ "batchItemFailures": [] }));
    let asked = deployment.asked_by("disconnect");
    assert!(asked.contains(&(Target::Connections, "dynamodb:DeleteItem".to_owned())), "{asked:?}");
    let gone = function.invoke(deployment.event("disconnect.by-user")).await.http();
    assert_eq!(gone.status, 404);
}
