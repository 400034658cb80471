//! However many revocations are under way, a provider is asked ten times a second by all of a connector's together.

use serde_json::{Value, json};

use crate::{deletions::let_pass, world::World};

async fn begin(world: &World, criteria: &Value) {
    let look = world.revoke_matching(&world.workspace, criteria).await.expect(200);
    let mut body = criteria.clone();
    (body["dry_run"], body["confirm"]) = (json!(false), look["confirm"].clone());
    world.revoke_matching(&world.workspace, &body).await.expect(202);
}

/// One of them comes to the connector from another one, of which nothing is meant.
#[tokio::test]
async fn two_revocations_that_meet_at_a_connector_keep_its_pace() {
    let world = World::new().await;
    let (calendar, mail) = (world.connector("Calendar").await, world.connector("Mail").await);
    let users: Vec<String> = (0..40).map(|number| format!("user-{number}")).collect();
    world.import_users(&calendar, &world.app, &users[..2]).await;
    world.advance(60);
    world.import_users(&mail, &world.app, &users).await;
    world.advance(1);
    begin(&world, &json!({"connector_id": mail.id})).await;
    begin(&world, &json!({"connected_after": "2026-11-22T10:00:30Z"})).await;
    let mut asked = 0;
    for second in 0..10 {
        let_pass(&world, 1).await;
        let now = world.provider.journal("/revoke").len();
        assert!(now - asked <= 10, "{} in second {second}", now - asked);
        asked = now;
    }
    assert_eq!(asked, 40);
    world.token(&calendar, "user-0").await.expect(200);
}
