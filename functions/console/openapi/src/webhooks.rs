//! What is sent to others: every kind of event, in the form of Standard Webhooks.

use serde_json::{Map, Value, json};
use syn::{
    Item,
    parse::{Parse, ParseStream},
};

use crate::{
    kinds,
    sources::{Sources, documentation},
};

/// The kind by which an admin tries a receiver out.
const TRIAL: (&str, &str) = ("webhook.test", "An admin tries the receiver out: nothing has happened.");

/// An operation for each kind of event, by its name: the receiver's, not ours.
pub(crate) fn of(sources: &Sources) -> Map<String, Value> {
    let kinds = kinds_of(sources);
    if kinds.is_empty() {
        return Map::new();
    }
    let trial = (TRIAL.0.to_owned(), TRIAL.1.to_owned());
    kinds.into_iter().chain([trial]).map(|(kind, sentence)| (kind.clone(), webhook(&kind, &sentence))).collect()
}

/// The names of all kinds of events.
pub(crate) fn names(sources: &Sources) -> Vec<String> {
    kinds_of(sources).into_iter().map(|(kind, _)| kind).collect()
}

/// `Name = "text";` in `kinds! { … }` of `shared/src/domain/event.rs`, each with the sentence above it.
fn kinds_of(sources: &Sources) -> Vec<(String, String)> {
    let invoked = sources.modules().filter(|module| module.name == "event").flat_map(super::sources::Module::items);
    let read = invoked.filter_map(|item| match item {
        Item::Macro(invoked) if invoked.mac.path.is_ident("kinds") => invoked.mac.parse_body::<Kinds>().ok(),
        _ => None,
    });
    read.flat_map(|kinds| kinds.0).collect()
}

/// `/// Sentence` and `Name = "text";`, again and again.
struct Kinds(Vec<(String, String)>);

impl Parse for Kinds {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut kinds = Vec::new();
        while !input.is_empty() {
            let attributes = input.call(syn::Attribute::parse_outer)?;
            input.parse::<syn::Ident>()?;
            input.parse::<syn::Token![=]>()?;
            let kind = input.parse::<syn::LitStr>()?.value();
            input.parse::<syn::Token![;]>()?;
            kinds.push((kind, documentation(&attributes).unwrap_or_default()));
        }
        Ok(Self(kinds))
    }
}

fn webhook(kind: &str, sentence: &str) -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": true, "description": description, "schema": schema });
    let text = json!({ "type": "string" });
    json!({ "post": {
        "operationId": format!("on_{}", kind.replace('.', "_")),
        "tags": ["Events"],
        "security": [],
        "summary": sentence.trim_end_matches('.'),
        "description": format!("{sentence} Sent to every webhook that asks for this kind. It is sent again, with the same id, until it is answered 2xx; the same event may come twice."),
        "parameters": [
            header("webhook-id", "The id of the event: the same each time that it is sent.", text.clone()),
            header("webhook-timestamp", "When it was sent, in seconds since 1970.", json!({ "type": "integer" })),
            header("webhook-signature", "Standard Webhooks: `v1,` and a signature by the webhook's secret; for a day after a secret was replaced, by that one as well.", text),
        ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": payload(kind) } } },
        "responses": {
            "2XX": { "description": "It has arrived." },
            "410": { "description": "Nobody is there any more: the webhook is disabled." },
            "default": { "description": "It is sent again later, less and less often." },
        },
    } })
}

/// The body of an event: `shared/src/domain/event.rs` writes it.
fn payload(kind: &str) -> Value {
    let time = json!({ "type": "string", "format": "date-time" });
    let mut properties = json!({
        "id": { "type": "string", "pattern": "^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$" },
        "type": { "const": kind },
        "version": { "const": "1", "description": "Fields may be added within a version." },
        "time": time,
        "timestamp": { "type": "string", "format": "date-time", "description": "The same moment as `time`, by the name that Standard Webhooks gives it." },
        "workspace": kinds::named("WorkspaceId::parse"),
    });
    let mut required = vec!["id", "type", "version", "time", "timestamp", "workspace"];
    if kind != TRIAL.0 {
        let (about, form) = match kind.split_once('.') {
            Some(("webhook", _)) => ("webhook_id", "WebhookId::parse"),
            _ => ("connector_id", "ConnectorId::parse"),
        };
        properties[about] = kinds::named(form).unwrap_or_default();
        properties["reason"] = json!({ "type": "string", "description": "Why, in a word of ours." });
        required.push(about);
    }
    if kind.starts_with("connection.") {
        properties["connection_id"] = kinds::named("ConnectionId::parse").unwrap_or_default();
        properties["app_id"] = kinds::named("AppId::parse").unwrap_or_default();
        properties["user"] = json!({
            "type": "object",
            "description": "Whose connection it is; a shared one has neither app nor user.",
            "properties": { "issuer": { "type": "string" }, "sub": { "type": "string" } },
            "required": ["issuer", "sub"],
        });
        properties["expires_at"] = json!({ "type": "string", "format": "date-time", "description": "When it ends, if that is what it tells." });
        required.push("connection_id");
    }
    json!({ "type": "object", "properties": properties, "required": required })
}
