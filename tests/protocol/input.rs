//! What is sent wrongly is refused with its place, whole, and stores nothing.

mod verbs;

use serde_json::json;

use crate::world::World;
use verbs::{verbs, without};

/// The lines of one dump of the tables that are not in the other.
fn new_in(dump: &str, before: &str) -> Vec<String> {
    let known: Vec<&str> = before.lines().collect();
    dump.lines().filter(|line| !known.contains(line)).map(str::to_owned).collect()
}

/// PUB-41.
#[tokio::test]
async fn every_field_of_every_verb_that_is_wrong_missing_or_unknown_is_named() {
    let world = World::new().await;
    let verbs = verbs(&world).await;
    let before = world.aws.dump().await;
    for verb in &verbs {
        for (field, wrong) in &verb.fields {
            for wrong in wrong {
                let mut body = verb.body.clone();
                body[*field] = wrong.clone();
                verb.refuses(&world, &body, field).await;
            }
        }
        for field in verb.required {
            verb.refuses(&world, &without(&verb.body, &[field]), field).await;
        }
        let mut body = verb.body.clone();
        body["surplus"] = json!(1);
        verb.refuses(&world, &body, "surplus").await;
        verb.refuses(&world, &json!({"a/b~c": 1}), "a~1b~0c").await;
        for whole in [json!([]), json!("text"), json!(7), json!(null)] {
            assert_eq!(verb.call(&world).json(&whole).send().await.status, 422, "{} {whole}", verb.path);
        }
    }
    assert_eq!(new_in(&world.aws.dump().await, &before), Vec::<String>::new());
}

/// PUB-44.
#[tokio::test]
async fn a_body_that_is_not_plain_json_is_refused_before_it_is_understood() {
    let world = World::new().await;
    let verbs = verbs(&world).await;
    let before = world.aws.dump().await;
    for verb in &verbs {
        let body = verb.body.to_string();
        let json = |body: String| verb.call(&world).raw("application/json", body.into_bytes());
        for (call, status) in [
            (verb.call(&world).raw("text/plain", body.clone().into_bytes()), 415),
            (verb.call(&world).raw("application/x-www-form-urlencoded", b"a=b".to_vec()), 415),
            (json(body[..body.len() - 1].to_owned()), 400),
            (json(format!("{body}garbage")), 400),
            (json(format!("\u{feff}{body}")), 400),
            (json(format!("{{\"name\":\"a\",{}", &body[1..]).replace("\"name\":\"a\"", "\"x\":1,\"x\":2")), 400),
            (json("{\"name\":\"\\ud800\"}".to_owned()), 400),
            (json("[".repeat(10_000)), 400),
            (json(format!("{{\"name\":\"{}\"}}", "a".repeat(1_048_576))), 413),
        ] {
            let answer = call.send().await;
            assert_eq!(answer.status, status, "{} {}: {answer:?}", verb.method, verb.path);
            assert!(answer.json()["detail"].is_string());
        }
    }
    assert_eq!(new_in(&world.aws.dump().await, &before), Vec::<String>::new());
}

/// PUB-42.
#[tokio::test]
async fn what_is_too_long_is_refused() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let path = format!("/connectors/{}", connector.id);
    let scopes: Vec<String> = (0..10_000).map(|number| format!("s{number}")).collect();
    for (change, field) in [
        (json!({"scopes": scopes}), "/scopes"),
        (json!({"scopes": ["a".repeat(257)]}), "/scopes/0"),
        (json!({"name": "a".repeat(101)}), "/name"),
        (json!({"client_id": "a".repeat(513)}), "/client_id"),
        (json!({"client_secret": "a".repeat(4_097)}), "/client_secret"),
        (json!({"connection_config": {"a": "b".repeat(1_025)}}), "/connection_config/a"),
    ] {
        let refused = world.admin("PUT", &path).json(&change).send().await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], field);
    }
    let long = world.call("GET", &format!("/api/providers/{}", "a".repeat(16 * 1_024))).send().await;
    assert_eq!(long.status, 414);
    let wide = world.call("GET", "/api/providers").header("x-wide", &"a".repeat(64 * 1_024)).send().await;
    assert_eq!(wide.refusal(), (431, "invalid_request".to_owned()));
    let connections = world.app.path("/connections?cursor=");
    let odd =
        world.call("GET", &format!("{connections}{}", "A".repeat(8_000))).bearer(&world.app.service_key).send().await;
    assert_eq!(odd.expect(422)["errors"][0]["pointer"], "?cursor");
}

/// PUB-43.
#[tokio::test]
async fn names_in_any_script_come_back_as_they_were_sent() {
    let world = World::new().await;
    let crabs = "🦀".repeat(100);
    for name in ["مرحبا \u{202e}", "日本語", crabs.as_str(), "<img src=x onerror=alert(1)>", "a'b\"c\\d"] {
        let connector = world.connector(name).await;
        let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
        assert_eq!(shown["name"], name);
    }
    for name in ["🦀".repeat(101), "nul\u{0}".to_owned(), "line\nbreak".to_owned(), "   ".to_owned()] {
        let body = json!({"integration_type": "fake", "name": name, "client_id": "id", "client_secret": "s"});
        let refused = world.admin("POST", "/connectors").json(&body).send().await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/name");
    }
}

/// PUB-45.
#[tokio::test]
async fn an_address_that_is_nearly_right_is_no_address() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let own = format!("/app-user-auth/connectors/{}", connector.id);
    for (method, rest, status) in [
        ("PATCH", own.clone(), 405),
        ("POST", own.clone(), 405),
        ("DELETE", format!("{own}/token"), 405),
        ("DELETE", format!("{own}/"), 404),
        ("DELETE", own.replace("/connectors/", "//connectors/"), 404),
        ("DELETE", format!("/app-user-auth/connectors/%2e%2e/{}", connector.id), 404),
        ("DELETE", format!("{own}%2f"), 404),
        ("DELETE", own.replace("connectors", "Connectors"), 404),
        ("DELETE", format!("/app-user-auth/connectors/{}%00", connector.id), 404),
    ] {
        let answer = world.as_user("alice", method, &rest).send().await;
        assert_eq!(answer.status, status, "{method} {rest}");
        assert!(answer.json()["detail"].is_string());
    }
    world.access_token(&connector, "alice").await;
}

/// RFC 9110, section 15.5.6: whoever uses a method that an address does not take is told which it takes.
#[tokio::test]
async fn an_address_tells_the_methods_that_it_takes_and_no_others() {
    let world = World::new().await;
    let own = "/app-user-auth/connectors";
    for (method, path, expected) in [
        ("HEAD", world.app.path(own), (405, Some("GET"))),
        ("OPTIONS", world.app.path(own), (405, Some("GET"))),
        ("PATCH", world.workspace.path("/connectors"), (405, Some("GET, POST"))),
        ("HEAD", "/oauth/token".to_owned(), (405, Some("POST"))),
        ("HEAD", "/connect/nosuch".to_owned(), (405, Some("GET"))),
        ("HEAD", "/nowhere".to_owned(), (404, None)),
    ] {
        let answer = world.call(method, &path).send().await;
        assert_eq!((answer.status, answer.header("allow")), expected, "{method} {path}");
    }
    let asking = world.call("OPTIONS", &world.app.path(own)).header("access-control-request-method", "GET");
    assert_eq!(asking.send().await.header("allow"), None, "a browser that asks before it calls is told otherwise");
}

/// PUB-26: what can't be read of an address says nothing about who is calling.
#[tokio::test]
async fn an_id_of_other_bytes_than_text_is_the_callers_mistake_and_no_missing_proof() {
    let world = World::new().await;
    let (key, _) = world.service_key(&world.workspace, &world.app.id, &["tokens:offline"]).await;
    for rest in [
        "/app-user-auth/connectors/%ff/token",
        "/external-auth/tokens/%ff",
        "/external-auth/tokens/connectors/%ff",
        "/users/%ff/connectors/con_00000000000000000000000000/token",
    ] {
        let proven = world.on_behalf(&world.app, "alice", "GET", rest).send().await;
        assert!([400, 403].contains(&proven.status), "{rest}: {proven:?}");
        assert_eq!(world.call("GET", &world.app.path(rest)).send().await.status, 401, "{rest}");
    }
    let offline = world.call("GET", &world.app.path("/users/%ff/connectors/con_1/token")).bearer(&key).send().await;
    assert_eq!(offline.status, 400);
    for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/initiate")] {
        let rest = format!("/app-user-auth/connectors/%ff{rest}");
        assert_eq!(world.as_user("alice", method, &rest).send().await.refusal(), (400, "invalid_request".to_owned()));
    }
    assert_eq!(world.call("GET", "/api/apps/%ff/app-user-auth/connectors").send().await.status, 401);
}
