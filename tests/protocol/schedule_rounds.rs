//! A round of the schedule with more to do than it can, and with things in its way: nobody is forgotten for somebody else.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt, stream};
use serde_json::json;

use crate::world::{Item, Step, World};

const HOUR: u64 = 3_600;

/// Entries of the index of what is due, of connections of one connector in one shard, that have been due for so long.
async fn put_due(world: &World, connector: &str, count: usize, shard: u16, due_for: Duration) {
    let due_at = world.clock.now().checked_sub(due_for).unwrap().as_millisecond();
    let item = |number: usize| -> Item {
        let text = |text: String| AttributeValue::S(text);
        [
            ("pk", text(format!("USER#first-app#{connector}-{number}"))),
            ("sk", text(format!("CONN#{connector}"))),
            ("due_shard", text(format!("DUE#{shard}"))),
            ("due_at", AttributeValue::N((due_at + i64::try_from(number).unwrap()).to_string())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    };
    let puts = (0..count).map(|number| world.aws.put("TABLE_CONNECTIONS", item(number)));
    stream::iter(puts).buffer_unordered(16).collect::<Vec<()>>().await;
}

/// One connector with more that is due than a round takes of it does not hide the others behind it.
#[tokio::test]
async fn a_connector_that_is_far_behind_does_not_hold_up_those_that_are_due_after_it() {
    let world = World::new().await;
    put_due(&world, "con_full", 3_100, 7, Duration::from_hours(1)).await;
    put_due(&world, "con_small", 3, 7, Duration::from_mins(1)).await;
    assert_eq!(world.fire_schedule().await, json!({"due": 2_803}));
}

/// What can't be looked up in one shard is left for the next round; everything else is not.
#[tokio::test]
async fn a_shard_that_can_not_be_read_does_not_keep_the_others_from_being_worked_off() {
    let world = World::new().await;
    for shard in 0..64 {
        put_due(&world, &format!("con_{shard}"), 1, shard, Duration::from_mins(1)).await;
    }
    world.aws.refuse("Query", "DUE#3\"", 0);
    assert!(world.try_fire_schedule().await.is_err(), "nobody hears of it");
    assert_eq!(world.take_all_refreshes().len(), 63);
}

/// A provider may tell once how long a refresh token lives, and never again: that time passes, the grant does not.
#[tokio::test]
async fn an_end_of_a_refresh_token_that_was_told_once_does_not_make_it_due_every_minute() {
    let first = r#"{"access_token":"at_1","refresh_token":"rt_1","expires_in":36000,"refresh_expires_in":172800}"#;
    let rotated = r#"{"access_token":"at_2","refresh_token":"rt_2","expires_in":36000}"#;
    let kept = r#"{"access_token":"at_2","expires_in":36000}"#;
    for after in [rotated, kept] {
        let world = World::new().await;
        let mut registration = world.provider.registration("tells-once");
        registration["token"]["response"] = json!({"expiry": {"refresh_seconds": "refresh_expires_in"}});
        world.admin("POST", "/providers").json(&registration).send().await.expect(201);
        let connector = world.connector_at(&world.workspace, "tells-once", "once", &["read"]).await;
        world.provider.next(Step::answer(200, &[], first));
        world.provider.fail_with(200, &[], after);
        world.connect(&connector, "alice").await;
        world.advance(47 * HOUR);
        for _ in 0..40 {
            world.fire_schedule().await;
            assert_eq!(world.deliver_all_refreshes().await, 0);
            world.advance(120);
        }
        assert_eq!(world.provider.refreshes().len(), 1, "{after}");
    }
}

/// The earlier grant's refresh token was to serve the new one, and was gone by then: there is nothing to refresh with.
#[tokio::test]
async fn a_connection_without_a_refresh_token_does_not_come_up_for_ever() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let mut begun = world.begin(&connector, "alice").await;
    world.disconnect(&connector, "alice").await.expect(200);
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    world.provider.next(Step::Without(&["refresh_token"]));
    begun.browser.open(&world, &callback).await.location();
    world.access_token(&connector, "alice").await;
    world.advance(HOUR);
    world.fire_schedule().await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    world.advance(60);
    assert_eq!(world.fire_schedule().await, json!({"due": 0}));
    assert_eq!(world.view(&connector, "alice").await["reason"], "expired");
    assert!(world.provider.refreshes().is_empty());
}
