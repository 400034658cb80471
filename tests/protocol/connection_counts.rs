//! How many connections a workspace has: what its plan goes by, whatever becomes of them, and whenever they were made.

use futures::{future::join_all, join};
use serde_json::json;

use crate::{
    deletions::{LINGER, left, let_pass},
    plans::connections_of,
    world::{App, Connector, Item, World},
};

const CONNECTIONS: &str = "TABLE_CONNECTIONS";
const REGISTRY: &str = "TABLE_REGISTRY";

fn users(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}

fn key<'i>(item: &'i Item, name: &str) -> &'i str {
    item[name].as_s().unwrap()
}

/// Makes the workspace one from before anybody counted its connections.
async fn forget_counts(world: &World) {
    for mut item in world.aws.all_items(CONNECTIONS).await {
        if key(&item, "pk").starts_with("COUNT#") {
            world.aws.remove(CONNECTIONS, &item).await;
        } else if item.remove("counted").is_some() {
            world.aws.put(CONNECTIONS, item).await;
        }
    }
    for mut item in world.aws.all_items(REGISTRY).await {
        if item.remove("connections_counted").is_some() {
            world.aws.put(REGISTRY, item).await;
        }
    }
}

async fn initiate(world: &World, connector: &Connector, user: &str) -> u16 {
    let path = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    world.as_user(user, "POST", &path).json(&json!({})).send().await.status
}

/// Works off what is left to be done, until nothing is.
async fn work_off(world: &World) {
    while world.deliver_revocations().await.is_some() {}
}

#[tokio::test]
async fn connections_from_before_they_were_counted_are_counted_once_a_plan_limits_them() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob", "carol"] {
        world.connect(&connector, user).await;
    }
    forget_counts(&world).await;
    assert_eq!(connections_of(&world).await, 0);
    world.give_plan(&world.workspace, &json!("two")).await.unwrap();
    work_off(&world).await;
    assert_eq!(connections_of(&world).await, 3);
    assert_eq!(initiate(&world, &connector, "dave").await, 402);
    // However often it is said: what was counted is not counted again.
    for plan in ["pro", "two", "two"] {
        world.give_plan(&world.workspace, &json!(plan)).await.unwrap();
        work_off(&world).await;
    }
    assert_eq!(connections_of(&world).await, 3);
    assert_eq!(world.deeds("workspace.connections_counted").await.len(), 1);
    for user in ["alice", "bob"] {
        world.disconnect(&connector, user).await.expect(200);
    }
    assert_eq!(connections_of(&world).await, 1);
    world.connect(&connector, "dave").await;
    assert_eq!(initiate(&world, &connector, "erin").await, 402);
}

/// A workspace had its plan before connections were counted, and nobody opens its console.
#[tokio::test]
async fn the_round_of_the_night_finds_a_workspace_that_nobody_has_counted() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob"] {
        world.connect(&connector, user).await;
    }
    world.give_plan(&world.workspace, &json!("two")).await.unwrap();
    forget_counts(&world).await;
    assert_eq!(initiate(&world, &connector, "carol").await, 200, "nobody knows yet");
    world.advance(30 * 3_600);
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
    work_off(&world).await;
    assert_eq!(initiate(&world, &connector, "carol").await, 402);
}

#[tokio::test]
async fn who_comes_and_goes_while_they_are_counted_is_counted_once() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.import_users(&connector, &world.app, &users("early", 60)).await;
    forget_counts(&world).await;
    let plans = json!("hundred");
    world.give_plan(&world.workspace, &plans).await.unwrap();
    // A group is about to be counted, when some of it leave, others come, and one comes back.
    let mut held = world.aws.hold("TransactWriteItems", "attribute_not_exists(counted)");
    let meanwhile = async {
        held.arrived().await;
        let leaving = users("early", 20);
        join_all(leaving.iter().map(|user| world.disconnect(&connector, user))).await;
        world.connect(&connector, "early-3").await;
        world.import_users(&connector, &world.app, &users("late", 15)).await;
        held.release();
    };
    join!(work_off(&world), meanwhile);
    work_off(&world).await;
    let (there, _) = left(&world).await;
    assert_eq!(there, 60 - 20 + 1 + 15);
    assert_eq!(connections_of(&world).await, there);
    // Each of them leaves exactly the room that it took.
    for user in users("early", 60).iter().chain(&users("late", 15)) {
        world.disconnect(&connector, user).await;
    }
    assert_eq!(connections_of(&world).await, 0);
}

#[tokio::test]
async fn counting_is_gone_on_with_by_another_where_a_worker_died() {
    let world = World::new().await;
    let (calendar, mail) = (world.connector("Calendar").await, world.connector("Mail").await);
    world.import_users(&calendar, &world.app, &users("user", 120)).await;
    world.import_users(&mail, &world.app, &users("user", 30)).await;
    forget_counts(&world).await;
    world.aws.refuse("TransactWriteItems", "attribute_not_exists(counted)", 1);
    world.give_plan(&world.workspace, &json!("hundred")).await.unwrap();
    work_off(&world).await;
    assert_ne!(connections_of(&world).await, 150);
    world.advance(180);
    world.lose_revocations();
    world.remind_of_what_is_due().await;
    let_pass(&world, 3).await;
    assert_eq!(connections_of(&world).await, 150);
}

/// Ends what somebody looked at.
async fn end_all_of(world: &World, criteria: serde_json::Value) {
    let look = world.revoke_matching(&world.workspace, &criteria).await.expect(200);
    let mut body = criteria;
    (body["dry_run"], body["confirm"]) = (json!(false), look["confirm"].clone());
    world.revoke_matching(&world.workspace, &body).await.expect(202);
    let_pass(world, 6).await;
}

async fn assert_counted(world: &World, expected: usize, after: &str) {
    assert_eq!(left(world).await.0, expected, "{after}");
    assert_eq!(connections_of(world).await, expected, "{after}");
}

#[tokio::test]
async fn whatever_becomes_of_connections_the_count_is_what_there_is() {
    let world = World::new().await;
    let (calendar, mail, team) =
        (world.connector("Calendar").await, world.connector("Mail").await, world.shared_connector("Team").await);
    let second: App = world.register_app(&world.workspace, "second-app").await;
    world.import_users(&calendar, &world.app, &users("user", 6)).await;
    world.import_users(&mail, &world.app, &users("user", 4)).await;
    world.import_users(&calendar, &second, &users("user", 3)).await;
    assert_eq!(world.connect_shared(&team, "team@provider").await, "completed");
    world.connect(&mail, "by-hand").await;
    assert_counted(&world, 15, "they came").await;

    world.connect(&calendar, "user-0").await;
    let again = world.made_elsewhere(&calendar, &world.app, "user-1");
    for _ in 0..2 {
        let body = json!({"connections": [again], "on_conflict": "replace"});
        world.import(&calendar, &body).await.expect(200);
    }
    world.provider.take_back("user-2@provider");
    world.advance(3_700);
    world.token(&calendar, "user-2").await.expect(404);
    assert_counted(&world, 15, "renewed, replaced, and over at the provider").await;

    world.disconnect_and_die(&calendar, "user-2").await;
    world.disconnect(&calendar, "user-2").await;
    world.disconnect_shared(&team).await.expect(200);
    let_pass(&world, 2).await;
    assert_counted(&world, 13, "disconnected").await;

    end_all_of(&world, json!({"user": {"app_id": world.app.id, "sub": "user-0"}})).await;
    assert_counted(&world, 11, "a user's ended at once").await;
    world.admin("DELETE", &format!("/apps/{}/users/user-3", world.app.id)).send().await;
    let_pass(&world, 3).await;
    assert_counted(&world, 9, "a user forgotten").await;
    world.admin("DELETE", "/apps/second-app").send().await;
    let_pass(&world, 5).await;
    assert_counted(&world, 6, "an app deleted").await;
    world.admin("DELETE", &format!("/connectors/{}?revoke=false", mail.id)).send().await.expect(202);
    let_pass(&world, 5).await;
    let_pass(&world, 1).await;
    world.advance(LINGER);
    let_pass(&world, 3).await;
    let rest = left(&world).await.0;
    assert_counted(&world, rest, "a connector deleted, and its grants left alone").await;
    end_all_of(&world, json!({"connector_id": calendar.id})).await;
    assert_counted(&world, 0, "everything ended").await;
}
