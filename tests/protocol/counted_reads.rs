//! Who read how many tokens, and who had how many calls made, is in the log: a line for each, with who it was.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::{calls::Called, world::World};

/// The lines of the log that say this came of something.
fn lines(world: &World, outcome: &str) -> Vec<Value> {
    let lines = world.log.text();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["outcome"] == outcome).collect()
}

/// How many of them are of this key.
fn of_key(lines: &[Value], key: &str) -> usize {
    lines.iter().filter(|line| line["key.id"] == key).count()
}

#[tokio::test]
async fn every_token_that_is_handed_out_is_a_line_with_its_reader_and_a_refusal_is_none() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let app = &world.app;
    let (second, second_key) = world.service_key(&world.workspace, &app.id, &["tokens:offline"]).await;
    world.keep_secret(&second);
    let rest = format!("/app-user-auth/connectors/{}/token", connector.id);
    let offline = app.path(&format!("/users/alice/connectors/{}/token", connector.id));
    let by_first = join_all((0..20).map(|_| world.on_behalf(app, "alice", "GET", &rest).send()));
    let by_second = join_all((0..7).map(|_| world.call("GET", &offline).bearer(&second).send()));
    let (by_first, by_second) = futures::join!(by_first, by_second);
    assert!(by_first.iter().chain(&by_second).all(|answer| answer.status == 200));
    assert_eq!(world.on_behalf(app, "bob", "GET", &rest).send().await.status, 404);
    assert_eq!(world.call("GET", &offline).bearer(&app.service_key).send().await.status, 403);
    let read = lines(&world, "read");
    assert_eq!((of_key(&read, &app.service_key_id), of_key(&read, &second_key), read.len()), (20, 7, 27));
    assert!(read.iter().all(|line| line["connector.id"] == connector.id.as_str()));
}

#[tokio::test]
async fn every_call_that_is_made_is_a_line_with_who_had_it_made() {
    let called = Called::new().await;
    let call = json!({"path": "/events"});
    for _ in 0..3 {
        called.call(&call).await.expect(200);
        called.call_by_type(&call).await.expect(200);
    }
    let made = lines(&called.world, "called");
    let by = |who: &str| made.iter().filter(|line| line["by"] == who).cloned().collect::<Vec<_>>();
    let (own, backends) = (by("user"), by("backend"));
    assert_eq!((own.len(), backends.len(), made.len()), (3, 3, 6));
    assert!(own.iter().all(|line| line["key.id"].is_null() && line["app.id"] == called.world.app.id.as_str()));
    assert!(backends.iter().all(|line| line["key.id"].is_string()));
    assert_eq!(lines(&called.world, "read").len(), 0, "nobody got to see a token");
}
