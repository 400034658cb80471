//! What a change of a connector would mean, told before it is made.

use serde_json::{Value, json};

use crate::world::{Connector, World};

/// A connector through which two people are connected, at a provider where `events` is another name of `read`.
async fn two_connected() -> (World, Connector) {
    let world = World::new().await;
    let mut registration = world.provider.registration("aliases");
    registration["authorize"]["scope"] = json!({"aliases": {"events": ["read"]}});
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "aliases", "Calendar", &["read", "write"]).await;
    for user in ["alice", "bob"] {
        world.connect(&connector, user).await;
    }
    (world, connector)
}

/// How many would have to connect again, of all that there are.
async fn foreseen(world: &World, connector: &Connector, change: &Value) -> Value {
    let foreseen = world.admin("POST", &format!("/connectors/{}/foresee", connector.id)).json(change).send().await;
    let foreseen = foreseen.expect(200);
    assert_eq!((&foreseen["looked_at"], &foreseen["complete"]), (&json!(2), &json!(true)));
    foreseen["must_reconnect"].clone()
}

#[tokio::test]
async fn who_would_have_to_connect_again_is_told_by_the_providers_rules_and_nothing_is_changed() {
    let (world, connector) = two_connected().await;
    let before = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    for (change, expected) in [
        (json!({"scopes": ["read", "write", "admin"]}), 2),
        (json!({"scopes": ["read", "write", "events"]}), 0),
        (json!({"scopes": ["write"]}), 0),
        (json!({"client_id": "another"}), 2),
        (json!({"client_id": connector.client_id}), 0),
        (json!({}), 0),
    ] {
        assert_eq!(foreseen(&world, &connector, &change).await, json!(expected), "{change}");
    }
    let after = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    assert_eq!(before, after);
}

#[tokio::test]
async fn what_was_foreseen_is_what_happens_and_whoever_waits_already_is_not_counted_again() {
    let (world, connector) = two_connected().await;
    let renamed = json!({"scopes": ["events", "write"]});
    assert_eq!(foreseen(&world, &connector, &renamed).await, json!(0));
    world.change(&connector, &renamed).await;
    let wider = json!({"scopes": ["events", "write", "admin"]});
    assert_eq!(foreseen(&world, &connector, &wider).await, json!(2));
    for user in ["alice", "bob"] {
        assert_eq!(world.view(&connector, user).await["status"], "active");
    }
    world.change(&connector, &wider).await;
    world.connect(&connector, "alice").await;
    assert_eq!(world.view(&connector, "bob").await["status"], "reconnect_required");
    assert_eq!(foreseen(&world, &connector, &json!({"client_id": "another"})).await, json!(1));
}

#[tokio::test]
async fn a_key_that_may_only_look_and_another_workspace_foresee_nothing() {
    let (world, connector) = two_connected().await;
    let path = format!("/connectors/{}/foresee", connector.id);
    let reader = world.admin("POST", "/keys").json(&json!({"name": "looker", "role": "read"})).send().await.expect(201);
    let asked = world.call("POST", &world.workspace.path(&path)).bearer(reader["key"].as_str().unwrap());
    assert_eq!(asked.json(&json!({})).send().await.status, 403);
    let other = world.found("Second").await;
    assert_eq!(other.admin(&world, "POST", &path).json(&json!({})).send().await.status, 404);
    let mistaken = world.admin("POST", &path).json(&json!({"scopes": ["a b"], "name": "x"})).send().await.expect(422);
    assert_eq!(mistaken["errors"].as_array().unwrap().len(), 2, "{mistaken}");
}
