//! What a plan lets a workspace add: however many ask at once, and never at the cost of what there is.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::world::{Answer, PROVIDER, Workspace, World};

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
    assert_eq!(shown(&world, &world.workspace).await["use"], json!({"connectors": 3}));
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
    assert_eq!(shown(&world, &world.workspace).await["use"], json!({"connectors": 2}));
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
    let limits = json!({"connectors": 0, "custom_providers": false, "shared": true});
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
    assert_eq!(shown(&world, &world.workspace).await["use"], json!({"connectors": 3}));
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
