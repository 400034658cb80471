//! Providers, word by word: `shared/providers/schema.json`, which editors of the catalogue go by, is what the API answers and
//! takes as well.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::addresses;

/// A provider that is shown, a list of them, and one that a workspace defines.
const SHOWN: &str = "Provider";
const LISTING: &str = "ProviderListing";
pub(crate) const DEFINED: &str = "ProviderDefinition";

/// What a file of the catalogue may have and no provider has: it was merged when the file was read.
const OF_FILES: [&str; 1] = ["extends"];

/// Metadata (RFC 8414) that may stand beside or in place of what a file of the catalogue has:
/// `shared/src/domain/provider/metadata.rs` maps it.
const ADDRESSES: [&str; 6] = [
    "issuer",
    "authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "userinfo_endpoint",
];
const FLAGS: [&str; 2] = ["require_pushed_authorization_requests", "authorization_response_iss_parameter_supported"];
const LISTS: [&str; 4] = [
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "dpop_signing_alg_values_supported",
    "code_challenge_methods_supported",
];

/// Adds everything that has to be said of providers to the document's schemas. `schema` is that of a file of the catalogue.
pub(crate) fn describe(schema: &Value, components: &mut BTreeMap<String, Value>) {
    for (name, part) in object(&schema["$defs"]) {
        components.insert(component(name), referring(part));
    }
    let mut fields = Map::new();
    for (name, field) in object(&schema["properties"]) {
        if OF_FILES.contains(&name.as_str()) {
            continue;
        }
        // What has fields of its own has a name of its own: programs make a type of it.
        let is_table = field.get("properties").is_some();
        if is_table {
            components.insert(component(name), referring(field));
        }
        fields.insert(name.clone(), if is_table { reference(&component(name)) } else { referring(field) });
    }
    // The demo's provider, which editors know nothing of, is on the developer's own machine.
    if let Some(url) = components.get_mut("ProviderUrl") {
        url["pattern"] = addresses::of_provider().into();
        url["description"] =
            "An absolute https URL without a fragment, or one on the machine that a developer tries it on; \
                              may hold {placeholders}."
                .into();
    }
    if let Some(oidc) = components.get_mut("ProviderOidc") {
        oidc["properties"]["registration"] = json!({
            "type": "object",
            "readOnly": true,
            "description": "What was said beside the issuer: kept, to go before what its metadata says.",
        });
    }
    components.insert(DEFINED.to_owned(), defined(fields.clone()));
    fields.insert("integration_type".to_owned(), fields.get("id").cloned().unwrap_or_default());
    components.insert(SHOWN.to_owned(), shown(&fields));
    components.insert(LISTING.to_owned(), listing());
}

fn shown(fields: &Map<String, Value>) -> Value {
    json!({
        "type": "object",
        "description": "A provider, as the catalogue has it. A summary has four fields of it.",
        "properties": fields,
        "required": ["integration_type", "name"],
        "additionalProperties": false,
    })
}

fn listing() -> Value {
    json!({
        "type": "object",
        "properties": { "providers": { "type": "array", "items": reference(SHOWN) } },
        "required": ["providers"],
        "additionalProperties": false,
    })
}

/// A provider of a workspace's own: by its issuer, by its endpoints, or as its own metadata has them. What else stands in
/// metadata that is pasted is passed over, so there may be more.
fn defined(mut fields: Map<String, Value>) -> Value {
    fields.extend(ADDRESSES.map(|name| (name.to_owned(), addresses::called())));
    fields.extend(FLAGS.map(|name| (name.to_owned(), json!({ "type": "boolean" }))));
    let words = json!({ "type": "array", "items": { "type": "string" } });
    fields.extend(LISTS.map(|name| (name.to_owned(), words.clone())));
    json!({
        "type": "object",
        "description": "In the shape of the catalogue's files, or OAuth metadata (RFC 8414) with `id` and `name` beside it.",
        "properties": fields,
        "required": ["id", "name"],
        "anyOf": [
            { "required": ["issuer"] },
            { "required": ["oidc"] },
            { "required": ["authorize", "token"] },
            { "required": ["authorization_endpoint", "token_endpoint"] },
        ],
    })
}

/// The name of a part in the document.
fn component(part: &str) -> String {
    let words = part.split('_').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
    format!("{SHOWN}{}", words.collect::<String>())
}

/// A part, with its references to other parts where those are in the document.
fn referring(part: &Value) -> Value {
    match part {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let other = value.as_str().filter(|_| name == "$ref").and_then(|path| path.strip_prefix("#/$defs/"));
                (name.clone(), other.map_or_else(|| referring(value), |other| path_of(&component(other)).into()))
            })
            .collect(),
        Value::Array(values) => values.iter().map(referring).collect(),
        value => value.clone(),
    }
}

fn path_of(component: &str) -> String {
    format!("#/components/schemas/{component}")
}

/// A reference to a schema of the document.
pub(crate) fn reference(component: &str) -> Value {
    json!({ "$ref": path_of(component) })
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
