//! How a workspace does as a whole: what an admin sees before anybody complains.

use serde_json::{Value, json};

use crate::world::{Connector, World};

const HOUR: u64 = 3_600;

async fn health(world: &World) -> Value {
    world.admin("GET", "/health").send().await.expect(200)
}

/// A connector as the health of its workspace tells it.
fn of<'a>(health: &'a Value, connector: &Connector) -> &'a Value {
    let connectors = health["connectors"].as_array().unwrap();
    connectors.iter().find(|one| one["connector_id"] == *connector.id).unwrap()
}

/// The buckets that are not empty.
fn due(health: &Value) -> Vec<(&str, u64)> {
    let buckets = health["due"]["buckets"].as_array().unwrap().iter();
    let buckets = buckets.map(|bucket| (bucket["label"].as_str().unwrap(), bucket["count"].as_u64().unwrap()));
    buckets.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn a_schedule_that_is_behind_shows_in_the_due_times_and_one_that_runs_does_not() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob", "carol"] {
        world.connect(&connector, user).await;
    }
    assert_eq!(due(&health(&world).await), [("hour", 3)]);
    world.advance(HOUR);
    // Due 720 to 360 seconds before the end of their tokens: how late each is depends on how they were spread.
    world.advance(601);
    let late = health(&world).await;
    assert_eq!(due(&late), [("late", 3)]);
    assert_eq!((&late["due"]["looked_at"], &late["due"]["complete"]), (&json!(3), &json!(true)));
    assert_eq!(late["due"]["buckets"][0]["upper_seconds"], -600);
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
    assert_eq!(due(&health(&world).await), [("hour", 3)]);
}

#[tokio::test]
async fn whoever_must_connect_again_is_counted_and_waits_for_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob"] {
        world.connect(&connector, user).await;
    }
    world.change(&connector, &json!({"scopes": ["read", "write", "admin"]})).await;
    world.connect(&connector, "alice").await;
    let seen = health(&world).await;
    let expected = json!({"looked_at": 2, "complete": true, "active": 1, "degraded": 0, "reconnect_required": 1});
    assert_eq!(of(&seen, &connector)["connections"], expected);
}

#[tokio::test]
async fn what_a_provider_has_against_a_connector_and_what_the_doctor_found_is_told_of_that_one_only() {
    let world = World::new().await;
    let (broken, sound) = (world.connector("Broken").await, world.connector("Sound").await);
    for connector in [&broken, &sound] {
        world.connect(connector, "alice").await;
    }
    world.provider.register_client(&broken.client_id, "another-secret");
    world.advance(HOUR);
    assert!(world.token(&broken, "alice").await.status >= 400);
    world.access_token(&sound, "alice").await;
    for connector in [&broken, &sound] {
        world.admin("POST", &format!("/connectors/{}/doctor", connector.id)).send().await.expect(200);
    }
    let seen = health(&world).await;
    let failing = &of(&seen, &broken)["failing"];
    assert_eq!((&failing["status"], &failing["error"]), (&json!("misconfigured"), &json!("invalid_client")));
    assert!(of(&seen, &broken)["findings"]["errors"].as_u64().unwrap() >= 1, "{seen}");
    assert_eq!(of(&seen, &sound).get("failing"), None);
    assert_eq!(of(&seen, &sound)["findings"]["errors"], 0);
    assert!(!seen.to_string().contains("free text of the provider"));
}

#[tokio::test]
async fn a_key_that_may_only_look_sees_it_and_another_workspace_sees_its_own() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let reader = world.admin("POST", "/keys").json(&json!({"name": "looker", "role": "read"})).send().await.expect(201);
    let asked = world.call("GET", &world.workspace.path("/health")).bearer(reader["key"].as_str().unwrap());
    let seen = asked.send().await.expect(200);
    assert_eq!(of(&seen, &connector)["name"], "Calendar");
    let other = world.found("Second").await;
    let seen = other.admin(&world, "GET", "/health").send().await.expect(200);
    assert_eq!((&seen["connectors"], &seen["due"]["looked_at"]), (&json!([]), &json!(0)));
    assert_eq!(world.call("GET", &world.workspace.path("/health")).bearer("uck_admin_x").send().await.status, 401);
}

/// However many there are, what is looked at stays bounded, and says so.
#[tokio::test]
async fn a_large_workspace_is_told_by_a_sample() {
    let world = World::new().await;
    let mut connectors = Vec::new();
    for number in 0..51 {
        connectors.push(world.connector(&format!("Connector {number}")).await);
    }
    // As they are listed: all were made in the same moment.
    connectors.sort_by(|a, b| a.id.cmp(&b.id));
    for user in 0..11 {
        world.connect(&connectors[0], &format!("user-{user}")).await;
    }
    world.connect(&connectors[50], "alice").await;
    let seen = health(&world).await;
    assert_eq!(seen["connectors"].as_array().unwrap().len(), 51);
    let first = &of(&seen, &connectors[0])["connections"];
    assert_eq!((&first["looked_at"], &first["complete"]), (&json!(10), &json!(false)));
    let last = &of(&seen, &connectors[50])["connections"];
    assert_eq!((&last["looked_at"], &last["complete"]), (&json!(0), &json!(false)));
    assert_eq!((&seen["due"]["looked_at"], &seen["due"]["complete"]), (&json!(10), &json!(false)));
}
