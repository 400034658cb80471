//! Sealing anew beside everything else: workers that fail, messages that are lost, refreshes in the same moment.

use base64::{Engine, prelude::BASE64_STANDARD};
use futures::join;
use serde_json::json;

use crate::world::{
    Connector, Hold, Rotate, World,
    encryption::{NOTICED, generation},
};

const HOUR: u64 = 3_600;

/// A little longer than a message that failed is hidden, in seconds.
const HIDDEN: u64 = 721;

async fn connected(users: usize) -> (World, Connector) {
    let world = World::new().await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    let connector = world.connector("Calendar").await;
    for number in 0..users {
        world.connect(&connector, &format!("user-{number}")).await;
    }
    (world, connector)
}

/// Two steps and a bit: the cursor is in the message, and a step that failed is taken again.
#[tokio::test]
async fn a_worker_that_fails_in_the_middle_of_a_page_goes_on_from_there() {
    let (world, connector) = connected(101).await;
    world.provider.give_life(Some(10 * HOUR));
    world.rotate().await;
    world.advance(NOTICED);
    world.aws.refuse("UpdateItem", ":new_refresh", 40);
    assert_eq!(world.deliver_all_refreshes().await, 1);
    let (generations, all) = world.sealed_by().await;
    assert_eq!((generations, all), ([1, 2].into(), 203), "what was done stays done");
    world.advance(HIDDEN);
    world.aws.refuse("SendMessage", "cursor", 0);
    assert_eq!(world.deliver_all_refreshes().await, 1, "the next step could not be left");
    world.advance(HIDDEN);
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 203));
    world.advance(10 * HOUR);
    for number in 0..101 {
        let token = world.access_token(&connector, &format!("user-{number}")).await;
        assert!(world.provider.honours(&token), "user-{number}");
    }
}

#[tokio::test]
async fn a_message_that_got_lost_is_made_up_for_when_the_key_is_next_used() {
    let (world, connector) = connected(1).await;
    world.rotate().await;
    world.advance(NOTICED);
    assert!(world.take_all_refreshes().iter().any(|body| body.contains("reseal")), "it is lost");
    world.advance(HOUR);
    world.access_token(&connector, "user-0").await;
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
}

#[tokio::test]
async fn of_many_who_notice_that_it_came_to_a_halt_one_begins_it_again() {
    let (world, _) = connected(1).await;
    world.rotate().await;
    world.advance(NOTICED + HOUR);
    world.take_all_refreshes();
    for _ in 0..10 {
        world.leave_for_refresh(&json!({"kind": "look_after_keys", "workspace": world.workspace.id}));
    }
    assert_eq!(world.deliver_refreshes().await.unwrap().len(), 0);
    let begun = world.take_all_refreshes();
    assert_eq!(begun.iter().filter(|body| body.contains("reseal")).count(), 1, "{begun:?}");
}

#[tokio::test]
async fn a_message_that_comes_twice_changes_nothing_twice() {
    let (world, _) = connected(3).await;
    world.rotate().await;
    world.advance(NOTICED);
    for body in world.take_all_refreshes() {
        for _ in 0..3 {
            world.leave_for_refresh(&serde_json::from_str(&body).unwrap());
        }
    }
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 7));
    assert_eq!(world.keys().await[0]["resealed"], 8, "the trail's key with it");
    world.advance(HOUR);
    world.deliver_all_refreshes().await;
    let done = world.admin("GET", "/audit").send().await.expect(200)["events"].to_string();
    assert_eq!(done.matches("encryption_key.resealed").count(), 1);
}

/// Tokens that the table did not take wait sealed in the queue, perhaps until nothing else of their key is left.
#[tokio::test]
async fn tokens_that_waited_in_the_queue_are_stored_under_the_newest_key() {
    let (world, connector) = connected(1).await;
    let row = world.only_connection().await;
    let text = |name: &str| row[name].as_s().unwrap().clone();
    let sealed = |name: &str| BASE64_STANDARD.encode(row[name].as_b().unwrap().as_ref());
    let [version, fence] = ["ver", "fence"].map(|name| row[name].as_n().unwrap().parse::<u64>().unwrap());
    world.rotate().await;
    world.seal_anew().await;
    let token = world.access_token(&connector, "user-0").await;
    world.leave_for_refresh(&json!({
        "kind": "salvage",
        "place": {
            "workspace": text("workspace_id"), "app": text("app_id"), "issuer": text("issuer"),
            "subject": text("subject"), "connector": text("connector_id"),
        },
        "version": version,
        "fence": fence,
        "attempt": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "tokens": {
            "access": {
                "token": sealed("access_token"), "token_type": "Bearer", "issued_at": "2026-11-22T10:00:00Z",
                "expires_at": "2026-11-22T12:00:00Z",
            },
            "refresh": sealed("refresh_token"),
        },
    }));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.only_connection().await["ver"].as_n().unwrap(), &(version + 1).to_string(), "they are stored");
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
    assert_eq!(world.access_token(&connector, "user-0").await, token);
}

/// The row was read, a refresh stores new tokens, and only then the old ones come back sealed anew: they are refused.
#[tokio::test]
async fn a_refresh_that_commits_between_read_and_write_wins() {
    let (world, connector) = connected(1).await;
    world.rotate().await;
    world.advance(HOUR);
    let mut held = world.aws.hold("UpdateItem", ":new_refresh");
    let refresh = async {
        held.arrived().await;
        let token = world.access_token(&connector, "user-0").await;
        let row = world.only_connection().await;
        held.release();
        (token, row)
    };
    let (failed, (token, row)) = join!(world.deliver_all_refreshes(), refresh);
    assert_eq!(failed, 0, "a lost race is no failure");
    assert_eq!(world.only_connection().await, row);
    assert_eq!(world.access_token(&connector, "user-0").await, token);
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "user-0").await));
    assert_eq!(world.provider.refreshes().len(), 2);
}

/// The refresh token is at the provider when the row is sealed anew: the refresh stores what it brings all the same.
#[tokio::test]
async fn a_refresh_that_is_under_way_does_not_notice() {
    let (world, connector) = connected(1).await;
    world.rotate().await;
    world.advance(HOUR);
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let reseal = async {
        hold.arrived().await;
        assert_eq!(world.deliver_all_refreshes().await, 0);
        let row = world.only_connection().await;
        hold.release();
        row
    };
    let (token, between) = join!(world.access_token(&connector, "user-0"), reseal);
    assert_eq!(generation(&between["refresh_token"]), Some(2));
    assert!(between.contains_key("leased_until"), "the lease is still held");
    assert!(world.provider.honours(&token));
    assert_eq!(world.access_token(&connector, "user-0").await, token);
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "user-0").await));
    assert_eq!(world.provider.refreshes().len(), 2);
}

/// What is gone by the time it comes back sealed anew stays gone.
#[tokio::test]
async fn a_connection_that_was_removed_in_that_moment_does_not_come_back() {
    let (world, connector) = connected(1).await;
    world.rotate().await;
    world.advance(NOTICED);
    let mut held = world.aws.hold("UpdateItem", ":new_refresh");
    let disconnect = async {
        held.arrived().await;
        world.disconnect(&connector, "user-0").await.expect(200);
        held.release();
    };
    let (failed, ()) = join!(world.deliver_all_refreshes(), disconnect);
    assert_eq!(failed, 0);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    world.token(&connector, "user-0").await.expect(404);
}

/// An admin changes the connector while its secret is being sealed anew: the change stands, whichever came first.
#[tokio::test]
async fn a_connector_that_is_changed_in_that_moment_keeps_its_change() {
    let (world, connector) = connected(1).await;
    world.rotate().await;
    world.advance(NOTICED);
    world.provider.register_client(&connector.client_id, "rotated");
    let mut held = world.aws.hold("UpdateItem", "client_secret");
    let change = async {
        held.arrived().await;
        let body = json!({"client_secret": "rotated", "name": "Renamed"});
        world.change(&connector, &body).await;
        held.release();
    };
    let (failed, ()) = join!(world.deliver_all_refreshes(), change);
    assert_eq!(failed, 0);
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
    let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    assert_eq!((&shown["name"], &shown["revision"]), (&"Renamed".into(), &2.into()));
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "user-0").await));
}

/// Whoever read the connector before its secret was sealed anew writes the old seal back: another pass finds it.
#[tokio::test]
async fn an_old_seal_that_is_written_back_is_found_by_the_next_pass() {
    let (world, connector) = connected(1).await;
    world.rotate().await;
    world.advance(NOTICED);
    let mut held = world.aws.hold("TransactWriteItems", "Renamed");
    let pass = async {
        held.arrived().await;
        assert_eq!(world.deliver_all_refreshes().await, 0);
        assert_eq!(world.sealed_by().await, ([2].into(), 3));
        held.release();
    };
    let body = json!({"name": "Renamed"});
    let (renamed, ()) = join!(world.change(&connector, &body), pass);
    assert_eq!(renamed["name"], "Renamed");
    assert_eq!(world.sealed_by().await, ([1, 2].into(), 3));
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
}

/// A message that comes before everybody has noticed the new key waits until they have.
#[tokio::test]
async fn a_message_that_comes_too_early_waits() {
    let (world, _) = connected(1).await;
    world.rotate().await;
    world.take_all_refreshes();
    world.leave_for_refresh(&json!({"kind": "reseal", "workspace": world.workspace.id, "generation": 2}));
    for _ in 0..2 {
        assert_eq!(world.deliver_all_refreshes().await, 0);
        assert_eq!(world.sealed_by().await, ([1].into(), 3));
        world.advance(NOTICED / 2 - 1);
    }
    world.advance(2);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
}
