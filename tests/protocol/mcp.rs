//! What assistants speak (Model Context Protocol): who is let in, what is told, and what is never told.

use serde_json::{Value, json};

use crate::{
    calls::Called,
    world::{Answer, App, SigningKey, World, jwks, text},
};

const BASE: &str = "https://connect.example";
const ORGANISATION: &str = "https://people.example";

/// The newest protocol without a handshake, the one before, and one whose clients open no pages.
const NEWEST: &str = "2026-07-28";
const EARLIER: &str = "2025-11-25";
const OLD: &str = "2025-06-18";

/// A world whose workspace's people are vouched for by a key of ours.
struct Assisted {
    world: World,
    people: SigningKey,
}

impl Assisted {
    async fn new() -> Self {
        Self::of(World::new().await).await
    }

    async fn of(world: World) -> Self {
        let people = SigningKey::p256("people");
        let identity = json!({
            "issuer": ORGANISATION, "client_id": "console", "jwks": jwks(&[&people]),
            "admins": {"claim": "sub", "values": ["ada"]}, "readers": {"claim": "sub", "values": ["rita"]},
        });
        world.admin("PUT", "/identity").json(&identity).send().await.expect(200);
        Self { world, people }
    }

    fn builder_path(&self) -> String {
        format!("/mcp/{}", self.world.workspace.id)
    }

    fn agent_path(&self) -> String {
        format!("/mcp/apps/{}", self.world.app.id)
    }

    /// A token of somebody of the organisation, for this audience.
    fn person(&self, subject: &str, audience: &str) -> String {
        let now = self.world.clock.now().as_second();
        let token = self.people.sign(&json!({"iss": ORGANISATION, "aud": audience, "sub": subject, "exp": now + 600}));
        self.world.keep_secret(&token);
        token
    }

    /// A token of a user of the app, for its agents.
    fn user(&self, app: &App, user: &str) -> String {
        let mut claims = app.claims(&self.world, user);
        claims["aud"] = json!(format!("{BASE}/mcp/apps/{}", app.id));
        let token = app.signer.sign(&claims);
        self.world.keep_secret(&token);
        token
    }

    fn admin(&self) -> String {
        self.person("ada", &format!("{BASE}{}", self.builder_path()))
    }

    async fn post(&self, path: &str, token: &str, version: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut call = self.world.call("POST", path).header("host", "connect.example");
        call = call.header("accept", "application/json, text/event-stream").header("mcp-protocol-version", version);
        if !token.is_empty() {
            call = call.bearer(token);
        }
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.json(body).send().await
    }

    /// Uses a tool in this protocol, and answers the whole of it.
    async fn request(&self, (path, token): (&str, &str), version: &str, params: &Value, session: &str) -> Answer {
        let (mut params, name) = (params.clone(), text(&params["name"]));
        let mut headers = vec![];
        if version == NEWEST {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": NEWEST,
                "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"url": {}}},
            });
            headers.extend([("mcp-method", "tools/call"), ("mcp-name", name.as_str())]);
        }
        if !session.is_empty() {
            headers.push(("mcp-session-id", session));
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        self.post(path, token, version, &headers, &body).await
    }

    /// Uses a tool as a client that opens no pages, and answers its result.
    async fn call(&self, at: (&str, &str), tool: &str, arguments: Value) -> Value {
        let answer = self.request(at, OLD, &json!({"name": tool, "arguments": arguments}), "").await;
        answer.expect(200)["result"].clone()
    }

    /// The fields that a tool answers to a builder's assistant, if it does not refuse.
    async fn builds(&self, tool: &str, arguments: Value) -> Value {
        told(&self.call((&self.builder_path(), &self.admin()), tool, arguments).await)
    }

    /// The fields that a tool answers to the agent of alice.
    async fn acts(&self, tool: &str, arguments: Value) -> Value {
        told(&self.call((&self.agent_path(), &self.user(&self.world.app, "alice")), tool, arguments).await)
    }
}

fn told(result: &Value) -> Value {
    assert_eq!(result["isError"], false, "{result}");
    result["structuredContent"].clone()
}

/// The code of a tool's refusal.
fn refused(result: &Value) -> String {
    assert_eq!(result["isError"], true, "{result}");
    let refusal: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    text(&refusal["code"])
}

fn list() -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
}

/// PUB-57: nothing but a token for this very address opens it, and whoever has none is told who gives them.
#[tokio::test]
async fn an_endpoint_opens_to_a_token_for_itself_only() {
    let assisted = Assisted::new().await;
    let (world, builder, agent) = (&assisted.world, assisted.builder_path(), assisted.agent_path());
    let own = format!("{BASE}{builder}");
    let sibling = world.register_app(&world.workspace, "sibling-app").await;
    let wrong = [
        String::new(),
        world.app.service_key.clone(),
        world.workspace.admin_key.clone(),
        world.app.user(world, "alice"),
        assisted.person("ada", "console"),
        assisted.person("ada", &format!("{BASE}/mcp/another")),
        assisted.person("ada", &format!("{own}/")),
        assisted.user(&sibling, "alice"),
        sibling.signer.sign(&json!({"iss": ORGANISATION, "aud": own, "sub": "ada", "exp": 4_000_000_000_u64})),
        "nonsense".to_owned(),
    ];
    for (path, right, others) in [
        (&builder, assisted.admin(), assisted.user(&world.app, "alice")),
        (&agent, assisted.user(&world.app, "alice"), assisted.admin()),
    ] {
        for token in wrong.iter().chain([&others]) {
            let cookie = format!("__Host-admin={}", world.workspace.admin_key);
            let answer = assisted.post(path, token, OLD, &[("cookie", &cookie)], &list()).await;
            assert_eq!(answer.refusal(), (401, "unauthorized".to_owned()), "{path} {token}");
            let metadata = format!("resource_metadata=\"{BASE}/.well-known/oauth-protected-resource{path}\"");
            assert!(
                answer.header("www-authenticate").unwrap().starts_with(&format!("Bearer {metadata}")),
                "{answer:?}"
            );
        }
        let listed = assisted.post(path, &right, OLD, &[], &list()).await.expect(200);
        assert!(listed["result"]["tools"].as_array().unwrap().len() >= 5, "{listed}");
    }
}

#[tokio::test]
async fn the_metadata_names_the_issuer_and_what_has_none_is_as_if_it_never_was() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    for (path, issuer) in [(assisted.builder_path(), ORGANISATION), (assisted.agent_path(), &world.app.issuer)] {
        let metadata =
            world.call("GET", &format!("/.well-known/oauth-protected-resource{path}")).send().await.expect(200);
        assert_eq!(metadata["resource"], format!("{BASE}{path}"));
        assert_eq!(metadata["authorization_servers"], json!([issuer]));
        assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
    }
    let unidentified = world.found("Unidentified").await;
    world.admin("POST", "/apps").json(&json!({"id": "bare", "name": "Bare"})).send().await.expect(201);
    let mut answers = Vec::new();
    for path in [&unidentified.id, "ws_01ARZ3NDEKTSV4RRFFQ69G5FAV", "%20", "apps/bare", "apps/never-was"] {
        let answer = world.call("GET", &format!("/.well-known/oauth-protected-resource/mcp/{path}")).send().await;
        answers.push(answer.without_ids());
    }
    assert_eq!(answers[0].0, 404);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

/// PUB-26: nor does a refusal say whether there is such a thing.
#[tokio::test]
async fn without_a_token_what_is_there_and_what_is_not_look_alike() {
    let assisted = Assisted::new().await;
    let (world, mut answers) = (&assisted.world, Vec::new());
    for id in [world.workspace.id.as_str(), "ws_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let (status, headers, body) = assisted.post(&format!("/mcp/{id}"), "x", OLD, &[], &list()).await.without_ids();
        let headers: Vec<_> = headers.into_iter().map(|(name, value)| (name, value.replace(id, "-"))).collect();
        answers.push((status, headers, body));
    }
    assert_eq!(answers[0], answers[1]);
}

/// PUB-57: a name of somebody else's that leads here, or a page of another origin, is refused with the right token too.
#[tokio::test]
async fn another_host_or_a_foreign_page_is_refused_with_the_right_token_too() {
    let assisted = Assisted::new().await;
    let (path, token) = (assisted.builder_path(), assisted.admin());
    for (host, origin, expected) in [
        ("connect.example", None, 200),
        ("connect.example", Some("https://connect.example"), 200),
        ("evil.example", None, 403),
        ("connect.example", Some("https://evil.example"), 403),
        ("connect.example", Some("http://connect.example"), 403),
        ("connect.example", Some("null"), 403),
    ] {
        let call = assisted.world.call("POST", &path).header("host", host).bearer(&token);
        let call = call.header("accept", "application/json, text/event-stream");
        let call = if let Some(origin) = origin { call.header("origin", origin) } else { call };
        assert_eq!(call.json(&list()).send().await.status, expected, "{host} {origin:?}");
    }
    let get = assisted.world.call("GET", &path).bearer(&token).send().await;
    assert_eq!(get.refusal(), (405, "method_not_allowed".to_owned()));
}

#[tokio::test]
async fn a_connector_is_proposed_once_confirmed_by_a_person_and_found() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let nothing = assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["read"]})).await;
    assert_eq!((&nothing["fits"], &nothing["connectors"]), (&json!(false), &json!([])));
    let guide = assisted.builds("connector_setup_guide", json!({"integration_type": "fake"})).await;
    let wanted = json!({
        "integration_type": "fake", "name": "Calendar", "client_id": "c", "scopes": ["read"], "connector_id": guide["connector_id"],
    });
    let proposed = assisted.builds("add_connector", wanted.clone()).await;
    assert_eq!((&proposed["status"], &proposed["redirect_uri"]), (&json!("proposed"), &guide["redirect_uri"]));
    assert_eq!(assisted.builds("add_connector", wanted.clone()).await["proposal_id"], proposed["proposal_id"]);
    let id = text(&proposed["proposal_id"]);
    assert_eq!(proposed["open_url"], format!("{BASE}/console/{}/proposals/{id}", world.workspace.id));
    let confirm = world.admin("POST", &format!("/proposals/{id}/confirm")).json(&json!({"client_secret": "s-canary"}));
    world.keep_secret("s-canary");
    confirm.send().await.expect(200);
    let stands = assisted.builds("add_connector", wanted).await;
    assert_eq!((&stands["status"], &stands["open_url"]), (&json!("confirmed"), &json!(null)));
    let found = assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["read"]})).await;
    assert_eq!((&found["fits"], &found["connectors"][0]["connector_id"]), (&json!(true), &guide["connector_id"]));
    let lacking = assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["write"]})).await;
    assert_eq!((&lacking["fits"], &lacking["connectors"][0]["missing_scopes"]), (&json!(false), &json!(["write"])));
    let audit = world.admin("GET", "/audit").send().await.expect(200)["events"].clone();
    let event = audit.as_array().unwrap().iter().find(|event| event["action"] == "proposal.created").unwrap();
    assert_eq!((&event["actor"], &event["details"]["through"]), (&json!("person:ada"), &json!("assistant")));
}

#[tokio::test]
async fn changes_and_deletions_are_proposed_and_nothing_happens_before_a_person_confirms() {
    let assisted = Assisted::new().await;
    let connector = assisted.world.connector("Calendar").await;
    assisted.world.connect(&connector, "alice").await;
    let change = json!({"connector_id": connector.id, "scopes": ["read", "write", "admin"]});
    let proposed = assisted.builds("update_connector", change).await;
    assert_eq!((&proposed["status"], &proposed["people"]["number"]), (&json!("proposed"), &json!(1)));
    let proposed = assisted.builds("delete_connector", json!({"connector_id": connector.id})).await;
    assert_eq!((&proposed["status"], &proposed["people"]["number"]), (&json!("proposed"), &json!(1)));
    let found = assisted.builds("find_connector", json!({"integration_type": "fake"})).await;
    assert_eq!(found["connectors"][0]["scopes"], json!(["read", "write"]));
}

/// PUB-57: a secret has no way through the chat, and is not repeated.
#[tokio::test]
async fn a_secret_in_the_chat_is_refused_and_kept_nowhere() {
    let assisted = Assisted::new().await;
    assisted.world.keep_secret("canary-in-the-chat");
    let at = (assisted.builder_path(), assisted.admin());
    for more in [
        json!({"client_secret": "canary-in-the-chat"}),
        json!({"connection_config": {"api_token": "canary-in-the-chat"}}),
    ] {
        let mut arguments = json!({"integration_type": "fake", "name": "Calendar", "client_id": "c"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let result = assisted.call((&at.0, &at.1), "add_connector", arguments).await;
        assert_eq!(refused(&result), "invalid_request");
        assert!(!result.to_string().contains("canary-in-the-chat"), "{result}");
    }
    assert!(!assisted.world.aws.dump().await.contains("canary-in-the-chat"));
    let tools = assisted.post(&at.0, &at.1, OLD, &[], &list()).await;
    assert!(!tools.text.contains("\"client_secret\""), "a tool takes a secret");
}

#[tokio::test]
async fn a_reader_looks_and_proposes_nothing() {
    let assisted = Assisted::new().await;
    let (path, reader) =
        (assisted.builder_path(), assisted.person("rita", &format!("{BASE}{}", assisted.builder_path())));
    told(&assisted.call((&path, &reader), "find_connector", json!({})).await);
    let wanted = json!({"integration_type": "fake", "name": "Calendar", "client_id": "c"});
    assert_eq!(refused(&assisted.call((&path, &reader), "add_connector", wanted).await), "forbidden");
}

#[tokio::test]
async fn a_page_is_asked_for_as_the_client_can_and_said() {
    let assisted = Assisted::new().await;
    let (path, token) = (assisted.builder_path(), assisted.admin());
    let at = (path.as_str(), token.as_str());
    let wanted = json!({"integration_type": "fake", "name": "Calendar", "client_id": "c"});
    let params = json!({"name": "add_connector", "arguments": wanted});
    let asked = assisted.request(at, NEWEST, &params, "").await.expect(200)["result"].clone();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let request = &asked["inputRequests"]["page"]["params"];
    assert_eq!(request["mode"], "url");
    assert!(text(&request["url"]).starts_with(&format!("{BASE}/console/")), "{asked}");
    let mut answered = params.clone();
    answered["inputResponses"] = json!({"page": {"action": "decline"}});
    let told = assisted.request(at, NEWEST, &answered, "").await.expect(200)["result"]["structuredContent"].clone();
    assert_eq!((&told["status"], &told["person"]), (&json!("proposed"), &json!("decline")));

    let initialize = |capabilities: Value| {
        let params = json!({"protocolVersion": EARLIER, "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}});
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    };
    let opens = assisted.post(&path, &token, EARLIER, &[], &initialize(json!({"elicitation": {"url": {}}}))).await;
    let session = opens.header("mcp-session-id").unwrap().to_owned();
    let error = assisted.request(at, EARLIER, &params, &session).await.expect(200)["error"].clone();
    assert_eq!((&error["code"], &error["data"]["elicitations"][0]["mode"]), (&json!(-32042), &json!("url")));
    let bare = assisted.post(&path, &token, EARLIER, &[], &initialize(json!({}))).await;
    assert_eq!(bare.header("mcp-session-id"), None);
    for version in [EARLIER, OLD] {
        let result = assisted.request(at, version, &params, "").await.expect(200)["result"].clone();
        assert_eq!(result["structuredContent"]["open_url"], request["url"], "{result}");
    }
}

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

#[tokio::test]
async fn the_code_is_for_the_connector_and_has_no_secret_in_it() {
    let assisted = Assisted::new().await;
    let connector = assisted.world.connector("Calendar").await;
    let shared = assisted.world.shared_connector("Office").await;
    for (id, side, style, part) in [
        (&connector.id, "frontend", "connect.js", "<connect-button"),
        (&connector.id, "frontend", "sdk", "connectAppUser"),
        (&connector.id, "backend", "sdk", "getCurrentAppUserConnection"),
        (&connector.id, "backend", "http", "on-behalf-of"),
        (&shared.id, "backend", "sdk", "getConnection('fake')"),
        (&shared.id, "backend", "http", "/connectors/fake/call"),
    ] {
        let written = assisted.builds("code_for", json!({"connector_id": id, "for": side, "style": style})).await;
        let code = text(&written["code"]);
        assert!(code.contains(part) && code.contains(BASE), "{side} {style}: {code}");
        assert!(!code.contains(&connector.client_secret) && !code.contains("{base}"), "{code}");
    }
    let page = assisted.builds("code_for", json!({"connector_id": shared.id, "for": "frontend", "style": "sdk"})).await;
    assert_eq!(page["code"], json!(null));
}
