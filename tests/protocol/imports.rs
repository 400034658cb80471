//! Grants that were made elsewhere by the same client: nobody connects again, and nothing is taken for more than it is.

use serde_json::{Value, json};

use crate::world::{Connector, World};

fn users(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("user-{number}")).collect()
}

fn nango(world: &World, connector: &Connector, grants: &[Value]) -> Value {
    json!({
        "connections": grants,
        "mapping": {
            "app_id": world.app.id, "user": "end_user.id", "client_id": connector.client_id,
            "provider_config_key": "fake",
        },
    })
}

async fn import_nango(world: &World, connector: &Connector, body: &Value) -> Value {
    let path = format!("/connectors/{}/import/nango", connector.id);
    world.admin("POST", &path).json(body).send().await.expect(200)
}

/// Where the mistakes of the first grant are.
fn pointers(answer: &Value) -> Vec<&str> {
    let errors = answer["results"][0]["errors"].as_array().unwrap_or_else(|| panic!("{answer}"));
    errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}

async fn import_one(world: &World, connector: &Connector, grant: Value) -> Value {
    world.import(connector, &json!({"connections": [grant]})).await.expect(200)
}

#[tokio::test]
async fn a_thousand_grants_of_two_formats_work_are_refreshed_and_are_nowhere_to_be_read() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let all = users(0..1_000);
    world.import_users(&connector, &world.app, &all[..500]).await;
    for users in all[500..].chunks(100) {
        let grants: Vec<Value> = users.iter().map(|user| world.kept_by_nango(&connector, user)).collect();
        let answer = import_nango(&world, &connector, &nango(&world, &connector, &grants)).await;
        assert_eq!(answer["imported"], 100, "{answer}");
    }
    assert_eq!(world.deeds("connections.imported").await.len(), 10);
    for user in &all {
        let token = world.access_token(&connector, user).await;
        assert!(world.provider.honours(&token), "{user}");
    }
    assert!(world.provider.refreshes().is_empty(), "nobody needed another token");

    world.advance(3_700);
    for user in &all {
        let token = world.access_token(&connector, user).await;
        assert!(world.provider.honours(&token), "{user}");
    }
    assert_eq!(world.provider.refreshes().len(), 1_000);
    world.assert_no_token_is_to_be_read().await;
}

#[tokio::test]
async fn what_is_imported_twice_is_a_connection_once_also_after_it_was_refreshed() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    let body = |mode: &str| json!({"connections": [grant, grant], "on_conflict": mode});
    let first = world.import(&connector, &body("skip")).await.expect(200);
    assert_eq!((&first["imported"], &first["skipped"]), (&json!(1), &json!(1)), "{first}");
    assert_eq!(first["results"][0]["replaced"], false);
    world.advance(3_700);
    let refreshed = world.access_token(&connector, "alice").await;
    for mode in ["skip", "replace"] {
        let again = world.import(&connector, &body(mode)).await.expect(200);
        assert_eq!(again["results"][0]["reason"], "imported_before", "{mode}: {again}");
        assert_eq!(again["imported"], 0);
    }
    // The refresh token that it came with works no more: had it been taken again, this would be the end of the grant.
    assert_eq!(world.access_token(&connector, "alice").await, refreshed);
    world.advance(3_700);
    world.access_token(&connector, "alice").await;
}

#[tokio::test]
async fn a_connection_that_is_there_stays_unless_it_is_to_be_replaced() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let own = world.access_token(&connector, "alice").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    let with = |mode: &str, dry_run: bool| json!({"connections": [grant], "on_conflict": mode, "dry_run": dry_run});
    for dry_run in [true, false] {
        let skipped = world.import(&connector, &with("skip", dry_run)).await.expect(200);
        assert_eq!(skipped["results"][0]["reason"], "connected", "{skipped}");
    }
    let looked = world.import(&connector, &with("replace", true)).await.expect(200);
    assert_eq!((&looked["imported"], &looked["dry_run"]), (&json!(1), &json!(true)));
    assert_eq!(world.access_token(&connector, "alice").await, own, "looking changes nothing");
    world.import(&connector, &with("replace", false)).await.expect(200);
    assert_eq!(world.access_token(&connector, "alice").await, grant["access_token"].as_str().unwrap());
    // Who connects anew is connected anew.
    world.connect(&connector, "alice").await;
    assert_ne!(world.access_token(&connector, "alice").await, grant["access_token"].as_str().unwrap());
}

#[tokio::test]
async fn what_can_be_no_connection_is_refused_by_its_place_and_nothing_of_it_is_repeated() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let other = world.found("Other").await;
    let theirs = world.register_app(&other, "their-app").await;
    let good = world.made_elsewhere(&connector, &world.app, "alice");
    let without = |name: &str| {
        let mut grant = good.clone();
        grant.as_object_mut().unwrap().remove(name);
        grant
    };
    let with = |name: &str, value: Value| {
        let mut grant = good.clone();
        grant[name] = value;
        grant
    };
    let mut ended = with("expires_at", json!("2026-11-22T09:59:59Z"));
    ended.as_object_mut().unwrap().remove("refresh_token");
    let mut no_token = without("access_token");
    no_token.as_object_mut().unwrap().remove("refresh_token");
    for (grant, pointer) in [
        (with("client_id", json!("another-client")), "/connections/0/client_id"),
        (with("app_id", json!(theirs.id)), "/connections/0/app_id"),
        (with("app_id", json!("never-was")), "/connections/0/app_id"),
        (without("user"), "/connections/0/user/sub"),
        (with("access_token", json!("canary\u{0}")), "/connections/0/access_token"),
        (with("surprise", json!("canary")), "/connections/0/surprise"),
        (ended, "/connections/0/expires_at"),
        (no_token, "/connections/0/access_token"),
    ] {
        let answer = import_one(&world, &connector, grant).await;
        assert_eq!(pointers(&answer), [pointer], "{answer}");
        assert!(!answer.to_string().contains("canary"));
    }
    let of_workspace = json!({"client_id": connector.client_id, "access_token": "at"});
    assert_eq!(pointers(&import_one(&world, &connector, of_workspace).await), ["/connections/0/user"]);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());

    for (body, pointer) in [
        (json!({}), "/connections"),
        (json!({"connections": []}), "/connections"),
        (json!({"connections": vec![good.clone(); 101]}), "/connections"),
        (json!({"connections": [good], "on_conflict": "overwrite"}), "/on_conflict"),
    ] {
        let refused = world.import(&connector, &body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
}

#[tokio::test]
async fn a_grant_without_an_access_token_gets_its_first_one_from_the_schedule_or_from_who_asks() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob"] {
        let mut grant = world.made_elsewhere(&connector, &world.app, user);
        grant.as_object_mut().unwrap().remove("access_token");
        assert_eq!(import_one(&world, &connector, grant).await["imported"], 1);
    }
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    world.advance(660);
    world.fire_schedule().await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 2);
    assert!(world.provider.honours(&world.access_token(&connector, "bob").await));
    assert_eq!(world.provider.refreshes().len(), 2);
}

#[tokio::test]
async fn a_token_of_which_nobody_knows_whether_it_works_is_handed_out_after_a_refresh() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut grant = world.made_elsewhere(&connector, &world.app, "alice");
    grant.as_object_mut().unwrap().remove("expires_at");
    let imported = grant["access_token"].clone();
    import_one(&world, &connector, grant).await;
    let token = world.access_token(&connector, "alice").await;
    assert_ne!(imported, token.as_str());
    assert_eq!(world.provider.refreshes().len(), 1);
    assert_eq!(world.access_token(&connector, "alice").await, token);
}

#[tokio::test]
async fn what_nango_kept_without_an_access_token_of_its_own_client_or_integration_is_refused() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let kept = world.kept_by_nango(&connector, "alice");
    let with = |pointer: &str, value: Value| {
        let mut kept = kept.clone();
        *kept.pointer_mut(pointer).unwrap() = value;
        kept
    };
    for (grant, pointer) in [
        (with("/connection_config", json!({"oauth_client_id_override": "theirs"})), "/connections/0/client_id"),
        (with("/provider_config_key", json!("mail")), "/connections/0/provider_config_key"),
        (with("/credentials/type", json!("API_KEY")), "/connections/0/credentials/type"),
        (with("/end_user", json!(null)), "/connections/0/end_user/id"),
    ] {
        let answer = import_nango(&world, &connector, &nango(&world, &connector, &[grant])).await;
        assert_eq!(pointers(&answer), [pointer], "{answer}");
    }
}

#[tokio::test]
async fn a_workspaces_own_grant_becomes_its_shared_connection() {
    let world = World::new().await;
    let connector = world.shared_connector("Calendar").await;
    let tokens = world.provider.grant(&connector.client_id, "team@provider", "read write");
    let grant = json!({"client_id": connector.client_id, "access_token": tokens["access_token"]});
    assert_eq!(import_one(&world, &connector, grant).await["imported"], 1);
    let token = world.shared_token(&world.app, &connector.by_id()).await.expect(200);
    assert_eq!(token["access_token"], tokens["access_token"]);
    let own = world.made_elsewhere(&connector, &world.app, "alice");
    assert_eq!(pointers(&import_one(&world, &connector, own).await), ["/connections/0/user"]);
}

#[tokio::test]
async fn an_imported_connection_ends_like_every_other() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut grant = world.made_elsewhere(&connector, &world.app, "alice");
    let token = grant["access_token"].as_str().unwrap().to_owned();
    grant.as_object_mut().unwrap().remove("access_token");
    import_one(&world, &connector, grant).await;
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "revoked");
    assert!(!world.provider.honours(&token));
}

/// Somebody else's users are not imported into an app of theirs.
#[tokio::test]
async fn a_key_that_may_only_look_and_an_admin_of_another_workspace_import_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let other = world.found("Other").await;
    let body = json!({"connections": [world.made_elsewhere(&connector, &world.app, "alice")]});
    let path = format!("/connectors/{}/import", connector.id);
    other.admin(&world, "POST", &path).json(&body).send().await.expect(404);
    let reader = world.admin("POST", "/keys").json(&json!({"name": "audit", "role": "read"})).send().await.expect(201);
    let call = world.call("POST", &world.workspace.path(&path)).bearer(reader["key"].as_str().unwrap());
    call.json(&body).send().await.expect(403);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}
