//! The schedule of connections that nobody uses, and of those with which nothing can be done.

use serde_json::json;

use crate::world::{Connector, Item, World};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// Lets the time pass hour by hour, with the schedule at work.
async fn pass(world: &World, hours: u64) {
    for _ in 0..hours {
        world.advance(HOUR);
        world.fire_schedule().await;
        assert_eq!(world.deliver_all_refreshes().await, 0);
    }
}

async fn row_of(world: &World, user: &str) -> Item {
    let items = world.aws.items("TABLE_CONNECTIONS").await;
    let of_user =
        |item: &Item| item.get("subject").is_some_and(|subject| subject.as_s().is_ok_and(|name| name == user));
    items.into_iter().find(of_user).unwrap()
}

/// What is used is refreshed ahead hour by hour; what is not, just often enough that its provider does not end it.
#[tokio::test]
async fn a_connection_that_nobody_uses_is_only_kept_alive() {
    let world = World::new().await;
    let connector = world.connector_that_refreshes("monthly", &json!({"keepalive_seconds": 30 * DAY})).await;
    world.connect(&connector, "idle").await;
    world.advance(8 * DAY);
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
    assert_eq!(world.provider.refreshes().len(), 1);
    pass(&world, 72).await;
    assert_eq!(world.provider.refreshes().len(), 1);
    world.advance(27 * DAY);
    world.fire_schedule().await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 2);
    // Somebody comes back to it: from then on nobody waits for a refresh.
    assert!(world.provider.honours(&world.access_token(&connector, "idle").await));
    assert_eq!(world.provider.refreshes().len(), 2);
    world.advance(HOUR - 300);
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
    assert_eq!(world.provider.refreshes().len(), 3);
    world.advance(300);
    assert!(world.provider.honours(&world.access_token(&connector, "idle").await));
    assert_eq!(world.provider.refreshes().len(), 3);
}

/// Two connections whose access tokens were swapped by whoever got hold of the table, and one that is as it was.
async fn tampered() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob", "carol"] {
        world.connect(&connector, user).await;
    }
    let (alice, bob) = (row_of(&world, "alice").await, row_of(&world, "bob").await);
    for attribute in ["access_token", "refresh_token"] {
        world.aws.overwrite(attribute, &bob, &alice).await;
    }
    (world, connector)
}

#[tokio::test]
async fn a_connection_that_does_not_open_is_taken_out_of_the_schedule_and_its_user_is_told() {
    let (world, connector) = tampered().await;
    world.advance(HOUR - 300);
    assert_eq!(world.fire_schedule().await, json!({"due": 3}));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 2);
    assert_eq!(row_of(&world, "alice").await["quarantined"].as_s().unwrap(), "tokens_sealed");
    assert!(world.log.text().contains("\"quarantined\""), "nobody hears of it");
    world.advance(600);
    assert_eq!(world.fire_schedule().await, json!({"due": 0}));
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("unreadable")));
    world.deliver_events().await;
    let told = world.aws.bus.events().into_iter().map(|event| event.detail);
    let told: Vec<_> = told.filter(|event| event["type"] == "connection.reconnect_required").collect();
    assert_eq!((told.len(), &told[0]["reason"], &told[0]["user"]["sub"]), (1, &json!("unreadable"), &json!("alice")));
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
    for user in ["bob", "carol"] {
        assert!(world.provider.honours(&world.access_token(&connector, user).await));
    }
    world.connect(&connector, "alice").await;
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
}

/// A provider that fails for days is not asked for the same connection four times an hour.
#[tokio::test]
async fn the_schedule_tires_of_a_connection_that_fails_for_hours_and_readers_do_not() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.provider.fail_with(500, &[], "");
    world.advance(HOUR - 300);
    let tries_in = async |quarters: u64| {
        let before = world.provider.refreshes().len();
        for _ in 0..quarters {
            world.advance(HOUR / 4);
            world.fire_schedule().await;
            world.deliver_all_refreshes().await;
        }
        world.provider.refreshes().len() - before
    };
    assert!(tries_in(24).await >= 10);
    let in_a_day = tries_in(96).await;
    assert!((4..=9).contains(&in_a_day), "{in_a_day}");
    world.provider.heal();
    // A reader waits for no longer than the longest pause between two tries.
    world.advance(HOUR / 4);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}
