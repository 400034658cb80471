//! Every route that changes something leaves its line in the audit trail in the transaction of the change: once if it is made,
//! whoever dies after it; and if the line can't be left, the change is not made.

mod examples;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
};

use futures::FutureExt;

use crate::world::{Item, World, shown};
use examples::{Example, example};

type Route = (&'static str, &'static str);

/// What the trail says of a route's example.
const NOTED: [(Route, &[&str]); 41] = [
    (("POST", "/api/workspace/{ws}/connectors"), &["connector.created"]),
    (("PUT", "/api/workspace/{ws}/connectors/{id}"), &["connector.changed"]),
    (("DELETE", "/api/workspace/{ws}/connectors/{id}"), &["connector.deleted"]),
    (("PUT", "/api/workspace/{ws}/connector-governance"), &["governance.changed"]),
    (("PUT", "/api/workspace/{ws}/connector-governance/bulk"), &["governance.changed"]),
    (("POST", "/api/workspace/{ws}/apps"), &["app.created"]),
    (("PUT", "/api/workspace/{ws}/apps/{app}"), &["app.changed"]),
    (("DELETE", "/api/workspace/{ws}/apps/{app}"), &["app.deleted"]),
    (("PUT", "/api/workspace/{ws}/apps/{app}/identity"), &["app.identity_changed"]),
    (("DELETE", "/api/workspace/{ws}/apps/{app}/identity"), &["app.identity_removed"]),
    (("POST", "/api/workspace/{ws}/apps/{app}/keys"), &["key.created"]),
    (("DELETE", "/api/workspace/{ws}/apps/{app}/keys/{key_id}"), &["key.revoked"]),
    (("POST", "/api/workspace/{ws}/keys"), &["key.created"]),
    (("DELETE", "/api/workspace/{ws}/keys/{key_id}"), &["key.revoked"]),
    (("POST", "/api/workspace/{ws}/encryption-keys"), &["encryption_key.created"]),
    (("PUT", "/api/workspace/{ws}/encryption-keys"), &["encryption_key.created"]),
    (("POST", "/api/workspace/{ws}/proposals"), &["proposal.created"]),
    // What was proposed, and that it was confirmed.
    (("POST", "/api/workspace/{ws}/proposals/{proposal}/confirm"), &["connector.created", "proposal.confirmed"]),
    (("POST", "/api/workspace/{ws}/proposals/{proposal}/decline"), &["proposal.declined"]),
    (("POST", "/api/workspace/{ws}/providers"), &["provider.created"]),
    (("DELETE", "/api/workspace/{ws}/providers/{type}"), &["provider.deleted"]),
    (("DELETE", "/api/workspace/{ws}/apps/{app}/users/{sub}"), &["user.deleted"]),
    (("PUT", "/api/workspace/{ws}/identity"), &["workspace.identity_changed"]),
    (("DELETE", "/api/workspace/{ws}/identity"), &["workspace.identity_removed"]),
    (("DELETE", "/api/workspace/{ws}"), &["workspace.deleted"]),
    (("POST", "/api/workspace/{ws}/webhooks"), &["webhook.created"]),
    (("PUT", "/api/workspace/{ws}/webhooks/{webhook}"), &["webhook.changed"]),
    (("DELETE", "/api/workspace/{ws}/webhooks/{webhook}"), &["webhook.deleted"]),
    (("POST", "/api/workspace/{ws}/webhooks/{webhook}/replay"), &["webhook.replayed"]),
    (("POST", "/api/apps/{app}/app-user-auth/sessions/{session}/finish"), &["connection.created"]),
    // Each connection that comes, which is noted a little later, and how many did.
    (("POST", "/api/workspace/{ws}/connectors/{id}/import"), &["connection.imported", "connections.imported"]),
    (("POST", "/api/workspace/{ws}/connectors/{id}/import/nango"), &["connection.imported", "connections.imported"]),
    (("POST", "/api/workspace/{ws}/connectors/{id}/export"), &["connections.exported"]),
    (("DELETE", "/api/apps/{app}/app-user-auth/connectors/{id}"), &["connection.deleted"]),
    (("DELETE", "/api/workspace/{ws}/connectors/{id}/connections/{connection}"), &["connection.deleted"]),
    (("DELETE", "/api/workspace/{ws}/connectors/{id}/connection"), &["connection.deleted"]),
    (("POST", "/connect/{session}/disconnect"), &["connection.deleted"]),
    (("POST", "/api/workspace/{ws}/revocations"), &["connections.revocation_begun"]),
    (("DELETE", "/api/workspace/{ws}/revocations/{revocation}"), &["connections.revocation_stopped"]),
    // Both speak of what their tools do, which the trail has as it has it of the routes above.
    (("POST", "/mcp/{ws}"), &[]),
    (("POST", "/mcp/apps/{app}"), &[]),
];

/// Routes that are asked by another method than `GET`, and change nothing that lasts; and why.
const CHANGES_NOTHING: [(Route, &str); 15] = [
    (("POST", "/api/workspace/{ws}/connectors/{id}/doctor"), "looks; what it follows of an issuer is noted as its own"),
    (("POST", "/api/workspace/{ws}/connectors/{id}/foresee"), "says what a change would mean"),
    (("POST", "/api/workspace/{ws}/apps/{app}/identity/check"), "tries a token"),
    (("POST", "/api/workspace/{ws}/sign-in/token"), "exchanges a code at the issuer, and keeps nothing"),
    (("POST", "/api/workspace/{ws}/webhooks/{webhook}/test"), "sends what says that it is a test"),
    (("POST", "/api/workspace/{ws}/connectors/{id}/connect"), "begins a session, which is over in minutes"),
    (("POST", "/api/apps/{app}/app-user-auth/connectors/{id}/initiate"), "begins a session"),
    (("POST", "/api/apps/{app}/connect-sessions"), "begins a session"),
    (("POST", "/connect/{session}/open"), "opens a session's link"),
    (("POST", "/connect/{session}/continue"), "goes on with a session"),
    (("POST", "/connect/{session}/decline"), "ends a session of which nothing came"),
    (("POST", "/api/apps/{app}/analytics/track/batch"), "takes nothing down"),
    (("POST", "/api/apps/{app}/connectors/{type}/call"), "calls an API; tokens that are read are a figure"),
    (("POST", "/api/apps/{app}/app-user-auth/connectors/{id}/call"), "calls an API"),
    (("POST", "/oauth/token"), "reads a token, which is a figure"),
];

/// Every route of every function that answers HTTP.
const ROUTES: [&[Route]; 12] = [
    start_authorization::ROUTES,
    callback::ROUTES,
    finish_authorization::ROUTES,
    get_token::ROUTES,
    call_provider::ROUTES,
    list_connections::ROUTES,
    disconnect::ROUTES,
    manage_connector::ROUTES,
    move_grants::ROUTES,
    mcp::ROUTES,
    console::ROUTES,
    refresh::ROUTES,
];

/// Routes whose example is tried here.
fn tried() -> impl Iterator<Item = (Route, &'static [&'static str])> {
    NOTED.into_iter().filter(|(_, lines)| !lines.is_empty())
}

/// Tries every example in a world of its own, and says of which routes it is not true.
async fn each(is_true: impl AsyncFn(&World, &Example, Route, &[&str])) {
    let mut untrue = Vec::new();
    for (route, expected) in tried() {
        let tried = async {
            let world = World::new().await;
            let asked = example(&world, route).await.unwrap_or_else(|| panic!("there is no example of {route:?}"));
            is_true(&world, &asked, route, expected).await;
        };
        if AssertUnwindSafe(tried).catch_unwind().await.is_err() {
            untrue.push(route);
        }
    }
    assert!(untrue.is_empty(), "{untrue:?}");
}

/// The lines of the first workspace's trail, by what was done, as the table has them.
async fn lines(world: &World) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for item in world.aws.items("TABLE_AUDIT").await {
        let is_theirs = item["pk"].as_s().unwrap().starts_with(&format!("AUDIT#{}", world.workspace.id));
        if let Some(action) = item.get("deed").filter(|_| is_theirs) {
            *lines.entry(action.as_s().unwrap().clone()).or_default() += 1;
        }
    }
    lines
}

/// What is there by now that was not there before.
async fn news(world: &World, before: &BTreeMap<String, usize>) -> Vec<String> {
    let mut news = Vec::new();
    for (action, count) in lines(world).await {
        let more = count - before.get(&action).copied().unwrap_or(0);
        news.extend(std::iter::repeat_n(action, more));
    }
    news
}

/// A minute and another one later, when the schedule has come by.
async fn minutes_later(world: &World) {
    world.aws.refuse_nothing();
    for _ in 0..2 {
        world.lose_events();
        world.advance(61);
        world.fire_schedule().await;
        world.deliver_events().await;
    }
}

#[test]
fn every_route_that_changes_something_is_known_here() {
    let known: BTreeSet<Route> =
        NOTED.iter().map(|(route, _)| *route).chain(CHANGES_NOTHING.iter().map(|(route, _)| *route)).collect();
    let all: BTreeSet<Route> =
        ROUTES.iter().flat_map(|routes| routes.iter().copied()).filter(|(method, _)| *method != "GET").collect();
    assert_eq!(known, all);
    assert_eq!(known.len(), NOTED.len() + CHANGES_NOTHING.len());
}

#[tokio::test]
async fn what_was_changed_is_noted_once() {
    each(async |world, asked, route, expected| {
        let before = lines(world).await;
        let status = asked.ask(world, route.0).await;
        assert!((200..300).contains(&status), "{route:?}: {status}");
        let at_once: Vec<&str> = expected.iter().copied().filter(|action| *action != "connection.imported").collect();
        assert_eq!(news(world, &before).await, at_once, "{route:?}");
        minutes_later(world).await;
        assert_eq!(news(world, &before).await, expected, "{route:?}, once");
    })
    .await;
}

#[tokio::test]
async fn what_was_changed_by_who_died_right_after_is_noted_once() {
    each(async |world, asked, route, expected| {
        let before = lines(world).await;
        // Nobody who makes a change now gets to note it.
        for _ in 0..20 {
            world.aws.refuse("GetItem", "AUDITKEY", 0);
        }
        let status = asked.ask(world, route.0).await;
        assert!((200..300).contains(&status), "{route:?}: {status}");
        assert_eq!(news(world, &before).await, Vec::<String>::new(), "{route:?} is not noted yet");
        for _ in 0..3 {
            minutes_later(world).await;
            assert_eq!(news(world, &before).await, expected, "{route:?}");
        }
    })
    .await;
}

/// What a workspace has, but for the day that its keys were used, and work that finds nothing to be done.
async fn belongings(world: &World) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for table in ["TABLE_REGISTRY", "TABLE_CONNECTIONS"] {
        for mut item in world.aws.items(table).await {
            item.remove("last_used_on");
            let (pk, sk) = (item["pk"].as_s().unwrap().clone(), item["sk"].as_s().unwrap().clone());
            if !sk.starts_with("ENDED#") {
                all.insert(format!("{pk} {sk}"), in_order(item));
            }
        }
    }
    all
}

fn in_order(item: Item) -> String {
    let mut fields: Vec<String> = item.into_iter().map(|(name, value)| format!("{name}={}", shown(&value))).collect();
    fields.sort();
    fields.join("\n")
}

#[tokio::test]
async fn what_can_not_be_noted_is_not_changed() {
    each(async |world, asked, route, expected| {
        let (before, belongings_before) = (lines(world).await, belongings(world).await);
        for _ in 0..20 {
            for operation in ["TransactWriteItems", "PutItem"] {
                world.aws.refuse(operation, "\"EVENT#", 0);
            }
        }
        let status = asked.ask(world, route.0).await;
        // What a provider has just given is tried to be kept for longer than that, and noted when it is.
        if route.1.ends_with("/finish") {
            minutes_later(world).await;
            assert_eq!(news(world, &before).await, expected, "{route:?}");
            return;
        }
        // An import says of each grant what became of it; what it has refused is not there.
        let is_told_apart = route.1.contains("/import");
        assert!(is_told_apart || status >= 500, "{route:?}: {status}");
        let after = belongings(world).await;
        let differs = |name: &&String| belongings_before.get(*name) != after.get(*name);
        let differing: Vec<&String> = belongings_before.keys().chain(after.keys()).filter(differs).collect();
        assert!(differing.is_empty(), "{route:?}: {differing:?}");
        minutes_later(world).await;
        let news = news(world, &before).await;
        assert!(news.iter().all(|action| is_told_apart && action == "connections.imported"), "{route:?}: {news:?}");
    })
    .await;
}

#[tokio::test]
async fn what_was_refused_is_not_noted() {
    each(async |world, asked, route, _| {
        let before = lines(world).await;
        let status = asked.ask_as_nobody(world, route.0).await;
        assert!((400..500).contains(&status), "{route:?}: {status}");
        if let Some(status) = asked.ask_nonsense(world, route.0).await {
            assert_eq!(status, 422, "{route:?}");
        }
        minutes_later(world).await;
        assert_eq!(news(world, &before).await, Vec::<String>::new(), "{route:?}");
    })
    .await;
}
