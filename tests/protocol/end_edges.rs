//! Odd requests about ends and keys: every one has an answer that says what it is, and does what it says.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::{future::join_all, join};
use serde_json::json;

use crate::{
    deletions::{connected, left},
    world::{World, encryption::CACHED, text},
};

/// PUB-48.
#[tokio::test]
async fn of_many_who_disconnect_at_once_one_does_and_the_others_find_nothing() {
    let (world, connector, tokens) = connected(1).await;
    let answers = join_all((0..8).map(|_| world.disconnect(&connector, "user-0"))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
    assert_eq!(world.provider.journal("/revoke").len(), 1);
    assert!(!world.provider.honours(&tokens[0]));
    assert_eq!(world.deeds("connection.deleted").await.len(), 1);
}

/// PUB-45 for what ends and what is sealed.
#[tokio::test]
async fn no_method_or_slash_reaches_another_end() {
    let (world, connector, _) = connected(1).await;
    let workspace = format!("?confirm={}", world.workspace.id);
    for (method, path) in [
        ("DELETE", format!("/{workspace}")),
        ("PUT", workspace.clone()),
        ("POST", workspace.clone()),
        ("DELETE", format!("/connectors/{}/", connector.id)),
        ("DELETE", format!("/connectors//{}", connector.id)),
        ("DELETE", "/apps/first-app/users/".to_owned()),
        ("DELETE", "/apps/first-app/users/user-0/".to_owned()),
        ("DELETE", "/apps/first-app/users/%2e%2e".to_owned()),
        ("DELETE", "/apps/first-app/users/../users/user-0".to_owned()),
        ("POST", "/apps/first-app/users/user-0".to_owned()),
        ("GET", "/apps/first-app/users/user-0".to_owned()),
        ("DELETE", "/encryption-keys".to_owned()),
        ("POST", "/encryption-keys/".to_owned()),
    ] {
        let answer = world.admin(method, &path).json(&json!({})).send().await;
        let is_nothing = [404, 405].contains(&answer.status) || answer.json()["connections"] == 0;
        assert!(is_nothing && !answer.refusal().1.is_empty() || answer.status == 202, "{method} {path}: {answer:?}");
    }
    assert_eq!(left(&world).await, (1, 0));
    assert_eq!(world.keys().await.len(), 1);
    world.access_token(&connector, "user-0").await;
}

#[tokio::test]
async fn users_of_any_name_are_forgotten_by_it_and_no_other_is() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let names = [
        ("a/b", "a%2Fb"),
        ("a#b", "a%23b"),
        ("ü|é 💡", "%C3%BC%7C%C3%A9%20%F0%9F%92%A1"),
        ("..", "%2E%2E"),
        ("+", "+"),
    ];
    for (name, _) in names {
        world.connect(&connector, name).await;
    }
    for (number, (name, path)) in names.iter().enumerate() {
        let answer = world.admin("DELETE", &format!("/apps/first-app/users/{path}")).send().await;
        assert_eq!(answer.expect(202)["connections"], 1, "{name}");
        assert_eq!(left(&world).await.0, names.len() - number - 1, "{name}");
    }
    for path in ["%00", "%FF", "%C3", &"a".repeat(16 * 1_024), "%20%0A"] {
        let answer = world.admin("DELETE", &format!("/apps/first-app/users/{path}")).send().await;
        assert!([400, 404, 414, 422].contains(&answer.status), "{path}: {answer:?}");
        assert_eq!(answer.json()["code"].as_str().unwrap(), answer.refusal().1, "{path}");
    }
    for (issuer, expected) in [("a%20b", 202), ("a+b", 202), ("", 202), ("%00", 422), (&"a".repeat(513), 422)] {
        let answer = world.admin("DELETE", &format!("/apps/first-app/users/x?issuer={issuer}")).send().await;
        assert_eq!(answer.status, expected, "{issuer}");
    }
}

#[tokio::test]
async fn a_key_that_may_only_look_ends_nothing_and_changes_no_key() {
    let (world, connector, _) = connected(1).await;
    let reader = world.admin("POST", "/keys").json(&json!({"name": "r", "role": "read"})).send().await.expect(201);
    let reader = text(&reader["key"]);
    world.keep_secret(&reader);
    for (method, path) in [
        ("DELETE", format!("?confirm={}", world.workspace.id)),
        ("DELETE", String::new()),
        ("DELETE", format!("/connectors/{}", connector.id)),
        ("DELETE", "/apps/first-app".to_owned()),
        ("DELETE", "/apps/first-app/identity".to_owned()),
        ("DELETE", "/apps/first-app/users/user-0".to_owned()),
        ("POST", "/encryption-keys".to_owned()),
        ("PUT", "/encryption-keys".to_owned()),
    ] {
        let call = world.call(method, &world.workspace.path(&path)).bearer(&reader).json(&json!({}));
        assert_eq!(call.send().await.refusal(), (403, "forbidden".to_owned()), "{method} {path}");
    }
    assert_eq!(world.keys().await.len(), 1);
    world.access_token(&connector, "user-0").await;
}

/// Its admin's key is good for a minute still: there is nothing left to do with it, and that is no failure of ours.
#[tokio::test]
async fn a_deleted_workspace_is_not_there_for_its_own_admin() {
    let (world, _connector, _) = connected(1).await;
    let confirmed = format!("?confirm={}", world.workspace.id);
    world.advance(CACHED);
    let instance = world.another_instance().await;
    let ask = |method: &str, rest: &str| {
        let path = world.workspace.path(rest);
        crate::world::Call::new(instance.routes.clone(), method, &path).bearer(&world.workspace.admin_key)
    };
    ask("GET", "/connectors").send().await.expect(200);
    let (first, second) = join!(world.admin("DELETE", &confirmed).send(), world.admin("DELETE", &confirmed).send());
    assert_eq!((first.status, second.status), (202, 202));
    let connector = json!({"integration_type": "hubspot", "name": "Late", "client_id": "c", "client_secret": "s"});
    for (method, rest, body) in [
        ("POST", "/encryption-keys", json!({})),
        ("PUT", "/encryption-keys", json!({"kms_key_arn": null})),
        ("POST", "/connectors", connector),
    ] {
        let answer = ask(method, rest).json(&body).send().await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{method} {rest}: {answer:?}");
    }
    assert_eq!(world.deeds("workspace.deleted").await.len(), 1);
}

/// A workspace's own KMS key is refused: nothing of it is broken, and nobody else's alarm rings.
#[tokio::test]
async fn connections_whose_own_key_is_refused_wait_for_it_and_are_not_given_up() {
    let world = World::new().await;
    let own = text(&world.aws.kms("CreateKey", &json!({})).await["KeyMetadata"]["Arn"]);
    world.admin("PUT", "/encryption-keys").json(&json!({"kms_key_arn": own})).send().await.expect(202);
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.seal_anew().await;
    world.access_token(&connector, "alice").await;
    world.aws.kms("DisableKey", &json!({"KeyId": own})).await;
    world.advance(3_600);
    let waiting = world.token(&connector, "alice").await;
    assert_eq!(waiting.refusal(), (503, "unavailable".to_owned()));
    assert!(waiting.header("retry-after").is_some());
    world.fire_schedule().await;
    assert_eq!(world.deliver_all_refreshes().await, 0, "no message comes again and again until somebody is alarmed");
    assert_eq!(world.fire_schedule().await["due"], 0, "it is left alone for a while");
    assert!(!world.log.text().contains("quarantined"));
    world.aws.kms("EnableKey", &json!({"KeyId": own})).await;
    world.access_token(&connector, "alice").await;
}

/// The place where one listing goes on is none in another.
#[tokio::test]
async fn a_cursor_of_another_listing_is_refused_and_shows_nothing() {
    let (world, connector, _) = connected(1).await;
    let second = world.connector("Mail").await;
    let row = world.only_connection().await;
    let of = |name: &str| row[name].as_s().unwrap().clone();
    let shard = of("connector_shard");
    let shard = shard.rsplit_once('#').unwrap().1.to_owned();
    let cursor = |parts: &[&str]| BASE64_URL_SAFE_NO_PAD.encode(json!(parts).to_string());
    for parts in [
        vec![shard.as_str(), &of("pk"), &of("sk"), &of("connector_shard")],
        vec!["0", "x", "y", "z"],
        vec!["0", "x"],
        vec!["-1"],
        vec![],
    ] {
        let path = format!("/connectors/{}/connections?cursor={}", second.id, cursor(&parts));
        let answer = world.admin("GET", &path).send().await.expect(422);
        assert_eq!(answer["errors"][0]["pointer"], "?cursor", "{parts:?}");
    }
    drop(connector);
}
