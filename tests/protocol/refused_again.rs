//! An API that refuses every token: no grant is worn out by asking for another each time.

use axum::Router;
use connectors::domain::digest::{hex, sha256};
use serde_json::{Value, json};

use crate::{
    calls::Called,
    world::{Answer, Call, text},
};

/// How long one renewal for a refusal is enough.
const FLOOR: u64 = 300;

/// The API says 401 to the next so many requests, whatever token they show.
fn refuse(called: &Called, requests: usize) {
    for _ in 0..requests {
        called.api.answer(401, &[("content-type", "application/json")], r#"{"error":"insufficient"}"#);
    }
}

fn assert_handed_through(answer: &Answer) {
    let told = answer.expect(200);
    assert_eq!(
        (&told["success"], &told["status_code"], &told["phase"], &told["data"]),
        (&json!(false), &json!(401), &json!("responded"), &json!({"error": "insufficient"}))
    );
}

fn refreshes(called: &Called) -> usize {
    called.world.provider.refreshes().len()
}

/// A call of alice's through these routes.
async fn call_through(called: &Called, routes: Router, call: &Value) -> Answer {
    let path = called.world.app.path(&format!("/app-user-auth/connectors/{}/call", called.connector.id));
    Call::new(routes, "POST", &path).bearer(&called.world.app.user(&called.world, "alice")).json(call).send().await
}

#[tokio::test]
async fn an_api_that_refuses_every_token_costs_one_refresh_and_then_its_answer_is_told_for_a_while() {
    let called = Called::new().await;
    let call = json!({"path": "/x"});
    refuse(&called, 2);
    assert_handed_through(&called.call(&call).await);
    assert_eq!((refreshes(&called), called.api.take().len()), (1, 2));
    for _ in 0..20 {
        refuse(&called, 1);
        assert_handed_through(&called.call(&call).await);
        called.world.advance(10);
    }
    assert_eq!((refreshes(&called), called.api.take().len()), (1, 20), "each call is made once");
    // Another process knows as well.
    let other = called.world.another_instance().await;
    refuse(&called, 1);
    assert_handed_through(&call_through(&called, other.routes, &call).await);
    assert_eq!(refreshes(&called), 1);
    called.world.advance(FLOOR);
    refuse(&called, 2);
    assert_handed_through(&called.call(&call).await);
    refuse(&called, 1);
    assert_handed_through(&called.call(&call).await);
    assert_eq!(refreshes(&called), 2, "after a while it may help again, once");
    assert_eq!(called.world.view(&called.connector, "alice").await["status"], "active");
    assert_eq!(called.call(&call).await.expect(200)["success"], true, "what the API takes is no worse for it");
}

#[tokio::test]
async fn many_calls_at_once_that_an_api_refuses_cost_one_refresh() {
    let called = Called::new().await;
    refuse(&called, 200);
    let call = json!({"method": "POST", "path": "/x", "body": {}});
    for _ in 0..2 {
        let answers = futures::future::join_all((0..40).map(|_| called.call(&call))).await;
        answers.iter().for_each(assert_handed_through);
    }
    assert_eq!(refreshes(&called), 1);
}

/// Tokens that end before their time, one soon after the other: each was taken in between.
#[tokio::test]
async fn a_token_that_was_taken_once_is_renewed_whenever_it_is_refused() {
    let called = Called::new().await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let token = called.world.access_token(&called.connector, "alice").await;
        called.api.refuse(&token);
        assert_eq!(called.call(&json!({"path": "/x"})).await.expect(200)["success"], true);
        seen.push(token);
    }
    seen.dedup();
    assert_eq!((seen.len(), refreshes(&called)), (4, 4));
}

#[tokio::test]
async fn a_token_that_came_by_other_means_is_renewed_when_it_is_refused() {
    let called = Called::new().await;
    refuse(&called, 2);
    let call = json!({"path": "/x"});
    assert_handed_through(&called.call(&call).await);
    // It ends, and is renewed like every other.
    called.world.advance(3_600);
    let token = called.world.access_token(&called.connector, "alice").await;
    assert_eq!(refreshes(&called), 2);
    called.api.refuse(&token);
    assert_eq!(called.call(&call).await.expect(200)["success"], true);
    // Whoever connects anew begins anew.
    refuse(&called, 2);
    assert_handed_through(&called.call(&call).await);
    let before = refreshes(&called);
    called.world.connect(&called.connector, "alice").await;
    let token = called.world.access_token(&called.connector, "alice").await;
    called.api.refuse(&token);
    assert_eq!(called.call(&call).await.expect(200)["success"], true);
    assert_eq!(refreshes(&called), before + 1);
}

/// What was not written down is the first refusal again, and nothing is lost with it.
#[tokio::test]
async fn a_note_that_fails_costs_nobody_the_answer() {
    let called = Called::new().await;
    let token = called.world.access_token(&called.connector, "alice").await;
    called.api.refuse(&token);
    called.world.aws.refuse("UpdateItem", "REMOVE refused_in_row", 0);
    assert_eq!(called.call(&json!({"path": "/x"})).await.expect(200)["success"], true);
    called.world.aws.refuse_nothing();
    assert_eq!(called.world.view(&called.connector, "alice").await["status"], "active");
    assert_eq!(called.call(&json!({"path": "/x"})).await.expect(200)["success"], true);
}

/// Nobody here sees what becomes of a token that is handed out, so a caller may be right a few times in a row.
#[tokio::test]
async fn a_caller_that_refuses_every_token_is_told_when_it_gets_another() {
    let called = Called::new().await;
    let (world, connector) = (&called.world, &called.connector);
    let rejected = |token: &str| format!("?rejected_token_sha256={}", hex(&sha256(token.as_bytes())));
    let mut token = world.access_token(connector, "alice").await;
    for _ in 0..3 {
        let renewed = text(&world.token_with(connector, "alice", &rejected(&token)).await.expect(200)["access_token"]);
        assert_ne!(renewed, token);
        token = renewed;
    }
    for _ in 0..5 {
        let refused = world.token_with(connector, "alice", &rejected(&token)).await;
        assert_eq!(refused.refusal(), (503, "refresh_unavailable".to_owned()));
        assert_eq!(refused.header("retry-after"), Some("300"));
    }
    assert_eq!(refreshes(&called), 3);
    assert_eq!(world.access_token(connector, "alice").await, token, "who does not refuse it has it");
    world.advance(FLOOR);
    world.token_with(connector, "alice", &rejected(&token)).await.expect(200);
    assert_eq!(refreshes(&called), 4);
}

/// Nearly all of a token's life is had once in a minute, not with every call.
#[tokio::test]
async fn who_asks_for_more_life_than_a_token_has_soon_does_not_have_it_refreshed_each_time() {
    let called = Called::new().await;
    let (world, connector) = (&called.world, &called.connector);
    for _ in 0..20 {
        world.advance(2);
        world.token_with(connector, "alice", "?min_ttl=3599").await.expect(200);
    }
    assert_eq!(refreshes(&called), 1);
    world.advance(20);
    for _ in 0..20 {
        world.token_with(connector, "alice", "?min_ttl=3599").await.expect(200);
        world.advance(2);
    }
    assert_eq!(refreshes(&called), 2);
}
