//! What others are told: everything that happened, at least once, and nothing that is secret.

use serde_json::{Value, json};

use crate::world::{Connector, Step, World};

/// What was put on the bus, the earliest first.
fn told(world: &World) -> Vec<Value> {
    world.aws.bus.events().into_iter().map(|event| event.detail).collect()
}

/// The kinds of it that begin like this.
fn kinds(world: &World, prefix: &str) -> Vec<String> {
    let kinds = told(world).into_iter().map(|event| event["type"].as_str().unwrap().to_owned());
    kinds.filter(|kind| kind.starts_with(prefix)).collect()
}

async fn world() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    (world, connector)
}

#[tokio::test]
async fn the_life_of_a_connection_is_told_in_its_order() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    world.deliver_events().await;
    world.connect(&connector, "alice").await;
    world.deliver_events().await;
    world.disconnect(&connector, "alice").await.expect(200);
    world.deliver_events().await;
    assert_eq!(
        kinds(&world, ""),
        ["connector.created", "connection.created", "connection.reconnected", "connection.disconnected"]
    );
    let events = told(&world);
    let created = &events[1];
    assert_eq!(
        (&created["workspace"], &created["connector_id"], &created["app_id"], &created["user"]["sub"]),
        (&json!(world.workspace.id), &json!(connector.id), &json!("first-app"), &json!("alice"))
    );
    assert!(world.aws.bus.events().iter().all(|event| event.source == "connectors"));
    let all = json!(events).to_string();
    assert!(world.secrets().iter().all(|secret| !all.contains(secret)));
}

#[tokio::test]
async fn a_connector_that_is_changed_and_deleted_is_told_of_with_its_connections() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    world.change(&connector, &json!({"name": "Renamed"})).await;
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    while world.deliver_revocations().await.is_some() {}
    world.deliver_events().await;
    let mut all = kinds(&world, "");
    all.sort();
    assert_eq!(
        all,
        [
            "connection.created",
            "connection.disconnected",
            "connector.changed",
            "connector.created",
            "connector.deleted"
        ]
    );
}

#[tokio::test]
async fn a_grant_that_is_over_is_told_of_with_its_reason_and_noted() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    world.deliver_events().await;
    world.provider.take_back("alice@provider");
    world.advance(3_700);
    assert_eq!(world.token(&connector, "alice").await.status, 404);
    world.deliver_events().await;
    let last = told(&world).pop().unwrap();
    assert_eq!((&last["type"], &last["reason"]), (&json!("connection.reconnect_required"), &json!("refresh_rejected")));
    assert_eq!(world.deeds("connection.reconnect").await, ["connection.reconnect_required"]);
}

#[tokio::test]
async fn a_client_that_is_not_accepted_is_told_of_once() {
    let (world, connector) = world().await;
    for user in ["alice", "bob"] {
        world.connect(&connector, user).await;
    }
    world.advance(3_700);
    let refusal = json!({"error": "invalid_client"}).to_string();
    for user in ["alice", "bob"] {
        world.provider.next(Step::answer(401, &[], &refusal));
        world.token(&connector, user).await;
        world.advance(3_600);
    }
    world.deliver_events().await;
    assert_eq!(kinds(&world, "connector."), ["connector.created", "connector.misconfigured"]);
    assert_eq!(world.deeds("connector.mis").await.len(), 1);
}

/// What it is turns out when it happens: the other session may have been faster.
#[tokio::test]
async fn of_two_sessions_that_began_together_one_connects_and_the_other_connects_again() {
    let (world, connector) = world().await;
    let (mut first, mut second) = (world.begin(&connector, "alice").await, world.begin(&connector, "alice").await);
    for begun in [&mut first, &mut second] {
        let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
        begun.browser.open(&world, &callback).await.location();
        world.deliver_events().await;
        world.advance(1);
    }
    assert_eq!(kinds(&world, "connection."), ["connection.created", "connection.reconnected"]);
    assert_eq!(world.deeds("connection.").await, ["connection.reconnected", "connection.created"]);
    let mut third = world.begin(&connector, "alice").await;
    world.disconnect(&connector, "alice").await.expect(200);
    world.advance(1);
    let callback = world.provider.approve(&third.redirect_url, "alice@provider");
    third.browser.open(&world, &callback).await.location();
    assert_eq!(world.deeds("connection.").await[0], "connection.created", "there was none any more");
}

/// Whoever was to tell died, and the message with them.
#[tokio::test]
async fn what_nobody_was_reminded_of_is_told_all_the_same() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    assert!(world.lose_events() >= 2);
    world.deliver_events().await;
    assert_eq!(told(&world), [] as [Value; 0]);
    world.advance(60);
    world.fire_schedule().await;
    world.deliver_events().await;
    let mut all = kinds(&world, "");
    all.sort();
    assert_eq!(all, ["connection.created", "connector.created"]);
}

#[tokio::test]
async fn a_message_that_comes_twice_tells_once() {
    let (world, _) = world().await;
    world.fire_schedule().await;
    world.fire_schedule().await;
    world.deliver_events().await;
    assert_eq!(kinds(&world, ""), ["connector.created"]);
}

#[tokio::test]
async fn a_bus_that_is_away_is_told_later() {
    let (world, _) = world().await;
    // As often as the client asks again by itself.
    for _ in 0..3 {
        world.aws.refuse("PutEvents", "connector.created", 0);
    }
    world.deliver_events_once().await;
    world.aws.refuse_nothing();
    assert_eq!(kinds(&world, ""), [] as [&str; 0]);
    world.advance(61);
    world.fire_schedule().await;
    world.deliver_events().await;
    assert_eq!(kinds(&world, ""), ["connector.created"]);
}
