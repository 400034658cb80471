//! What no type of the code tells: answers that are pages, files and redirects, bodies that are read by rules of their own, and
//! what several fields must be together.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{addresses, kinds, protocols, schema::Schemas};

const HTML: &str = "text/html";
const SCRIPT: &str = "text/javascript";

/// Each with its status, what it is, and what is in it: a kind of file, or `#` and the name of a type.
type Answers = &'static [(u16, &'static str, &'static str)];

/// Answers by method and path.
const ANSWERS: [(&str, &str, Answers); 12] = [
    ("get", "/console/reference", &[(200, "This description, for people.", HTML)]),
    ("get", "/console/signed-in", &[(200, "A page.", HTML)]),
    ("get", "/console", &[(200, "The console.", HTML)]),
    ("get", "/console/{path+}", &[(200, "The console, at one of its views.", HTML)]),
    ("get", "/assets/{name}", &[(200, "A file of a page. It never changes under its name.", "*/*")]),
    ("get", "/connect.js", &[(200, "The script.", SCRIPT)]),
    ("get", "/connect-1.0.0.js", &[(200, "The script of this version.", SCRIPT)]),
    ("get", "/connect/{session}", &[(200, "The page of a link.", HTML)]),
    (
        "get",
        "/api/external-auth/callback/{connector_id}",
        &[
            (303, "Back to the app.", ""),
            (400, "A page that says why nobody was connected; its code stands in it and in a header.", HTML),
            (500, "A page that says to try again.", HTML),
            (503, "A page that says to try again.", HTML),
        ],
    ),
    (
        "post",
        "/api/workspace/{ws}/revocations",
        &[(200, "What would be ended.", "#LookOnWire"), (202, "It has begun.", "#ReportOnWire")],
    ),
    ("get", "/api/workspace/{ws}/audit", &[(200, "A page.", "#TrailOnWire"), (200, "A page.", "application/x-ndjson")]),
    ("get", "/openapi.json", &[(200, "This description.", "#OpenApi")]),
];

/// What an operation is about, where it has no handler of its own to say so.
const SENTENCES: [(&str, &str, &str); 4] = [
    ("get", "/console", "The console"),
    ("get", "/console/{path+}", "The console, at one of its views"),
    ("get", "/connect.js", "The script that an app puts buttons on its pages with"),
    ("get", "/connect-1.0.0.js", "The script, for ever at this version"),
];

/// The answers of an operation that are no refusals of ours, if they are known here.
pub(crate) fn answers(method: &str, path: &str, schemas: &mut Schemas<'_>) -> Option<Value> {
    if let Some(answers) = protocols::answers(path) {
        return Some(answers);
    }
    if (method, path) == ("get", "/api/providers") {
        let listing = json!({
            "type": "object",
            "properties": { "providers": { "type": "array", "items": provider() } },
            "required": ["providers"],
            "additionalProperties": false,
        });
        let content = json!({ "application/json": { "schema": listing } });
        return Some(json!({ "200": { "description": "The catalogue.", "content": content } }));
    }
    let (.., answers) = ANSWERS.iter().find(|(of, at, _)| (*of, *at) == (method, path))?;
    let mut all = json!({});
    for (status, meaning, content) in *answers {
        let answer = &mut all[status.to_string()];
        answer["description"] = (*meaning).into();
        match content.strip_prefix('#') {
            Some("OpenApi") => answer["content"]["application/json"] = json!({ "schema": openapi() }),
            Some(name) => answer["content"]["application/json"] = json!({ "schema": schemas.called(name) }),
            None if content.is_empty() => {}
            None => answer["content"][*content] = json!({ "schema": { "type": "string" } }),
        }
    }
    Some(all)
}

fn openapi() -> Value {
    let object = json!({ "type": "object" });
    json!({
        "type": "object",
        "properties": { "openapi": { "const": "3.1.0" }, "info": object, "paths": object, "components": object },
        "required": ["openapi", "info", "paths", "components"],
    })
}

/// A provider, as the catalogue shows it: `shared/providers/schema.json` has every word of it.
pub(crate) fn provider() -> Value {
    json!({
        "type": "object",
        "properties": {
            "integration_type": kinds::named("ProviderType::parse"),
            "name": { "type": "string" },
            "categories": { "type": "array", "items": { "type": "string" } },
            "unavailable": { "type": "string", "description": "Why nobody can connect there today." },
        },
        "required": ["integration_type", "name"],
    })
}

/// What an answer has behind the fields of its type: `functions/call-provider/src/response.rs` writes it there, unread.
pub(crate) fn complete(components: &mut BTreeMap<String, Value>) {
    let Some(called) = components.get_mut("Head") else { return };
    called["properties"]["data"] =
        json!({ "description": "What the API answered: JSON as it was written, a text, or `null`." });
    if let Some(required) = called["required"].as_array_mut() {
        required.push("data".into());
    }
}

/// The sentence of an operation, if it is here.
pub(crate) fn sentence(method: &str, path: &str) -> Option<&'static str> {
    SENTENCES.iter().find(|(of, at, _)| (*of, *at) == (method, path)).map(|(.., sentence)| *sentence)
}

/// Bodies that are read by rules of their own.
pub(crate) fn body(method: &str, path: &str) -> Option<Value> {
    match (method, path) {
        ("post", "/mcp/{ws}" | "/mcp/apps/{app}") => Some(protocols::message()),
        ("put", "/api/workspace/{ws}/connector-governance/bulk") => Some(switches()),
        ("post", "/api/workspace/{ws}/providers") => Some(definition()),
        ("post", "/api/workspace/{ws}/proposals/{proposal}/confirm") => Some(json!({
            "type": "object",
            "properties": { "client_secret": kinds::named("client_secret"), "name": kinds::named("DisplayName::parse") },
            "additionalProperties": false,
        })),
        _ => None,
    }
}

/// A list, or an object that has it.
fn switches() -> Value {
    let flag = json!({ "type": "boolean" });
    let switch = json!({
        "type": "object",
        "properties": {
            "integration_type": kinds::named("ProviderType::parse"),
            "builder_connection_enabled": flag,
            "per_user_connection_enabled": flag,
            "connectors": { "type": "integer", "minimum": 0, "description": "As it is listed: it is never set." },
        },
        "required": ["integration_type"],
        "additionalProperties": false,
    });
    let list = json!({ "type": "array", "minItems": 1, "maxItems": 300, "items": switch });
    let within = json!({
        "type": "object",
        "properties": { "governance": list },
        "required": ["governance"],
        "additionalProperties": false,
    });
    json!({ "anyOf": [list, within] })
}

/// A provider of a workspace's own: by its issuer, by its endpoints, or as its own metadata has them.
fn definition() -> Value {
    let endpoint = json!({ "type": "object", "properties": { "url": addresses::called() }, "required": ["url"] });
    json!({
        "type": "object",
        "description": "In the shape of the catalogue's files, or OAuth metadata (RFC 8414) with `id` and `name` beside it.",
        "properties": {
            "id": kinds::named("ProviderType::parse"),
            "name": kinds::named("text"),
            "issuer": addresses::called(),
            "authorize": endpoint,
            "token": endpoint,
            "authorization_endpoint": addresses::called(),
            "token_endpoint": addresses::called(),
        },
        "required": ["id", "name"],
        "anyOf": [
            { "required": ["issuer"] },
            { "required": ["authorize", "token"] },
            { "required": ["authorization_endpoint", "token_endpoint"] },
        ],
    })
}

/// What fields must be together, and what of them is read by types of their own.
pub(crate) fn refine(path: &str, schema: &mut Value) {
    if schema["properties"].get("call_rules").is_some() {
        schema["properties"]["call_rules"] = call_rules();
    }
    if path.ends_with("/revocations") {
        let one = ["connector_id", "app_id", "user", "connected_before", "connected_after"];
        schema["anyOf"] = one.map(|name| json!({ "required": [name] })).into_iter().collect();
    }
    if path.ends_with("/identity") {
        schema["not"] = json!({ "required": ["jwks", "jwks_uri"] });
    }
    if path.contains("/import") {
        import(path, schema);
    }
    if path.ends_with("/proposals") {
        proposals(schema);
    }
    if schema["properties"].get("admins").is_some() {
        let values = json!({ "type": "array", "minItems": 1, "maxItems": 200, "items": kinds::named("claim_value") });
        for rule in ["admins", "readers"] {
            schema["properties"][rule]["properties"] = json!({ "claim": kinds::named("claim"), "values": values });
        }
    }
    if path.ends_with("/call") {
        schema["properties"]["headers"] =
            json!({ "type": ["object", "null"], "maxProperties": 100, "additionalProperties": { "type": "string" } });
        for name in ["method", "host", "query"] {
            nullable(&mut schema["properties"][name]);
        }
    }
}

/// Each kind of proposal needs, and takes, something else.
fn proposals(schema: &mut Value) {
    let connector =
        json!({ "type": "object", "description": "As it is sent to make or change a connector, without a secret." });
    schema["properties"]["connector"] = connector;
    let fields = json!({
        "integration_type": kinds::named("ProviderType::parse"),
        "name": kinds::named("DisplayName::parse"),
        "client_id": kinds::named("client_id"),
    });
    let draft = json!({ "properties": fields, "required": ["integration_type", "name", "client_id"] });
    schema["anyOf"] = json!([
        {
            "properties": { "kind": { "const": "add" }, "connector": draft, "connector_id": false },
            "required": ["connector"],
        },
        { "properties": { "kind": { "const": "update" } }, "required": ["connector_id", "connector"] },
        { "properties": { "kind": { "const": "delete" }, "connector": false }, "required": ["connector_id"] },
    ]);
}

/// A host as rules name it: no scheme, no path; a port perhaps.
const HOST: &str = concat!(
    r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*",
    "(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$",
);

/// What may be called through a connector: `shared/src/domain/call/rules.rs` reads it.
fn call_rules() -> Value {
    let method = kinds::named("CallMethod::parse");
    let prefix = kinds::below_root();
    let host = json!({ "type": "string", "maxLength": 1024, "pattern": HOST });
    let path = json!({
        "type": "object",
        "properties": { "prefix": prefix, "method": method, "host": host },
        "required": ["prefix"],
        "additionalProperties": false,
    });
    json!({
        "type": "object",
        "description": "What apps may call through it; `{}`: everything.",
        "properties": {
            "methods": { "type": "array", "maxItems": 200, "items": method },
            "paths": { "type": "array", "maxItems": 100, "items": path },
        },
        "additionalProperties": false,
    })
}

fn import(path: &str, schema: &mut Value) {
    schema["additionalProperties"] = false.into();
    schema["properties"]["connections"] = json!({
        "type": "array", "minItems": 1, "maxItems": 100,
        "description": "One for each grant. What is wrong with one is told in its place of `results`, and keeps no other out.",
    });
    if path.ends_with("/nango") {
        let text = kinds::named("text");
        schema["required"] = json!(["connections", "mapping"]);
        schema["properties"]["mapping"] = json!({
            "type": "object",
            "description": "What Nango's answers do not say.",
            "properties": {
                "client_id": text,
                "user": { "enum": ["connection_id", "end_user.id"] },
                "app_id": kinds::named("AppId::parse"),
                "issuer": kinds::named("Issuer::parse"),
                "provider_config_key": text,
            },
            "required": ["client_id"],
            "additionalProperties": false,
        });
    }
}

/// What is `null` is as if it were not there.
fn nullable(schema: &mut Value) {
    if let Some(kind) = schema["type"].as_str() {
        schema["type"] = json!([kind, "null"]);
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
}
