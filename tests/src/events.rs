//! The events under `events/`, as a test needs them: their example ids and keys replaced by those of a running product.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::Value;

/// Reads an event, `get-token.of-user` for instance, and replaces each example text by what the test has instead.
#[must_use]
pub fn event(name: &str, replacements: &BTreeMap<&str, String>) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut event = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    replace(&mut event, replacements);
    event
}

/// In a message's body the ids stand inside a text that is JSON itself: replacing texts within texts covers that.
fn replace(value: &mut Value, replacements: &BTreeMap<&str, String>) {
    match value {
        Value::String(text) => {
            for (example, real) in replacements {
                *text = text.replace(example, real);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, replacements)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, replacements)),
        _ => {}
    }
}
