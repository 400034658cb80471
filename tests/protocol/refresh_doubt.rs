//! Refreshes whose answer was lost, at providers that forgive that and at providers that do not.

use std::collections::HashSet;

use serde_json::json;

use crate::world::{Connector, Hold, Rotate, Step, World};

const HOUR: u64 = 3_600;

/// Alice is connected through a provider of which its data says this, and her access token has just ended.
async fn expired(refresh: &serde_json::Value) -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector_that_refreshes("other", refresh).await;
    world.connect(&connector, "alice").await;
    world.advance(HOUR);
    (world, connector)
}

fn unavailable() -> (u16, String) {
    (503, "refresh_unavailable".to_owned())
}

#[tokio::test]
async fn a_lost_answer_costs_nothing_where_the_provider_gives_grace() {
    let grace = json!({"rotation": "always", "grace_seconds": 30, "grace_kind": "new_pair"});
    let (world, connector) = expired(&grace).await;
    world.provider.rotate(Rotate::Grace);
    for step in [Step::HangUpAfterWork, Step::answer(200, &[], "<html>")] {
        world.provider.next(step);
        assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
        world.advance(HOUR);
    }
    assert_eq!(world.provider.refreshes().len(), 4);
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
}

/// Whoever comes back after a holder that died must come within the grace.
#[tokio::test]
async fn somebody_looks_after_a_refresh_before_the_grace_of_its_provider_ends() {
    let grace = json!({"rotation": "always", "grace_seconds": 30, "grace_kind": "new_pair"});
    let (world, connector) = expired(&grace).await;
    world.provider.rotate(Rotate::Grace);
    world.provider.next(Step::HangUpAfterWork);
    world.provider.next(Step::HangUpAfterWork);
    assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable());
    world.advance(25);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 3);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.provider.refreshes().len(), 3);
}

/// The provider may still be at work on the first request: a second use of the token could end the grant.
#[tokio::test]
async fn after_no_answer_a_strict_provider_is_not_asked_again_before_the_lease_ends() {
    let (world, connector) = expired(&json!({})).await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    world.provider.next(Step::HangUpAfterWork);
    assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable());
    for _ in 0..21 {
        world.advance(1);
        let refused = world.token(&connector, "alice").await;
        assert_eq!(refused.refusal(), unavailable());
        assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() <= 22);
        assert_eq!(world.provider.refreshes().len(), 1);
    }
    world.advance(4);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 2);
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("rotation_lost")));
}

#[tokio::test]
async fn no_answer_from_a_provider_that_never_rotates_is_soon_asked_for_again() {
    let (world, connector) = expired(&json!({"rotation": "never"})).await;
    world.provider.rotate(Rotate::None);
    world.provider.next(Step::HangUpAfterWork);
    assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable());
    world.advance(1);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// A gateway's failure may hide that the work was done: the loss is named as what it is.
#[tokio::test]
async fn a_failure_that_may_hide_a_rotation_is_told_from_a_grant_that_was_taken_back() {
    for (status, reason) in [(502, "rotation_lost"), (429, "refresh_rejected")] {
        let (world, connector) = expired(&json!({})).await;
        world.provider.next(Step::answer(status, &[], ""));
        assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable());
        world.provider.take_back("alice@provider");
        world.advance(2);
        assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
        assert_eq!(world.view(&connector, "alice").await["reason"], reason, "{status}");
    }
}

/// What settled once is settled: a loss long ago does not colour what happens later.
#[tokio::test]
async fn a_doubt_ends_with_the_next_tokens() {
    let (world, connector) = expired(&json!({})).await;
    world.provider.next(Step::answer(500, &[], ""));
    assert_eq!(world.token(&connector, "alice").await.refusal(), unavailable());
    world.advance(2);
    world.access_token(&connector, "alice").await;
    world.provider.take_back("alice@provider");
    world.advance(HOUR);
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
    assert_eq!(world.view(&connector, "alice").await["reason"], "refresh_rejected");
}

/// While one reader refreshes a token that still works, the others have it at once.
#[tokio::test]
async fn who_has_a_token_that_works_does_not_wait_for_anothers_refresh() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let stored = world.access_token(&connector, "alice").await;
    world.advance(HOUR - 30);
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let others = async {
        hold.arrived().await;
        let reads = world.aws.count("GetItem");
        for _ in 0..5 {
            assert_eq!(world.access_token(&connector, "alice").await, stored);
        }
        // One look each at how the provider does, and none at what the holder of the lease brings.
        let looked = world.aws.count("GetItem") - reads;
        hold.release();
        looked
    };
    let (refreshed, looked) = futures::join!(world.access_token(&connector, "alice"), others);
    assert_ne!(refreshed, stored);
    assert_eq!(looked, 5);
}

/// What waited for the table belongs to nobody once the user has gone: it does not stay valid at the provider.
#[tokio::test]
async fn tokens_that_waited_in_the_queue_while_their_user_disconnected_are_revoked() {
    let (world, connector) = expired(&json!({})).await;
    for _ in 0..40 {
        world.aws.refuse("UpdateItem", "last_commit", 0);
    }
    world.token(&connector, "alice").await;
    let salvage = world.take_all_salvage();
    assert!(salvage.iter().all(|body| body.contains("salvage")) && salvage.len() == 1);
    world.advance(60);
    world.disconnect(&connector, "alice").await.expect(200);
    for body in salvage {
        world.leave_for_refresh(&serde_json::from_str(&body).unwrap());
    }
    assert_eq!(world.deliver_all_refreshes().await, 0);
    world.advance(60);
    world.fire_schedule().await;
    while world.deliver_revocations().await.is_some() {}
    let asked: HashSet<String> =
        world.provider.journal("/revoke").iter().map(|entry| entry.get("token").unwrap().to_owned()).collect();
    assert_eq!(asked.len(), 2, "the refresh token before and the one that had waited");
}
