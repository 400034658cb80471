//! A revocation of many connections that somebody stops: nobody else is disconnected, and what has ended is told.

use serde_json::{Value, json};

use crate::{
    deletions::{left, let_pass},
    world::{Connector, World, text},
};

const USERS: usize = 40;

async fn begun() -> (World, Connector, String) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let users: Vec<String> = (0..USERS).map(|number| format!("user-{number}")).collect();
    world.import_users(&connector, &world.app, &users).await;
    world.advance(1);
    let look = world.revoke_matching(&world.workspace, &json!({"connector_id": connector.id})).await.expect(200);
    let body = json!({"connector_id": connector.id, "dry_run": false, "confirm": look["confirm"]});
    let id = text(&world.revoke_matching(&world.workspace, &body).await.expect(202)["revocation_id"]);
    (world, connector, id)
}

async fn stop(world: &World, id: &str) -> Value {
    world.admin("DELETE", &format!("/revocations/{id}")).send().await.expect(200)
}

#[tokio::test]
async fn who_is_not_disconnected_yet_stays_connected_when_it_is_stopped() {
    let (world, connector, id) = begun().await;
    let_pass(&world, 3).await;
    let ended = left(&world).await.0;
    assert!((1..USERS).contains(&ended), "{ended}");
    let told = stop(&world, &id).await;
    assert_eq!((&told["status"], &told["ended"]), (&json!("stopped"), &json!(USERS - ended)));
    assert!(text(&told["stopped_by"]).starts_with("key:"), "{told}");
    let_pass(&world, 10).await;
    world.advance(3_600);
    world.remind_of_what_is_due().await;
    let_pass(&world, 10).await;
    assert_eq!(left(&world).await, (ended, 0));
    let report = world.admin("GET", &format!("/revocations/{id}")).send().await.expect(200);
    assert_eq!((&report["status"], &report["pending"]), (&json!("stopped"), &json!(0)), "{report}");
    assert_eq!(report, stop(&world, &id).await, "stopping it again changes nothing");
    assert_eq!(world.deeds("connections.revocation_stopped").await.len(), 1);
    assert!(world.deeds("connections.revocation_finished").await.is_empty());
    let tokens = (0..USERS).map(|number| format!("user-{number}"));
    let mut connected = 0;
    for user in tokens {
        connected += usize::from(world.token(&connector, &user).await.status == 200);
    }
    assert_eq!(connected, ended);
}

/// Somebody is at it in that moment, and writes down how far they came after that.
#[tokio::test]
async fn a_worker_that_is_at_it_ends_what_it_has_begun_and_nothing_more() {
    let (world, _, id) = begun().await;
    let mut held = world.aws.hold("TransactWriteItems", "looked_at + :looked");
    let stopped = async {
        held.arrived().await;
        let told = stop(&world, &id).await;
        held.release();
        told
    };
    let ((), told) = futures::join!(let_pass(&world, 3), stopped);
    assert_eq!(told["status"], "stopped");
    let_pass(&world, 10).await;
    assert_eq!(left(&world).await, (USERS - 10, 0));
    let report = world.admin("GET", &format!("/revocations/{id}")).send().await.expect(200);
    assert_eq!((&report["status"], &report["ended"]), (&json!("stopped"), &json!(10)), "{report}");
}

#[tokio::test]
async fn what_is_done_stays_done_and_nobody_else_stops_anything() {
    let (world, _, id) = begun().await;
    let path = format!("/revocations/{id}");
    let other = world.found("Other").await;
    other.admin(&world, "DELETE", &path).send().await.expect(404);
    let reader = world.admin("POST", "/keys").json(&json!({"name": "audit", "role": "read"})).send().await.expect(201);
    let call = world.call("DELETE", &world.workspace.path(&path)).bearer(reader["key"].as_str().unwrap());
    call.send().await.expect(403);
    world.admin("DELETE", "/revocations/rev_01ARZ3NDEKTSV4RRFFQ69G5FAV").send().await.expect(404);
    world.admin("DELETE", "/revocations/x").send().await.expect(404);
    let_pass(&world, 10).await;
    let done = stop(&world, &id).await;
    let counts = ["status", "ended", "stopped_by"].map(|name| done[name].clone());
    assert_eq!(counts, [json!("finished"), json!(USERS), Value::Null], "{done}");
    assert!(world.deeds("connections.revocation_stopped").await.is_empty());
}
