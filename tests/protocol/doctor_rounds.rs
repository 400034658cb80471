//! When the doctor comes: asked by an admin, soon after each change, once a night. Never more than once a minute, because
//! each time a client is presented at its provider.

use serde_json::json;

use crate::world::{Connector, World};

const HOUR: u64 = 3_600;

async fn ask(world: &World, connector: &Connector) -> crate::world::Answer {
    world.admin("POST", &format!("/connectors/{}/doctor", connector.id)).send().await
}

/// When the connector was examined last; an empty text if it never was.
async fn checked_at(world: &World, connector: &Connector) -> String {
    let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    shown["doctor"]["checked_at"].as_str().unwrap_or_default().to_owned()
}

async fn checkups(world: &World) -> usize {
    let items = world.aws.all_items("TABLE_CONNECTIONS").await;
    items.iter().filter(|item| item["sk"].as_s().unwrap() == "CHECKUP").count()
}

#[tokio::test]
async fn a_connector_is_examined_once_a_minute_at_most_whoever_asks() {
    let world = World::new().await;
    let (connector, other) = (world.connector("Calendar").await, world.connector("Mail").await);
    ask(&world, &connector).await.expect(200);
    let refused = ask(&world, &connector).await;
    assert_eq!(refused.refusal(), (429, "rate_limited".to_owned()));
    assert_eq!(refused.header("retry-after"), Some("60"));
    ask(&world, &other).await.expect(200);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.probes().len(), 2, "nor is it examined for the change that it was made by");
    world.advance(59);
    assert_eq!(ask(&world, &connector).await.status, 429);
    world.advance(1);
    ask(&world, &connector).await.expect(200);
    assert_eq!(world.provider.probes().len(), 3);
}

#[tokio::test]
async fn a_key_that_may_only_read_sees_what_was_found_and_causes_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let key = world.admin("POST", "/keys").json(&json!({"name": "auditor", "role": "read"})).send().await.expect(201);
    let path = world.workspace.path(&format!("/connectors/{}", connector.id));
    let reader = |method: &str, rest: &str| {
        world.call(method, &format!("{path}{rest}")).bearer(key["key"].as_str().unwrap()).send()
    };
    assert_eq!(reader("POST", "/doctor").await.status, 403);
    assert!(world.provider.probes().is_empty());
    assert_eq!(reader("GET", "").await.expect(200)["doctor"], serde_json::Value::Null);
    ask(&world, &connector).await.expect(200);
    assert_eq!(reader("GET", "").await.expect(200)["doctor"]["checked_at"], "2026-11-22T10:00:00Z");
}

#[tokio::test]
async fn a_connector_is_examined_soon_after_it_was_made_and_after_each_change() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    assert_eq!((world.provider.probes().len(), checked_at(&world, &connector).await), (0, String::new()));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(checked_at(&world, &connector).await, "2026-11-22T10:00:00Z");
    // Changed within the minute: what was found is outdated until its turn comes.
    world.change(&connector, &json!({"name": "Team calendar"})).await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(checked_at(&world, &connector).await, "2026-11-22T10:00:00Z");
    world.advance(60);
    world.fire_schedule().await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(checked_at(&world, &connector).await, "2026-11-22T10:01:00Z");
    assert_eq!(world.provider.probes().len(), 2);
}

#[tokio::test]
async fn a_change_that_nobody_was_reminded_of_is_found_by_the_schedule() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.take_all_refreshes();
    assert_eq!(world.fire_schedule().await["due"], 0, "no connection is due");
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(checked_at(&world, &connector).await, "2026-11-22T10:00:00Z");
}

#[tokio::test]
async fn every_connector_is_examined_once_a_night() {
    let world = World::new().await;
    for name in ["Calendar", "Mail", "Files"] {
        world.connector(name).await;
    }
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.probes().len(), 3);
    for night in 2..=3 {
        let before = world.provider.probes().len();
        // From ten in the morning until midnight, through the night, and to the next morning.
        for hours in [13, 1, 1, 1, 1, 1, 1, 1, 4] {
            if hours == 4 {
                assert_eq!(world.provider.probes().len(), night * 3, "all by six, after {before}");
            }
            world.advance(hours * HOUR);
            world.fire_schedule().await;
            assert_eq!(world.deliver_all_refreshes().await, 0);
            if hours == 13 {
                assert_eq!(world.provider.probes().len(), before, "nobody before midnight");
            }
        }
    }
    assert_eq!(world.provider.probes().len(), 9);
}

#[tokio::test]
async fn one_connector_whose_provider_is_down_keeps_no_connection_waiting() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.provider.answer_made_up_codes_with(503, "");
    world.connect(&connector, "alice").await;
    world.access_token(&connector, "alice").await;
    world.advance(HOUR - 300);
    assert_eq!(world.fire_schedule().await["due"], 1);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 1);
}

#[tokio::test]
async fn nothing_is_left_of_the_checkups_of_a_connector_that_is_gone() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let kept = world.connector("Mail").await;
    assert_eq!(checkups(&world).await, 2);
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(ask(&world, &connector).await.status, 404);
    assert_eq!((checkups(&world).await, world.provider.probes().len()), (1, 1));
    assert!(!checked_at(&world, &kept).await.is_empty());
    let everything = format!("?confirm={}", world.workspace.id);
    world.admin("DELETE", &everything).send().await.expect(202);
    for _ in 0..4 {
        world.advance(15 * 60);
        world.fire_schedule().await;
        while world.deliver_revocations().await.is_some() {}
    }
    assert_eq!(checkups(&world).await, 0);
}
