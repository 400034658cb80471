//! A connector that an admin connects once for all apps: making the connection, and its end. It is never a user's.

use serde_json::json;

use crate::{
    deletions::{LINGER, left, let_pass, remains},
    world::{Answer, Browser, Connector, RETURN_URL, World, journeys::parameter},
};

const HOUR: u64 = 3_600;

async fn connected() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    assert_eq!(world.connect_shared(&connector, "office@provider").await, "completed");
    (world, connector)
}

#[tokio::test]
async fn an_admin_sees_whose_account_it_is_and_who_connected_it() {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    let before = world.shared_view(&connector).await;
    assert_eq!((&before["kind"], &before["connection"]), (&json!("shared"), &json!(null)));
    world.connect_shared(&connector, "office@provider").await;
    let mut view = world.shared_view(&connector).await["connection"].take();
    let by = view["connected_by"].take();
    assert!(by.as_str().unwrap().starts_with("key:"), "{by}");
    assert!(view["connection_id"].take().as_str().unwrap().starts_with("cnn_"));
    assert!(view["account"].take().to_string().contains("office@provider"));
    assert_eq!(
        view,
        json!({
            "connection_id": null, "status": "active", "reason": null, "reconnect_required": false, "account": null,
            "granted_scopes": ["read", "write"], "missing_scopes": [], "connected_at": "2026-11-22T10:00:00Z",
            "connected_by": null, "last_used_on": null,
        })
    );
    let trail = world.admin("GET", "/audit").send().await.expect(200);
    let made = trail["events"].as_array().unwrap().iter().find(|event| event["action"] == "connection.created");
    assert_eq!(made.unwrap()["actor"], by, "the admin who began is in the trail");
    let per_user = world.connector("Calendar").await;
    assert!(world.shared_view(&per_user).await.get("connection").is_none());
}

/// The code may be an attacker's own: whoever comes without the cookie of the admin's browser connects nothing.
#[tokio::test]
async fn only_the_browser_in_which_an_admin_began_connects_a_workspace() {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    let (mut admins, redirect_url) = world.begin_shared(&world.workspace, &connector).await;
    let callback = world.provider.approve(&redirect_url, "mallory@provider");
    let lured = Browser::default().open(&world, &callback).await;
    assert!((400..500).contains(&lured.status), "{lured:?}");
    assert!(world.provider.exchanges().is_empty(), "the code goes nowhere");
    assert_eq!(world.shared_view(&connector).await["connection"], json!(null));
    let callback = world.provider.approve(&redirect_url, "office@provider");
    assert_eq!(parameter(admins.open(&world, &callback).await.location(), "status"), "completed");
}

#[tokio::test]
async fn an_admin_is_sent_back_to_the_console_or_to_a_registered_address_and_nowhere_else() {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    let path = format!("/connectors/{}/connect", connector.id);
    let begin = |return_to: &str| world.admin("POST", &path).json(&json!({"return_to": return_to})).send();
    let (mut browser, redirect_url) = world.begin_shared(&world.workspace, &connector).await;
    let base = connector.redirect_uri.split_once("/api/").unwrap().0;
    let landed = browser.open(&world, &world.provider.approve(&redirect_url, "office@provider")).await;
    let page = format!("{base}/console/{}/connectors/{}?", world.workspace.id, connector.id);
    assert!(landed.location().starts_with(&page), "{landed:?}");
    for good in [RETURN_URL, &format!("{base}/console"), &format!("{base}/console/connected")] {
        begin(good).await.expect(200);
    }
    for bad in [
        "https://evil.example/console",
        &format!("{base}/console/../api"),
        &format!("{base}/consoles"),
        &format!("{base}.evil.example/console/x"),
        &format!("{base}/connect.js"),
    ] {
        assert_eq!(begin(bad).await.refusal(), (422, "invalid_request".to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn connecting_again_keeps_the_place_and_takes_no_other_account() {
    let (world, connector) = connected().await;
    let id = world.shared_view(&connector).await["connection"]["connection_id"].clone();
    assert_eq!(world.connect_shared(&connector, "office@provider").await, "completed");
    assert_eq!(world.connect_shared(&connector, "other@provider").await, "failed");
    let view = world.shared_view(&connector).await;
    assert_eq!(view["connection"]["connection_id"], id);
    assert!(view["connection"]["account"].to_string().contains("office@provider"));
    world.disconnect_shared(&connector).await.expect(200);
    assert_eq!(world.connect_shared(&connector, "other@provider").await, "completed");
}

#[tokio::test]
async fn disconnected_it_is_gone_for_every_app_and_ended_at_the_provider() {
    let (world, connector) = connected().await;
    let token = world.shared_token(&world.app, &connector.by_id()).await.expect(200)["access_token"].clone();
    let gone = world.disconnect_shared(&connector).await.expect(200);
    assert_eq!(gone, json!({"status": "disconnected", "connector_id": connector.id, "revocation": "revoked"}));
    assert!(!world.provider.honours(token.as_str().unwrap()));
    assert_eq!(world.shared_token(&world.app, &connector.by_id()).await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    assert_eq!(world.disconnect_shared(&connector).await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert!(world.deeds("connection.").await.contains(&"connection.deleted".to_owned()));
}

#[tokio::test]
async fn a_deleted_shared_connector_is_swept_and_a_deleted_app_ends_nothing_shared() {
    let (world, connector) = connected().await;
    let second = world.register_app(&world.workspace, "second-app").await;
    world.admin("DELETE", &format!("/apps/{}", world.app.id)).send().await.expect(202);
    let_pass(&world, 3).await;
    let issued = world.shared_token(&second, &connector.by_id()).await.expect(200);
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    for by in [connector.by_id(), "fake".to_owned()] {
        assert_eq!(world.shared_token(&second, &by).await.refusal(), (404, "NOT_FOUND".to_owned()));
    }
    let_pass(&world, 3).await;
    assert!(!world.provider.honours(issued["access_token"].as_str().unwrap()));
    assert_eq!(left(&world).await, (0, 0));
    world.advance(LINGER);
    while world.deliver_revocations().await.is_some() {}
    let_pass(&world, 2).await;
    assert!(!remains(&world, &connector).await, "nor the entry by its type");
}

/// Alice's own token, exchanged for one of this connector.
async fn exchanged(world: &World, connector: &str) -> Answer {
    let (app, user) = (&world.app, world.app.user(world, "alice"));
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs([
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", &app.id),
        ("client_secret", &app.service_key),
        ("subject_token", &user),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("audience", connector),
    ]);
    let form = form.finish().into_bytes();
    world.call("POST", "/oauth/token").raw("application/x-www-form-urlencoded", form).send().await
}

/// Each kind is answered, where the other is meant, as if it were not there.
#[tokio::test]
async fn one_kind_is_never_used_as_the_other() {
    let (world, shared) = connected().await;
    let own = world.connector("Calendar").await;
    world.connect(&own, "alice").await;
    let never = "con_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (method, before, after) in [
        ("POST", "/app-user-auth/connectors/", "/initiate"),
        ("GET", "/app-user-auth/connectors/", ""),
        ("GET", "/app-user-auth/connectors/", "/token"),
        ("DELETE", "/app-user-auth/connectors/", ""),
        ("GET", "/connections?connector_id=", ""),
        ("POST", "/app-user-auth/connectors/", "/call"),
    ] {
        let ask = |id: &str| {
            let call = world.on_behalf(&world.app, "alice", method, &format!("{before}{id}{after}"));
            if after == "/call" { call.json(&json!({"path": "/x"})) } else { call }.send()
        };
        let (answered, nobodys) = (ask(&shared.id).await, ask(never).await);
        assert_eq!(answered.status, 404, "{method} {before}{after}");
        assert_eq!(answered.without_ids(), nobodys.without_ids(), "{method} {before}{after}");
    }
    let body = json!({"user": {"issuer": world.app.issuer, "sub": "alice"}, "connector_id": shared.id});
    let link = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key).json(&body);
    assert_eq!(link.send().await.status, 404);
    let (away, _) = world.service_key(&world.workspace, &world.app.id, &["tokens:offline"]).await;
    let by_name = |id: &str| {
        let path = world.app.path(&format!("/users/alice/connectors/{id}/token"));
        world.call("GET", &path).bearer(&away).send()
    };
    assert_eq!(by_name(&shared.id).await.without_ids(), by_name(never).await.without_ids());
    by_name(&own.id).await.expect(200);
    assert_eq!(exchanged(&world, &shared.id).await.without_ids(), exchanged(&world, never).await.without_ids());
    exchanged(&world, &own.id).await.expect(200);
    let listed = world.as_user("alice", "GET", "/app-user-auth/connectors").send().await;
    assert!(listed.text.contains(&own.id) && !listed.text.contains(&shared.id));

    let connect = world.admin("POST", &format!("/connectors/{}/connect", own.id)).json(&json!({})).send().await;
    assert_eq!(connect.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(world.disconnect_shared(&own).await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(world.shared_token(&world.app, &own.by_id()).await.refusal(), (404, "NOT_FOUND".to_owned()));
    world.access_token(&own, "alice").await;
    world.shared_token(&world.app, &shared.by_id()).await.expect(200);
}

/// A session that an admin began, in the hands of users and backends of the apps that it is for.
#[tokio::test]
async fn what_an_admin_has_begun_no_user_and_no_app_sees_or_finishes() {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    let path = format!("/connectors/{}/connect", connector.id);
    let begun = world.admin("POST", &path).json(&json!({})).send().await.expect(200);
    let session = begun["session_id"].as_str().unwrap();
    let never = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (method, after) in [("GET", ""), ("POST", "/finish")] {
        let ask = |session: &str| {
            let call =
                world.on_behalf(&world.app, "alice", method, &format!("/app-user-auth/sessions/{session}{after}"));
            if method == "POST" { call.json(&json!({"handle": "a".repeat(43)})) } else { call }.send()
        };
        let (theirs, nobodys) = (ask(session).await, ask(never).await);
        assert!((400..500).contains(&theirs.status), "{theirs:?}");
        assert_eq!(theirs.without_ids(), nobodys.without_ids(), "{method} {after}");
    }
    for (method, rest) in [("GET", ""), ("POST", "/open"), ("POST", "/continue"), ("POST", "/disconnect")] {
        let ask = |session: &str| world.call(method, &format!("/connect/{session}{rest}")).send();
        assert_eq!(ask(session).await.status, ask(never).await.status, "{method} {rest}");
    }
    assert!(world.provider.exchanges().is_empty());
}

/// The account is the workspace's: neither the key that connected it nor the app that asked for it takes it along.
#[tokio::test]
async fn what_is_shared_outlives_the_key_that_connected_it() {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    let made = world.admin("POST", "/keys").json(&json!({"name": "Ada", "role": "admin"})).send().await.expect(201);
    let key = made["key"].as_str().unwrap();
    world.keep_secret(key);
    let path = world.workspace.path(&format!("/connectors/{}/connect", connector.id));
    let answer = world.call("POST", &path).bearer(key).json(&json!({})).send().await;
    let mut browser = Browser::default();
    browser.remember(&answer);
    let redirect_url = answer.expect(200)["redirect_url"].as_str().unwrap().to_owned();
    let landed = browser.open(&world, &world.provider.approve(&redirect_url, "office@provider")).await;
    assert_eq!(parameter(landed.location(), "status"), "completed");
    let connected_by = world.shared_view(&connector).await["connection"]["connected_by"].clone();
    world.admin("DELETE", &format!("/keys/{}", made["key_id"].as_str().unwrap())).send().await;
    world.advance(HOUR);
    let issued = world.shared_token(&world.app, &connector.by_id()).await.expect(200);
    assert!(world.provider.honours(issued["access_token"].as_str().unwrap()));
    assert_eq!(world.provider.refreshes().len(), 1);
    let view = world.shared_view(&connector).await["connection"].clone();
    assert_eq!((&view["connected_by"], &view["status"]), (&connected_by, &json!("active")));
    assert_eq!(world.connect_shared(&connector, "office@provider").await, "completed", "any other admin may renew it");
    world.disconnect_shared(&connector).await.expect(200);
}

/// An id is claimed by its workspace, which may use it again: for the other kind, too.
#[tokio::test]
async fn a_session_for_one_kind_does_not_complete_at_a_connector_of_the_other() {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    let (mut browser, redirect_url) = world.begin_shared(&world.workspace, &connector).await;
    let callback = world.provider.approve(&redirect_url, "office@provider");
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    for item in world.aws.items("TABLE_REGISTRY").await {
        if item["sk"].as_s().unwrap() == &format!("CONNECTOR#{}", connector.id) {
            let mut again = item;
            again
                .insert("connector_kind".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S("per_user".to_owned()));
            again.insert("connector_state".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S("active".to_owned()));
            world.aws.put("TABLE_REGISTRY", again).await;
        }
    }
    let landed = browser.open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "failed");
    assert_eq!(left(&world).await, (0, 0));
}

#[tokio::test]
async fn who_may_only_look_connects_and_disconnects_nothing() {
    let (world, connector) = connected().await;
    let key = json!({"name": "reader", "role": "read"});
    let reader = world.admin("POST", "/keys").json(&key).send().await.expect(201)["key"].clone();
    for (method, rest) in [("POST", "connect"), ("DELETE", "connection")] {
        let path = world.workspace.path(&format!("/connectors/{}/{rest}", connector.id));
        let call = world.call(method, &path).bearer(reader.as_str().unwrap()).json(&json!({}));
        assert_eq!(call.send().await.status, 403, "{method} {rest}");
        assert_eq!(world.call(method, &path).json(&json!({})).send().await.status, 401, "{method} {rest}");
    }
    world.shared_token(&world.app, &connector.by_id()).await.expect(200);
}

#[tokio::test]
async fn a_deleted_workspace_takes_its_shared_connections_along() {
    let (world, connector) = connected().await;
    let doomed = world.found("Doomed").await;
    world.define_provider(&doomed, "fake").await;
    let theirs = world.shared_connector_of(&doomed, "fake", "Theirs").await;
    assert_eq!(world.connect_shared_of(&doomed, &theirs, "theirs@provider").await, "completed");
    let confirmation = json!({"confirm": doomed.id});
    let path = format!("?confirm={}", doomed.id);
    doomed.admin(&world, "DELETE", &path).json(&confirmation).send().await.expect(202);
    let_pass(&world, 3).await;
    let owners = world.aws.items("TABLE_CONNECTIONS").await;
    let shared: Vec<_> = owners.iter().filter(|item| item["pk"].as_s().unwrap().starts_with("SHARED#")).collect();
    assert_eq!(shared.len(), 1, "the other workspace's is gone");
    world.advance(HOUR);
    world.shared_token(&world.app, &connector.by_id()).await.expect(200);
}
