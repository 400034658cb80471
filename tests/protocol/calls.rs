//! Calls to a provider's API: what reaches it, and what comes back.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::world::{Answer, ApiDouble, Connector, Reply, World, text};

/// A world with an API beside the provider, and a connector to both that alice is connected through.
pub(crate) struct Called {
    pub(crate) world: World,
    pub(crate) api: ApiDouble,
    pub(crate) connector: Connector,
}

impl Called {
    pub(crate) async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    /// The same, where the provider's data says something else of its API.
    pub(crate) async fn with(say: impl Fn(&ApiDouble, &mut Value)) -> Self {
        let world = World::new().await;
        let api = ApiDouble::start(&world.provider).await;
        let mut registration = world.provider.registration("calendar");
        registration["api"] = json!({"base_url": api.url("/v1"), "headers": {"Calendar-Version": "2026-01-01"}});
        say(&api, &mut registration["api"]);
        world.admin("POST", "/providers").json(&registration).send().await.expect(201);
        let connector = world.connector_at(&world.workspace, "calendar", "Calendar", &["read"]).await;
        world.connect(&connector, "alice").await;
        Self { world, api, connector }
    }

    /// A call of alice's own.
    pub(crate) async fn call(&self, call: &Value) -> Answer {
        let rest = format!("/app-user-auth/connectors/{}/call", self.connector.id);
        self.world.as_user("alice", "POST", &rest).json(call).send().await
    }

    /// A call of the backend for alice, by the type of the provider.
    pub(crate) async fn call_by_type(&self, call: &Value) -> Answer {
        let call_by_type = self.world.on_behalf(&self.world.app, "alice", "POST", "/connectors/calendar/call");
        call_by_type.json(call).send().await
    }
}

#[tokio::test]
async fn an_api_is_called_with_the_users_token_which_nobody_else_sees() {
    let called = Called::new().await;
    let token = called.world.access_token(&called.connector, "alice").await;
    let call = json!({
        "method": "POST", "path": "/events?calendar=main", "query": {"notify": true, "tag": ["a", "b&c"]},
        "headers": {"Prefer": "return=minimal", "X-Unknown": "x"}, "body": {"title": "Lunch"},
    });
    for by_type in [false, true] {
        let answer = if by_type { called.call_by_type(&call).await } else { called.call(&call).await };
        let body = answer.expect(200);
        assert_eq!(
            body,
            json!({
                "success": true, "phase": "responded", "status_code": 200, "data": {"seen": "POST"}, "data_base64": null,
                "content_type": null, "credits_charged": 0,
                "headers": {"content-type": "application/json", "etag": "\"1\"", "x-ratelimit-remaining": "9"},
            })
        );
        assert!(!answer.text.contains(&token));
        let seen = called.api.take();
        let [seen] = seen.as_slice() else { panic!("{seen:?}") };
        assert_eq!(seen.line, "POST /v1/events?calendar=main&notify=true&tag=a&tag=b%26c");
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {token}").as_str()));
        for (name, value) in [
            ("calendar-version", Some("2026-01-01")),
            ("content-type", Some("application/json")),
            ("prefer", Some("return=minimal")),
            ("x-unknown", None),
            ("on-behalf-of", None),
            ("cookie", None),
        ] {
            assert_eq!(seen.header(name), value, "{name}");
        }
        assert_eq!(seen.body, r#"{"title":"Lunch"}"#);
    }
    for secret in ["/v1/events", "b%26c", "Lunch", &token] {
        assert!(!called.world.log.text().contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn what_the_provider_says_is_handed_on_whatever_it_is() {
    let called = Called::new().await;
    let big = r#"{"id":12345678901234567890123,"b":1,"a":[]}"#;
    for (status, kind, body, success, data, base64) in [
        (200, "application/json", big, true, serde_json::from_str(big).unwrap(), json!(null)),
        (204, "application/json", "", true, json!(null), json!(null)),
        (404, "application/problem+json", "{\"a\":1}", false, json!({"a": 1}), json!(null)),
        (403, "text/html", "<h1>no</h1>", false, json!("<h1>no</h1>"), json!(null)),
        (503, "text/plain", "later", false, json!("later"), json!(null)),
        (200, "image/png", "PNG", true, json!(null), json!("UE5H")),
    ] {
        called.api.answer(status, &[("content-type", kind), ("set-cookie", "a=b")], body);
        let answer = called.call(&json!({"path": "/x"})).await;
        let told = answer.expect(200);
        assert_eq!(
            (&told["success"], &told["status_code"], &told["phase"]),
            (&json!(success), &json!(status), &json!("responded"))
        );
        assert_eq!((&told["data"], &told["data_base64"]), (&data, &base64), "{status} {kind}");
        assert!(answer.header("set-cookie").is_none() && told["headers"].get("set-cookie").is_none());
    }
    called.api.answer(200, &[("content-type", "application/json")], big);
    assert!(called.call(&json!({"path": "/x"})).await.text.contains(big), "numbers keep all their digits");
}

#[tokio::test]
async fn nobody_is_told_that_something_was_not_done_if_it_may_have_been() {
    let called = Called::with(|_, api| api["hosts"] = json!(["127.0.0.1:1"])).await;
    let nobody_there = called.call(&json!({"method": "POST", "path": "/x", "host": "127.0.0.1:1"})).await.expect(200);
    assert_eq!((&nobody_there["phase"], &nobody_there["status_code"]), (&json!("not_sent"), &json!(null)));
    assert_eq!(nobody_there["data"]["code"], "host_unreachable");
    called.api.next(Reply::HangUp);
    let broken = called.call(&json!({"method": "POST", "path": "/x"})).await.expect(200);
    assert_eq!((&broken["phase"], &broken["success"]), (&json!("sent_unconfirmed"), &json!(false)));
    assert_eq!(broken["data"]["code"], "connection_lost");
    assert_eq!(called.api.take().len(), 1, "it is not tried again");
}

#[tokio::test]
async fn an_answer_that_is_too_long_to_hand_on_is_told_as_that() {
    let called = Called::new().await;
    let fits = format!("\"{}\"", "a".repeat(4 * 1024 * 1024 - 2));
    called.api.answer(200, &[("content-type", "application/json")], &fits);
    assert_eq!(called.call(&json!({"path": "/x"})).await.expect(200)["success"], true);
    called.api.answer(200, &[("content-type", "application/json")], &format!(" {fits}"));
    let told = called.call(&json!({"path": "/x"})).await.expect(200);
    assert_eq!(
        (&told["success"], &told["status_code"], &told["phase"]),
        (&json!(false), &json!(200), &json!("responded"))
    );
    assert_eq!(told["data"]["code"], "answer_too_large");
}

#[tokio::test]
async fn a_token_that_the_provider_takes_no_more_is_renewed_once() {
    let called = Called::new().await;
    let old = called.world.access_token(&called.connector, "alice").await;
    called.api.refuse(&old);
    let told = called.call(&json!({"method": "DELETE", "path": "/events/1"})).await.expect(200);
    assert_eq!((&told["success"], &told["status_code"]), (&json!(true), &json!(200)));
    let seen: Vec<_> =
        called.api.take().iter().map(|seen| text(&json!(seen.header("authorization").unwrap()))).collect();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], format!("Bearer {old}"));
    assert_ne!(seen[1], seen[0]);
    assert_eq!(called.world.provider.refreshes().len(), 1);
    // What is refused with a new token as well is the provider's answer.
    for _ in 0..2 {
        called.api.answer(401, &[], "{}");
    }
    let told = called.call(&json!({"path": "/x"})).await.expect(200);
    assert_eq!(
        (&told["success"], &told["status_code"], &told["phase"]),
        (&json!(false), &json!(401), &json!("responded"))
    );
    assert_eq!(called.api.take().len(), 2, "once, and not again");
}

#[tokio::test]
async fn a_grant_that_is_over_asks_for_the_user() {
    let called = Called::new().await;
    let old = called.world.access_token(&called.connector, "alice").await;
    called.world.provider.take_back("alice@provider");
    called.api.refuse(&old);
    assert_eq!(called.call(&json!({"path": "/x"})).await.refusal(), (409, "reconnect_required".to_owned()));
    assert_eq!(called.api.take().len(), 1);
}

#[tokio::test]
async fn a_connector_lets_through_what_its_rules_name_and_nothing_else() {
    let called = Called::new().await;
    let id = &called.connector.id;
    let rules =
        json!({"methods": ["GET", "POST"], "paths": [{"prefix": "/events"}, {"prefix": "/me", "method": "GET"}]});
    let changed = called.world.change(&called.connector, &json!({"call_rules": rules})).await;
    assert_eq!(changed["call_rules"], rules);
    assert_eq!(called.world.deeds("connector.changed").await.len(), 1);
    for (method, path, allowed) in [
        ("GET", "/events", true),
        ("POST", "/events/1", true),
        ("GET", "/%65vents/1?x=/me", true),
        ("GET", "/me", true),
        ("POST", "/me", false),
        ("DELETE", "/events/1", false),
        ("GET", "/events-of-others", false),
        ("GET", "/Events", false),
        ("GET", "/events%2F1", false),
        ("GET", "/x?/events", false),
        ("GET", "/", false),
    ] {
        let answer = called.call(&json!({"method": method, "path": path})).await;
        if allowed {
            answer.expect(200);
        } else {
            assert_eq!(answer.refusal(), (403, "blocked_by_policy".to_owned()), "{method} {path}");
        }
        assert_eq!(called.api.take().len(), usize::from(allowed), "{method} {path}");
    }
    let wrong = json!({"call_rules": {"paths": [{"prefix": "/a/../b"}]}});
    let refused = called.world.admin("PUT", &format!("/connectors/{id}")).json(&wrong).send().await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/call_rules/paths/0/prefix");
    assert_eq!(called.world.change(&called.connector, &json!({"call_rules": {}})).await["call_rules"], json!(null));
    called.call(&json!({"method": "DELETE", "path": "/events/1"})).await.expect(200);
}

#[tokio::test]
async fn of_several_connectors_of_a_type_the_one_counts_that_the_user_is_connected_through() {
    let called = Called::new().await;
    let other = called.world.connector_at(&called.world.workspace, "calendar", "Second", &["read"]).await;
    called.call_by_type(&json!({"path": "/x"})).await.expect(200);
    called.world.connect(&other, "alice").await;
    assert_eq!(called.call_by_type(&json!({"path": "/x"})).await.refusal(), (409, "conflict".to_owned()));
    called.world.disconnect(&called.connector, "alice").await.expect(200);
    called.call_by_type(&json!({"path": "/x"})).await.expect(200);
    called.world.disconnect(&other, "alice").await.expect(200);
    assert_eq!(called.call_by_type(&json!({"path": "/x"})).await.refusal(), (404, "NOT_FOUND".to_owned()));
}

/// A workspace may have hundreds of connectors, and one of them may be broken.
#[tokio::test]
async fn a_call_by_type_reads_the_connectors_of_its_user_and_no_others() {
    let called = Called::new().await;
    let spoilt = called.world.connector_at(&called.world.workspace, "calendar", "Spoilt", &["read"]).await;
    for mut item in called.world.aws.items("TABLE_REGISTRY").await {
        if item["sk"].as_s().unwrap() == &format!("CONNECTOR#{}", spoilt.id) {
            item.insert("connector_kind".to_owned(), AttributeValue::S("nobody's".to_owned()));
            called.world.aws.put("TABLE_REGISTRY", item).await;
        }
    }
    assert_eq!(called.call_by_type(&json!({"path": "/x"})).await.expect(200)["success"], true);
}

#[tokio::test]
async fn what_the_workspace_shares_is_called_only_where_no_user_connects_to_that_type() {
    let called = Called::new().await;
    let world = &called.world;
    let mut registration = world.provider.registration("wiki");
    registration["api"] = json!({"base_url": called.api.url("/wiki")});
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let shared = world.shared_connector_of(&world.workspace, "wiki", "Wiki").await;
    let call = json!({"path": "/pages"});
    let alone =
        || world.call("POST", &world.app.path("/connectors/wiki/call")).bearer(&world.app.service_key).json(&call);
    let for_bob = || world.on_behalf(&world.app, "bob", "POST", "/connectors/wiki/call").json(&call);
    assert_eq!(alone().send().await.refusal(), (404, "NOT_FOUND".to_owned()));
    world.connect_shared(&shared, "team@provider").await;
    let token = text(&world.shared_token(&world.app, "wiki").await.expect(200)["access_token"]);
    for answer in [alone().send().await, for_bob().send().await] {
        assert_eq!(answer.expect(200)["success"], true);
        assert!(!answer.text.contains(&token));
    }
    let seen = called.api.take();
    assert_eq!(seen.len(), 2);
    for seen in seen {
        assert_eq!(seen.header("authorization"), Some(format!("Bearer {token}").as_str()));
        assert_eq!(seen.line, "GET /wiki/pages");
    }
    // Who could connect an account of their own never speaks with that of all.
    world.connector_at(&world.workspace, "wiki", "Own wiki", &["read"]).await;
    assert_eq!(for_bob().send().await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(alone().send().await.expect(200)["success"], true);
    let by_id = format!("/app-user-auth/connectors/{}/call", shared.id);
    assert_eq!(world.as_user("bob", "POST", &by_id).json(&call).send().await.refusal(), (404, "NOT_FOUND".to_owned()));
}
