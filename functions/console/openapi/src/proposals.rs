//! What a proposal proposes: the same fields by which connectors are made and changed, without the secret.

use serde_json::{Value, json};

use crate::{body, by_hand, sources::Sources};

/// What no proposal has: whoever confirms it enters it.
const SECRET: &str = "client_secret";

/// Completes the body of a proposal: each kind needs, and takes, something else.
pub(crate) fn refine(sources: &Sources, schema: &mut Value) {
    let connector = |reader: &str, description: &str| {
        let mut connector = body::of_reader(sources, "connector_request", reader);
        by_hand::refine(sources, "", &mut connector);
        if let Some(fields) = connector["properties"].as_object_mut() {
            fields.remove(SECRET);
        }
        connector["description"] = description.into();
        connector
    };
    let added = connector("read_draft", "What is to be added.");
    let changed = connector("read_change", "What is to be different.");
    schema["properties"]["connector"] =
        json!({ "type": "object", "description": "As it is sent to make or change a connector, without a secret." });
    schema["anyOf"] = json!([
        {
            "properties": { "kind": { "const": "add" }, "connector": added, "connector_id": false },
            "required": ["connector"],
        },
        {
            "properties": { "kind": { "const": "update" }, "connector": changed },
            "required": ["connector_id", "connector"],
        },
        { "properties": { "kind": { "const": "delete" }, "connector": false }, "required": ["connector_id"] },
    ]);
}
