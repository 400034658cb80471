//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors_tests::{deployment::Deployment, events::with_body};
use serde_json::json;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_call-provider");

#[tokio::test]
async fn a_users_calendar_is_read_for_the_app_by_either_route() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("call-provider.of-user")).await;
    let of_user = function.answer().await.http();
    let by_type = function.invoke(deployment.event("call-provider.by-type")).await.http();
    for answer in [&of_user, &by_type] {
        assert_eq!(answer.status, 200);
        assert_eq!((&answer.body["success"], &answer.body["phase"]), (&json!(true), &json!("responded")));
        assert_eq!(answer.body["data"]["calendar"], "robin@calendar.example");
    }
    let nowhere = with_body(deployment.event("call-provider.by-type"), &json!({"path": "/../userinfo"}));
    assert_eq!(function.invoke(nowhere).await.http().status, 422);
    deployment.asked_by("call-provider");
    for never in ["/events", "robin@calendar.example"] {
        assert!(!function.log().contains(never), "{never} is in the log");
    }
}

#[tokio::test]
async fn who_never_connected_calls_nothing() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("call-provider.of-user")).await;
    assert_eq!(function.answer().await.http().status, 404);
    assert_eq!(function.invoke(deployment.event("call-provider.by-type")).await.http().status, 404);
    deployment.asked_by("call-provider");
}
