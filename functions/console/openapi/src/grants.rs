//! Grants that come in: as the product writes them, and as Nango's API answers them.

use serde_json::{Value, json};

use crate::{body, by_hand::nullable, providers::reference, sources::Sources};

/// A grant that is written down.
const GRANT: &str = "PortableGrant";

/// What the batches are described by, beside the routes.
pub(crate) fn components(sources: &Sources) -> [(String, Value); 2] {
    let mut grant = body::of_reader(sources, "format", "grant");
    // The app is asked for only where it is a user's.
    grant["required"] = json!(["client_id"]);
    forgive_null(&mut grant);
    grant["description"] =
        "A grant, as an export writes it. `app_id` and `user` come together: without both it is the \
        workspace's own, for a shared connector. What is `null` is as if it were not there."
            .into();
    [(GRANT.to_owned(), grant), ("NangoConnection".to_owned(), of_nango())]
}

/// Completes the body of an import.
pub(crate) fn import(sources: &Sources, path: &str, schema: &mut Value) {
    let is_of_nango = path.ends_with("/nango");
    schema["additionalProperties"] = false.into();
    schema["properties"]["connections"] = json!({
        "type": "array", "minItems": 1, "maxItems": 100,
        "items": reference(if is_of_nango { "NangoConnection" } else { GRANT }),
        "description": "One for each grant. What is wrong with one is told in its place of `results`, and keeps no other out.",
    });
    if is_of_nango {
        let mapping = &body::of_reader(sources, "import", "mapping")["properties"]["mapping"];
        schema["required"] = json!(["connections", "mapping"]);
        schema["properties"]["mapping"] = mapping.clone();
        schema["properties"]["mapping"]["description"] = "What Nango's answers do not say.".into();
    }
}

/// As far as it is read: `shared/src/domain/portable_grant/nango.rs` passes over everything else.
fn of_nango() -> Value {
    let text = json!({ "type": ["string", "null"] });
    let table = |names: &[&str]| {
        let fields: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), text.clone())).collect();
        json!({ "type": ["object", "null"], "properties": fields })
    };
    let mut connection = table(&["connection_id", "provider_config_key", "created_at"]);
    connection["type"] = "object".into();
    connection["description"] =
        "A connection as `GET /connections/{id}?refresh_token=true` of Nango answers it.".into();
    connection["properties"]["end_user"] = table(&["id"]);
    connection["properties"]["tags"] = table(&["end_user_id"]);
    connection["properties"]["credentials"] = table(&["type", "access_token", "refresh_token", "expires_at"]);
    connection
}

/// Lets every field be `null` that need not be there.
fn forgive_null(table: &mut Value) {
    let required = table["required"].clone();
    let is_required = |name: &str| required.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = table.get_mut("properties").and_then(Value::as_object_mut);
    for (name, field) in properties.into_iter().flatten() {
        forgive_null(field);
        if !is_required(name) {
            nullable(field);
        }
    }
    if let Some(field) = table.get_mut("additionalProperties").filter(|more| more.is_object()) {
        nullable(field);
    }
}
