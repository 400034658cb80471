//! A workspace's key that has become old gives way to a new one without anybody asking.

use serde_json::json;

use crate::world::{Connector, World, encryption::CACHED};

const DAY: u64 = 24 * 3_600;

async fn connected() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    (world, connector)
}

#[tokio::test]
async fn a_key_that_is_too_old_is_replaced_without_anybody_asking() {
    let (world, connector) = connected().await;
    world.advance(365 * DAY - 60);
    world.access_token(&connector, "alice").await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.keys().await.len(), 1);
    world.advance(CACHED);
    world.access_token(&connector, "alice").await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.key_states().await, ["current", "resealing"]);
    let trail = world.admin("GET", "/audit").send().await.expect(200);
    let made = trail["events"].as_array().unwrap().iter().find(|event| event["action"] == "encryption_key.created");
    assert_eq!(made.unwrap()["actor"], "system");
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 3));
    assert_eq!(world.keys().await.len(), 2, "the new key is young");
}

#[tokio::test]
async fn of_an_old_key_a_process_says_so_once_an_hour() {
    let (world, connector) = connected().await;
    world.advance(366 * DAY);
    let read_for = |times: u64| {
        let (world, connector) = (&world, &connector);
        async move {
            for _ in 0..times {
                world.access_token(connector, "alice").await;
                world.advance(CACHED);
            }
            let reminders = world.take_all_refreshes().into_iter().filter(|body| body.contains("look_after_keys"));
            reminders.count()
        }
    };
    assert_eq!(read_for(11).await, 1);
    assert_eq!(read_for(3).await, 1);
}

/// A key of before keys were dated is as old as its workspace.
#[tokio::test]
async fn a_key_without_a_date_works_and_is_given_that_of_its_workspace() {
    let (world, connector) = connected().await;
    let registry = world.aws.items("TABLE_REGISTRY").await;
    let mut key = registry.into_iter().find(|item| item.contains_key("wrapped_key")).unwrap();
    key.remove("created_at");
    world.aws.put("TABLE_REGISTRY", key).await;
    assert_eq!(world.keys().await[0]["created_at"], json!(null));
    world.advance(CACHED);
    world.access_token(&connector, "alice").await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    let keys = world.keys().await;
    assert_eq!((keys.len(), &keys[0]["created_at"]), (1, &json!("2026-11-22T10:00:00Z")));
    world.advance(365 * DAY);
    world.access_token(&connector, "alice").await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.keys().await.len(), 2);
}
