//! What an app's agent does for its user.

use super::*;

#[tokio::test]
async fn an_agent_acts_for_its_own_user_and_nobody_else() {
    let called = Called::new().await;
    let connector = json!({"connector_id": called.connector.id});
    let assisted = Assisted::of(called.world).await;
    let listed = assisted.acts("list_connections", json!({})).await;
    assert_eq!(listed["connections"][0]["status"], "active");
    assert_eq!(assisted.acts("connect", connector.clone()).await["status"], "connected");
    let mut read = connector.clone();
    read["path"] = json!("/events");
    let answer = assisted.acts("call_api_read", read.clone()).await;
    assert_eq!((&answer["success"], &answer["data"]["seen"]), (&json!(true), &json!("GET")));
    let bob = assisted.user(&assisted.world.app, "bob");
    let at = (assisted.agent_path(), bob);
    assert_eq!(refused(&assisted.call((&at.0, &at.1), "call_api_read", read.clone()).await), "NOT_FOUND");
    let asked = told(&assisted.call((&at.0, &at.1), "connect", connector.clone()).await);
    assert!(text(&asked["open_url"]).starts_with(&format!("{BASE}/connect/")), "{asked}");
    assert_eq!(assisted.acts("disconnect", connector.clone()).await["status"], "disconnected");
    assert_eq!(
        refused(
            &assisted
                .call((&assisted.agent_path(), &assisted.user(&assisted.world.app, "alice")), "call_api_read", read)
                .await
        ),
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn the_tool_that_reads_writes_nothing_and_the_one_that_writes_says_so() {
    let called = Called::new().await;
    let connector = called.connector.id.clone();
    let (api, assisted) = (called.api, Assisted::of(called.world).await);
    let at = (assisted.agent_path(), assisted.user(&assisted.world.app, "alice"));
    for (tool, method) in [("call_api_read", "DELETE"), ("call_api_read", "POST"), ("call_api_write", "GET")] {
        let arguments = json!({"connector_id": connector, "path": "/events", "method": method});
        let result = assisted.call((&at.0, &at.1), tool, arguments).await;
        assert_eq!(refused(&result), "invalid_request", "{tool} {method}");
    }
    assert!(api.take().is_empty());
    let arguments = json!({"connector_id": connector, "path": "/events", "method": "POST", "body": {"title": "Lunch"}});
    assert_eq!(told(&assisted.call((&at.0, &at.1), "call_api_write", arguments).await)["data"]["seen"], "POST");
    let tools = assisted.post(&at.0, &at.1, OLD, &[], &list()).await.expect(200)["result"]["tools"].clone();
    let annotation = |name: &str, hint: &str| {
        tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap()["annotations"][hint].clone()
    };
    assert_eq!(annotation("call_api_read", "readOnlyHint"), json!(true));
    for destructive in ["call_api_write", "disconnect"] {
        assert_eq!(annotation(destructive, "readOnlyHint"), json!(false));
        assert_eq!(annotation(destructive, "destructiveHint"), json!(true));
    }
}

/// Looking is what a person may allow once and for all: so it must not change anything, however a call is spelled.
#[tokio::test]
async fn a_call_that_changes_something_by_get_is_not_one_that_reads() {
    let called = Called::new().await;
    let connector = called.connector.id.clone();
    let (api, assisted) = (called.api, Assisted::of(called.world).await);
    let at = (assisted.agent_path(), assisted.user(&assisted.world.app, "alice"));
    for more in [
        json!({"path": "/events/1?_method=delete"}),
        json!({"path": "/events/1?_%6Dethod=DELETE"}),
        json!({"path": "/events/1", "query": {"method": "post"}}),
        json!({"path": "/events/1", "query": {"method": ["get", "delete"]}}),
        json!({"path": "/events/1", "query": {"X-HTTP-Method-Override": " PUT "}}),
        json!({"path": "/events", "body": {"title": "Lunch"}}),
        json!({"path": "/events", "method": "get"}),
        json!({"path": "/events", "method": "OPTIONS"}),
        json!({"path": "//evil.example/events"}),
        json!({"path": "/../admin"}),
        json!({"path": "/%2e%2e/admin"}),
        json!({"path": "https://evil.example/"}),
        json!({"path": "/events", "host": "evil.example"}),
    ] {
        let mut arguments = json!({"connector_id": connector});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let result = assisted.call((&at.0, &at.1), "call_api_read", arguments).await;
        assert_eq!(result["isError"], true, "{more}: {result}");
    }
    assert!(api.take().is_empty());
    let arguments = json!({"connector_id": connector, "path": "/payments", "query": {"method": "card"}, "headers": {"X-HTTP-Method-Override": "DELETE"}});
    assert_eq!(told(&assisted.call((&at.0, &at.1), "call_api_read", arguments).await)["data"]["seen"], "GET");
    let seen = api.take();
    assert_eq!(seen[0].header("x-http-method-override"), None);
    assert_eq!(seen[0].header("authorization").map(|token| token.starts_with("Bearer ")), Some(true));
}

/// To connect again helps nobody while a provider does not answer: the connection is there, and a call says when to try again.
#[tokio::test]
async fn a_provider_that_is_down_is_waited_for_and_not_connected_to_again() {
    let called = Called::new().await;
    let connector = json!({"connector_id": called.connector.id, "path": "/events"});
    let assisted = Assisted::of(called.world).await;
    assisted.world.advance(3_700);
    assisted.world.provider.fail_with(503, &[], "");
    let at = (assisted.agent_path(), assisted.user(&assisted.world.app, "alice"));
    let result = assisted.call((&at.0, &at.1), "call_api_read", connector.clone()).await;
    assert_eq!(refused(&result), "refresh_unavailable");
    let refusal: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert!(refusal["retry_after_seconds"].as_u64().unwrap() > 0, "{refusal}");
    assert_eq!(assisted.acts("list_connections", json!({})).await["connections"][0]["status"], "degraded");
    let connect = json!({"connector_id": connector["connector_id"]});
    assert_eq!(assisted.acts("connect", connect).await["status"], "connected");
}
