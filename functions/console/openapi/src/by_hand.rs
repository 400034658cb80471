//! What no type of the code tells: answers that are pages, files and redirects, bodies that are read by rules of their own, and
//! what several fields must be together.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{grants, kinds, proposals, protocols, providers, schema::Schemas, sources::Sources};

const HTML: &str = "text/html";
const SCRIPT: &str = "text/javascript";

/// Each with its status, what it is, and what is in it: a kind of file, or `#` and the name of a type.
type Answers = &'static [(u16, &'static str, &'static str)];

/// Answers by method and path.
const ANSWERS: [(&str, &str, Answers); 23] = [
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
    ("get", "/api/providers", &[(200, "The catalogue.", "#ProviderListing")]),
    ("get", "/api/providers/{type}", &[(200, "The provider.", "#Provider")]),
    ("get", "/api/workspace/{ws}/providers", &[(200, "All of them.", "#ProviderListing")]),
    (
        "post",
        "/api/workspace/{ws}/providers",
        &[(201, "The provider, with all that was found out of it.", "#Provider")],
    ),
    ("get", "/api/workspace/{ws}/providers/{type}", &[(200, "The provider.", "#Provider")]),
    ("get", "/api/external-auth/jwks/{connector_id}", &[(200, "The keys.", "#KeySet")]),
    ("get", "/api/workspace/{ws}/connectors/{id}/jwks.json", &[(200, "The keys.", "#KeySet")]),
    ("get", "/.well-known/oauth-protected-resource/mcp/{ws}", &[(200, "Who gives tokens.", "#ProtectedResource")]),
    (
        "get",
        "/.well-known/oauth-protected-resource/mcp/apps/{app}",
        &[(200, "Who gives tokens.", "#ProtectedResource")],
    ),
    ("get", "/api/apps/{app}/entities/User/me", &[(200, "The user.", "#SdkUser")]),
    ("post", "/api/apps/{app}/analytics/track/batch", &[(200, "Taken.", "#SdkTaken")]),
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

/// What an answer has in a place where its type has any JSON.
pub(crate) fn complete(components: &mut BTreeMap<String, Value>) {
    // `functions/call-provider/src/response.rs` writes it behind the other fields, unread.
    if let Some(called) = components.get_mut("Head") {
        called["properties"]["data"] =
            json!({ "description": "What the API answered: JSON as it was written, a text, or `null`." });
        if let Some(required) = called["required"].as_array_mut() {
            required.push("data".into());
        }
    }
    for schema in components.values_mut() {
        let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (name, field) in fields.into_iter().flatten().filter(|(_, field)| says_nothing(field)) {
            let form = match name.as_str() {
                "call_rules" => json!({ "anyOf": [call_rules(), { "type": "null" }] }),
                "jwk" => providers::reference("PublicKey"),
                // As it was registered: keys that nobody can read are passed over, and stay there.
                "jwks" => json!({ "anyOf": [key_set_of_others(), { "type": "null" }] }),
                "connector" => json!({ "type": "object" }),
                _ => continue,
            };
            for (word, value) in form.as_object().into_iter().flatten() {
                field[word] = value.clone();
            }
        }
    }
}

fn key_set_of_others() -> Value {
    json!({ "type": "object", "properties": { "keys": { "type": "array" } }, "required": ["keys"] })
}

/// Whether nothing but a sentence stands there.
fn says_nothing(schema: &Value) -> bool {
    schema.as_object().is_some_and(|words| words.keys().all(|word| word == "description"))
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
        ("post", "/api/workspace/{ws}/providers") => Some(providers::reference(providers::DEFINED)),
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

/// What fields must be together, and what of them is read by types of their own.
pub(crate) fn refine(sources: &Sources, path: &str, schema: &mut Value) {
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
        grants::import(sources, path, schema);
    }
    if path.ends_with("/proposals") {
        proposals::refine(sources, schema);
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

/// What is `null` is as if it were not there.
pub(crate) fn nullable(schema: &mut Value) {
    if let Some(kind) = schema["type"].as_str() {
        schema["type"] = json!([kind, "null"]);
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.push(Value::Null);
    }
}
