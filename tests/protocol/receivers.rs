//! Receivers that have too much to do, change their place or are given up; and secrets that follow each other quickly.

use serde_json::{Value, json};

use crate::{
    webhooks::{Receiver, hooked, is_signed, shown},
    world::{World, text},
};

async fn later(world: &World, seconds: u64) {
    world.advance(seconds);
    world.fire_schedule().await;
    world.deliver_events().await;
}

/// Neither what is new nor what was refused before, and then all of it.
#[tokio::test]
async fn a_receiver_that_asks_to_be_left_alone_is_sent_nothing_until_then() {
    let (world, receiver, _, _) = hooked(&json!({})).await;
    receiver.answer(500);
    world.connector("Refused").await;
    world.deliver_events().await;
    receiver.refuse_until("600");
    world.connector("Too much").await;
    world.deliver_events().await;
    assert_eq!(receiver.take().len(), 2);
    receiver.answer(204);
    world.connector("New").await;
    later(&world, 60).await;
    later(&world, 400).await;
    assert_eq!(receiver.take().len(), 0, "it rests");
    later(&world, 160).await;
    later(&world, 60).await;
    let names = receiver.take().len();
    assert_eq!(names, 3, "nothing is lost");
}

#[tokio::test]
async fn a_gateway_that_has_too_much_to_do_is_sent_nothing_new_for_a_moment() {
    for status in [429, 502, 504] {
        let (world, receiver, _, _) = hooked(&json!({})).await;
        receiver.answer(status);
        world.connector("First").await;
        world.deliver_events().await;
        receiver.answer(204);
        world.connector("Second").await;
        world.deliver_events().await;
        assert_eq!(receiver.take().len(), 1, "{status}");
        later(&world, 40).await;
        assert_eq!(receiver.take().len(), 2, "{status}");
    }
}

/// Whoever takes its place does not pay for it.
#[tokio::test]
async fn another_receiver_begins_anew() {
    let (world, receiver, id, _) = hooked(&json!({})).await;
    receiver.refuse_until("3600");
    world.connector("Refused").await;
    world.deliver_events().await;
    assert!(shown(&world, &id).await["failing_since"].is_string());
    let other = Receiver::start().await;
    let path = format!("/webhooks/{id}");
    let changed = world.admin("PUT", &path).json(&json!({"url": other.url})).send().await.expect(200);
    assert_eq!(changed["failing_since"], Value::Null);
    world.connector("New").await;
    world.deliver_events().await;
    assert_eq!((receiver.take().len(), other.take().len()), (1, 1));
    later(&world, 3_700).await;
    assert_eq!((receiver.take().len(), other.take().len()), (0, 1), "what the one before did not take");
}

#[tokio::test]
async fn a_webhook_that_is_given_up_is_told_of_on_the_bus_and_to_the_others() {
    let (world, receiver, id, _) = hooked(&json!({})).await;
    let other = Receiver::start().await;
    let made = world.admin("POST", "/webhooks").json(&json!({"url": other.url})).send().await.expect(201);
    world.keep_secret(&text(&made["secret"]));
    receiver.answer(410);
    world.connector("Calendar").await;
    world.deliver_events().await;
    later(&world, 61).await;
    let events = world.aws.bus.events().into_iter().map(|event| event.detail);
    let told: Vec<Value> = events.filter(|event| event["type"] == "webhook.given_up").collect();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["webhook_id"], &told[0]["reason"]), (&json!(id), &json!("gone")));
    assert_eq!(world.deeds("webhook.given_up").await.len(), 1);
    assert!(other.take().iter().any(|request| request.body.contains("webhook.given_up")));
    assert!(receiver.take().iter().all(|request| !request.body.contains("webhook.given_up")));
}

/// In an hour of trouble a secret may be changed more than once: none that somebody still goes by stops early.
#[tokio::test]
async fn every_secret_signs_for_a_day_after_it_was_replaced_however_many_follow() {
    let (world, receiver, id, first) = hooked(&json!({})).await;
    let path = format!("/webhooks/{id}");
    let mut secrets = vec![first];
    for _ in 0..8 {
        world.advance(3_600);
        let rotated = world.admin("PUT", &path).json(&json!({"rotate_secret": true})).send().await.expect(200);
        world.keep_secret(&text(&rotated["secret"]));
        secrets.push(text(&rotated["secret"]));
    }
    let refused = world.admin("PUT", &path).json(&json!({"rotate_secret": true})).send().await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    for (wait, silent) in [(0, 0), (17 * 3_600, 1), (3_600, 2), (24 * 3_600, 8)] {
        world.advance(wait);
        world.admin("POST", &format!("{path}/test")).send().await.expect(202);
        world.deliver_events().await;
        let test = receiver.take().pop().unwrap();
        let signing: Vec<bool> = secrets.iter().map(|secret| is_signed(&test, secret)).collect();
        assert_eq!(signing, (0..secrets.len()).map(|number| number >= silent).collect::<Vec<_>>());
        let signatures = test.headers["webhook-signature"].to_str().unwrap().split(' ').count();
        assert_eq!(signatures, secrets.len() - silent);
    }
    world.admin("PUT", &path).json(&json!({"rotate_secret": true})).send().await.expect(200);
}
