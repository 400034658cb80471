//! Every answer that a test gets is held against the description of the API: its status, its code, its form, its headers.

use std::sync::LazyLock;

use serde_json::Value;

use super::api::Answer;

/// The description, as it is served.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let served = console::assets::Asset::of_source("openapi.json").unwrap();
    serde_json::from_slice(served.plain).unwrap()
});

/// Ends the test if the description does not have such an answer.
pub(super) fn has(method: &str, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap_or_default();
    let Some(operation) = operation(method, path) else {
        assert!(
            [204, 400, 404, 405, 414, 431].contains(&answer.status),
            "{method} {path} is not described: {answer:?}"
        );
        return;
    };
    let described = resolved(&operation["responses"][answer.status.to_string()]);
    assert!(described.is_object(), "{method} {path}: {} is not described: {answer:?}", answer.status);
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        let is_required = resolved(header)["required"] == true;
        assert!(!is_required || answer.header(name).is_some(), "{method} {path}: no `{name}`: {answer:?}");
    }
    let Some(contents) = described["content"].as_object() else {
        assert!(answer.text.is_empty(), "{method} {path}: a body that is not described: {answer:?}");
        return;
    };
    let kind = answer.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let content = contents.get(kind).or_else(|| contents.get("*/*"));
    let content = content.unwrap_or_else(|| panic!("{method} {path}: {kind} is not described: {answer:?}"));
    if kind == "application/json" || kind.ends_with("+json") {
        let flaw = flaw(&content["schema"], &answer.json(), "");
        assert!(flaw.is_none(), "{method} {path}: {} {answer:?}", flaw.unwrap_or_default());
    }
}

/// The operation whose path fits best: names before parameters.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let named: Vec<&str> = template.split('/').collect();
        let is_same = |(name, segment): (&&str, &&str)| name.starts_with('{') || name == segment;
        let is_long_enough = named.len() == segments.len() || (template == "/console/{path}" && segments.len() > 2);
        is_long_enough && named.iter().zip(&segments).all(is_same)
    };
    let templates = DOCUMENT["paths"].as_object()?.iter().filter(|(template, _)| fits(template));
    let best = templates.min_by_key(|(template, _)| template.matches('{').count());
    best?.1.get(method.to_ascii_lowercase())
}

fn resolved(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => resolved(DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap()),
        None => value,
    }
}

/// What of a value is not as its schema has it, with its place.
fn flaw(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = resolved(schema);
    let differs = |what: &str| Some(format!("{at}: {value} is not {what}"));
    if schema.get("const").is_some_and(|constant| constant != value) {
        return differs(&schema["const"].to_string());
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return differs(&schema["enum"].to_string());
    }
    if !is_of_kind(&schema["type"], value) {
        return differs(&schema["type"].to_string());
    }
    if let Some(either) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array())
        && either.iter().all(|one| flaw(one, value, at).is_some())
    {
        return differs("any of what it may be");
    }
    let all = schema["allOf"].as_array().into_iter().flatten().find_map(|one| flaw(one, value, at));
    all.or_else(|| flaw_within(schema, value, at))
}

fn flaw_within(schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(fields) = value.as_object() {
        let mut required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        if let Some(missing) = required.find(|name| !fields.contains_key(*name)) {
            return Some(format!("{at}: `{missing}` is missing"));
        }
        return fields.iter().find_map(|(name, value)| {
            let at = format!("{at}/{name}");
            match (schema["properties"].get(name), schema.get("additionalProperties")) {
                (Some(property), _) => flaw(property, value, &at),
                (None, Some(Value::Bool(false))) => Some(format!("{at} is not described")),
                (None, Some(any)) => flaw(any, value, &at),
                (None, None) => None,
            }
        });
    }
    let items = value.as_array().filter(|_| schema.get("items").is_some()).into_iter().flatten().enumerate();
    items.into_iter().find_map(|(index, item)| flaw(&schema["items"], item, &format!("{at}/{index}")))
}

/// Whether a value is of a kind, or one of the kinds, that a schema's `type` names. Without one it may be of any.
pub(crate) fn is_of_kind(kinds: &Value, value: &Value) -> bool {
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no kind of JSON: {other}"),
    };
    match kinds {
        Value::String(kind) => is(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}
