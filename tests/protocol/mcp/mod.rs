//! What assistants speak (Model Context Protocol): who is let in, what is told, and what is never told.

mod agent;
mod contract;
mod fitting;
mod input;
mod library;
mod messages;
mod proposing;
mod scopes;
mod switched_off;
mod tokens;

use serde_json::{Value, json};

use crate::{
    calls::Called,
    world::{Answer, App, SigningKey, World, hs256, jwks, text, unsigned},
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
        let answer = self.post(path, token, version, &headers, &body).await;
        if answer.status == 200 && answer.json()["result"]["content"].is_array() {
            let listed = self.post(path, token, OLD, &[], &list()).await.expect(200);
            contract::assert_kept(&listed["result"]["tools"], &name, &answer.json()["result"]);
        }
        answer
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
