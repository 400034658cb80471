//! The protocol's own words: versions, messages that are none, and how it refuses.

use super::*;

impl Assisted {
    /// A body as it is, in this version of the protocol, or in none that is said.
    async fn says_raw(&self, version: &str, body: &str) -> Answer {
        let call =
            self.world.call("POST", &self.builder_path()).header("host", "connect.example").bearer(&self.admin());
        let call = call.header("accept", "application/json, text/event-stream");
        let call = if version.is_empty() { call } else { call.header("mcp-protocol-version", version) };
        call.raw("application/json", body.as_bytes().to_vec()).send().await
    }
}

fn request(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

fn initialize(version: &str) -> String {
    let client = json!({"name": "test", "version": "1"});
    request("initialize", &json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client}))
}

#[tokio::test]
async fn a_client_is_answered_in_its_own_version_or_in_the_newest_that_shakes_hands() {
    let assisted = Assisted::new().await;
    for (said, expected) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("2099-01-01", "2025-11-25"),
    ] {
        let answer = assisted.says_raw("", &initialize(said)).await.expect(200);
        assert_eq!(answer["result"]["protocolVersion"], expected, "{said}");
        assert!(answer["result"]["capabilities"]["tools"].is_object(), "{answer}");
    }
    let contradiction = assisted.says_raw("2025-06-18", &initialize("2025-03-26")).await;
    assert_eq!((contradiction.status, &contradiction.json()["error"]["code"]), (400, &json!(-32600)));
    for version in ["2025-03-26", "2025-06-18", "2025-11-25", ""] {
        assisted.says_raw(version, &list().to_string()).await.expect(200);
    }
    let unknown = assisted.says_raw("2030-01-01", &list().to_string()).await;
    assert_eq!(unknown.refusal(), (400, "invalid_request".to_owned()));
    assert!(unknown.json()["detail"].as_str().unwrap().contains("2025-11-25"), "it says which there are: {unknown:?}");
}

/// JSON-RPC 2.0, section 5.1. What is no message is answered with 400 and in the form that clients look into.
#[tokio::test]
async fn what_is_no_message_is_refused_by_the_code_that_there_is_for_it() {
    let assisted = Assisted::new().await;
    for (body, code, id) in [
        ("{", -32700, json!(null)),
        ("{\"a\":1,\"a\":2}", -32700, json!(null)),
        ("{'jsonrpc':'2.0'}", -32700, json!(null)),
        ("[]", -32600, json!(null)),
        ("7", -32600, json!(null)),
        ("null", -32600, json!(null)),
        ("{}", -32600, json!(null)),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600, json!(1)),
        (r#"{"id":"x","method":"ping"}"#, -32600, json!("x")),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":18446744073709551615,"method":"ping"}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}"#, -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#, -32600, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#, -32602, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"x"}"#, -32602, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":7}}"#, -32602, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":7}}"#, -32602, json!(1)),
    ] {
        for version in [OLD, "2025-03-26"] {
            let answer = assisted.says_raw(version, body).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (400, Some("application/json")),
                "{body}: {answer:?}"
            );
            let said = answer.json();
            assert_eq!(
                (&said["jsonrpc"], &said["error"]["code"], &said["id"]),
                (&json!("2.0"), &json!(code), &id),
                "{body}"
            );
            assert!(said["error"]["message"].as_str().unwrap().len() > 10, "{said}");
        }
    }
}

/// JSON-RPC 2.0, section 6. Until 2025-03-26 a server must take several messages in one body; from 2025-06-18 there are none.
#[tokio::test]
async fn several_messages_at_once_are_answered_where_the_version_has_that() {
    let assisted = Assisted::new().await;
    let ping = |id: u32| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    let first = serde_json::from_str::<Value>(&initialize("2025-03-26")).unwrap();
    let several =
        json!([ping(1), note, {"a": 1}, first, 7, {"jsonrpc": "2.0", "id": "x", "method": "no/such"}]).to_string();
    for version in ["", "2025-03-26", "2024-11-05"] {
        let answered = assisted.says_raw(version, &several).await.expect(200);
        let said: Vec<Value> =
            answered.as_array().unwrap().iter().map(|answer| json!([answer["id"], answer["error"]["code"]])).collect();
        let expected = json!([[1, null], [null, -32600], [1, -32600], [null, -32600], ["x", -32601]]);
        assert_eq!(json!(said), expected, "{version}: {answered}");
    }
    let notes = assisted.says_raw("2025-03-26", &json!([note, note]).to_string()).await;
    assert_eq!((notes.status, notes.text.as_str()), (202, ""));
    let listed = assisted.says_raw("2025-03-26", &format!("[{}]", list())).await.expect(200);
    assert!(listed[0]["result"]["tools"].is_array(), "one in a batch is answered as a batch");
    let (most, more) = ((0..10).map(ping).collect::<Vec<_>>(), (0..11).map(ping).collect::<Vec<_>>());
    assert_eq!(assisted.says_raw("", &json!(most).to_string()).await.expect(200).as_array().unwrap().len(), 10);
    for (version, body) in [("", &more), ("2025-06-18", &most), ("2025-11-25", &most), ("2025-03-26", &vec![])] {
        let refused = assisted.says_raw(version, &json!(body).to_string()).await;
        assert_eq!((refused.status, &refused.json()["error"]["code"]), (400, &json!(-32600)), "{version}");
    }
}

#[tokio::test]
async fn a_method_that_there_is_not_and_params_that_are_not_its_own_are_told_apart() {
    let assisted = Assisted::new().await;
    let arguments = |arguments: Value| json!({"name": "find_connector", "arguments": arguments});
    for (method, params, code) in [
        ("no/such", json!({}), -32601),
        ("tools/Call", json!({}), -32601),
        ("logging/setLevel", json!({"level": "debug"}), -32601),
        ("resources/subscribe", json!({"uri": "connectors://providers"}), -32601),
        ("tasks/list", json!({}), -32601),
        ("tasks/get", json!({"taskId": "x"}), -32601),
        ("sampling/createMessage", json!({}), -32601),
        ("elicitation/create", json!({}), -32601),
        ("tools/call", json!({}), -32602),
        ("tools/call", json!({"name": 7}), -32602),
        ("tools/call", arguments(json!([])), -32602),
        ("tools/call", arguments(json!("x")), -32602),
        ("tools/call", json!({"name": "drop_tables"}), -32602),
        ("tools/list", json!({"cursor": "2"}), -32602),
        ("resources/read", json!({"uri": 7}), -32602),
        ("prompts/get", json!({"name": []}), -32602),
        ("initialize", json!({}), -32602),
    ] {
        let said = assisted.says_raw(OLD, &request(method, &params)).await.expect(200);
        assert_eq!((&said["error"]["code"], &said["id"]), (&json!(code), &json!(1)), "{method} {params}: {said}");
    }
    let ping = assisted.says_raw(OLD, &request("ping", &json!({}))).await.expect(200);
    assert_eq!(ping, json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    // 2025-11-25: a server without tasks does what is asked, and lets be that it was to be one.
    let params = json!({"name": "find_connector", "arguments": {}, "task": {"ttl": 60_000}});
    let done = assisted.says_raw(EARLIER, &request("tools/call", &params)).await.expect(200);
    assert_eq!(done["result"]["isError"], false, "{done}");
    let null = assisted.says_raw(OLD, &request("tools/list", &json!(null))).await.expect(200);
    assert!(null["result"]["tools"].is_array(), "parameters that are null are none");
}

#[tokio::test]
async fn what_asks_for_no_answer_gets_none_and_does_nothing() {
    let assisted = Assisted::new().await;
    let wanted = json!({"integration_type": "fake", "name": "Calendar", "client_id": "c"});
    for (method, params) in [
        ("notifications/initialized", json!({})),
        ("notifications/cancelled", json!({"requestId": 1})),
        ("notifications/made_up", json!({"a": 1})),
        ("tools/call", json!({"name": "add_connector", "arguments": wanted})),
    ] {
        let answer =
            assisted.says_raw(OLD, &json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()).await;
        assert_eq!((answer.status, answer.text.as_str()), (202, ""), "{method}");
    }
    let proposals = assisted.world.admin("GET", "/proposals").send().await.expect(200);
    assert_eq!(proposals["proposals"], json!([]));
    let answered = assisted.says_raw(OLD, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    assert_eq!(
        (answered.status, &answered.json()["error"]["code"]),
        (400, &json!(-32600)),
        "nobody was asked anything"
    );
}

/// The other methods of Streamable HTTP: there is no stream to open, and no session to end.
#[tokio::test]
async fn a_stream_or_the_end_of_a_session_is_answered_with_the_method_that_there_is() {
    let assisted = Assisted::new().await;
    for path in [assisted.builder_path(), assisted.agent_path()] {
        for method in ["GET", "DELETE", "PUT"] {
            let call = assisted.world.call(method, &path).bearer(&assisted.admin());
            let answer =
                call.header("accept", "text/event-stream").header("mcp-session-id", "opens-pages.x").send().await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method} {path}");
        }
    }
}
