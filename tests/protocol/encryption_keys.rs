//! A workspace's key gives way to a new one, nobody notices, and in the end nothing of the old one is left.

use aws_sdk_dynamodb::types::AttributeValue;
use futures::join;
use serde_json::{Value, json};

use crate::world::{
    Call, Connector, Rotate, World,
    encryption::{CACHED, NOTICED, generation},
    text,
};

const HOUR: u64 = 3_600;

async fn connected(users: &[&str]) -> (World, Connector) {
    let world = World::new().await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    let connector = world.connector("Calendar").await;
    for user in users {
        world.connect(&connector, user).await;
    }
    (world, connector)
}

/// Reads through an instance of the functions that remembers nothing.
async fn read_elsewhere(world: &World, connector: &Connector, user: &str) -> Value {
    let other = world.another_instance().await;
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/token", connector.id));
    let call = Call::new(other.routes, "GET", &path).bearer(&world.app.service_key);
    call.on_behalf_of(&world.app.user(world, user)).send().await.expect(200)
}

#[tokio::test]
async fn nobody_notices_a_new_key_before_while_or_after_everything_is_sealed_anew() {
    let (world, connector) = connected(&["alice", "bob"]).await;
    let token = world.access_token(&connector, "alice").await;
    assert_eq!(world.rotate().await, json!({"generation": 2, "state": "resealing"}));
    assert_eq!(world.key_states().await, ["current", "resealing"]);
    world.connect(&connector, "carol").await;
    assert_eq!(world.sealed_by().await, ([1, 2].into(), 7), "old values stay until they are sealed anew");
    assert_eq!(read_elsewhere(&world, &connector, "alice").await["access_token"], token.as_str());
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 7));
    assert_eq!(world.key_states().await, ["current", "retired"]);
    assert_eq!(world.keys().await[0]["resealed"], 6, "four tokens, the client secret and the trail's key");
    assert_eq!(world.access_token(&connector, "alice").await, token, "sealing anew refreshes nothing");
    assert!(world.provider.refreshes().is_empty());
    world.advance(HOUR);
    for user in ["alice", "bob", "carol"] {
        assert!(world.provider.honours(&world.access_token(&connector, user).await), "{user}");
        assert_eq!(world.disconnect(&connector, user).await.expect(200)["revocation"], "revoked", "{user}");
    }
    assert_eq!(world.provider.refreshes().len(), 3);
}

#[tokio::test]
async fn version_fence_and_schedule_are_as_they_were() {
    let (world, _) = connected(&["alice"]).await;
    let before = world.only_connection().await;
    world.rotate().await;
    world.seal_anew().await;
    let mut after = world.only_connection().await;
    for name in ["access_token", "refresh_token"] {
        assert_ne!(after[name], before[name]);
        assert_eq!(generation(&after[name]), Some(2));
        after.insert(name.to_owned(), before[name].clone());
    }
    assert_eq!(after, before);
}

/// What a process that has not noticed yet seals with the old key is sealed anew too: the work begins when all have.
#[tokio::test]
async fn sealing_anew_begins_when_every_process_has_noticed_the_new_key() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.provider.give_life(Some(60));
    world.connect(&connector, "alice").await;
    let other = world.another_instance().await;
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/token", connector.id));
    let refresh_there = || async {
        world.advance(60);
        let call = Call::new(other.routes.clone(), "GET", &path).bearer(&world.app.service_key);
        call.on_behalf_of(&world.app.user(&world, "alice")).send().await.expect(200);
        generation(&world.only_connection().await["refresh_token"]).unwrap()
    };
    assert_eq!(refresh_there().await, 1);
    world.rotate().await;
    world.advance(CACHED - 180);
    assert_eq!(refresh_there().await, 1, "it remembers the key that it knows");
    assert_eq!(world.deliver_all_refreshes().await, 0);
    world.advance(60);
    assert_eq!(refresh_there().await, 2);
    world.advance(NOTICED - CACHED - 1);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.sealed_by().await, ([1, 2].into(), 3), "the client secret has still the old seal");
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
}

#[tokio::test]
async fn a_read_costs_the_same_while_everything_is_sealed_anew() {
    let (world, connector) = connected(&["alice"]).await;
    world.rotate().await;
    world.seal_anew().await;
    let count = || ["BatchGetItem", "Decrypt", "Query", "SendMessage"].map(|operation| world.aws.count(operation));
    world.access_token(&connector, "alice").await;
    let before = count();
    world.access_token(&connector, "alice").await;
    let [reads, decryptions, queries, messages] = count();
    assert_eq!([reads - before[0], decryptions - before[1], queries - before[2], messages - before[3]], [1, 0, 0, 0]);
    let before = count();
    read_elsewhere(&world, &connector, "alice").await;
    assert_eq!([count()[0] - before[0], count()[1] - before[1]], [1, 1], "one key is opened, once");
}

#[tokio::test]
async fn a_value_that_was_moved_does_not_open_after_it_was_sealed_anew() {
    let (world, connector) = connected(&["alice", "bob"]).await;
    let alice = world.access_token(&connector, "alice").await;
    world.rotate().await;
    world.seal_anew().await;
    let items = world.aws.items("TABLE_CONNECTIONS").await;
    let of = |user: &str| items.iter().find(|item| item["subject"] == AttributeValue::S(user.to_owned())).unwrap();
    world.aws.overwrite("access_token", of("alice"), of("bob")).await;
    assert_eq!(world.token(&connector, "bob").await.refusal(), (404, "reconnect_required".to_owned()));
    assert_eq!(world.access_token(&connector, "alice").await, alice);
}

/// Nor does sealing anew give a moved value a seal that fits: it is counted, and stays as it is.
#[tokio::test]
async fn a_value_that_does_not_open_is_counted_and_left_as_it_is() {
    let (world, connector) = connected(&["alice", "bob"]).await;
    let items = world.aws.items("TABLE_CONNECTIONS").await;
    let of = |user: &str| items.iter().find(|item| item["subject"] == AttributeValue::S(user.to_owned())).unwrap();
    world.aws.overwrite("access_token", of("alice"), of("bob")).await;
    world.rotate().await;
    world.seal_anew().await;
    let newest = &world.keys().await[0];
    assert_eq!((&newest["resealed"], &newest["unopened"]), (&json!(5), &json!(1)));
    let after = world.aws.items("TABLE_CONNECTIONS").await;
    let moved = after.iter().find(|item| item["subject"] == of("bob")["subject"]).unwrap();
    assert_eq!(moved["access_token"], of("alice")["access_token"]);
    assert!(world.log.text().contains("a sealed value does not open and is left as it is"));
    // The refresh token beside it was sealed anew, and brings a new access token.
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "bob").await));
}

/// Whatever stands in the index of a connector and holds sealed tokens, whichever kind of item it is.
#[tokio::test]
async fn tokens_in_an_item_of_another_kind_are_sealed_anew_too() {
    let (world, _) = connected(&["alice"]).await;
    let mut ended = world.only_connection().await;
    for (name, value) in [("sk", "ENDED#con_1#01ARZ3NDEKTSV4RRFFQ69G5FAV"), ("ver", "")] {
        ended.remove(name);
        if !value.is_empty() {
            ended.insert(name.to_owned(), AttributeValue::S(value.to_owned()));
        }
    }
    world.aws.put("TABLE_CONNECTIONS", ended).await;
    world.rotate().await;
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 5));
    assert_eq!(world.keys().await[0]["unopened"], 0);
}

/// A message is a reminder and no order.
#[tokio::test]
async fn a_forged_message_makes_no_key_and_seals_nothing() {
    let (world, connector) = connected(&["alice"]).await;
    let before = world.aws.items("TABLE_CONNECTIONS").await;
    let workspace = &world.workspace.id;
    for message in [
        json!({"kind": "look_after_keys", "workspace": workspace}),
        json!({"kind": "look_after_keys", "workspace": "ws_nobodys"}),
        json!({"kind": "reseal", "workspace": workspace, "generation": 1}),
        json!({"kind": "reseal", "workspace": workspace, "generation": 7}),
        json!({"kind": "reseal", "workspace": "ws_nobodys", "generation": 1}),
    ] {
        world.leave_for_refresh(&message);
    }
    while world.deliver_refreshes().await.is_some() {
        world.advance(60);
    }
    assert_eq!(world.keys().await.len(), 1);
    assert_eq!(world.aws.items("TABLE_CONNECTIONS").await, before);
    world.access_token(&connector, "alice").await;
}

#[tokio::test]
async fn of_two_who_ask_at_once_one_makes_the_key_and_the_other_is_told() {
    let (world, _) = connected(&[]).await;
    let mut held = world.aws.hold("TransactWriteItems", "KEY#0000000002");
    let ask = || world.admin("POST", "/encryption-keys").json(&json!({})).send();
    let second = async {
        held.arrived().await;
        let answer = ask().await;
        held.release();
        answer
    };
    let (late, first) = join!(ask(), second);
    assert_eq!(first.expect(202)["generation"], 2);
    assert_eq!(late.refusal(), (409, "conflict".to_owned()));
    assert_eq!(world.keys().await.len(), 2);
}

#[tokio::test]
async fn a_second_new_key_takes_over_what_the_first_had_not_finished() {
    let (world, connector) = connected(&["alice", "bob"]).await;
    world.rotate().await;
    world.advance(NOTICED);
    world.rotate().await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.sealed_by().await, ([1].into(), 5), "nothing is sealed with a key that has been replaced");
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([3].into(), 5));
    assert_eq!(world.key_states().await, ["current", "retired", "retired"]);
    world.access_token(&connector, "alice").await;
}

#[tokio::test]
async fn a_key_of_one_workspace_is_no_other_workspaces_business() {
    let (world, _) = connected(&["alice"]).await;
    let other = world.found("Second").await;
    world.define_provider(&other, "fake").await;
    world.connector_of(&other, "Theirs", &["read"]).await;
    world.rotate().await;
    world.seal_anew().await;
    assert_eq!(world.keys_of(&other).await.len(), 1);
    assert_eq!(world.sealed_by().await, ([1, 2].into(), 4), "their client secret is sealed as it was");
    let path = world.workspace.path("/encryption-keys");
    for method in ["GET", "POST", "PUT"] {
        let foreign = world.call(method, &path).bearer(&other.admin_key).json(&json!({"kms_key_arn": null})).send();
        assert_eq!(foreign.await.status, 404, "{method}");
    }
}

#[tokio::test]
async fn a_key_that_may_only_read_sees_the_keys_and_replaces_none() {
    let (world, _) = connected(&[]).await;
    let made = world.admin("POST", "/keys").json(&json!({"name": "reader", "role": "read"})).send().await.expect(201);
    let reader = text(&made["key"]);
    let path = world.workspace.path("/encryption-keys");
    let ask = |method: &str| world.call(method, &path).bearer(&reader).json(&json!({"kms_key_arn": null})).send();
    assert_eq!(ask("GET").await.expect(200)["encryption_keys"][0]["state"], "current");
    for method in ["POST", "PUT"] {
        assert_eq!(ask(method).await.refusal(), (403, "forbidden".to_owned()), "{method}");
    }
    let service = world.call("POST", &path).bearer(&world.app.service_key).json(&json!({})).send().await;
    assert_eq!(service.refusal(), (401, "unauthorized".to_owned()));
    assert_eq!(world.keys().await.len(), 1);
}

#[tokio::test]
async fn the_trail_says_who_asked_for_a_key_and_when_it_was_everywhere() {
    let (world, _) = connected(&["alice"]).await;
    world.rotate().await;
    world.seal_anew().await;
    let trail = world.admin("GET", "/audit").send().await.expect(200);
    let event = |action: &str| {
        let events = trail["events"].as_array().unwrap();
        events.iter().find(|event| event["action"] == action).unwrap_or_else(|| panic!("{action}: {trail}")).clone()
    };
    let (made, done) = (event("encryption_key.created"), event("encryption_key.resealed"));
    assert!(text(&made["actor"]).starts_with("key:"));
    assert_eq!((&made["target"], &made["details"]["kms_key"]), (&json!("2"), &json!("deployment")));
    assert_eq!((&done["target"], &done["details"]["unopened"]), (&json!("2"), &json!("0")));
}
