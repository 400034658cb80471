//! What a plan lets a workspace add: however many ask at once, and never at the cost of what there is.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::world::{Answer, PROVIDER, Workspace, World, journeys::parameter};

const REGISTRY: &str = "TABLE_REGISTRY";

async fn add(world: &World, workspace: &Workspace, name: &str) -> Answer {
    let body = json!({"integration_type": PROVIDER, "name": name, "client_id": "id", "client_secret": "s"});
    workspace.admin(world, "POST", "/connectors").json(&body).send().await
}

async fn shown(world: &World, workspace: &Workspace) -> Value {
    workspace.admin(world, "GET", "").send().await.expect(200)
}

async fn on_plan(plan: &str) -> World {
    let world = World::new().await;
    world.give_plan(&world.workspace, &json!(plan)).await.unwrap();
    world
}

#[tokio::test]
async fn of_twenty_who_add_at_once_three_find_room_for_three() {
    let world = on_plan("three").await;
    let names: Vec<String> = (0..20).map(|number| format!("Number {number}")).collect();
    let answers = join_all(names.iter().map(|name| add(&world, &world.workspace, name))).await;
    let added = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(added, 3);
    let others = answers.iter().filter(|answer| answer.status != 201);
    for refused in others {
        assert_eq!(refused.refusal(), (402, "plan_required".to_owned()));
        let told = refused.json();
        let expected = json!({"name": "three", "limit": "connectors", "most": 3, "used": 3});
        assert_eq!(told["plan"], expected);
        assert!(told["detail"].as_str().unwrap().starts_with("The plan `three` has 3 connectors at most"));
    }
    assert_eq!(shown(&world, &world.workspace).await["use"], json!({"connectors": 3, "connections": 0}));
}

#[tokio::test]
async fn a_deleted_connector_leaves_its_room_once_however_often_it_is_deleted() {
    let world = on_plan("three").await;
    let mut ids = Vec::new();
    for name in ["One", "Two", "Three"] {
        let made = add(&world, &world.workspace, name).await.expect(201);
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(add(&world, &world.workspace, "Four").await.status, 402);
    let path = format!("/connectors/{}", ids[0]);
    let deleted = join_all((0..5).map(|_| world.admin("DELETE", &path).send())).await;
    assert!(deleted.iter().all(|answer| answer.status == 202));
    add(&world, &world.workspace, "Four").await.expect(201);
    assert_eq!(add(&world, &world.workspace, "Five").await.status, 402);
    // What does not come to be takes no room.
    world.admin("DELETE", &format!("/connectors/{}", ids[1])).send().await.expect(202);
    assert_eq!(add(&world, &world.workspace, "Four").await.status, 409);
    assert_eq!(shown(&world, &world.workspace).await["use"], json!({"connectors": 2, "connections": 0}));
}

#[tokio::test]
async fn a_lesser_plan_ends_no_connection_and_adds_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.give_plan(&world.workspace, &json!("none")).await.unwrap();
    assert_eq!(add(&world, &world.workspace, "Another").await.refusal(), (402, "plan_required".to_owned()));
    let own = world.provider.registration("another");
    let refused = world.admin("POST", "/providers").json(&own).send().await;
    assert_eq!((refused.status, &refused.json()["plan"]["limit"]), (402, &json!("custom_providers")));
    world.token(&connector, "alice").await.expect(200);
    world.connect(&connector, "bob").await;
    world.change(&connector, &json!({"name": "Agenda"})).await;
    let plan = &shown(&world, &world.workspace).await["plan"];
    let limits = json!({"connectors": 0, "connections": null, "custom_providers": false, "shared": true});
    assert_eq!(plan, &json!({"name": "none", "limits": limits}));
    world.give_plan(&world.workspace, &Value::Null).await.unwrap();
    add(&world, &world.workspace, "Another").await.expect(201);
    assert_eq!(world.deeds("workspace.plan").await.len(), 2);
}

/// Connectors that were there before anybody counted are counted when it first matters.
#[tokio::test]
async fn a_workspace_from_before_connectors_were_counted_is_counted_once() {
    let world = World::new().await;
    for name in ["One", "Two"] {
        add(&world, &world.workspace, name).await.expect(201);
    }
    let mut items = world.aws.items(REGISTRY).await.into_iter();
    let pk = format!("WS#{}", world.workspace.id);
    let is_meta = |item: &crate::world::Item| item["pk"].as_s().unwrap() == &pk && item["sk"].as_s().unwrap() == "META";
    let mut meta = items.find(is_meta).unwrap();
    assert!(meta.remove("connector_count").is_some());
    world.aws.put(REGISTRY, meta).await;
    world.give_plan(&world.workspace, &json!("three")).await.unwrap();
    let answers = join_all(["Three", "Four", "Five"].map(|name| add(&world, &world.workspace, name))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(shown(&world, &world.workspace).await["use"], json!({"connectors": 3, "connections": 0}));
}

#[tokio::test]
async fn a_plan_is_given_by_who_runs_the_deployment_and_only_one_that_there_is() {
    let world = World::new().await;
    let founded = world.found_with(&json!({"workspace_name": "Planned", "plan": "three"})).await.unwrap();
    assert_eq!(shown(&world, &founded).await["plan"]["name"], "three");
    assert!(world.found_with(&json!({"workspace_name": "Odd", "plan": "nobody has it"})).await.is_err());
    assert!(world.found_with(&json!({"workspace_name": "Odd", "plan": "gold"})).await.is_err());
    assert!(world.give_plan(&founded, &json!("gold")).await.is_err());
    let nobody = Workspace { id: "ws_nobody".to_owned(), admin_key: String::new() };
    assert!(world.give_plan(&nobody, &json!("three")).await.is_err());
    assert_eq!(shown(&world, &founded).await["plan"]["name"], "three");
}

pub(crate) async fn connections_of(world: &World) -> Value {
    shown(world, &world.workspace).await["use"]["connections"].clone()
}

/// Everybody set out while there was room. What is one too many is given back to the provider, not kept and not forgotten.
#[tokio::test]
async fn of_six_who_come_back_at_once_two_find_room_and_the_grants_of_the_others_end() {
    let world = on_plan("two").await;
    let connector = world.connector("Calendar").await;
    let users = ["a", "b", "c", "d", "e", "f"];
    let mut begun = Vec::new();
    for user in users {
        begun.push(world.begin(&connector, user).await);
    }
    let come_back = begun.into_iter().zip(users).map(async |(mut begun, user)| {
        let callback = world.provider.approve(&begun.redirect_url, &format!("{user}@provider"));
        let answer = begun.browser.open(&world, &callback).await;
        (user, begun.session, parameter(answer.location(), "status"))
    });
    let came = join_all(come_back).await;
    let (connected, others): (Vec<_>, Vec<_>) = came.into_iter().partition(|(_, _, status)| status == "completed");
    assert_eq!(connected.len(), 2);
    for (user, session, status) in &others {
        assert_eq!(status, "failed");
        assert_eq!(world.session(session, user).await["reason"], "plan_required");
        world.token(&connector, user).await.expect(404);
    }
    assert_eq!(world.provider.journal("/revoke").len(), 4);
    for (user, _, _) in &connected {
        world.token(&connector, user).await.expect(200);
    }
    assert_eq!(connections_of(&world).await, 2);
}

#[tokio::test]
async fn nobody_is_sent_to_a_provider_for_a_connection_that_there_is_no_room_for() {
    let world = on_plan("two").await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.connect(&connector, "bob").await;
    let initiate = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    let refused = world.as_user("carol", "POST", &initiate).json(&json!({})).send().await;
    assert_eq!(refused.refusal(), (402, "plan_required".to_owned()));
    assert!(refused.json()["plan"].is_null(), "what the workspace has is no user's business");
    // Connecting again is no connection more, and an end leaves its room.
    world.connect(&connector, "alice").await;
    assert_eq!(connections_of(&world).await, 2);
    world.disconnect(&connector, "bob").await.expect(200);
    world.connect(&connector, "carol").await;
    assert_eq!(world.as_user("bob", "POST", &initiate).json(&json!({})).send().await.status, 402);
}

/// The session set out to renew what was gone when it came back, and somebody else had the room by then.
#[tokio::test]
async fn a_session_that_was_to_renew_takes_no_room_that_is_not_there() {
    let world = on_plan("two").await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.connect(&connector, "bob").await;
    let mut begun = world.begin(&connector, "alice").await;
    world.disconnect(&connector, "alice").await.expect(200);
    world.connect(&connector, "carol").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let answer = begun.browser.open(&world, &callback).await;
    assert_eq!(parameter(answer.location(), "status"), "failed");
    assert_eq!(world.session(&begun.session, "alice").await["reason"], "plan_required");
    assert_eq!(connections_of(&world).await, 2);
}

#[tokio::test]
async fn a_plan_that_comes_later_ends_no_connection_and_counts_those_that_there_are() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob", "carol"] {
        world.connect(&connector, user).await;
    }
    world.give_plan(&world.workspace, &json!("two")).await.unwrap();
    assert_eq!(connections_of(&world).await, 3);
    world.connect(&connector, "alice").await;
    world.token(&connector, "carol").await.expect(200);
    let initiate = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    world.disconnect(&connector, "bob").await.expect(200);
    assert_eq!(world.as_user("dave", "POST", &initiate).json(&json!({})).send().await.status, 402);
    world.disconnect(&connector, "carol").await.expect(200);
    world.connect(&connector, "dave").await;
    assert_eq!(world.as_user("erin", "POST", &initiate).json(&json!({})).send().await.status, 402);
    world.give_plan(&world.workspace, &Value::Null).await.unwrap();
    world.connect(&connector, "erin").await;
    assert_eq!(connections_of(&world).await, 3);
}

#[tokio::test]
async fn a_deleted_connector_leaves_the_room_of_its_connections() {
    let world = on_plan("two").await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.connect(&connector, "bob").await;
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    while world.deliver_revocations().await.is_some() {}
    assert_eq!(connections_of(&world).await, 0);
}

#[tokio::test]
async fn an_admin_is_told_what_the_plan_says_when_there_is_no_room_for_a_shared_account() {
    let world = on_plan("two").await;
    let own = world.connector("Calendar").await;
    let shared = world.shared_connector("Office").await;
    world.connect(&own, "alice").await;
    world.connect(&own, "bob").await;
    let connect = || world.admin("POST", &format!("/connectors/{}/connect", shared.id)).json(&json!({})).send();
    let refused = connect().await;
    assert_eq!(refused.refusal(), (402, "plan_required".to_owned()));
    let expected = json!({"name": "two", "limit": "connections", "most": 2, "used": 2});
    assert_eq!(refused.json()["plan"], expected);
    world.disconnect(&own, "bob").await.expect(200);
    assert_eq!(world.connect_shared(&shared, "office@provider").await, "completed");
    assert_eq!(connections_of(&world).await, 2);
}

#[tokio::test]
async fn a_plan_without_shared_connectors_adds_none_and_leaves_those_that_there_are() {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    world.connect_shared(&connector, "office@provider").await;
    world.give_plan(&world.workspace, &json!("own-only")).await.unwrap();
    let body = json!({
        "integration_type": PROVIDER, "name": "Second", "client_id": "id", "client_secret": "s", "kind": "shared",
    });
    let refused = world.admin("POST", "/connectors").json(&body).send().await;
    assert_eq!((refused.status, &refused.json()["plan"]["limit"]), (402, &json!("shared")));
    add(&world, &world.workspace, "Calendar").await.expect(201);
    world.shared_token(&world.app, "fake").await.expect(200);
    assert_eq!(world.connect_shared(&connector, "office@provider").await, "completed", "connecting again adds nothing");
}
