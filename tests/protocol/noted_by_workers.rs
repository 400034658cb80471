//! What is noted by whoever works in the background, or of what was only tried: in the trail once, whoever dies; and what can't
//! be noted is not done.

use serde_json::{Value, json};

use crate::{
    deletions::let_pass,
    issuer_changes::{discovered, found, move_to},
    world::{Browser, Connector, FakeProvider, World, journeys::handle, text},
};

/// Nobody gets to note anything now; what is left beside a change stays.
fn let_nobody_note(world: &World) {
    for _ in 0..60 {
        world.aws.refuse("GetItem", "AUDITKEY", 0);
    }
}

/// Nothing is written by which this would be left.
fn let_nobody_leave(world: &World, action: &str) {
    for operation in ["PutItem", "TransactWriteItems"] {
        for _ in 0..12 {
            world.aws.refuse(operation, &action.replace('"', ""), 0);
        }
    }
}

/// Minutes later it is there once.
async fn is_noted_once(world: &World, action: &str) {
    world.aws.refuse_nothing();
    for _ in 0..3 {
        world.advance(61);
        world.fire_schedule().await;
        world.deliver_events().await;
    }
    assert_eq!(world.deeds(action).await, [action]);
    let verified = world.admin("GET", "/audit/verify").send().await.expect(200);
    assert_eq!(verified["intact"], true, "{verified}");
}

async fn details(world: &World, action: &str) -> Value {
    let trail = world.admin("GET", &format!("/audit?action={action}")).send().await.expect(200);
    trail["events"][0]["details"].clone()
}

/// A connector through which alice has connected, and a revocation of all of it that has begun.
async fn revoking() -> (World, String) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.advance(60);
    let look = world.revoke_matching(&world.workspace, &json!({"connector_id": connector.id})).await.expect(200);
    let body = json!({"connector_id": connector.id, "dry_run": false, "confirm": look["confirm"]});
    let begun = world.revoke_matching(&world.workspace, &body).await.expect(202);
    (world, text(&begun["revocation_id"]))
}

async fn is_finished(world: &World, id: &str) -> bool {
    world.admin("GET", &format!("/revocations/{id}")).send().await.expect(200)["finished_at"].is_string()
}

const FINISHED: &str = "connections.revocation_finished";

#[tokio::test]
async fn a_revocation_whose_worker_dies_when_it_is_finished_is_noted_as_finished() {
    let (world, id) = revoking().await;
    let_nobody_note(&world);
    let_pass(&world, 5).await;
    assert!(is_finished(&world, &id).await);
    assert_eq!(world.deeds(FINISHED).await, [""; 0]);
    is_noted_once(&world, FINISHED).await;
    assert_eq!(details(&world, FINISHED).await["ended"], "1");
}

#[tokio::test]
async fn a_revocation_that_can_not_be_noted_as_finished_is_finished_later() {
    let (world, id) = revoking().await;
    let_nobody_leave(&world, FINISHED);
    let_pass(&world, 5).await;
    assert!(!is_finished(&world, &id).await);
    world.aws.refuse_nothing();
    world.advance(300);
    world.remind_of_what_is_due().await;
    let_pass(&world, 5).await;
    assert!(is_finished(&world, &id).await);
    is_noted_once(&world, FINISHED).await;
}

/// A session of alice's that waits to be finished, and its handle.
async fn parked(world: &World) -> (Connector, String, String) {
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let handle = handle(&Browser::default().open(world, &callback).await);
    world.keep_secret(&handle);
    (connector, begun.session, handle)
}

const MISMATCH: &str = "session.user_mismatch";

#[tokio::test]
async fn somebody_else_who_comes_with_a_session_is_noted_whoever_dies() {
    let world = World::new().await;
    let (_, session, handle) = parked(&world).await;
    let_nobody_note(&world);
    assert_eq!(world.finish(&session, "bob", &handle).await.status, 404);
    assert_eq!(world.deeds(MISMATCH).await, [""; 0]);
    is_noted_once(&world, MISMATCH).await;
}

#[tokio::test]
async fn who_can_not_be_noted_ends_nobodys_session() {
    let world = World::new().await;
    let (connector, session, handle) = parked(&world).await;
    let_nobody_leave(&world, MISMATCH);
    assert!(world.finish(&session, "bob", &handle).await.status >= 500);
    world.aws.refuse_nothing();
    world.finish(&session, "alice", &handle).await.expect(200);
    world.access_token(&connector, "alice").await;
    assert_eq!(world.deeds(MISMATCH).await, [""; 0]);
}

const IMPORTED: &str = "connections.imported";

#[tokio::test]
async fn an_import_is_noted_as_a_whole_though_nobody_comes_back_from_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let_nobody_note(&world);
    world.import_users(&connector, &world.app, &["alice".to_owned(), "bob".to_owned()]).await;
    is_noted_once(&world, IMPORTED).await;
    assert_eq!(details(&world, IMPORTED).await["given"], "2");
    assert_eq!(world.deeds("connection.imported").await.len(), 2, "and each that came");
}

#[tokio::test]
async fn an_import_that_can_not_be_noted_brings_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let_nobody_leave(&world, IMPORTED);
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    assert!(world.import(&connector, &json!({"connections": [grant]})).await.status >= 500);
    world.aws.refuse_nothing();
    assert_eq!(world.token(&connector, "alice").await.status, 404);
}

#[tokio::test]
async fn an_issuer_that_moved_is_noted_with_what_was_found_of_it() {
    let (world, connector) = discovered().await;
    let elsewhere = FakeProvider::start(false).await;
    move_to(&world, &elsewhere.url("/token"));
    let_nobody_note(&world);
    assert_eq!(found(&world, &connector).await, ["endpoint_moved"]);
    assert_eq!(world.deeds("connector.endpoints_moved").await, [""; 0]);
    is_noted_once(&world, "connector.endpoints_moved").await;
}

#[tokio::test]
async fn what_an_admin_accepts_of_an_issuer_is_noted_with_the_change() {
    let (world, connector) = discovered().await;
    let elsewhere = FakeProvider::start(false).await;
    move_to(&world, &elsewhere.url("/token"));
    let_nobody_note(&world);
    world.change(&connector, &json!({"accept_endpoints": true})).await;
    is_noted_once(&world, "connector.endpoints_updated").await;
}
