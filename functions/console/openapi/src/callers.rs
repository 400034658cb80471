//! Who may call: what the extractors of a handler ask for.

use serde_json::{Value, json};

/// Alternatives, each of which may be several things together.
type Either = &'static [&'static [&'static str]];

/// Somebody of the workspace.
const WORKSPACE: Either = &[&["workspaceKey"], &["personToken"]];

/// Each extractor with the schemes that it takes: any of these, all of each.
const CALLERS: [(&str, Either); 12] = [
    ("BuilderCaller", WORKSPACE),
    ("ProposerCaller", WORKSPACE),
    ("AdminCaller", WORKSPACE),
    ("WriterCaller", WORKSPACE),
    ("ServiceCaller", &[&["serviceKey"]]),
    ("OwnerCaller", &[&["serviceKey"], &["workspaceKey"], &["personToken"]]),
    ("DelegateCaller", &[&["serviceKey", "onBehalfOf"]]),
    ("UserCaller", &[&["userToken"], &["serviceKey", "onBehalfOf"]]),
    ("OwnPage", &[&["linkCookie"]]),
    ("AssistantCaller", &[&["assistantToken"]]),
    ("AgentCaller", &[&["agentToken"]]),
    ("BackendCaller", &[&["serviceKey"], &["serviceKey", "onBehalfOf"]]),
];

/// The security requirement that an extractor stands for at a path.
pub(crate) fn requirement(extractor: &str, path: &str) -> Option<Value> {
    // The first request of a link's page is what the browser gets its cookie by.
    if extractor == "OwnPage" && path.ends_with("/open") {
        return Some(json!([{}, { "linkCookie": [] }]));
    }
    let (_, either) = CALLERS.iter().find(|(known, _)| *known == extractor)?;
    let schemes = |all: &&[&str]| all.iter().map(|scheme| ((*scheme).to_owned(), json!([]))).collect();
    Some(either.iter().map(|all| Value::Object(schemes(all))).collect())
}

/// Whether a parameter's type is meant to prove who is calling.
pub(crate) fn is_proof(extractor: &str) -> bool {
    extractor == "OwnPage" || (extractor.ends_with("Caller") && extractor != "Caller")
}

/// What proves a caller.
pub(crate) fn schemes() -> Value {
    json!({
        "workspaceKey": {
            "type": "http", "scheme": "bearer",
            "description": "A key of the workspace (`uck_admin_…`). One with the role `read` may look, and change nothing; one with the role `builder` may look at connectors and providers, and propose.",
        },
        "personToken": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "The ID token of a person whom the workspace's own issuer vouches for; its claims say whether they are an admin or look only.",
        },
        "serviceKey": {
            "type": "http", "scheme": "bearer", "description": "The key of an app's backend (`uck_app_…`).",
        },
        "onBehalfOf": {
            "type": "apiKey", "in": "header", "name": "on-behalf-of",
            "description": "`Bearer` and the user's own token, beside the service key of their app.",
        },
        "userToken": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "A user's own token, of the issuer that is registered for the app.",
        },
        "assistantToken": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token of the workspace's own issuer whose audience is this address (RFC 9728).",
        },
        "agentToken": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "An access token of the app's issuer whose audience is this address (RFC 9728).",
        },
        "linkCookie": {
            "type": "apiKey", "in": "cookie", "name": "__Host-connect-id",
            "description": "The cookie of the browser that opened the link, by the link's id. Its own page asks, and nobody else's: its requests have the header `X-Own-Page`, and anything else is answered 403.",
        },
        "clientBasic": {
            "type": "http", "scheme": "basic",
            "description": "An app's id and one of its service keys (RFC 6749, section 2.3.1).",
        },
    })
}
