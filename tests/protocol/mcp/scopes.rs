//! What a token is good for, beside whom it names: scopes narrow, and are asked for only where an issuer has them.

use super::*;

impl Assisted {
    /// A token of ada's with these claims beside.
    fn scoped(&self, more: &Value) -> String {
        let now = self.world.clock.now().as_second();
        let audience = format!("{BASE}{}", self.builder_path());
        let mut claims = json!({"iss": ORGANISATION, "aud": audience, "sub": "ada", "exp": now + 600});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.people.sign(&claims)
    }

    /// That the workspace's issuer gives tokens with our scopes.
    async fn has_scopes(&self) {
        let identity = json!({
            "issuer": ORGANISATION, "client_id": "console", "jwks": jwks(&[&self.people]), "agent_scopes": true,
            "admins": {"claim": "sub", "values": ["ada"]},
        });
        let saved = self.world.admin("PUT", "/identity").json(&identity).send().await.expect(200);
        assert_eq!(saved["agent_scopes"], true);
        // What was known before is believed for a minute.
        self.world.advance(60);
    }

    async fn try_out(&self, token: &str, method: &str, params: Value) -> Answer {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post(&self.builder_path(), token, OLD, &[], &body).await
    }
}

fn find() -> Value {
    json!({"name": "find_connector", "arguments": {}})
}

fn add() -> Value {
    json!({"name": "add_connector", "arguments": {"integration_type": "fake", "name": "Calendar", "client_id": "c"}})
}

#[tokio::test]
async fn a_token_with_a_scope_of_ours_is_good_for_that_and_says_what_else_it_takes() {
    let assisted = Assisted::new().await;
    for claim in [json!({"scope": "openid connectors:read"}), json!({"scp": ["connectors:read"]})] {
        let token = assisted.scoped(&claim);
        assisted.try_out(&token, "tools/call", find()).await.expect(200);
        let refused = assisted.try_out(&token, "tools/call", add()).await;
        assert_eq!(refused.refusal(), (403, "insufficient_scope".to_owned()));
        let path = assisted.builder_path();
        let metadata = format!("{BASE}/.well-known/oauth-protected-resource{path}");
        assert_eq!(
            refused.header("www-authenticate").unwrap(),
            format!(
                "Bearer error=\"insufficient_scope\", scope=\"connectors:read connectors:propose\", \
                 resource_metadata=\"{metadata}\""
            )
        );
    }
    let proposals = assisted.world.admin("GET", "/proposals").send().await.expect(200);
    assert_eq!(proposals["proposals"], json!([]));
    let writes_only = assisted.scoped(&json!({"scope": "connectors:propose"}));
    for (method, params) in [
        ("tools/call", find()),
        ("resources/list", json!({})),
        ("resources/read", json!({"uri": "connectors://providers"})),
        ("prompts/get", json!({"name": "connect_a_provider", "arguments": {"integration_type": "fake"}})),
        (
            "completion/complete",
            json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}}),
        ),
    ] {
        let refused = assisted.try_out(&writes_only, method, params).await;
        assert_eq!(refused.refusal(), (403, "insufficient_scope".to_owned()), "{method}");
    }
    let both = assisted.scoped(&json!({"scope": "connectors:read connectors:propose"}));
    assert_eq!(assisted.try_out(&both, "tools/call", add()).await.expect(200)["result"]["isError"], false);
}

/// A reader stays one, whatever their token is said to be good for.
#[tokio::test]
async fn no_scope_lets_anybody_do_what_their_role_does_not() {
    let assisted = Assisted::new().await;
    let token = assisted.scoped(&json!({"sub": "rita", "scope": "connectors:read connectors:propose"}));
    let result = assisted.try_out(&token, "tools/call", add()).await.expect(200)["result"].clone();
    assert_eq!(refused(&result), "forbidden");
    let stranger = assisted.scoped(&json!({"sub": "mallory", "scope": "connectors:read connectors:propose"}));
    assert_eq!(assisted.try_out(&stranger, "tools/call", find()).await.status, 403);
}

#[tokio::test]
async fn where_the_issuer_has_our_scopes_they_are_told_and_needed() {
    let assisted = Assisted::new().await;
    let metadata = format!("/.well-known/oauth-protected-resource{}", assisted.builder_path());
    let before = assisted.world.call("GET", &metadata).send().await.expect(200);
    assert_eq!(before.get("scopes_supported"), None, "clients would ask an issuer for what it does not know");
    let bare = assisted.scoped(&json!({"scope": "openid profile"}));
    assisted.try_out(&bare, "tools/call", find()).await.expect(200);
    assisted.has_scopes().await;
    let after = assisted.world.call("GET", &metadata).send().await.expect(200);
    assert_eq!(after["scopes_supported"], json!(["connectors:read", "connectors:propose"]));
    for claim in
        [json!({}), json!({"scope": "openid profile"}), json!({"scope": 7}), json!({"scope": "CONNECTORS:READ"})]
    {
        let refused = assisted.try_out(&assisted.scoped(&claim), "tools/call", find()).await;
        assert_eq!(refused.refusal(), (403, "insufficient_scope".to_owned()), "{claim}");
        assert!(refused.header("www-authenticate").unwrap().contains("scope=\"connectors:read\""), "{refused:?}");
    }
    let token = assisted.scoped(&json!({"scope": "connectors:read"}));
    assisted.try_out(&token, "tools/call", find()).await.expect(200);
    // Whoever saves something else and does not name it leaves it; another issuer has to be said to have them.
    let other = json!({"issuer": ORGANISATION, "client_id": "other", "jwks": jwks(&[&assisted.people]), "admins": {"claim": "sub", "values": ["ada"]}});
    let saved = assisted.world.admin("PUT", "/identity").json(&other).send().await.expect(200);
    assert_eq!(saved["agent_scopes"], true);
    let mut elsewhere = other;
    elsewhere["issuer"] = json!("https://elsewhere.example");
    let saved = assisted.world.admin("PUT", "/identity").json(&elsewhere).send().await.expect(200);
    assert_eq!(saved["agent_scopes"], false);
}

/// RFC 9728, section 5.1, and RFC 6750, section 3: who has no token learns what to ask for first, where an issuer has our
/// scopes, and else nothing that it would be refused for.
#[tokio::test]
async fn whoever_has_no_token_is_told_what_to_ask_for_first() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let challenge = async |path: &str, token: &str| {
        let answer = assisted.post(path, token, OLD, &[], &list()).await;
        assert_eq!(answer.status, 401);
        answer.header("www-authenticate").unwrap().to_owned()
    };
    let (builder, agent) = (assisted.builder_path(), assisted.agent_path());
    for (path, token) in [(&builder, ""), (&agent, ""), (&builder, "x"), (&agent, "x")] {
        assert!(
            !challenge(path, token).await.contains("scope"),
            "an issuer refuses whoever asks for what it does not know"
        );
    }
    assisted.has_scopes().await;
    let app = format!("/apps/{}", world.app.id);
    let identity = world.admin("GET", &app).send().await.expect(200)["identity"].clone();
    let wanted = json!({
        "issuer": identity["issuer"], "audience": identity["audience"], "jwks": jwks(&[&world.app.signer]), "agent_scopes": true,
    });
    world.admin("PUT", &format!("{app}/identity")).json(&wanted).send().await.expect(200);
    world.advance(60);
    for (path, scope) in [(&builder, "connectors:read"), (&agent, "connections:read")] {
        let metadata = format!("{BASE}/.well-known/oauth-protected-resource{path}");
        let without = format!("Bearer resource_metadata=\"{metadata}\", scope=\"{scope}\"");
        let with = format!("Bearer resource_metadata=\"{metadata}\", error=\"invalid_token\", scope=\"{scope}\"");
        assert_eq!((challenge(path, "").await, challenge(path, "x").await), (without, with));
    }
}

#[tokio::test]
async fn an_agent_that_may_read_connects_writes_and_disconnects_nothing() {
    let called = Called::new().await;
    let connector = called.connector.id.clone();
    let (api, assisted) = (called.api, Assisted::of(called.world).await);
    let path = assisted.agent_path();
    let mut claims = assisted.world.app.claims(&assisted.world, "alice");
    claims["aud"] = json!(format!("{BASE}{path}"));
    claims["scope"] = json!("connections:read");
    let token = assisted.world.app.signer.sign(&claims);
    let read = json!({"connector_id": connector, "path": "/events"});
    assert_eq!(told(&assisted.call((&path, &token), "call_api_read", read).await)["success"], true);
    api.take();
    for tool in ["connect", "call_api_write", "disconnect"] {
        let arguments = json!({"connector_id": connector, "path": "/events", "method": "POST"});
        let params = json!({"name": tool, "arguments": arguments});
        let refused = assisted.request((&path, &token), OLD, &params, "").await;
        assert_eq!(refused.refusal(), (403, "insufficient_scope".to_owned()), "{tool}");
        assert!(refused.header("www-authenticate").unwrap().contains("connections:read connections:write"));
    }
    assert!(api.take().is_empty());
    assert_eq!(assisted.acts("list_connections", json!({})).await["connections"][0]["status"], "active");
}

#[tokio::test]
async fn an_app_whose_issuer_gives_our_scopes_has_nothing_done_with_a_token_without_one() {
    let assisted = Assisted::of(World::new().await).await;
    let at = (assisted.agent_path(), assisted.user(&assisted.world.app, "alice"));
    let app = format!("/apps/{}", assisted.world.app.id);
    let identity = assisted.world.admin("GET", &app).send().await.expect(200)["identity"].clone();
    let keys = jwks(&[&assisted.world.app.signer]);
    for (agent_scopes, refusal) in [(true, Some(403)), (false, None)] {
        let wanted = json!({
            "issuer": identity["issuer"], "audience": identity["audience"], "jwks": keys, "agent_scopes": agent_scopes,
        });
        assisted.world.admin("PUT", &format!("{app}/identity")).json(&wanted).send().await.expect(200);
        let stored = assisted.world.admin("GET", &app).send().await.expect(200);
        assert_eq!(stored["identity"]["agent_scopes"], agent_scopes, "what is saved is there later");
        // What was known before is believed for a minute.
        assisted.world.advance(60);
        let params = json!({"name": "list_connections", "arguments": {}});
        let answer = assisted.request((&at.0, &at.1), OLD, &params, "").await;
        assert_eq!(answer.status, refusal.unwrap_or(200), "{answer:?}");
    }
}
