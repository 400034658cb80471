//! Calls to a provider's API that must not reach it, or not like that: hosts, paths and headers of somebody's choice, and
//! other people's connections.

use serde_json::json;

use crate::{calls::Called, world::journeys::parameter};

#[tokio::test]
async fn a_call_leads_to_no_host_that_the_data_does_not_name() {
    let called = Called::new().await;
    let own = called.api.url("").trim_start_matches("http://").to_owned();
    for host in [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "169.254.169.254",
        "metadata.google.internal",
        "[::1]",
        "",
        ".",
        &format!("{own}@evil.example"),
        &format!("evil.example#{own}"),
        &format!("evil.example/{own}"),
        &format!("{own}.evil.example"),
        &format!("{own}/../"),
        &format!("http://{own}"),
        &format!("{own}\r\nHost: evil.example"),
    ] {
        let refused = called.call(&json!({"path": "/x", "host": host})).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/host", "{host}");
    }
    assert!(called.api.take().is_empty());
    called.call(&json!({"path": "/x", "host": own})).await.expect(200);
    assert_eq!(called.api.take()[0].line, "GET /v1/x", "the root's own name is the root");
}

#[tokio::test]
async fn a_call_leads_nowhere_else_by_its_path() {
    let called = Called::new().await;
    for path in [
        "x",
        "//evil.example/x",
        "https://evil.example/x",
        "/../admin",
        "/x/..",
        "/%2e%2e/admin",
        "/x/%2E%2e%2fadmin",
        "/%252e%252e/admin",
        "/..%2fadmin",
        "/..;/admin",
        "/\\evil.example",
        "/%5c%5cevil.example",
        "/x\r\nHost: evil.example",
        "/x%0d%0aHost: evil.example",
        "/x%00",
        "/x#y",
        "/x%",
        "/a//b",
        "@evil.example/x",
        "/x/%C0%AE%C0%AE/admin",
        "/x/．．/admin",
        "/x/%ef%bc%8e%ef%bc%8e%2fadmin",
        "/x?a=caf%E9",
    ] {
        let refused = called.call(&json!({"path": path})).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/path", "{path}");
    }
    assert!(called.api.take().is_empty());
    called.call(&json!({"path": "/x", "query": {"a": "b#c&d=e\r\nHost: evil"}})).await.expect(200);
    assert_eq!(called.api.take()[0].line, "GET /v1/x?a=b%23c%26d%3De%0D%0AHost%3A%20evil");
}

#[tokio::test]
async fn no_caller_speaks_for_the_connection_or_the_way_there() {
    let called = Called::new().await;
    let token = called.world.access_token(&called.connector, "alice").await;
    let headers = json!({
        "Authorization": "Bearer mine", "authorization": "Bearer mine too", "Cookie": "a=b", "Host": "evil.example",
        "Connection": "upgrade", "Transfer-Encoding": "chunked", "Content-Length": "0", "Proxy-Authorization": "x",
        "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-HTTP-Method-Override": "DELETE", "DPoP": "x",
        "User-Agent": "me", "Accept-Encoding": "gzip", "On-Behalf-Of": "x",
    });
    called.call(&json!({"method": "POST", "path": "/x", "headers": headers, "body": {}})).await.expect(200);
    let seen = called.api.take().remove(0);
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {token}").as_str()));
    assert_eq!(seen.header("host"), Some(called.api.url("").trim_start_matches("http://")));
    assert_eq!((seen.header("content-length"), seen.body.as_str()), (Some("2"), "{}"));
    for name in [
        "cookie",
        "connection",
        "transfer-encoding",
        "proxy-authorization",
        "x-forwarded-for",
        "forwarded",
        "x-http-method-override",
        "dpop",
        "on-behalf-of",
    ] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.header("accept-encoding"), Some("identity"), "nobody else says in which form an answer may come");
    assert!(seen.header("user-agent").unwrap().starts_with("connectors/"));
    let twice = json!({"path": "/x", "headers": {"Accept": "a/b", "accept": "c/d"}});
    assert_eq!(called.call(&twice).await.expect(422)["errors"][0]["pointer"], "/headers/accept");
    for value in ["a\r\nAuthorization: Bearer mine", "a\nb", "é"] {
        let refused = called.call(&json!({"path": "/x", "headers": {"Accept": value}})).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/headers/Accept");
    }
    assert!(called.api.take().is_empty());
}

#[tokio::test]
async fn rules_that_can_not_be_meant_are_refused_where_they_are_wrong() {
    let called = Called::new().await;
    let path = format!("/connectors/{}", called.connector.id);
    let many: Vec<_> = (0..101).map(|number| json!({"prefix": format!("/{number}")})).collect();
    for (rules, pointer) in [
        (json!("GET"), ""),
        (json!({"verbs": ["GET"]}), "/verbs"),
        (json!({"methods": "GET"}), "/methods"),
        (json!({"methods": ["GET", "get"]}), "/methods/1"),
        (json!({"methods": ["OPTIONS"]}), "/methods/0"),
        (json!({"paths": {}}), "/paths"),
        (json!({"paths": [{"prefix": "/a"}, {}]}), "/paths/1/prefix"),
        (json!({"paths": [{"prefix": "a"}]}), "/paths/0/prefix"),
        (json!({"paths": [{"prefix": "/a?b=c"}]}), "/paths/0/prefix"),
        (json!({"paths": [{"prefix": "/%2e%2e/a"}]}), "/paths/0/prefix"),
        (json!({"paths": [{"prefix": "/a", "method": "ANY"}]}), "/paths/0/method"),
        (json!({"paths": [{"prefix": "/a", "host": "https://upload.example"}]}), "/paths/0/host"),
        (json!({"paths": [{"prefix": "/a", "host": "*.example"}]}), "/paths/0/host"),
        (json!({"paths": [{"prefix": "/a", "more": 1}]}), "/paths/0/more"),
        (json!({"paths": many}), "/paths"),
    ] {
        let change = json!({"call_rules": rules, "name": "Changed"});
        let refused = called.world.admin("PUT", &path).json(&change).send().await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], format!("/call_rules{pointer}"), "{rules}");
    }
    let kept = called.world.admin("GET", &path).send().await.expect(200);
    assert_eq!((&kept["call_rules"], &kept["name"]), (&json!(null), &json!("Calendar")));
}

/// `GET /events?method=delete` deletes at some APIs, and a form's `_method` does at others.
#[tokio::test]
async fn a_rule_about_methods_holds_for_every_way_to_ask_for_one() {
    let called = Called::new().await;
    let rules = json!({"call_rules": {"methods": ["GET", "POST"], "paths": [{"prefix": "/x"}]}});
    called.world.change(&called.connector, &rules).await;
    let form = json!({"Content-Type": "application/x-www-form-urlencoded"});
    let (parts, plain) =
        (json!({"Content-Type": "multipart/form-data; boundary=b"}), json!({"Content-Type": "text/plain"}));
    let long = format!("a={}&_method=delete", "b".repeat(10_000));
    let in_parts = "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--b--\r\n";
    for call in [
        json!({"path": "/x?method=delete"}),
        json!({"path": "/x", "query": {"_method": "PUT"}}),
        json!({"path": "/x", "query": {"x-http-method-override": ["GET", "DELETE"]}}),
        json!({"method": "POST", "path": "/x", "body": {"_method": "delete"}}),
        json!({"method": "POST", "path": "/x", "headers": form, "body": {"method": "DELETE"}}),
        json!({"method": "POST", "path": "/x", "headers": form, "body": "a=b&method=patch"}),
        json!({"path": "/x?%20_method=delete"}),
        json!({"path": "/x?.method=delete"}),
        json!({"path": "/x", "query": {"_method[]": "DELETE"}}),
        json!({"method": "POST", "path": "/x", "headers": form, "body": "a=b; _method=delete"}),
        json!({"method": "POST", "path": "/x", "headers": form, "body": "a=%ff&_method=delete"}),
        json!({"method": "POST", "path": "/x", "headers": form, "body": long}),
        json!({"method": "POST", "path": "/x", "headers": parts, "body": in_parts}),
        json!({"method": "POST", "path": "/x", "headers": plain, "body": "{\"_method\":\"DELETE\"}"}),
    ] {
        assert_eq!(called.call(&call).await.refusal(), (403, "blocked_by_policy".to_owned()), "{call}");
    }
    assert!(called.api.take().is_empty());
    for call in [
        json!({"path": "/x?method=get"}),
        json!({"path": "/x", "query": {"method": "photos.getInfo"}}),
        json!({"method": "POST", "path": "/x", "body": {"method": "DELETE"}}),
        json!({"method": "POST", "path": "/x", "headers": form, "body": "note=DELETE&a=%ff"}),
        json!({"method": "POST", "path": "/x", "headers": parts, "body": in_parts.replace("_method", "note")}),
    ] {
        assert_eq!(called.call(&call).await.expect(200)["success"], true, "{call}");
    }
}

/// What several servers take for different types, or read in another charset than it is sent in, is judged as one thing and
/// carried out as another.
#[tokio::test]
async fn a_body_is_of_one_type_and_what_it_says_of_its_charset_is_true() {
    let called = Called::new().await;
    for (content_type, body, pointer) in [
        ("application/x-www-form-urlencoded, text/plain", "a=b", "/headers/Content-Type"),
        ("application/x-www-form-urlencoded text/plain", "a=b", "/headers/Content-Type"),
        ("text", "a=b", "/headers/Content-Type"),
        ("", "a=b", "/headers/Content-Type"),
        ("text/plain; charset=latin1", "é", "/body"),
        ("application/x-www-form-urlencoded; charset=utf-16le", "_\0", "/body"),
        ("application/json; charset=utf-7", "+AF8-method", "/body"),
    ] {
        let call = json!({"method": "POST", "path": "/x", "headers": {"Content-Type": content_type}, "body": body});
        assert_eq!(called.call(&call).await.expect(422)["errors"][0]["pointer"], pointer, "{content_type}");
    }
    assert!(called.api.take().is_empty());
    for (content_type, body) in [("text/plain; charset=latin1", "e"), ("Text/CSV;Charset=\"utf-8\"", "é")] {
        let call = json!({"method": "POST", "path": "/x", "headers": {"CONTENT-TYPE": content_type}, "body": body});
        called.call(&call).await.expect(200);
        let seen = called.api.take().remove(0);
        assert_eq!((seen.header("content-type"), seen.body.as_str()), (Some(content_type), body));
    }
}

#[tokio::test]
async fn the_token_in_an_address_can_neither_be_chosen_nor_read() {
    let called = Called::with(|_, api| api["token_in"] = json!({"query": "access_token"})).await;
    let token = called.world.access_token(&called.connector, "alice").await;
    for path in ["/x?access_token=mine", "/x?Access_Token=mine", "/x?access%5Ftoken=mine"] {
        let refused = called.call(&json!({"path": path})).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/query", "{path}");
    }
    let next = format!("{{\"next\":\"https://api.example/x?access_token={token}\"}}");
    called.api.answer(
        200,
        &[("content-type", "application/json"), ("link", &format!("<?access_token={token}>"))],
        &next,
    );
    let answer = called.call(&json!({"path": "/x"})).await;
    assert_eq!(answer.expect(200)["success"], true);
    assert!(!answer.text.contains(&token), "{answer:?}");
    let line = called.api.take().remove(0).line;
    assert_eq!(parameter(&called.api.url(line.trim_start_matches("GET ")), "access_token"), token);
}

#[tokio::test]
async fn no_redirect_is_followed_and_only_those_within_the_api_are_told() {
    let called = Called::new().await;
    for (location, told) in [
        (called.api.url("/v1/other"), true),
        ("/v1/other".to_owned(), true),
        ("https://evil.example/".to_owned(), false),
        ("//evil.example/".to_owned(), false),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), false),
        ("file:///etc/passwd".to_owned(), false),
    ] {
        for status in [301, 302, 303, 307, 308] {
            called.api.answer(status, &[("location", &location)], "");
            let answer = called.call(&json!({"method": "POST", "path": "/x", "body": {}})).await.expect(200);
            assert_eq!((&answer["success"], &answer["status_code"]), (&json!(false), &json!(status)));
            assert_eq!(answer["headers"].get("location").is_some(), told, "{location}");
            assert_eq!(called.api.take().len(), 1, "{status} {location}");
        }
    }
}

#[tokio::test]
async fn nobody_calls_through_the_connection_of_somebody_else() {
    let called = Called::new().await;
    let world = &called.world;
    let (call, by_id) = (json!({"path": "/x"}), format!("/app-user-auth/connectors/{}/call", called.connector.id));
    let by_type = "/connectors/calendar/call";
    let not_found = (404, "NOT_FOUND".to_owned());
    assert_eq!(world.as_user("bob", "POST", &by_id).json(&call).send().await.refusal(), not_found);
    for rest in [by_id.as_str(), by_type] {
        assert_eq!(world.on_behalf(&world.app, "bob", "POST", rest).json(&call).send().await.refusal(), not_found);
        let sibling = world.register_app(&world.workspace, &format!("sibling-{}", rest.len())).await;
        assert_eq!(world.on_behalf(&sibling, "alice", "POST", rest).json(&call).send().await.refusal(), not_found);
        let hostile = world.found("Hostile").await;
        let theirs = world.register_app(&hostile, &format!("hostile-{}", rest.len())).await;
        assert_eq!(world.on_behalf(&theirs, "alice", "POST", rest).json(&call).send().await.refusal(), not_found);
        for wrong in [
            world.call("POST", &world.app.path(rest)).json(&call),
            world
                .call("POST", &world.app.path(rest))
                .bearer(&theirs.service_key)
                .on_behalf_of(&world.app.user(world, "alice"))
                .json(&call),
            world.call("POST", &world.app.path(rest)).bearer(&world.app.service_key).on_behalf_of("x").json(&call),
            world.call("POST", &world.app.path(rest)).bearer(&world.workspace.admin_key).json(&call),
        ] {
            let refused = wrong.send().await;
            assert!(matches!(refused.status, 401 | 404), "{refused:?}");
        }
    }
    // A backend that names nobody gets what the workspace shares, and nobody's own.
    let alone = world.call("POST", &world.app.path(by_type)).bearer(&world.app.service_key).json(&call).send().await;
    assert_eq!(alone.refusal(), not_found);
    let own = world.as_user("alice", "POST", by_type).json(&call).send().await;
    assert_eq!(own.refusal(), (403, "service_only".to_owned()));
    assert!(called.api.take().is_empty());
}
