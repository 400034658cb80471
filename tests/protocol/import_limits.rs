//! What comes in from elsewhere keeps to the workspace's plan and policy, as everything that is made here does.

use futures::join;
use serde_json::{Value, json};

use crate::{
    plans::connections_of,
    world::{Connector, PROVIDER, World},
};

async fn on_plan(plan: &str) -> (World, Connector) {
    let world = World::new().await;
    world.give_plan(&world.workspace, &json!(plan)).await.unwrap();
    let connector = world.connector("Calendar").await;
    (world, connector)
}

fn grants(world: &World, connector: &Connector, users: &[&str]) -> Vec<Value> {
    users.iter().map(|user| world.made_elsewhere(connector, &world.app, user)).collect()
}

fn body(grants: &[Value], mode: &str, dry_run: bool) -> Value {
    json!({"connections": grants, "on_conflict": mode, "dry_run": dry_run})
}

fn outcomes(answer: &Value) -> Vec<(String, Value)> {
    let results = answer["results"].as_array().unwrap();
    results.iter().map(|result| (result["status"].as_str().unwrap().to_owned(), result["reason"].clone())).collect()
}

/// How many events of this kind are on their way.
async fn told(world: &World, kind: &str) -> usize {
    let items = world.aws.all_items("TABLE_CONNECTIONS").await;
    let kinds = items.iter().filter_map(|item| item.get("event_kind")?.as_s().ok());
    kinds.filter(|known| *known == kind).count()
}

#[tokio::test]
async fn an_import_brings_what_there_is_room_for_and_the_rest_once_there_is_more() {
    let (world, connector) = on_plan("two").await;
    let grants = grants(&world, &connector, &["a", "b", "c", "d"]);
    let looked = world.import(&connector, &body(&grants, "skip", true)).await.expect(200);
    assert_eq!(connections_of(&world).await, 0);
    let done = world.import(&connector, &body(&grants, "skip", false)).await.expect(200);
    assert_eq!((&done["imported"], &done["refused"]), (&json!(2), &json!(2)), "{done}");
    assert_eq!(outcomes(&looked), outcomes(&done), "the dry run says what would be");
    let refused = &done["results"][3];
    assert_eq!((&refused["status"], &refused["reason"]), (&json!("refused"), &json!("plan_required")));
    assert_eq!(refused["errors"][0]["pointer"], "/connections/3");
    let why = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(why.starts_with("The plan `two` has 2 connections at most, and the workspace has 2."), "{why}");
    assert_eq!(connections_of(&world).await, 2);
    world.token(&connector, "c").await.expect(404);

    // What takes the place of another takes no room of its own.
    let newer = self::grants(&world, &connector, &["a", "e"]);
    for dry_run in [true, false] {
        let replaced = world.import(&connector, &body(&newer, "replace", dry_run)).await.expect(200);
        assert_eq!((&replaced["imported"], &replaced["refused"]), (&json!(1), &json!(1)), "{replaced}");
    }
    assert_eq!(connections_of(&world).await, 2);
    assert_eq!((told(&world, "connection.created").await, told(&world, "connection.reconnected").await), (2, 1));

    world.give_plan(&world.workspace, &json!("pro")).await.unwrap();
    let rest = world.import(&connector, &body(&grants, "skip", false)).await.expect(200);
    assert_eq!((&rest["imported"], &rest["skipped"]), (&json!(2), &json!(2)), "{rest}");
    for user in ["b", "c", "d"] {
        assert!(world.provider.honours(&world.access_token(&connector, user).await), "nothing was lost: {user}");
    }
    assert_eq!(connections_of(&world).await, 4);
}

#[tokio::test]
async fn imports_and_users_who_come_at_once_find_no_more_room_than_there_is() {
    let (world, connector) = on_plan("two").await;
    let (one, other) = (grants(&world, &connector, &["a", "b", "c"]), grants(&world, &connector, &["d", "e", "f"]));
    let (one, other) = (body(&one, "skip", false), body(&other, "skip", false));
    let (one, other) = join!(world.import(&connector, &one), world.import(&connector, &other));
    let imported = [one, other].map(|answer| answer.expect(200)["imported"].as_u64().unwrap());
    assert_eq!(imported.iter().sum::<u64>(), 2, "{imported:?}");
    assert_eq!(connections_of(&world).await, 2);
}

#[tokio::test]
async fn one_grant_that_is_sent_twice_at_once_is_one_connection() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for mode in ["skip", "replace"] {
        let grants = grants(&world, &connector, &[mode]);
        let body = body(&grants, mode, false);
        let (one, other) = join!(world.import(&connector, &body), world.import(&connector, &body));
        let mut said: Vec<_> = [one, other].iter().flat_map(|answer| outcomes(&answer.expect(200))).collect();
        said.sort_by_key(|(status, _)| status.clone());
        let before = ("skipped".to_owned(), json!("imported_before"));
        assert_eq!(said, [("imported".to_owned(), Value::Null), before], "{mode}");
    }
    assert_eq!(connections_of(&world).await, 2);
}

#[tokio::test]
async fn the_dry_run_says_of_a_users_second_grant_what_becomes_of_it() {
    for mode in ["skip", "replace"] {
        let world = World::new().await;
        let connector = world.connector("Calendar").await;
        let mut grants = grants(&world, &connector, &["a", "a", "b", "a"]);
        grants.push(grants[2].clone());
        let looked = world.import(&connector, &body(&grants, mode, true)).await.expect(200);
        let done = world.import(&connector, &body(&grants, mode, false)).await.expect(200);
        assert_eq!(outcomes(&looked), outcomes(&done), "{mode}");
        let second = if mode == "skip" { json!("connected") } else { Value::Null };
        assert_eq!(outcomes(&done)[1].1, second);
        assert_eq!(outcomes(&done)[4].1, json!("imported_before"));
    }
}

#[tokio::test]
async fn nothing_comes_or_goes_where_the_type_is_switched_off() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.change(&connector, &json!({"exportable": true})).await;
    world.advance(86_400);
    let switch = async |on: bool| {
        let change = json!({"integration_type": PROVIDER, "per_user_connection_enabled": on});
        world.admin("PUT", "/connector-governance").json(&change).send().await.expect(200);
    };
    switch(false).await;
    let grants = grants(&world, &connector, &["a"]);
    for dry_run in [true, false] {
        let refused = world.import(&connector, &body(&grants, "skip", dry_run)).await;
        assert_eq!(refused.refusal(), (403, "blocked_by_policy".to_owned()));
    }
    let recipient = json!({"recipient": age::x25519::Identity::generate().to_public().to_string()});
    assert_eq!(world.export(&connector, &recipient).await.refusal(), (403, "blocked_by_policy".to_owned()));
    assert_eq!(connections_of(&world).await, 0);
    switch(true).await;
    let done = world.import(&connector, &body(&grants, "skip", false)).await.expect(200);
    assert_eq!(done["imported"], 1);
    assert_eq!(world.export(&connector, &recipient).await.expect(200)["exported"], 1);
}
