//! The demo, as a person clicks through it.

use axum::http::StatusCode;

use crate::{http::send, machine::Machine};

const ALL: [&str; 3] = ["profile", "events.read", "events.write"];

#[tokio::test]
async fn a_demo_user_connects_uses_and_disconnects_the_demo_calendar() {
    let machine = Machine::start().await;
    let (alice, bob) = (machine.sign_in("alice").await, machine.sign_in("bob").await);
    let back = alice.connect(&ALL).await;
    assert_eq!(back.path(), "/");
    assert_eq!(alice.connector().await["status"], "active");
    let events = alice.events().await;
    assert_eq!(events.json()["calendar"], "robin@calendar.example", "{}", events.body);
    assert!(!events.body.contains("demo_access_"), "the token stays with the backend");
    assert_eq!(bob.events().await.status, StatusCode::NOT_FOUND);

    assert_eq!(alice.disconnect().await.status, StatusCode::OK);
    assert_eq!(alice.events().await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_permission_that_was_not_allowed_is_named() {
    let machine = Machine::start().await;
    let alice = machine.sign_in("alice").await;
    alice.connect(&["profile"]).await;
    let missing = alice.connector().await["missing_scopes"].clone();
    assert_eq!(missing, serde_json::json!(["events.read", "events.write"]));
    assert_eq!(alice.events().await.json()["code"], "insufficient_scope");
}

#[tokio::test]
async fn nothing_that_the_page_can_fetch_holds_a_key() {
    let machine = Machine::start().await;
    let dev = &machine.running.dev;
    for path in ["/", "/demo/config", "/demo/page/planner.js", "/demo/page/with-sdk.js", "/connect.js"] {
        let answer = send("GET", &machine.url(path), &[], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.body.contains("uck_") && !answer.body.contains(&dev.service_key), "{path}");
    }
}

#[tokio::test]
async fn a_page_under_another_name_that_leads_here_is_refused() {
    let machine = Machine::start().await;
    let answer = send("POST", &machine.url("/demo/users/alice/token"), &[("host", "rebound.example")], "").await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(!answer.body.contains("token\":"));
}
