//! What others have decided the form of: token exchange (RFC 8693), the Model Context Protocol, keys (RFC 7517), protected
//! resources (RFC 9728), and what the SDK asks for beside connections.

use serde_json::{Value, json};

use crate::{providers, refusals::Refusals};

const EXCHANGE: &str = "/oauth/token";

/// Words of RFC 6749, section 5.2, and RFC 8693, section 2.2.2, by status.
const OAUTH_ERRORS: [(u16, &[&str]); 6] = [
    (400, &["invalid_request", "unsupported_grant_type", "invalid_target", "invalid_scope"]),
    (401, &["invalid_client"]),
    (500, &["server_error"]),
    (502, &["server_error"]),
    (503, &["temporarily_unavailable"]),
    (504, &["server_error"]),
];

/// The answers of an address that speaks a protocol of others.
pub(crate) fn answers(path: &str) -> Option<Value> {
    match path {
        "/mcp/{ws}" | "/mcp/apps/{app}" => Some(mcp_answers()),
        _ => None,
    }
}

fn mcp_answers() -> Value {
    let told = |description: &str| json!({ "description": description, "content": { "application/json": { "schema": answer() } } });
    let several = json!({ "anyOf": [answer(), { "type": "array", "items": answer() }] });
    json!({
        "200": {
            "description": "The answer, in JSON-RPC; several to a batch, which versions until 2025-03-26 have.",
            "content": { "application/json": { "schema": several } },
        },
        "202": { "description": "It needs no answer." },
        "400": told("No request of the protocol."),
        "404": told("No method of the protocol."),
    })
}

fn answer() -> Value {
    json!({
        "type": "object",
        "properties": {
            "jsonrpc": { "const": "2.0" },
            "id": { "type": ["string", "integer", "null"] },
            "result": { "type": "object" },
            "error": {
                "type": "object",
                "properties": { "code": { "type": "integer" }, "message": { "type": "string" }, "data": {} },
                "required": ["code", "message"],
            },
        },
        "required": ["jsonrpc"],
    })
}

/// Answers in a form of others, by the names that they have in the document.
pub(crate) fn forms() -> [(String, Value); 5] {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let whole = |properties: Value, required: Value| json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let key = json!({ "kty": text, "crv": text, "x": text, "y": text, "kid": text, "use": text, "alg": text });
    let resource = json!({
        "resource": text,
        "authorization_servers": texts,
        "bearer_methods_supported": texts,
        "resource_name": text,
        "scopes_supported": texts,
    });
    let needed = json!(["resource", "authorization_servers", "bearer_methods_supported", "resource_name"]);
    let mut keys =
        whole(json!({ "keys": { "type": "array", "items": providers::reference("PublicKey") } }), json!(["keys"]));
    keys["description"] = "Public keys (RFC 7517, section 5).".into();
    [
        ("PublicKey".to_owned(), json!({ "type": "object", "properties": key, "required": ["kty"] })),
        ("KeySet".to_owned(), keys),
        ("ProtectedResource".to_owned(), whole(resource, needed)),
        ("SdkUser".to_owned(), whole(json!({ "id": text, "role": { "const": "user" } }), json!(["id", "role"]))),
        ("SdkTaken".to_owned(), whole(json!({ "success": { "const": true } }), json!(["success"]))),
    ]
}

/// A message of the Model Context Protocol, in JSON-RPC 2.0.
pub(crate) fn message() -> Value {
    json!({
        "type": "object",
        "properties": {
            "jsonrpc": { "const": "2.0" },
            "id": { "type": ["string", "integer"], "description": "A notification has none." },
            "method": { "type": "string", "examples": ["tools/list", "tools/call"] },
            "params": { "type": "object" },
        },
        "required": ["jsonrpc", "method"],
    })
}

/// How an address of another protocol refuses, beside what its handler was found to refuse.
pub(crate) fn refusals(path: &str, mut refusals: Refusals) -> Refusals {
    let mut also = |status: u16, code: &str| {
        refusals.entry(status).or_default().insert(code.to_owned());
    };
    match path {
        "/mcp/{ws}" | "/mcp/apps/{app}" => {
            also(403, "forbidden");
            also(403, "insufficient_scope");
            for status in [400, 406, 415] {
                also(status, "invalid_request");
            }
        }
        // All but what the layers around it refuse is told as OAuth tells it.
        EXCHANGE => refusals.retain(|status, _| [414, 431, 500].contains(status)),
        // A browser is told by a page.
        "/api/external-auth/callback/{connector_id}" => {
            refusals.retain(|status, _| ![422, 503].contains(status));
        }
        _ => {}
    }
    refusals
}

/// How the exchange of tokens differs from all else: a form, a client, and refusals as OAuth has them.
pub(crate) fn exchange(path: &str, operation: &mut Value) {
    if path != EXCHANGE {
        return;
    }
    operation["requestBody"] = json!({
        "required": true,
        "content": { "application/x-www-form-urlencoded": { "schema": form() } },
    });
    operation["security"] = json!([{ "clientBasic": [] }, {}]);
    for (status, errors) in OAUTH_ERRORS {
        let answer = &mut operation["responses"][status.to_string()];
        if answer.get("$ref").is_some() {
            *answer = json!({ "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
        }
        answer["description"] = "Refused, as RFC 6749, section 5.2 has it.".into();
        answer["headers"] = crate::responses::headers_of(status, None);
        answer["headers"]["X-Base44-Connector-Error"] = json!({
            "description": "The `code` that the other token routes refuse with, if it is the connection that can't be used.",
            "schema": { "type": "string" },
        });
        answer["content"]["application/json"] = json!({ "schema": {
            "type": "object",
            "properties": { "error": { "enum": errors }, "error_description": { "type": "string" } },
            "required": ["error", "error_description"],
            "additionalProperties": false,
        } });
    }
}

fn form() -> Value {
    let kinds = ["jwt", "access_token", "id_token"].map(|kind| format!("urn:ietf:params:oauth:token-type:{kind}"));
    json!({
        "type": "object",
        "properties": {
            "grant_type": { "const": "urn:ietf:params:oauth:grant-type:token-exchange" },
            "subject_token": { "type": "string", "minLength": 1, "description": "The user's own token." },
            "subject_token_type": { "enum": kinds },
            "audience": { "type": "string", "minLength": 1, "description": "The connector's id." },
            "scope": { "type": "string", "description": "Scopes that the token must be good for, with spaces between." },
            "requested_token_type": { "const": "urn:ietf:params:oauth:token-type:access_token" },
            "client_id": { "type": "string", "description": "The app, if it is not in the header." },
            "client_secret": { "type": "string", "description": "A service key of the app, if it is not in the header." },
        },
        "required": ["grant_type", "subject_token", "subject_token_type", "audience"],
    })
}
