//! Grants that end by themselves: somebody is told some days ahead, once, while the user can still act.

use serde_json::{Value, json};

use crate::world::{Connector, Step, World};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// What was told of ends to come, the earliest first.
async fn told(world: &World) -> Vec<Value> {
    world.deliver_events().await;
    let events = world.aws.bus.events().into_iter().map(|event| event.detail);
    events.filter(|event| event["type"] == "connection.expiring").collect()
}

async fn a_day(world: &World) {
    world.advance(DAY);
    world.fire_schedule().await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
}

fn second(text: &Value) -> u64 {
    text.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second().try_into().unwrap()
}

/// A connection whose provider says with each token how long the refresh token lives.
async fn with_refresh_token_of(days: u64) -> (World, Connector) {
    let world = World::new().await;
    let mut registration = world.provider.registration("tells");
    registration["token"]["response"] = json!({"expiry": {"refresh_seconds": "refresh_expires_in"}});
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "tells", "Tells", &["read"]).await;
    world.provider.next(Step::answer(200, &[], &answer(0, days * DAY)));
    world.connect(&connector, "alice").await;
    (world, connector)
}

fn answer(number: u64, left: u64) -> String {
    format!(
        r#"{{"access_token":"at_{number}","refresh_token":"rt_{number}","expires_in":36000,"refresh_expires_in":{left}}}"#
    )
}

#[tokio::test]
async fn an_end_that_no_refresh_moves_is_told_once_some_days_ahead() {
    let (world, _) = with_refresh_token_of(30).await;
    for day in 1..30 {
        world.provider.fail_with(200, &[], &answer(day, (30 - day) * DAY));
        a_day(&world).await;
    }
    let told = told(&world).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let (at, end) = (second(&told[0]["time"]), second(&told[0]["expires_at"]));
    assert!((DAY..=7 * DAY).contains(&(end - at)), "{told:?}");
    assert_eq!(told[0]["user"]["sub"], "alice");
}

#[tokio::test]
async fn an_end_that_each_refresh_moves_is_never_told() {
    let (world, _) = with_refresh_token_of(10).await;
    for day in 1..40 {
        world.provider.fail_with(200, &[], &answer(day, 10 * DAY));
        a_day(&world).await;
    }
    assert!(world.provider.refreshes().len() > 4);
    assert!(told(&world).await.is_empty());
}

#[tokio::test]
async fn a_connection_that_nothing_renews_is_told_of_a_week_ahead_and_again_when_it_was_made_anew() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.provider.give_life(Some(60 * DAY));
    for round in 1..=2 {
        world.provider.next(Step::Without(&["refresh_token"]));
        world.connect(&connector, "alice").await;
        world.advance(51 * DAY);
        a_day(&world).await;
        assert_eq!(told(&world).await.len(), round - 1, "eight days are left");
        a_day(&world).await;
        a_day(&world).await;
        assert_eq!(told(&world).await.len(), round);
        world.access_token(&connector, "alice").await;
        world.advance(60);
        assert_eq!(world.fire_schedule().await, json!({"due": 0}));
    }
    assert!(world.provider.refreshes().is_empty());
}

#[tokio::test]
async fn an_end_that_comes_by_itself_is_told_of_when_it_has_come_and_once() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.provider.give_life(Some(10 * DAY));
    world.provider.next(Step::Without(&["refresh_token"]));
    world.connect(&connector, "alice").await;
    let ended = async |world: &World| -> Vec<Value> {
        world.deliver_events().await;
        let events = world.aws.bus.events().into_iter().map(|event| event.detail);
        events.filter(|event| event["type"] == "connection.reconnect_required").collect()
    };
    for _ in 0..9 {
        a_day(&world).await;
        assert_eq!(ended(&world).await, [] as [Value; 0], "it works still");
    }
    assert_eq!(told(&world).await.len(), 1);
    for _ in 0..4 {
        a_day(&world).await;
    }
    let ended = ended(&world).await;
    assert_eq!((ended.len(), &ended[0]["reason"]), (1, &json!("expired")));
    assert_eq!(world.deeds("connection.reconnect").await, ["connection.reconnect_required"]);
    assert_eq!(world.view(&connector, "alice").await["reason"], "expired");
}

#[tokio::test]
async fn what_lives_for_an_hour_is_told_of_by_nobody() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.provider.next(Step::Without(&["refresh_token"]));
    world.connect(&connector, "alice").await;
    for _ in 0..8 {
        world.advance(HOUR / 8);
        assert_eq!(world.fire_schedule().await["due"], 0);
    }
    assert!(told(&world).await.is_empty());
}
