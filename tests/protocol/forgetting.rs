//! What is kept of a user, and all of a workspace: gone when somebody wants it gone.

use serde_json::json;

use crate::{
    deletions::{LINGER, connected, left, let_pass, remains},
    world::{Item, PROVIDER, World},
};

/// Everything of one user, and nobody else's.
#[tokio::test]
async fn a_forgotten_user_has_no_connection_left_anywhere() {
    let world = World::new().await;
    let connectors = [world.connector("Calendar").await, world.connector("Mail").await];
    let mut tokens = Vec::new();
    for (connector, user) in connectors.iter().flat_map(|connector| [(connector, "alice"), (connector, "bob")]) {
        world.connect(connector, user).await;
        tokens.push(world.access_token(connector, user).await);
    }
    let forget = || world.admin("DELETE", "/apps/first-app/users/alice").send();
    assert_eq!(forget().await.expect(202), json!({"status": "deleting", "connections": 2}));
    for connector in &connectors {
        world.token(connector, "alice").await.expect(404);
    }
    world.deliver_revocations().await;
    let honoured: Vec<bool> = tokens.iter().map(|token| world.provider.honours(token)).collect();
    assert_eq!(honoured, [false, true, false, true]);
    assert_eq!(forget().await.expect(202), json!({"status": "deleting", "connections": 0}));
    assert_eq!(world.deeds("user.").await, ["user.deleted", "user.deleted"]);
    assert_eq!(world.deeds("connection.deleted").await.len(), 2);
    assert_eq!(world.deeds("connection.revoked").await.len(), 2);
    world.advance(LINGER);
    world.remind_of_what_is_due().await;
    let_pass(&world, 1).await;
    assert_eq!(world.aws.items("TABLE_CONNECTIONS").await.len(), 2, "nothing of alice, and no note of her");
}

#[tokio::test]
async fn a_session_that_a_forgotten_user_began_before_connects_nothing_and_one_begun_later_does() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    world.advance(1);
    world.admin("DELETE", "/apps/first-app/users/alice").send().await.expect(202);
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    assert_eq!(begun.browser.open(&world, &callback).await.status, 400);
    world.token(&connector, "alice").await.expect(404);
    assert_eq!(left(&world).await, (0, 0));
    assert_eq!(world.provider.journal("/revoke").len(), 1, "what the code brought is given back");
    world.advance(1);
    world.connect(&connector, "alice").await;
    world.access_token(&connector, "alice").await;
}

#[tokio::test]
async fn only_an_admin_of_the_apps_own_workspace_forgets_its_users() {
    let (world, connector, _) = connected(1).await;
    let path = world.workspace.path("/apps/first-app/users/user-0");
    let reader = world.admin("POST", "/keys").json(&json!({"name": "r", "role": "read"})).send().await.expect(201);
    let reader = reader["key"].as_str().unwrap();
    world.keep_secret(reader);
    assert_eq!(world.call("DELETE", &path).bearer(reader).send().await.status, 403);
    assert_eq!(world.call("DELETE", &path).bearer(&world.app.service_key).send().await.status, 401);
    let other = world.found("Second").await;
    let elsewhere = other.admin(&world, "DELETE", "/apps/first-app/users/user-0").send().await;
    assert_eq!(elsewhere.status, 404);
    // The same name at another issuer is somebody else.
    let another = "/apps/first-app/users/user-0?issuer=https%3A%2F%2Fanother.example";
    assert_eq!(world.admin("DELETE", another).send().await.expect(202)["connections"], 0);
    world.admin("DELETE", "/apps/first-app/identity").send().await.expect(204);
    let refused = world.admin("DELETE", "/apps/first-app/users/user-0").send().await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "?issuer");
    assert_eq!(left(&world).await, (1, 0));
    drop(connector);
}

/// All under it is unreadable at once, refused within a minute, and gone in the end.
#[tokio::test]
async fn a_deleted_workspace_is_unreadable_at_once_and_gone_in_the_end() {
    let (world, connector, tokens) = connected(3).await;
    let other = world.found("Second").await;
    world.define_provider(&other, PROVIDER).await;
    world.connector_of(&other, "Theirs", &["read"]).await;
    let items_of_others = || async {
        let items = world.aws.items("TABLE_REGISTRY").await;
        items.iter().filter(|item| item["pk"].as_s().unwrap().contains(&other.id)).count()
    };
    let before = items_of_others().await;
    for confirm in ["", "?confirm=", "?confirm=yes", &format!("?confirm={}", other.id)] {
        let refused = world.admin("DELETE", confirm).send().await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "?confirm", "{confirm}");
    }
    assert_eq!(world.access_token(&connector, "user-0").await, tokens[0]);

    let confirmed = format!("?confirm={}", world.workspace.id);
    let deleting = world.admin("DELETE", &confirmed).send().await.expect(202);
    assert_eq!(deleting, json!({"workspace_id": world.workspace.id, "status": "deleting"}));
    for number in 0..3 {
        assert_eq!(world.token(&connector, &format!("user-{number}")).await.status, 404);
    }
    let wrapped = format!("WS#{}", world.workspace.id);
    let registry = world.aws.items("TABLE_REGISTRY").await;
    let is_wrapped_key =
        |item: &Item| item["pk"].as_s().unwrap() == &wrapped && item["sk"].as_s().unwrap().starts_with("KEY#");
    assert!(!registry.iter().any(is_wrapped_key), "whoever copied the table can open nothing of it");
    world.advance(60);
    assert_eq!(world.admin("GET", "/connectors").send().await.status, 401);
    assert_eq!(world.token(&connector, "user-0").await.status, 401);

    let_pass(&world, 2).await;
    assert_eq!(left(&world).await, (0, 0));
    world.advance(LINGER);
    let_pass(&world, 1).await;
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    let registry = world.aws.items("TABLE_REGISTRY").await;
    let texts = registry.iter().map(|item| format!("{item:?}"));
    let theirs: Vec<String> = texts.filter(|text| text.contains(&world.workspace.id)).collect();
    assert!(theirs.is_empty(), "{theirs:#?}");
    assert_eq!(items_of_others().await, before);
    assert_eq!(world.waiting_revocations(), 0);
    assert!(world.provider.journal("/revoke").is_empty(), "nobody can open what it would take");
    // Who did what stays as long as it is kept of everybody.
    let trail = world.aws.items("TABLE_AUDIT").await;
    let deeds: Vec<&str> = trail.iter().filter_map(|item| Some(item.get("deed")?.as_s().unwrap().as_str())).collect();
    assert!(deeds.contains(&"workspace.deleted") && deeds.contains(&"workspace.purged"), "{deeds:?}");
}

/// Whoever deleted it died in the middle, and every message was lost.
#[tokio::test]
async fn a_workspace_whose_deletion_was_interrupted_is_purged_all_the_same() {
    let (world, connector, _) = connected(1).await;
    let confirmed = format!("?confirm={}", world.workspace.id);
    world.admin("DELETE", &confirmed).send().await.expect(202);
    world.lose_revocations();
    world.admin("DELETE", &confirmed).send().await.expect(202);
    world.lose_revocations();
    for _ in 0..4 {
        world.remind_of_what_is_due().await;
        while world.deliver_revocations().await.is_some() {}
        world.advance(LINGER);
        world.lose_revocations();
    }
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    assert!(!remains(&world, &connector).await);
}
