//! Cursors are written by us and come back from anybody: they say where a page begins, and nothing else.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::world::{Connector, World};

fn cursor(parts: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(parts.to_string())
}

/// Cursors with the place of the connection there is, in every form that some listing has, and with what no key can be.
async fn forged(world: &World, connector: &Connector, own: &Connector) -> Vec<Value> {
    let items = world.aws.items("TABLE_CONNECTIONS").await;
    let get = |name: &str| items[0][name].as_s().unwrap().clone();
    let (pk, sk, shard, own_shard) = (get("pk"), get("sk"), get("connector_shard"), format!("{}#0", own.id));
    let (day, long) = ("2026-11-22", "x".repeat(2_500));
    vec![
        json!(["0", pk, sk, shard]),
        json!([connector.id, "0", pk, sk, shard]),
        json!([own.id, "0", pk, sk, shard]),
        json!([own.id, "0", pk, sk, own_shard]),
        json!(["0", pk, sk, own_shard]),
        json!(["0", "", "", own_shard]),
        json!([own.id, "0", "", "", own_shard]),
        json!(["0", long, sk, own_shard]),
        json!([own.id, "0", "USER#their-app#x", long, own_shard]),
        json!(["0", "USER#their-app#x", long, own_shard]),
        json!(["0", "WS#x", "CONN#x", own_shard]),
        json!(["65535"]),
        json!(["-1"]),
        json!([long]),
        json!([]),
        json!([[], {}]),
        json!([day, format!("{}#x", world.workspace.id)]),
        json!([day, long]),
        json!([format!("{day}#{}", world.workspace.id), ""]),
        json!(["9999-12-31", ""]),
        json!(["-9999-01-01", ""]),
        json!({"a": 1}),
    ]
}

/// PUB-25, PUB-42: a cursor that somebody wrote themselves, with keys of another tenant or with what no key can be.
#[tokio::test]
async fn a_cursor_that_was_forged_shows_nothing_of_another_and_breaks_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let hostile = world.found("Hostile").await;
    world.define_provider(&hostile, "fake").await;
    let theirs = world.register_app(&hostile, "their-app").await;
    let own = world.connector_of(&hostile, "Own", &["read"]).await;
    for parts in &forged(&world, &connector, &own).await {
        for (path, key) in [
            (theirs.path("/connections?cursor="), &theirs.service_key),
            (theirs.path(&format!("/connections?connector_id={}&cursor=", own.id)), &theirs.service_key),
            (hostile.path(&format!("/connectors/{}/connections?cursor=", own.id)), &hostile.admin_key),
            (hostile.path("/audit?cursor="), &hostile.admin_key),
        ] {
            let answer = world.call("GET", &format!("{path}{}", cursor(parts))).bearer(key).send().await;
            assert!(matches!(answer.status, 200 | 422 | 414), "{path} {parts}: {answer:?}");
            for foreign in ["alice", &world.workspace.id, "first-app", &connector.id] {
                assert!(!answer.text.contains(foreign), "{path} {parts}: {answer:?}");
            }
        }
    }
}
