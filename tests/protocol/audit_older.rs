//! Trails that are older than signing: signed from the next line on, and told apart from before.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::world::{Item, World};

/// A workspace as an earlier version left it: its trail has no key, and none of its heads a signature.
async fn older() -> World {
    let world = World::new().await;
    world.connector("Calendar").await;
    for item in world.aws.items("TABLE_REGISTRY").await {
        if item["sk"].as_s().unwrap() == "AUDITKEY" {
            world.aws.remove("TABLE_REGISTRY", &item).await;
        }
    }
    for mut item in world.aws.items("TABLE_AUDIT").await {
        if item["pk"].as_s().unwrap().starts_with("CHAIN#") {
            item.remove("head_signature");
            world.aws.put("TABLE_AUDIT", item).await;
        } else if item.contains_key("event_id") {
            for name in ["lane", "seq", "chain_hash", "chain_previous", "chain_previous_at", "chain_signature"] {
                item.remove(name);
            }
            world.aws.put("TABLE_AUDIT", item).await;
        }
    }
    world
}

/// The same, from before there were lanes.
async fn oldest() -> World {
    let world = older().await;
    for item in world.aws.items("TABLE_AUDIT").await {
        if item["pk"].as_s().unwrap().starts_with("CHAIN#") {
            world.aws.remove("TABLE_AUDIT", &item).await;
        }
    }
    world
}

async fn trail(world: &World) -> Vec<Item> {
    let items = world.aws.items("TABLE_AUDIT").await;
    let mut events: Vec<Item> = items.into_iter().filter(|item| item.contains_key("event_id")).collect();
    events.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
    events
}

async fn verified(world: &World) -> Value {
    world.admin("GET", "/audit/verify").send().await.expect(200)
}

async fn new_key(world: &World) {
    world.admin("POST", "/keys").json(&json!({"name": "ops", "role": "read"})).send().await.expect(201);
}

#[tokio::test]
async fn an_older_trail_is_signed_from_the_next_line_on_and_says_how_much_is_not() {
    for world in [older().await, oldest().await] {
        let unsigned = trail(&world).await.len();
        let before = verified(&world).await;
        assert_eq!((&before["intact"], &before["flaw"]["what"]), (&json!(false), &json!("never_signed")));
        world.advance(1);
        new_key(&world).await;
        let after = verified(&world).await;
        assert_eq!((&after["intact"], &after["unsigned"]), (&json!(true), &json!(unsigned)), "{after}");
        assert_eq!(after["looked_at"], unsigned + 2);
        assert!(after["witness"].is_string());
        let begun = &trail(&world).await[unsigned];
        assert_eq!(begun["deed"].as_s().unwrap(), "audit.signing_begun");

        let events = trail(&world).await;
        let mut changed = events.last().unwrap().clone();
        changed.insert("actor".to_owned(), AttributeValue::S("key:somebody-else".to_owned()));
        world.aws.put("TABLE_AUDIT", changed).await;
        assert_eq!(verified(&world).await["flaw"]["what"], "altered");
        world.aws.put("TABLE_AUDIT", events[unsigned + 1].clone()).await;
        world.aws.remove("TABLE_AUDIT", &events[unsigned]).await;
        assert_eq!(verified(&world).await["intact"], false, "nothing says any more that some may be unsigned");
    }
}

/// All of them find that there is no key.
#[tokio::test]
async fn of_many_who_write_first_one_begins() {
    let world = older().await;
    world.advance(1);
    join_all((0..12).map(|_| new_key(&world))).await;
    let verified = verified(&world).await;
    assert_eq!(verified["intact"], true, "{verified}");
    assert_eq!(world.deeds("audit.signing_begun").await.len(), 1);
    assert_eq!(world.deeds("key.created").await.len(), 12 + 2);
}

/// Whose role lets them make no key asks somebody who may.
#[tokio::test]
async fn a_user_who_is_the_first_has_it_begun_by_who_looks_after_keys() {
    let world = older().await;
    world.advance(1);
    let listed = world.admin("GET", "/connectors").send().await.expect(200);
    let connector = listed["connectors"][0].clone();
    let rest = format!("/app-user-auth/connectors/{}/initiate", connector["id"].as_str().unwrap());
    let begun = world.as_user("alice", "POST", &rest).json(&json!({})).send().await;
    let mut browser = crate::world::Browser::default();
    browser.remember(&begun);
    let url = begun.expect(200)["redirect_url"].as_str().unwrap().to_owned();
    browser.open(&world, &world.provider.approve(&url, "alice@provider")).await.location();
    assert_eq!(world.deeds("audit.").await.len(), 0);
    let rest = format!("/app-user-auth/connectors/{}/token", connector["id"].as_str().unwrap());
    world.on_behalf(&world.app, "alice", "GET", &rest).send().await.expect(200);
    world.deliver_all_refreshes().await;
    assert_eq!(world.deeds("audit.").await, ["audit.signing_begun"]);
    assert_eq!(verified(&world).await["intact"], true);
}

/// Whoever could remove the key would else get a trail that says of itself that it begins now.
#[tokio::test]
async fn a_trail_whose_key_was_removed_gets_no_other() {
    let world = World::new().await;
    let items = world.aws.items("TABLE_REGISTRY").await;
    let key = items.into_iter().find(|item| item["sk"].as_s().unwrap() == "AUDITKEY").unwrap();
    world.aws.remove("TABLE_REGISTRY", &key).await;
    new_key(&world).await;
    assert_eq!(verified(&world).await["flaw"]["what"], "key_gone");
    assert_eq!(world.deeds("audit.").await.len(), 0);
}

/// Of a trail that was always signed nothing is taken for older than that.
#[tokio::test]
async fn what_is_slipped_in_before_the_first_line_of_a_signed_trail_shows() {
    let world = World::new().await;
    let events = trail(&world).await;
    let first = &events[0];
    let mut slipped_in = first.clone();
    let forged = format!("{}0", &first["event_id"].as_s().unwrap()[..25]);
    for name in ["lane", "seq", "chain_hash", "chain_previous", "chain_signature"] {
        slipped_in.remove(name);
    }
    for name in ["sk", "event_id"] {
        slipped_in.insert(name.to_owned(), AttributeValue::S(forged.clone()));
    }
    world.aws.put("TABLE_AUDIT", slipped_in).await;
    let found = verified(&world).await;
    assert_eq!((&found["flaw"]["what"], &found["flaw"]["event_id"]), (&json!("unlinked"), &json!(forged)), "{found}");
    assert_eq!(found["intact"], false);
}

/// Nor does it help to take a signature away, or to make one.
#[tokio::test]
async fn a_signature_that_is_missing_or_another_shows() {
    let world = World::new().await;
    let events = trail(&world).await;
    let event = events.last().unwrap();
    for signature in [None, Some(AttributeValue::B(Blob::new([7; 32])))] {
        let mut changed = event.clone();
        changed.remove("chain_signature");
        changed.extend(signature.map(|signature| ("chain_signature".to_owned(), signature)));
        world.aws.put("TABLE_AUDIT", changed).await;
        assert_eq!(verified(&world).await["flaw"]["what"], "altered");
    }
}
