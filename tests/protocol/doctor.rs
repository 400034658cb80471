//! What the doctor finds: each fault is one of the provider or the connector, and shows as itself and as nothing else.

use std::net::SocketAddr;

use local::product::Product;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::world::{Call, Connector, World, text};

const DAY: u64 = 86_400;

/// A world whose provider publishes what it is.
async fn world() -> World {
    let world = World::new().await;
    world.provider.publish(world.provider.metadata());
    world
}

/// A connector that somebody has connected through, to the provider as its data is changed here.
async fn connected(world: &World, change: impl Fn(&mut Value)) -> Connector {
    let mut registration = world.provider.registration("examined");
    change(&mut registration);
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "examined", "Examined", &["read", "write"]).await;
    world.connect(&connector, "alice").await;
    connector
}

/// What the doctor finds when an admin asks.
async fn findings(world: &World, connector: &Connector) -> Vec<Value> {
    let found = world.admin("POST", &format!("/connectors/{}/doctor", connector.id)).send().await.expect(200);
    let findings = found["findings"].as_array().unwrap().clone();
    for finding in &findings {
        for part in ["what", "why", "what_to_do"] {
            assert!(finding[part].as_str().is_some_and(|text| text.len() > 20), "{finding}");
        }
        assert!(!finding.to_string().contains("free text of the provider"), "{finding}");
        assert!(!finding.to_string().contains(&connector.client_secret), "{finding}");
    }
    findings
}

/// The same, as code, severity and field.
async fn found(world: &World, connector: &Connector) -> Vec<(String, String, String)> {
    let part = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let short = |finding: &Value| (part(finding, "code"), part(finding, "severity"), part(finding, "field"));
    findings(world, connector).await.iter().map(short).collect()
}

fn one(code: &str, severity: &str, field: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), severity.to_owned(), field.to_owned())]
}

#[tokio::test]
async fn a_healthy_connector_has_no_finding_and_its_users_notice_nothing() {
    let world = world().await;
    let connector = connected(&world, |_| {}).await;
    let token = world.access_token(&connector, "alice").await;
    assert_eq!(found(&world, &connector).await, vec![]);
    let probes = world.provider.probes();
    assert_eq!(probes.len(), 1, "{probes:?}");
    assert_eq!(probes[0].client, Some((connector.client_id.clone(), connector.client_secret.clone())));
    assert_eq!(probes[0].get("redirect_uri"), Some(connector.redirect_uri.as_str()));
    assert!(!probes[0].form.iter().any(|(_, value)| *value == token));
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!((world.provider.refreshes().len(), world.provider.exchanges().len()), (0, 1));
    let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    let expected = json!({"checked_at": "2026-11-22T10:00:00Z", "outdated": false, "findings": []});
    assert_eq!(shown["doctor"], expected);
    assert_eq!(shown["health"]["status"], "ok");
}

#[tokio::test]
async fn before_anybody_has_connected_the_redirect_uri_to_register_is_told_byte_for_byte() {
    let world = world().await;
    let connector = world.connector("Calendar").await;
    let findings = findings(&world, &connector).await;
    assert_eq!((findings.len(), &findings[0]["code"]), (1, &json!("register_redirect_uri")));
    assert_eq!((&findings[0]["severity"], &findings[0]["field"]), (&json!("info"), &json!("/redirect_uri")));
    assert!(text(&findings[0]["what"]).ends_with(&format!(" {}", connector.redirect_uri)));
}

#[tokio::test]
async fn a_redirect_uri_that_the_provider_does_not_register_is_an_error() {
    let world = world().await;
    let connector = connected(&world, |data| data["authorize"]["redirect_uri"] = json!({"no_localhost": true})).await;
    assert_eq!(found(&world, &connector).await, vec![]);
    world.advance(60);
    // The same deployment, served on a developer's machine.
    let environment = world.aws.environment_at("http://localhost:8787");
    let near = Product::open(&environment, world.clock.clone()).await.unwrap();
    let path = world.workspace.path(&format!("/connectors/{}/doctor", connector.id));
    let call = Call::new(near.routes, "POST", &path).bearer(&world.workspace.admin_key);
    let found = call.send().await.expect(200);
    let finding = &found["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&json!("redirect_uri_forbidden"), &json!("error")));
    assert!(text(&finding["what"]).contains("http://localhost:8787/api/external-auth/callback/"));
}

/// A server that answers whoever connects in plain text.
async fn speaking_no_tls() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4_096]).await;
            // Who hangs up at that is who was meant.
            let _ = stream.write_all(b"HTTP/1.1 400 \r\ncontent-length: 0\r\n\r\n").await;
            while stream.read(&mut [0; 4_096]).await.is_ok_and(|read| read > 0) {}
        }
    });
    address
}

#[tokio::test]
async fn endpoints_that_cannot_be_reached_are_told_by_what_stands_in_the_way() {
    let world = world().await;
    let plain = speaking_no_tls().await;
    let connector = connected(&world, |data| data["api"] = json!({"base_url": format!("https://{plain}/v1")})).await;
    assert_eq!(found(&world, &connector).await, one("endpoint_tls", "error", "/api/base_url"));
    let world = self::world().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let connector = connected(&world, |data| data["api"] = json!({"base_url": format!("http://{nobody}/v1")})).await;
    assert_eq!(found(&world, &connector).await, one("endpoint_unreachable", "error", "/api/base_url"));
}

#[tokio::test]
async fn an_issuer_that_names_another_endpoint_is_told_and_the_connector_keeps_its_own() {
    let world = world().await;
    let connector = connected(&world, |_| {}).await;
    let mut moved = world.provider.metadata();
    moved["token_endpoint"] = json!("https://evil.example/token");
    world.provider.publish(moved);
    assert_eq!(found(&world, &connector).await, one("endpoint_moved", "warning", "/token/url"));
    let findings = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    assert!(!findings["doctor"].to_string().contains("evil.example"), "no text of a provider: {findings}");
    assert_eq!(world.provider.probes().len(), 1, "it is still asked where it was");
}

#[tokio::test]
async fn metadata_that_is_missing_or_of_another_issuer_is_told() {
    let world = World::new().await;
    let connector = connected(&world, |_| {}).await;
    assert_eq!(found(&world, &connector).await, one("metadata_missing", "warning", "/oidc/issuer"));
    let mut other = world.provider.metadata();
    other["issuer"] = json!(format!("{}/", world.provider.issuer()));
    world.provider.publish(other);
    world.advance(60);
    assert_eq!(found(&world, &connector).await, one("metadata_of_another_issuer", "warning", "/oidc/issuer"));
}

#[tokio::test]
async fn a_request_that_brings_no_refresh_token_is_told() {
    let scope = |data: &mut Value| data["refresh"]["needs_scope"] = json!("offline");
    let param = |data: &mut Value| data["refresh"]["needs_params"] = json!({"access_type": "offline"});
    let both = |data: &mut Value| {
        param(data);
        data["authorize"]["params"] = json!({"access_type": "offline"});
    };
    let world = world().await;
    let connector = connected(&world, scope).await;
    assert_eq!(found(&world, &connector).await, one("no_refresh_token", "warning", "/scopes"));
    world.change(&connector, &json!({"scopes": ["read", "offline"]})).await;
    world.advance(60);
    assert_eq!(found(&world, &connector).await, one("unknown_scope", "warning", "/scopes"));
    let world = self::world().await;
    assert_eq!(
        found(&world, &connected(&world, param).await).await,
        one("no_refresh_token", "warning", "/authorize/params")
    );
    let world = self::world().await;
    assert_eq!(found(&world, &connected(&world, both).await).await, vec![]);
    // Nothing in the data says how; the issuer's metadata does.
    let world = self::world().await;
    let connector = connected(&world, |_| {}).await;
    let mut offers = world.provider.metadata();
    offers["scopes_supported"] = json!(["read", "write", "offline_access"]);
    world.provider.publish(offers);
    assert_eq!(found(&world, &connector).await, one("no_refresh_token", "warning", "/scopes"));
}

#[tokio::test]
async fn data_and_metadata_that_disagree_about_pkce_are_told() {
    let world = world().await;
    let connector = connected(&world, |_| {}).await;
    let mut metadata = world.provider.metadata();
    metadata["code_challenge_methods_supported"] = json!(["plain"]);
    world.provider.publish(metadata.clone());
    assert_eq!(found(&world, &connector).await, one("pkce_mismatch", "warning", "/authorize/pkce"));
    metadata.as_object_mut().unwrap().remove("code_challenge_methods_supported");
    world.provider.publish(metadata);
    world.advance(60);
    assert_eq!(found(&world, &connector).await, vec![], "who says nothing contradicts nothing");
}

#[tokio::test]
async fn a_scope_that_the_provider_does_not_have_is_told() {
    let world = world().await;
    let known = |data: &mut Value| data["authorize"]["scope"] = json!({"known": ["read", "admin"]});
    let connector = connected(&world, known).await;
    let findings = findings(&world, &connector).await;
    assert_eq!((&findings[0]["code"], &findings[0]["severity"]), (&json!("unknown_scope"), &json!("error")));
    assert!(text(&findings[0]["what"]).contains("`write`"));
    assert_eq!(findings.len(), 1);
}

#[tokio::test]
async fn a_wrong_client_secret_is_found_without_any_user() {
    let world = world().await;
    let connector = connected(&world, |_| {}).await;
    world.keep_secret("mistyped-secret");
    world.change(&connector, &json!({"client_secret": "mistyped-secret"})).await;
    assert_eq!(found(&world, &connector).await, one("client_rejected", "error", "/client_secret"));
    world.change(&connector, &json!({"client_secret": connector.client_secret})).await;
    let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    assert_eq!(shown["doctor"]["outdated"], true, "what was found is about the secret before");
    world.advance(60);
    assert_eq!(found(&world, &connector).await, vec![]);
}

#[tokio::test]
async fn what_a_provider_says_of_a_made_up_code_is_heard_only_where_it_is_clear() {
    let world = world().await;
    let connector = connected(&world, |_| {}).await;
    for (status, body) in [
        (400, r#"{"error":"invalid_grant"}"#),
        (400, r#"{"error":"invalid_request"}"#),
        (403, "<html>no</html>"),
        (503, ""),
        (429, ""),
        (200, r#"{"access_token":"for-nothing","token_type":"Bearer"}"#),
    ] {
        world.provider.answer_made_up_codes_with(status, body);
        assert_eq!(found(&world, &connector).await, vec![], "{status} {body}");
        world.advance(60);
    }
    world.provider.answer_made_up_codes_with(401, "");
    assert_eq!(found(&world, &connector).await, one("client_rejected", "error", "/client_secret"));
    world.advance(60);
    world.provider.answer_made_up_codes_with(400, r#"{"error":"redirect_uri_mismatch"}"#);
    assert_eq!(found(&world, &connector).await, one("redirect_uri_not_registered", "error", "/redirect_uri"));
}

#[tokio::test]
async fn a_provider_that_a_made_up_code_would_harm_is_never_shown_one() {
    let world = world().await;
    let connector = connected(&world, |data| data["token"]["probe_harmful"] = json!(true)).await;
    world.change(&connector, &json!({"client_secret": "mistyped-secret"})).await;
    assert_eq!(found(&world, &connector).await, vec![]);
    assert!(world.provider.probes().is_empty());
}

#[tokio::test]
async fn grants_that_all_end_after_seven_days_are_told_where_the_provider_is_known_for_it() {
    for (people, expected) in [(2, vec![]), (3, one("grants_end_early", "error", ""))] {
        let world = world().await;
        let connector = connected(&world, |data| data["refresh"]["testing_days"] = json!(7)).await;
        let users: Vec<String> = (0..people).map(|number| format!("user-{number}")).collect();
        for user in &users {
            world.connect(&connector, user).await;
        }
        world.advance(7 * DAY + 60);
        for user in &users {
            world.provider.take_back(&format!("{user}@provider"));
            assert_eq!(world.token(&connector, user).await.status, 404, "it asks its user to connect again");
        }
        assert_eq!(found(&world, &connector).await, expected, "{people}");
        // Somebody's grant lives on: it is not the app that was ended.
        world.advance(2 * DAY);
        world.access_token(&connector, "alice").await;
        assert_eq!(found(&world, &connector).await, vec![]);
    }
}

#[tokio::test]
async fn a_client_secret_is_told_of_before_it_ends_and_afterwards() {
    let world = world().await;
    let connector = connected(&world, |_| {}).await;
    let path = format!("/connectors/{}", connector.id);
    let wrong = world.admin("PUT", &path).json(&json!({"client_secret_expires_on": "31.12.2026"})).send().await;
    assert_eq!(wrong.expect(422)["errors"][0]["pointer"], "/client_secret_expires_on");
    let shown = world.change(&connector, &json!({"client_secret_expires_on": "2026-12-23"})).await;
    assert_eq!(shown["client_secret_expires_on"], "2026-12-23");
    assert_eq!(found(&world, &connector).await, vec![]);
    world.advance(DAY);
    let field = "/client_secret_expires_on";
    assert_eq!(found(&world, &connector).await, one("client_secret_expires", "warning", field));
    world.advance(31 * DAY);
    assert_eq!(found(&world, &connector).await, one("client_secret_expired", "error", field));
    // Of a new secret nobody has said anything yet.
    world.advance(60);
    let shown = world.change(&connector, &json!({"client_secret": connector.client_secret})).await;
    assert_eq!(shown["client_secret_expires_on"], Value::Null);
    assert_eq!(found(&world, &connector).await, vec![]);
}

#[tokio::test]
async fn the_worst_is_told_first() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.change(&connector, &json!({"client_secret": "mistyped-secret"})).await;
    let severities: Vec<String> =
        found(&world, &connector).await.into_iter().map(|(_, severity, _)| severity).collect();
    assert_eq!(severities, ["error", "warning", "info"]);
}
