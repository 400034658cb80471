//! What is one user's, one app's, one workspace's is nobody else's, and nobody finds out that it is there.

use serde_json::json;

use crate::world::{Connector, World, text};

const NO_CONNECTION: (u16, &str) = (404, "NOT_FOUND");

async fn connected() -> (World, Connector, String) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let token = world.access_token(&connector, "alice").await;
    (world, connector, token)
}

/// PUB-23.
#[tokio::test]
async fn another_user_of_the_app_sees_a_connector_and_no_connection() {
    let (world, connector, token) = connected().await;
    assert_eq!(world.token(&connector, "bob").await.refusal().0, 404);
    assert_eq!(world.disconnect(&connector, "bob").await.refusal().0, 404);
    let view = world.view(&connector, "bob").await;
    assert_eq!(
        (&view["status"], &view["account"], &view["connection_id"]),
        (&json!("disconnected"), &json!(null), &json!(null))
    );
    let listed = world.as_user("bob", "GET", "/app-user-auth/connectors").send().await;
    assert!(!listed.text.contains("alice"));
    assert_eq!(world.access_token(&connector, "alice").await, token);
}

/// PUB-23: a session is its user's, too.
#[tokio::test]
async fn another_users_session_is_answered_like_one_that_never_was() {
    let (world, connector, _) = connected().await;
    let begun = world.begin(&connector, "alice").await;
    let ask = |session: &str| world.as_user("bob", "GET", &format!("/app-user-auth/sessions/{session}")).send();
    let foreign = ask(&begun.session).await;
    assert_eq!(foreign.status, 404);
    assert_eq!(foreign.without_ids(), ask(&format!("ses_{}", "A".repeat(43))).await.without_ids());
}

/// PUB-24.
#[tokio::test]
async fn the_same_subject_of_another_app_is_another_user() {
    let (world, connector, token) = connected().await;
    let second = world.register_app(&world.workspace, "second-app").await;
    let rest = format!("/app-user-auth/connectors/{}", connector.id);
    for (method, rest) in [("GET", format!("{rest}/token")), ("DELETE", rest.clone())] {
        let refused = world.on_behalf(&second, "alice", method, &rest).send().await;
        assert_eq!(refused.refusal(), (NO_CONNECTION.0, NO_CONNECTION.1.to_owned()), "{method}");
    }
    // Neither the key nor the user of one app opens the other.
    let read = |key: &str, user: &str| {
        world.call("GET", &world.app.path(&format!("{rest}/token"))).bearer(key).on_behalf_of(user).send()
    };
    let (own, theirs) = (world.app.user(&world, "alice"), second.user(&world, "alice"));
    assert_eq!(read(&second.service_key, &own).await.status, 404);
    assert_eq!(read(&world.app.service_key, &theirs).await.status, 401);
    let listed = world.call("GET", &second.path("/connections")).bearer(&second.service_key).send().await.expect(200);
    assert_eq!(listed["connections"], json!([]));
    assert_eq!(world.access_token(&connector, "alice").await, token);
}

/// PUB-25.
#[tokio::test]
async fn another_workspace_can_do_nothing_with_a_connector_it_knows_the_id_of() {
    let (world, connector, token) = connected().await;
    let hostile = world.found("Hostile").await;
    let theirs = world.register_app(&hostile, "their-app").await;
    let rest = format!("/app-user-auth/connectors/{}", connector.id);
    for (method, rest) in [
        ("GET", format!("{rest}/token")),
        ("GET", rest.clone()),
        ("DELETE", rest.clone()),
        ("POST", format!("{rest}/initiate")),
    ] {
        assert_eq!(world.on_behalf(&theirs, "alice", method, &rest).send().await.status, 404, "{method} {rest}");
    }
    let body = json!({"user": {"issuer": theirs.issuer, "sub": "alice"}, "connector_id": connector.id});
    let link = world.call("POST", &theirs.path("/connect-sessions")).bearer(&theirs.service_key).json(&body);
    assert_eq!(link.send().await.status, 404);
    let one = format!("/connectors/{}", connector.id);
    for (method, body) in [("GET", json!({})), ("PUT", json!({"client_secret": "mine now"})), ("DELETE", json!({}))] {
        assert_eq!(hostile.admin(&world, method, &one).json(&body).send().await.status, 404, "{method}");
        let across =
            world.call(method, &world.workspace.path(&one)).bearer(&hostile.admin_key).json(&body).send().await;
        let nowhere = world
            .call(method, &format!("/api/workspace/ws_none{one}"))
            .bearer(&hostile.admin_key)
            .json(&body)
            .send()
            .await;
        assert_eq!(across.without_ids(), nowhere.without_ids(), "{method}");
        assert_eq!(across.status, 404);
    }
    assert_eq!(hostile.admin(&world, "GET", &format!("{one}/connections")).send().await.status, 404);
    assert_eq!(world.access_token(&connector, "alice").await, token);
    world.advance(3_600);
    world.access_token(&connector, "alice").await;
}

/// PUB-25: the redirect URIs of an app are for its backend and its own workspace's admins.
#[tokio::test]
async fn redirect_uris_are_told_to_whoever_owns_the_app_and_to_nobody_else() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let hostile = world.found("Hostile").await;
    let theirs = world.register_app(&hostile, "their-app").await;
    let ask = |key: &str| world.call("GET", &world.app.path("/oauth-redirect-uris")).bearer(key).send();
    for owner in [&world.app.service_key, &world.workspace.admin_key] {
        let told = ask(owner).await.expect(200);
        let uri = text(&told["redirect_uris"][0]["redirect_uri"]);
        assert!(uri.ends_with(&format!("/api/external-auth/callback/{}", connector.id)), "{uri}");
    }
    for stranger in [&hostile.admin_key, &theirs.service_key] {
        assert_eq!(ask(stranger).await.refusal(), (404, "NOT_FOUND".to_owned()));
    }
    assert_eq!(ask(&world.app.user(&world, "alice")).await.refusal(), (403, "service_only".to_owned()));
    assert_eq!(ask("uck_app_nonsense").await.refusal(), (401, "unauthorized".to_owned()));
}

/// PUB-26.
#[tokio::test]
async fn what_is_anothers_and_what_never_was_are_answered_alike() {
    let world = World::new().await;
    let other = world.found("Second").await;
    world.define_provider(&other, "fake").await;
    let foreign = world.connector_of(&other, "Theirs", &["read"]).await.id;
    let never = "con_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (method, before, after) in [
        ("GET", "/app-user-auth/connectors/", "/token"),
        ("GET", "/app-user-auth/connectors/", ""),
        ("DELETE", "/app-user-auth/connectors/", ""),
        ("POST", "/app-user-auth/connectors/", "/initiate"),
        ("GET", "/connections?connector_id=", ""),
    ] {
        let ask = |id: &str| world.on_behalf(&world.app, "alice", method, &format!("{before}{id}{after}")).send();
        let (theirs, nobodys) = (ask(&foreign).await, ask(never).await);
        assert_eq!(theirs.status, 404, "{method} {before}{after}");
        assert_eq!(theirs.without_ids(), nobodys.without_ids(), "{method} {before}{after}");
        for malformed in ["nonsense", "con_", "%00", "%2e%2e", "con_01ARZ3NDEKTSV4RRFFQ69G5FAV%20", "🦀"] {
            let malformed: String = url::form_urlencoded::byte_serialize(malformed.as_bytes()).collect();
            assert_eq!(ask(&malformed).await.status, 404, "{method} {before}{malformed}{after}");
        }
    }
    for (method, before, after) in [
        ("GET", "/connectors/", ""),
        ("PUT", "/connectors/", ""),
        ("DELETE", "/connectors/", ""),
        ("GET", "/connectors/", "/connections"),
    ] {
        let ask = |id: &str| world.admin(method, &format!("{before}{id}{after}")).json(&json!({})).send();
        assert_eq!(ask(&foreign).await.without_ids(), ask(never).await.without_ids(), "{method} {before}{after}");
        assert_eq!(ask("nonsense").await.status, 404);
    }
    let theirs = world.register_app(&other, "their-app").await;
    for (method, rest) in
        [("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/identity"), ("GET", "/keys"), ("POST", "/keys")]
    {
        let ask = |app: &str| world.admin(method, &format!("/apps/{app}{rest}")).json(&json!({})).send();
        assert_eq!(ask(&theirs.id).await.without_ids(), ask("never-was").await.without_ids(), "{method} {rest}");
    }
    let theirs_key =
        world.admin("DELETE", &format!("/apps/{}/keys/{}", world.app.id, theirs.service_key_id)).send().await;
    assert_eq!(theirs_key.status, 404);
}

/// A cursor says where a page begins, and not whose page it is.
#[tokio::test]
async fn a_cursor_of_one_tenant_shows_another_nothing_of_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for number in 0..101 {
        world.connect(&connector, &format!("user-{number}")).await;
    }
    let list = |query: &str| {
        world.call("GET", &world.app.path(&format!("/connections{query}"))).bearer(&world.app.service_key).send()
    };
    let first = list("").await.expect(200);
    let cursor = text(&first["next_cursor"]);
    let second = list(&format!("?cursor={cursor}")).await.expect(200);
    let of = |page: &serde_json::Value| page["connections"].as_array().unwrap().len();
    assert_eq!((of(&first), of(&second), &second["next_cursor"]), (100, 1, &json!(null)));
    let hostile = world.found("Hostile").await;
    let theirs = world.register_app(&hostile, "their-app").await;
    let stolen = world
        .call("GET", &theirs.path(&format!("/connections?cursor={cursor}")))
        .bearer(&theirs.service_key)
        .send()
        .await;
    assert!(!stolen.text.contains("user-"), "{stolen:?}");
}
