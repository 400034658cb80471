//! What no type of the code tells: answers that are pages, files and redirects, and what others have decided the form of.

use serde_json::{Value, json};

const HTML: &str = "text/html";
const SCRIPT: &str = "text/javascript";

/// Each with its status, what it is, and what is in it.
type Answers = &'static [(u16, &'static str, &'static str)];

/// The answer to a message of the Model Context Protocol.
const MESSAGE: Answers = &[(200, "The answer, in JSON-RPC.", "application/json"), (202, "It needs no answer.", "")];

/// Answers by method and path.
const ANSWERS: [(&str, &str, Answers); 14] = [
    ("get", "/console/reference", &[(200, "This description, for people.", HTML)]),
    ("get", "/console/signed-in", &[(200, "A page.", HTML)]),
    ("get", "/console", &[(200, "The console.", HTML)]),
    ("get", "/console/{path+}", &[(200, "The console, at one of its views.", HTML)]),
    ("get", "/assets/{name}", &[(200, "A file of a page. It never changes under its name.", "*/*")]),
    ("get", "/connect.js", &[(200, "The script.", SCRIPT)]),
    ("get", "/connect-1.0.0.js", &[(200, "The script of this version.", SCRIPT)]),
    ("get", "/connect/{session}", &[(200, "The page of a link.", HTML)]),
    ("get", "/openapi.json", &[(200, "This description.", "application/json")]),
    (
        "get",
        "/api/external-auth/callback/{connector_id}",
        &[
            (303, "Back to the app.", ""),
            (400, "A page that says why nobody was connected.", HTML),
            (500, "A page that says to try again.", HTML),
            (503, "A page that says to try again.", HTML),
        ],
    ),
    (
        "post",
        "/api/workspace/{ws}/revocations",
        &[(200, "What would be ended.", "application/json"), (202, "It has begun.", "application/json")],
    ),
    ("post", "/mcp/{ws}", MESSAGE),
    ("post", "/mcp/apps/{app}", MESSAGE),
    ("get", "/api/providers", &[(200, "The catalogue.", "application/json")]),
];

/// What an operation is about, where its handler has no sentence.
const SENTENCES: [(&str, &str, &str); 15] = [
    ("get", "/console/reference", "This description, for people"),
    ("get", "/console/signed-in", "Where a workspace's issuer sends its people back to"),
    ("get", "/console", "The console"),
    ("get", "/console/{path+}", "The console, at one of its views"),
    ("get", "/assets/{name}", "A file of a page"),
    ("get", "/connect.js", "The script that an app puts buttons on its pages with"),
    ("get", "/connect-1.0.0.js", "The script, for ever at this version"),
    ("get", "/connect/{session}", "The page of a link"),
    ("get", "/openapi.json", "This description"),
    ("post", "/connect/{session}/open", "What the page of a link shows: who asks for what"),
    ("post", "/connect/{session}/continue", "Go on to the provider"),
    ("post", "/connect/{session}/decline", "Would rather not"),
    ("post", "/mcp/{ws}", "What a builder's assistant says (Model Context Protocol)"),
    ("post", "/mcp/apps/{app}", "What an app's agent says, for one of its users (Model Context Protocol)"),
    ("post", "/oauth/token", "Exchange a user's own token for their access token at a provider (RFC 8693)"),
];

/// The answers of an operation, if they are known here.
pub(crate) fn answers(method: &str, path: &str) -> Option<Value> {
    let (.., answers) = ANSWERS.iter().find(|(of, at, _)| (*of, *at) == (method, path))?;
    let answer = |(status, meaning, content): &(u16, &str, &str)| {
        let mut answer = json!({ "description": meaning });
        if !content.is_empty() {
            let schema = if *content == "application/json" { json!({ "type": "object" }) } else { json!({}) };
            answer["content"] = json!({ *content: { "schema": schema } });
        }
        (status.to_string(), answer)
    };
    Some(Value::Object(answers.iter().map(answer).collect()))
}

/// The sentence of an operation, if it is here.
pub(crate) fn sentence(method: &str, path: &str) -> Option<&'static str> {
    SENTENCES.iter().find(|(of, at, _)| (*of, *at) == (method, path)).map(|(.., sentence)| *sentence)
}

/// How the exchange of tokens differs from all else: a form, a client, and refusals as OAuth has them.
pub(crate) fn exchange(operation: &mut Value) {
    let text = json!({ "type": "string" });
    let kinds = ["jwt", "access_token", "id_token"].map(|kind| format!("urn:ietf:params:oauth:token-type:{kind}"));
    operation["requestBody"] = json!({
        "required": true,
        "content": { "application/x-www-form-urlencoded": { "schema": {
            "type": "object",
            "properties": {
                "grant_type": { "const": "urn:ietf:params:oauth:grant-type:token-exchange" },
                "subject_token": { "type": "string", "description": "The user's own token." },
                "subject_token_type": { "enum": kinds },
                "audience": { "type": "string", "description": "The connector's id." },
                "scope": { "type": "string", "description": "Scopes that the token must be good for." },
                "requested_token_type": { "const": "urn:ietf:params:oauth:token-type:access_token" },
                "client_id": text,
                "client_secret": text,
            },
            "required": ["grant_type", "subject_token", "subject_token_type", "audience"],
        } } },
    });
    operation["security"] = json!([{ "clientBasic": [] }, {}]);
    operation["responses"]["default"] = json!({
        "description": "Refused, as RFC 6749, section 5.2 has it.",
        "content": {
            "application/json": { "schema": {
                "type": "object",
                "properties": { "error": { "type": "string" }, "error_description": { "type": "string" } },
                "required": ["error", "error_description"],
                "additionalProperties": false,
            } },
            "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } },
        },
    });
}
