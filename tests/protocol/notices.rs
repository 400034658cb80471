//! What a change leaves behind: one event and one line in the audit trail, however far whoever made it came. It stands in the
//! transaction of the change; whoever dies after that leaves it to the schedule.

use serde_json::{Value, json};

use crate::world::{Connector, Revocation, Step, World};

/// How often something of this kind was told.
fn told(world: &World, kind: &str) -> usize {
    world.aws.bus.events().into_iter().filter(|event| event.detail["type"] == kind).count()
}

/// Nobody who makes a change now gets to note it, or to remind anybody.
fn let_makers_die(world: &World) {
    for _ in 0..8 {
        world.aws.refuse("GetItem", "AUDITKEY", 0);
    }
}

/// A minute later, when the schedule has come by.
async fn a_minute_later(world: &World) {
    world.aws.refuse_nothing();
    world.lose_events();
    world.advance(61);
    world.fire_schedule().await;
    world.deliver_events().await;
    // What was told first is noted at the latest now.
    world.advance(61);
    world.fire_schedule().await;
    world.deliver_events().await;
}

/// This change, whose maker died, was told and noted once.
async fn made_good(world: &World, kind: &str, action: &str, times: usize) {
    assert_eq!(world.deeds(action).await.len(), times - 1, "{action} is not noted yet");
    a_minute_later(world).await;
    assert_eq!((told(world, kind), world.deeds(action).await.len()), (times, times), "{kind}");
    a_minute_later(world).await;
    assert_eq!((told(world, kind), world.deeds(action).await.len()), (times, times), "{kind}, once");
    let left = world.aws.items("TABLE_CONNECTIONS").await;
    assert!(left.iter().all(|item| !item["pk"].as_s().unwrap().starts_with("EVENT#")), "nothing is left of it");
}

async fn world() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    (world, connector)
}

#[tokio::test]
async fn a_connector_whose_admin_died_after_the_change_is_told_of_and_noted() {
    let world = World::new().await;
    let_makers_die(&world);
    let connector = world.connector("Calendar").await;
    made_good(&world, "connector.created", "connector.created", 1).await;
    let_makers_die(&world);
    world.change(&connector, &json!({"name": "Renamed"})).await;
    made_good(&world, "connector.changed", "connector.changed", 1).await;
    let_makers_die(&world);
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    made_good(&world, "connector.deleted", "connector.deleted", 1).await;
    let verified = world.admin("GET", "/audit/verify").send().await.expect(200);
    assert_eq!(verified["intact"], true, "{verified}");
}

#[tokio::test]
async fn a_connection_whose_maker_died_is_told_of_and_noted_through_all_its_life() {
    let (world, connector) = world().await;
    let_makers_die(&world);
    world.connect(&connector, "alice").await;
    made_good(&world, "connection.created", "connection.created", 1).await;
    let_makers_die(&world);
    world.connect(&connector, "alice").await;
    made_good(&world, "connection.reconnected", "connection.reconnected", 1).await;

    world.advance(3_700);
    let narrowed = r#"{"access_token":"at_narrow","refresh_token":"rt_narrow","expires_in":3600,"scope":"read"}"#;
    world.provider.next(Step::answer(200, &[], narrowed));
    let_makers_die(&world);
    world.token(&connector, "alice").await.expect(200);
    made_good(&world, "connection.scopes_changed", "connection.scopes_changed", 1).await;

    let_makers_die(&world);
    world.disconnect(&connector, "alice").await.expect(200);
    made_good(&world, "connection.disconnected", "connection.deleted", 1).await;
}

#[tokio::test]
async fn a_grant_that_ends_while_its_reader_dies_is_told_of_and_noted() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    world.provider.take_back("alice@provider");
    world.advance(3_700);
    let_makers_die(&world);
    assert_eq!(world.token(&connector, "alice").await.status, 404);
    made_good(&world, "connection.reconnect_required", "connection.reconnect_required", 1).await;
}

#[tokio::test]
async fn a_refused_client_whose_finder_dies_is_told_of_and_noted() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    world.advance(3_700);
    world.provider.next(Step::answer(401, &[], &json!({"error": "invalid_client"}).to_string()));
    let_makers_die(&world);
    world.token(&connector, "alice").await;
    made_good(&world, "connector.misconfigured", "connector.misconfigured", 1).await;
}

#[tokio::test]
async fn a_revocation_that_fails_is_told_of_and_noted_with_its_end() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    world.provider.answer_revocations_with(Revocation::Refused);
    let_makers_die(&world);
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "failed");
    made_good(&world, "connection.revocation_failed", "connection.revocation_failed", 1).await;
    assert_eq!((told(&world, "connection.disconnected"), world.deeds("connection.deleted").await.len()), (1, 1));
}

/// Nothing is told of what did not happen.
#[tokio::test]
async fn a_change_that_the_table_does_not_take_is_neither_told_nor_noted() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    world.aws.refuse("TransactWriteItems", "connector.changed", 0);
    let path = format!("/connectors/{}", connector.id);
    assert_eq!(world.admin("PUT", &path).json(&json!({"name": "Renamed"})).send().await.status, 500);
    world.aws.refuse("TransactWriteItems", "connection.disconnected", 0);
    assert_eq!(world.disconnect(&connector, "alice").await.status, 500);
    a_minute_later(&world).await;
    for kind in ["connector.changed", "connection.disconnected"] {
        assert_eq!(told(&world, kind), 0, "{kind}");
    }
    let deeds = world.deeds("").await;
    assert!(!deeds.iter().any(|deed| deed == "connector.changed" || deed == "connection.deleted"), "{deeds:?}");
}

/// Where nothing is told, the trail has it all the same: what can't be written at once is left.
#[tokio::test]
async fn a_deed_that_the_trail_does_not_take_is_noted_later() {
    let (world, _) = world().await;
    let_makers_die(&world);
    world.admin("POST", "/keys").json(&json!({"name": "ops", "role": "admin"})).send().await.expect(201);
    let created = |deeds: Vec<String>| deeds.iter().filter(|deed| *deed == "key.created").count();
    let before = created(world.deeds("key.").await);
    a_minute_later(&world).await;
    assert_eq!(created(world.deeds("key.").await), before + 1);
    let trail = world.admin("GET", "/audit?action=key.created").send().await.expect(200);
    assert!(trail["events"][0]["details"]["happened_at"].is_string(), "it was a while ago: {trail}");
    assert!(!world.log.text().contains("audit_behind"));
}

/// Both say how it went, and from where; the one who made the change says more.
#[tokio::test]
async fn who_comes_back_notes_what_became_of_it() {
    let (world, connector) = world().await;
    world.connect(&connector, "alice").await;
    world.disconnect(&connector, "alice").await.expect(200);
    a_minute_later(&world).await;
    let trail = world.admin("GET", "/audit?action=connection.deleted").send().await.expect(200);
    let events = trail["events"].as_array().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["details"]["revocation"], "revoked");
}

#[tokio::test]
async fn the_trail_is_searched_by_who_what_when_and_through_which_connector() {
    let (world, calendar) = world().await;
    let mail = world.connector("Mail").await;
    world.connect(&calendar, "alice").await;
    world.advance(3_600);
    world.connect(&mail, "bob").await;
    let found = async |query: &str| -> Vec<(String, String)> {
        let page = world.admin("GET", &format!("/audit?{query}")).send().await.expect(200);
        let events = page["events"].as_array().unwrap().clone();
        let pair =
            |event: &Value| (event["action"].as_str().unwrap().to_owned(), event["actor"].as_str().unwrap().to_owned());
        events.iter().map(pair).collect()
    };
    let by_alice = found("actor=user:first-app:alice").await;
    assert_eq!(by_alice, [("connection.created".to_owned(), "user:first-app:alice".to_owned())]);
    assert_eq!(found("action=connection.").await.len(), 2);
    assert_eq!(found("action=connection").await.len(), 0, "a whole action, or what ends with a dot");
    assert_eq!(found(&format!("connector={}", mail.id)).await.len(), 2, "made, and connected to");
    let hour_ago = world.clock.now().checked_sub(jiff::SignedDuration::from_mins(59)).unwrap();
    assert_eq!(found(&format!("action=connection.&since={hour_ago}")).await.len(), 1);
    assert_eq!(found(&format!("action=connection.&until={hour_ago}")).await.len(), 1);
    for wrong in ["since=yesterday", "until=1", "cursor=x"] {
        let answer = world.admin("GET", &format!("/audit?{wrong}")).send().await;
        assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
    }
}
