//! Requests that another page makes a browser send (CSRF), and methods that pretend to be others.

use serde_json::json;

use crate::world::{Answer, World};

/// PUB-58: a browser's cookies prove nobody to the API, so that no page can borrow them.
#[tokio::test]
async fn a_page_of_another_origin_changes_nothing_with_the_cookies_of_whoever_looks_at_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let begun = world.as_user("alice", "POST", &format!("/app-user-auth/connectors/{}/initiate", connector.id));
    let begun = begun.json(&json!({})).send().await;
    let (name, value) = begun.cookies().remove(0);
    let cookie = format!("{name}={value}; admin={}; authorization=Bearer {0}", world.workspace.admin_key);
    let own = format!("/app-user-auth/connectors/{}", connector.id);
    let finish = format!("/app-user-auth/sessions/{}/finish", begun.json()["session_id"].as_str().unwrap());
    for (method, path) in [
        ("POST", world.workspace.path("/connectors")),
        ("POST", world.workspace.path("/keys")),
        ("PUT", world.workspace.path("/apps/first-app")),
        ("DELETE", world.workspace.path(&format!("/connectors/{}", connector.id))),
        ("DELETE", world.app.path(&own)),
        ("POST", world.app.path(&format!("{own}/initiate"))),
        ("POST", world.app.path(&finish)),
        ("POST", world.app.path("/connect-sessions")),
        ("GET", world.app.path(&format!("{own}/token"))),
    ] {
        for content_type in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
            let call = world.call(method, &path).header("cookie", &cookie).header("origin", "https://evil.example");
            let call = call.header("sec-fetch-site", "cross-site").raw(content_type, b"{\"name\":\"x\"}".to_vec());
            let answer = call.send().await;
            assert_eq!(answer.refusal(), (401, "unauthorized".to_owned()), "{method} {path}");
            assert_closed(&answer);
        }
    }
    world.access_token(&connector, "alice").await;
    assert_eq!(world.admin("GET", "/connectors").send().await.expect(200)["connectors"].as_array().unwrap().len(), 1);
}

fn assert_closed(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), None, "{answer:?}");
    assert_eq!(answer.header("access-control-allow-credentials"), None, "{answer:?}");
    assert_eq!(answer.header("vary"), Some("origin"));
}

/// Only the exact origins of that very app may read its answers; no page may read those of a workspace.
#[tokio::test]
async fn no_page_reads_an_answer_but_those_of_the_apps_own_origins() {
    let world = World::new().await;
    let other = json!({"id": "other-app", "name": "Other", "origins": ["https://other.example"]});
    world.admin("POST", "/apps").json(&other).send().await.expect(201);
    let preflight = |path: &str, origin: &str| {
        world.call("OPTIONS", path).header("origin", origin).header("access-control-request-method", "POST").send()
    };
    let path = world.app.path("/app-user-auth/connectors");
    for origin in [
        "null",
        "https://evil.example",
        "https://app.example.evil.example",
        "https://evilapp.example",
        "https://sub.app.example",
        "http://app.example",
        "https://app.example:8443",
        "https://APP.example",
        "https://app.example/",
        "https://app.example, https://evil.example",
        "https://other.example",
        "https://connect.example",
        "",
    ] {
        assert_closed(&preflight(&path, origin).await);
        let call = world.as_user("alice", "GET", "/app-user-auth/connectors").header("origin", origin);
        let answer = call.send().await;
        assert_eq!(answer.status, 200);
        assert_closed(&answer);
    }
    for closed in [world.workspace.path("/connectors"), "/api/providers".to_owned(), "/connect/x/open".to_owned()] {
        assert_closed(&preflight(&closed, "https://app.example").await);
    }
    let open = preflight(&path, "https://app.example").await;
    assert_eq!(open.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(open.header("access-control-allow-credentials"), None, "a page never sends cookies along");
}

/// PUB-45: a method is what the request line says.
#[tokio::test]
async fn no_header_or_parameter_turns_one_method_into_another() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let own = format!("/app-user-auth/connectors/{}", connector.id);
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        world.as_user("alice", "GET", &own).header(name, "DELETE").send().await.expect(200);
        let posted = world.as_user("alice", "POST", &own).header(name, "DELETE").json(&json!({})).send().await;
        assert_eq!(posted.status, 405, "{name}");
        let admin = format!("/connectors/{}", connector.id);
        world.admin("GET", &admin).header(name, "DELETE").send().await.expect(200);
    }
    for query in ["?_method=DELETE", "?method=DELETE", "?x-http-method-override=DELETE"] {
        world.as_user("alice", "GET", &format!("{own}{query}")).send().await.expect(200);
        let body = json!({"_method": "DELETE"});
        assert_eq!(world.as_user("alice", "POST", &format!("{own}{query}")).json(&body).send().await.status, 405);
    }
    world.access_token(&connector, "alice").await;
}
