//! Refreshing ahead of time: each connection once, however often anybody is told.

use futures::join;
use serde_json::json;

use crate::world::{Connector, Step, World};

const HOUR: u64 = 3_600;

/// A world with this many connections that are due now, of `user-0` and so on.
async fn due(connections: usize) -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for number in 0..connections {
        world.connect(&connector, &format!("user-{number}")).await;
    }
    // What is delivered later are refreshes only: the new connector has been examined.
    assert_eq!(world.deliver_all_refreshes().await, 0);
    // Tokens that live an hour are due in the last twelve to six minutes of it.
    world.advance(HOUR - 360);
    (world, connector)
}

/// PUB-54.
#[tokio::test]
async fn what_is_due_is_refreshed_ahead_and_nobody_waits_for_it_later() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for number in 0..50 {
        world.provider.give_life(Some(if number < 20 { HOUR } else { 10 * HOUR }));
        world.connect(&connector, &format!("user-{number}")).await;
    }
    world.provider.give_life(Some(HOUR));
    world.advance(HOUR - 721);
    assert_eq!(world.fire_schedule().await, json!({"due": 0}));
    world.advance(361);
    assert_eq!(world.fire_schedule().await, json!({"due": 20}));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 20);
    world.advance(360);
    for number in 0..50 {
        world.access_token(&connector, &format!("user-{number}")).await;
    }
    assert_eq!(world.provider.refreshes().len(), 20);
}

/// PUB-55.
#[tokio::test]
async fn a_schedule_that_fires_twice_refreshes_once() {
    let (world, _) = due(12).await;
    let (first, second) = join!(world.fire_schedule(), world.fire_schedule());
    assert_eq!((first, second), (json!({"due": 12}), json!({"due": 12})));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 12);
    world.advance(60);
    assert_eq!(world.fire_schedule().await, json!({"due": 0}));
    // What was left to look after each refresh finds all of them done.
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 12);
}

/// PUB-56.
#[tokio::test]
async fn only_what_failed_comes_again_and_what_succeeded_is_left_alone() {
    let (world, connector) = due(10).await;
    world.fire_schedule().await;
    for _ in 0..3 {
        world.provider.next(Step::answer(500, &[], ""));
    }
    assert_eq!(world.deliver_refreshes().await.unwrap().len(), 3);
    let succeeded = || world.provider.refreshes().iter().filter(|entry| entry.status == 200).count();
    assert_eq!(succeeded(), 7);
    // Hidden from everybody until the time is over in which a function would have been done with it.
    world.advance(180);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!((succeeded(), world.provider.refreshes().len()), (10, 13));
    for number in 0..10 {
        assert!(world.provider.honours(&world.access_token(&connector, &format!("user-{number}")).await));
    }
}

/// A refresher that died after asking is found by the message it left behind; the user is told before they need a token.
#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_looked_after() {
    let (world, connector) = due(1).await;
    world.provider.next(Step::HangUpAfterWork);
    world.fire_schedule().await;
    assert_eq!(world.deliver_all_refreshes().await, 1);
    world.advance(32);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    let view = world.view(&connector, "user-0").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("rotation_lost")));
    // The old token still works, and is served for as long as it does.
    assert!(world.provider.honours(&world.access_token(&connector, "user-0").await));
    world.advance(HOUR);
    assert_eq!(world.token(&connector, "user-0").await.refusal().1, "reconnect_required");
}

/// What nobody can refresh any more does not come up every minute for ever.
#[tokio::test]
async fn what_can_not_be_refreshed_any_more_is_not_due_again() {
    let (world, connector) = due(3).await;
    world.disconnect(&connector, "user-0").await.expect(200);
    world.provider.take_back("user-1@provider");
    world.fire_schedule().await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    world.change(&connector, &json!({"client_id": "another"})).await;
    world.advance(HOUR);
    assert_eq!(world.fire_schedule().await, json!({"due": 1}));
    world.deliver_all_refreshes().await;
    world.advance(HOUR);
    assert_eq!(world.fire_schedule().await, json!({"due": 0}));
    assert_eq!(world.provider.refreshes().len(), 2);
}
