//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors_tests::deployment::Deployment;
use serde_json::json;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_list-connections");

#[tokio::test]
async fn users_and_backends_see_what_is_connected_and_no_token_is_opened_for_it() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("list-connections.of-user")).await;
    let all = function.answer().await.http();
    let one = function.invoke(deployment.event("list-connections.one")).await.http();
    assert_eq!((all.status, one.status), (200, 200));
    assert_eq!(all.body, json!({ "connectors": [one.body] }));
    assert_eq!(one.body["connector_id"], deployment.dev().connector_id);
    assert_eq!((&one.body["status"], &one.body["reconnect_required"]), (&json!("active"), &json!(false)));

    let page = function.invoke(deployment.event("list-connections.of-app")).await.http();
    assert_eq!((page.status, &page.body["next_cursor"]), (200, &json!(null)), "{:?}", page.body);
    assert_eq!(page.body["connections"].as_array().unwrap().len(), 1);
    assert_eq!(page.body["connections"][0]["connection_id"], one.body["connection_id"]);
    deployment.asked_by("list-connections");
}

#[tokio::test]
async fn the_sdk_in_a_browser_is_answered_and_only_a_registered_origin_may_call() {
    let deployment = Deployment::start().await;
    let preflight = deployment.event("list-connections.preflight");
    let mut function = deployment.launch(BOOTSTRAP, preflight.clone()).await;
    let allowed = function.answer().await.http();
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.headers["access-control-allow-origin"], deployment.dev().base_url);
    let mut foreign = preflight;
    foreign["headers"]["origin"] = "https://evil.example".into();
    assert!(!function.invoke(foreign).await.http().headers.contains_key("access-control-allow-origin"));

    let me = function.invoke(deployment.event("list-connections.me")).await.http();
    assert_eq!((me.status, me.body), (200, json!({ "id": "alice", "role": "user" })));
    let track = function.invoke(deployment.event("list-connections.analytics")).await.http();
    assert_eq!((track.status, track.body), (200, json!({ "success": true })));
    deployment.asked_by("list-connections");
}
