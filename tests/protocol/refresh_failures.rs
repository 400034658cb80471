//! What a failing provider does to a connection: as little as can be.

use serde_json::json;

use crate::world::{Connector, Step, World};

const HOUR: u64 = 3_600;

/// A world in which alice was connected, and her access token has just ended.
async fn expired() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.advance(HOUR);
    (world, connector)
}

fn unavailable() -> (u16, String) {
    (503, "refresh_unavailable".to_owned())
}

/// PUB-36.
#[tokio::test]
async fn a_grant_that_was_taken_back_ends_after_one_try_and_reconnecting_heals_it() {
    let (world, connector) = expired().await;
    world.provider.take_back("alice@provider");
    for _ in 0..10 {
        assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
        world.advance(60);
    }
    assert_eq!(world.provider.refreshes().len(), 1);
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("refresh_rejected")));
    let connection = world.connect(&connector, "alice").await;
    assert_eq!(view["connection_id"], connection.as_str());
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
}

/// PUB-37.
#[tokio::test]
async fn a_provider_that_is_down_ends_nothing() {
    let (world, connector) = expired().await;
    for (status, body) in
        [(500, ""), (503, r#"{"error":"invalid_grant"}"#), (408, ""), (400, r#"{"error":"temporarily_unavailable"}"#)]
    {
        world.provider.fail_with(status, &[], body);
        let refused = world.token(&connector, "alice").await;
        assert_eq!(refused.refusal(), unavailable(), "{status}");
        assert!(refused.header("retry-after").is_some());
        assert_eq!(world.view(&connector, "alice").await["status"], "degraded");
        world.advance(60);
    }
    world.provider.heal();
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
}

/// PUB-38.
#[tokio::test]
async fn a_provider_that_asks_for_time_is_given_it() {
    let (world, connector) = expired().await;
    world.provider.next(Step::answer(429, &[("retry-after", "5")], ""));
    for left in [5, 4, 3, 2, 1] {
        let refused = world.token(&connector, "alice").await;
        assert_eq!(refused.refusal(), unavailable());
        assert_eq!(refused.header("retry-after"), Some(left.to_string().as_str()));
        assert_eq!(world.provider.refreshes().len(), 1);
        world.advance(1);
    }
    world.access_token(&connector, "alice").await;
    assert_eq!(world.provider.refreshes().len(), 2);
}

/// PUB-40.
#[tokio::test]
async fn a_token_that_still_works_is_served_while_the_provider_is_down() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let stored = world.token(&connector, "alice").await.expect(200);
    world.provider.fail_with(500, &[], "");
    world.advance(HOUR - 120);
    let served = world.token_with(&connector, "alice", "?min_ttl=300").await.expect(200);
    assert_eq!((&served["access_token"], &served["expires_at"]), (&stored["access_token"], &stored["expires_at"]));
    assert_eq!(world.provider.refreshes().len(), 1);
    world.advance(119);
    world.token(&connector, "alice").await.expect(200);
    world.advance(1);
    assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable());
}

/// The provider rotated, and its answer never came: what is refused then was not taken back by the user.
#[tokio::test]
async fn a_rotated_token_that_was_lost_on_its_way_is_told_from_a_grant_that_was_taken_back() {
    let (world, connector) = expired().await;
    world.provider.next(Step::HangUpAfterWork);
    assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable());
    world.advance(60);
    // A failure in between that says nothing about the grant does not make the lost answer forgotten.
    world.provider.next(Step::answer(500, &[], ""));
    assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable());
    world.advance(60);
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
    assert_eq!(world.view(&connector, "alice").await["reason"], "rotation_lost");
}

/// A wrong client says nothing about the grants of its users.
#[tokio::test]
async fn a_client_secret_that_is_wrong_ends_no_connection_and_the_right_one_heals_all() {
    let (world, connector) = expired().await;
    world.change(&connector, &json!({"client_secret": "wrong"})).await;
    for _ in 0..5 {
        let refused = world.token(&connector, "alice").await;
        assert_eq!(refused.refusal(), (502, "connector_misconfigured".to_owned()));
        assert_eq!(refused.json()["upstream"], json!({"error": "invalid_client", "status": 401}));
        world.advance(15);
    }
    world.change(&connector, &json!({"client_secret": connector.client_secret})).await;
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// A refusal that no RFC explains may be a mistake of the moment; three of them in a row are an answer.
#[tokio::test]
async fn an_unexplained_refusal_ends_a_grant_at_the_third_time() {
    let (world, connector) = expired().await;
    world.provider.fail_with(400, &[], r#"{"error":"consent_expired"}"#);
    for _ in 0..2 {
        let refused = world.token(&connector, "alice").await;
        assert_eq!(refused.refusal(), unavailable());
        assert_eq!(refused.json()["upstream"], json!({"error": "consent_expired", "status": 400}));
        world.advance(60);
    }
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
    assert_eq!(world.view(&connector, "alice").await["reason"], "refresh_rejected");
}

/// An answer that cannot be read may have rotated the token: it neither ends the grant nor reaches the caller.
#[tokio::test]
async fn an_unreadable_answer_is_passing() {
    let (world, connector) = expired().await;
    for body in ["<html>oops</html>", "{\"access_token\":", "{}", "[]", "null"] {
        world.provider.next(Step::answer(200, &[], body));
        assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable(), "{body}");
        world.advance(60);
    }
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// A redirect to a page that says "back soon", or a wall that says when to come again, is about the moment, however often
/// it is met: no grant ends by it.
#[tokio::test]
async fn a_redirect_or_a_refusal_that_names_a_time_ends_nothing() {
    for (status, headers) in [(302, [("location", "https://status.example/")]), (403, [("retry-after", "30")])] {
        let (world, connector) = expired().await;
        world.provider.fail_with(status, &headers, "<html>back soon</html>");
        for _ in 0..5 {
            assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable(), "{status}");
            assert_eq!(world.view(&connector, "alice").await["status"], "degraded", "{status}");
            world.advance(60);
        }
        world.provider.heal();
        assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    }
}
