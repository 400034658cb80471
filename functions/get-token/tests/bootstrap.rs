//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors::domain::digest::{hex, sha256};
use connectors_tests::{deployment::Deployment, events::with_query, grants::Target};
use serde_json::json;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_get-token");

#[tokio::test]
async fn a_warm_token_read_is_one_read_of_two_tables_and_nothing_else() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let event = deployment.event("get-token.of-user");
    let mut function = deployment.launch(BOOTSTRAP, event.clone()).await;

    let first = function.answer().await.http();
    assert_eq!(first.status, 200);
    let token = first.body["access_token"].as_str().unwrap();
    let mut body = first.body.clone();
    for own in ["access_token", "connection_id", "expires_at"] {
        assert!(body[own].take().is_string(), "{own}");
    }
    assert_eq!(
        body,
        json!({
            "access_token": null, "integration_type": "demo", "connection_config": null, "token_type": "Bearer",
            "expires_at": null, "connection_id": null, "granted_scopes": ["profile", "events.read", "events.write"],
            "missing_scopes": [], "reconnect_required": false,
            "account": {
                "id": "1001", "email": "robin@calendar.example", "label": "robin@calendar.example", "avatar_url": null,
            },
        })
    );
    deployment.asked_by("get-token");

    assert_eq!(function.invoke(event).await.http().body, first.body);
    let read = |target| (target, "dynamodb:BatchGetItem".to_owned());
    assert_eq!(deployment.asked_by("get-token"), [read(Target::Registry), read(Target::Connections)]);
    assert!(!function.log().contains(token));
}

#[tokio::test]
async fn a_refresh_asks_for_nothing_that_the_role_does_not_grant() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let offline = deployment.event("get-token.offline");
    let mut function = deployment.launch(BOOTSTRAP, offline.clone()).await;
    let before = function.answer().await.http();
    let refused = hex(&sha256(before.body["access_token"].as_str().unwrap().as_bytes()));
    let after = function.invoke(with_query(offline, &format!("rejected_token_sha256={refused}"))).await.http();
    assert_eq!((before.status, after.status), (200, 200));
    assert_ne!(before.body["access_token"], after.body["access_token"]);
    let asked = deployment.asked_by("get-token");
    assert!(asked.contains(&(Target::Connections, "dynamodb:UpdateItem".to_owned())));
    assert!(asked.contains(&(Target::RefreshQueue, "sqs:SendMessage".to_owned())));
}

#[tokio::test]
async fn a_token_is_exchanged_at_the_cost_of_a_read() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let read = deployment.event("get-token.of-user");
    let mut function = deployment.launch(BOOTSTRAP, read).await;
    let token = function.answer().await.http().body["access_token"].take();
    deployment.asked_by("get-token");
    let exchanged = function.invoke(deployment.event("get-token.exchange")).await.http();
    assert_eq!((exchanged.status, &exchanged.body["access_token"]), (200, &token));
    let read = |target| (target, "dynamodb:BatchGetItem".to_owned());
    assert_eq!(deployment.asked_by("get-token"), [read(Target::Registry), read(Target::Connections)]);
}

#[tokio::test]
async fn who_never_connected_has_no_token_and_who_sends_no_request_no_answer() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("get-token.of-user")).await;
    let answer = function.answer().await.http();
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.problem(),
        json!({
            "type": "about:blank", "title": "Not Found", "status": 404, "code": "NOT_FOUND",
            "detail": "No active connection found for this connector",
        })
    );
    let error = function.invoke(deployment.event("refresh.schedule")).await.error();
    assert_eq!(error["errorMessage"], "this function does not know what to do with such an event");
    assert_eq!(function.invoke(deployment.event("get-token.of-user")).await.http().status, 404);
    deployment.asked_by("get-token");
}

#[tokio::test]
async fn a_shared_account_is_found_by_type_in_one_query_and_the_usual_read() {
    let deployment = Deployment::start().await;
    let by_type = deployment.event("get-token.shared");
    let mut function = deployment.launch(BOOTSTRAP, by_type.clone()).await;
    assert_eq!(function.answer().await.http().status, 404, "there is no shared connector");
    deployment.share().await;
    deployment.asked_by("get-token");
    assert_eq!(function.invoke(by_type).await.http().status, 404, "it is not connected");
    let read = |target, operation: &str| (target, format!("dynamodb:{operation}"));
    assert_eq!(
        deployment.asked_by("get-token"),
        [
            read(Target::Registry, "BatchGetItem"),
            read(Target::Registry, "Query"),
            read(Target::Connections, "BatchGetItem")
        ]
    );
    let by_connector = deployment.event("get-token.shared-connector");
    assert_eq!(function.invoke(by_connector).await.http().status, 404, "users connect through the example");
    deployment.asked_by("get-token");
}
