//! Beginning sessions costs keys, writes and space: nobody does it without end.

use connectors::store::{MOST_BY_USER, MOST_IN_APP};
use futures::{StreamExt, stream};
use serde_json::json;

use crate::world::{Answer, Connector, World};

const AT_A_TIME: usize = 16;

async fn initiate(world: &World, connector: &Connector, user: &str) -> Answer {
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/initiate", connector.id));
    world.call("POST", &path).bearer(&world.app.user(world, user)).json(&json!({})).send().await
}

fn must_wait(answer: &Answer) {
    assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_user_who_begins_one_session_after_the_other_has_to_wait_and_nobody_else_has() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for _ in 0..MOST_BY_USER {
        initiate(&world, &connector, "mallory").await.expect(200);
    }
    let sessions = || async { world.aws.items("TABLE_SESSIONS").await.len() };
    let before = sessions().await;
    must_wait(&initiate(&world, &connector, "mallory").await);
    assert_eq!(sessions().await, before, "what is refused leaves nothing");
    initiate(&world, &connector, "alice").await.expect(200);
    world.advance(60);
    initiate(&world, &connector, "mallory").await.expect(200);
}

/// A backend names its users itself: as many as it likes, all together so many.
#[tokio::test]
async fn an_app_whose_backend_makes_up_users_has_to_wait_as_well() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let link = |number: u64| {
        let call = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key);
        let user = json!({"sub": format!("user-{number}")});
        call.json(&json!({"user": user, "connector_id": connector.id})).send()
    };
    let links = stream::iter(0..MOST_IN_APP).map(link).buffer_unordered(AT_A_TIME);
    links.for_each(async |answer| _ = answer.expect(201)).await;
    must_wait(&link(MOST_IN_APP).await);
    world.advance(60);
    link(0).await.expect(201);
}
