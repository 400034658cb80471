//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use axum::http::{Method, StatusCode};
use connectors_tests::{
    deployment::Deployment,
    events::with_body,
    idp::{SigningKey, jwks},
    runtime_api::Instance,
};
use serde_json::{Value, json};

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_mcp");
const ISSUER: &str = "https://login.example";

/// A deployment whose people and users are vouched for by a key of ours.
struct Assisted {
    deployment: Deployment,
    signer: SigningKey,
}

impl Assisted {
    async fn start() -> Self {
        let (deployment, signer) = (Deployment::start().await, SigningKey::p256("ours"));
        let keys = jwks(&[&signer]);
        let people = json!({
            "issuer": ISSUER, "client_id": "console", "jwks": keys, "admins": {"claim": "sub", "values": ["ada"]},
        });
        let users = json!({"issuer": ISSUER, "audience": "planner", "jwks": keys});
        let app = format!("/apps/{}/identity", deployment.dev().app_id);
        for (path, identity) in [("/identity", people), (app.as_str(), users)] {
            let (status, answer) = deployment.administer(Method::PUT, path, identity).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
        }
        Self { deployment, signer }
    }

    /// An event as it comes to this deployment's own address, with a token for that, which calls a tool.
    fn event(&self, name: &str, tool: &str, arguments: &Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        let mut event = with_body(self.deployment.event(name), &body);
        let base = &self.deployment.dev().base_url;
        let audience = format!("{base}{}", event["rawPath"].as_str().unwrap_or_default());
        let claims = json!({"iss": ISSUER, "aud": audience, "sub": "ada", "exp": 4_000_000_000_u64});
        event["headers"]["authorization"] = json!(format!("Bearer {}", self.signer.sign(&claims)));
        event["headers"]["host"] = json!(base.split("//").nth(1));
        event
    }

    /// What a tool answers.
    async fn ask(&self, function: &mut Instance, name: &str, tool: &str, arguments: Value) -> Value {
        told(&function.invoke(self.event(name, tool, &arguments)).await.http().body)
    }
}

fn told(answer: &Value) -> Value {
    let result = &answer["result"];
    assert_eq!(result["isError"], false, "{answer}");
    result["structuredContent"].clone()
}

#[tokio::test]
async fn a_builders_assistant_looks_and_proposes_and_does_nothing_else() {
    let assisted = Assisted::start().await;
    let first = assisted.event("mcp.builder", "find_connector", &json!({"purpose": "zzzz"}));
    let mut function = assisted.deployment.launch(BOOTSTRAP, first).await;
    assert_eq!(told(&function.answer().await.http().body)["fits"], false);
    let wanted = json!({"integration_type": "github", "name": "Issues", "client_id": "c", "scopes": ["repo"]});
    let proposed = assisted.ask(&mut function, "mcp.builder", "add_connector", wanted.clone()).await;
    assert_eq!((&proposed["status"], &proposed["needs_client_secret"]), (&json!("proposed"), &json!(true)));
    let again = assisted.ask(&mut function, "mcp.builder", "add_connector", wanted).await;
    assert_eq!(again["proposal_id"], proposed["proposal_id"]);
    let connector = json!({"connector_id": assisted.deployment.dev().connector_id});
    let deletion = assisted.ask(&mut function, "mcp.builder", "delete_connector", connector).await;
    assert_eq!(deletion["status"], "proposed");
    assisted.deployment.asked_by("mcp");
}

#[tokio::test]
async fn an_apps_agent_connects_calls_and_disconnects_within_its_role() {
    let assisted = Assisted::start().await;
    let first = assisted.event("mcp.agent", "list_connections", &json!({}));
    let mut function = assisted.deployment.launch(BOOTSTRAP, first).await;
    let listed = told(&function.answer().await.http().body);
    let connector = json!({"connector_id": listed["connections"][0]["connector_id"]});
    let asked = assisted.ask(&mut function, "mcp.agent", "connect", connector.clone()).await;
    let link = asked["open_url"].as_str().unwrap();
    assert_eq!(asked["status"], "waiting_for_user");
    let call = json!({"connector_id": connector["connector_id"], "path": "/events"});
    let refused = function.invoke(assisted.event("mcp.agent", "call_api_read", &call)).await.http().body;
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    let done = assisted.ask(&mut function, "mcp.agent", "disconnect", connector).await;
    assert_eq!((&done["status"], &done["revocation"]), (&json!("disconnected"), &json!("none")));
    assisted.deployment.asked_by("mcp");
    // Whoever has the link may act for its user: it is in no line of the log.
    assert!(!function.log().contains(link.rsplit('/').next().unwrap()));
}

#[tokio::test]
async fn whoever_has_no_token_is_told_where_to_get_one() {
    let assisted = Assisted::start().await;
    let mut event = assisted.event("mcp.builder", "find_connector", &json!({}));
    event["headers"].as_object_mut().unwrap().remove("authorization");
    let mut function = assisted.deployment.launch(BOOTSTRAP, event).await;
    assert_eq!(function.answer().await.http().status, 401);
    for name in ["mcp.metadata", "mcp.metadata-of-app"] {
        let metadata = function.invoke(assisted.deployment.event(name)).await.http();
        assert_eq!((metadata.status, &metadata.body["authorization_servers"]), (200, &json!([ISSUER])), "{name}");
    }
    assisted.deployment.asked_by("mcp");
}

#[tokio::test]
async fn a_page_of_the_app_may_be_its_agent_and_asks_before_it_calls() {
    let assisted = Assisted::start().await;
    let preflight = assisted.deployment.event("mcp.preflight");
    let mut function = assisted.deployment.launch(BOOTSTRAP, preflight.clone()).await;
    let allowed = function.answer().await.http();
    let origin = assisted.deployment.dev().base_url.clone();
    assert_eq!((allowed.status, &allowed.headers["access-control-allow-origin"]), (204, &origin));
    let mut foreign = preflight;
    foreign["headers"]["origin"] = "https://evil.example".into();
    assert!(!function.invoke(foreign).await.http().headers.contains_key("access-control-allow-origin"));
    assisted.deployment.asked_by("mcp");
}

/// Behind a distribution the public name stays outside: what the gateway calls itself is ours as well, and nothing else.
#[tokio::test]
async fn the_gateways_own_name_leads_in_and_one_that_somebody_wrote_does_not() {
    let assisted = Assisted::start().await;
    let own = |host: &str| {
        let mut event = assisted.event("mcp.builder", "find_connector", &json!({}));
        event["headers"]["host"] = json!(host);
        event["requestContext"]["domainName"] = json!("a1b2.execute-api.eu-west-1.amazonaws.com");
        event
    };
    let mut function = assisted.deployment.launch(BOOTSTRAP, own("A1B2.execute-api.eu-west-1.amazonaws.com")).await;
    assert_eq!(told(&function.answer().await.http().body)["fits"], false);
    for host in ["evil.example", "a1b2.execute-api.eu-west-1.amazonaws.com.evil.example", "localhost", ""] {
        assert_eq!(function.invoke(own(host)).await.http().status, if host.is_empty() { 400 } else { 403 }, "{host}");
    }
}
