//! The document as a page to read: no script, every text as text.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Map, Value};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page's main part, as HTML: the rooms in the order of the document's tags, and what is sent to receivers.
#[must_use]
pub fn reference(document: &Value) -> String {
    let mut rooms: BTreeMap<&str, String> = BTreeMap::new();
    for (path, operations) in object(&document["paths"]) {
        for method in METHODS {
            if let Some(operation) = operations.get(method) {
                let room = operation["tags"][0].as_str().unwrap_or_default();
                write_operation(rooms.entry(room).or_default(), (method, path), operation, document);
            }
        }
    }
    for (kind, webhook) in object(&document["webhooks"]) {
        let operation = &webhook["post"];
        let room = operation["tags"][0].as_str().unwrap_or_default();
        write_operation(rooms.entry(room).or_default(), ("event", kind), operation, document);
    }
    let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    tags.iter().fold(String::new(), |mut page, tag| {
        let name = tag["name"].as_str().unwrap_or_default();
        let about = text(tag["description"].as_str().unwrap_or_default());
        let operations = rooms.remove(name).unwrap_or_default();
        let _ = write!(page, "<section><h2>{}</h2><p class=\"quiet\">{about}</p>{operations}</section>", text(name));
        page
    })
}

fn write_operation(page: &mut String, (method, path): (&str, &str), operation: &Value, document: &Value) {
    let id = text(operation["operationId"].as_str().unwrap_or_default());
    let summary = text(operation["summary"].as_str().unwrap_or_default());
    let _ = write!(
        page,
        "<details id=\"{id}\"><summary><code class=\"method\">{}</code> <code>{}</code> <span>{summary}</span></summary>",
        method.to_uppercase(),
        text(path),
    );
    if let Some(description) = operation["description"].as_str() {
        let _ = write!(page, "<p>{}</p>", marked(description));
    }
    let _ = write!(page, "<p class=\"callers\">{}</p>", callers(operation));
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        page.push_str("<h3>Address</h3><ul>");
        for parameter in parameters {
            let place = parameter["in"].as_str().unwrap_or_default();
            write_field(page, &parameter["name"], place, parameter["required"] == true, &parameter["description"]);
            page.push_str("</li>");
        }
        page.push_str("</ul>");
    }
    for (kind, content) in object(&operation["requestBody"]["content"]) {
        let _ = write!(page, "<h3>Body <code>{}</code></h3>", text(kind));
        write_schema(page, &content["schema"], document, 3);
    }
    for (status, answer) in object(&operation["responses"]).iter().filter(|(status, _)| *status != "default") {
        let description = text(answer["description"].as_str().unwrap_or_default());
        let _ = write!(page, "<h3>Answer <code>{}</code> {description}</h3>", text(status));
        for content in object(&answer["content"]).values() {
            write_schema(page, &content["schema"], document, 3);
        }
    }
    page.push_str("</details>");
}

/// The fields of an object, and of those in it, as deep as a reader wants to go.
fn write_schema(page: &mut String, schema: &Value, document: &Value, depth: usize) {
    let schema = inner(schema, document);
    if let Some(variants) = schema["oneOf"].as_array().filter(|_| depth > 0) {
        for variant in variants {
            if let Some(description) = variant["description"].as_str() {
                let _ = write!(page, "<p>{}</p>", marked(description));
            }
            write_schema(page, variant, document, depth);
        }
        return;
    }
    let Some(properties) = schema["properties"].as_object().filter(|_| depth > 0) else { return };
    page.push_str("<ul>");
    for (name, property) in properties {
        let is_required = schema["required"].as_array().is_some_and(|all| all.contains(&name.as_str().into()));
        write_field(page, &name.as_str().into(), &kind(property), is_required, &property["description"]);
        let nested = if property["items"].is_object() { &property["items"] } else { property };
        write_schema(page, nested, document, depth - 1);
        page.push_str("</li>");
    }
    page.push_str("</ul>");
}

/// Begins the entry of a field: what is in it may follow.
fn write_field(page: &mut String, name: &Value, kind: &str, is_required: bool, description: &Value) {
    let required = if is_required { "" } else { ", optional" };
    let _ = write!(
        page,
        "<li><code>{}</code> <small>{}{required}</small>",
        text(name.as_str().unwrap_or_default()),
        text(kind)
    );
    if let Some(description) = description.as_str() {
        let _ = write!(page, "<p>{}</p>", marked(description));
    }
}

/// What a reference, or what may be null, stands for.
fn inner<'v>(schema: &'v Value, document: &'v Value) -> &'v Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return document.pointer(reference.trim_start_matches('#')).unwrap_or(schema);
    }
    match schema["anyOf"].get(0) {
        Some(first) => inner(first, document),
        None => schema,
    }
}

fn kind(schema: &Value) -> String {
    if let Some(word) = schema["const"].as_str() {
        return word.to_owned();
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", kind_of_items(&schema["items"])),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ if schema["anyOf"].is_array() => "object or null".to_owned(),
        _ if schema["$ref"].is_string() => "object".to_owned(),
        _ => "any".to_owned(),
    }
}

fn kind_of_items(items: &Value) -> String {
    format!("{}s", kind(items))
}

fn callers(operation: &Value) -> String {
    let either = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
    if either.is_empty() {
        return "For anybody.".to_owned();
    }
    let all = |schemes: &Value| match object(schemes).keys().map(String::as_str).collect::<Vec<_>>().join(" with ") {
        none if none.is_empty() => "fields of the body".to_owned(),
        some => format!("<code>{}</code>", text(&some)),
    };
    format!("Proof: {}.", either.iter().map(all).collect::<Vec<_>>().join(" or "))
}

fn object(value: &Value) -> &Map<String, Value> {
    static NONE: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
    value.as_object().unwrap_or_else(|| NONE.get_or_init(Map::new))
}

/// A text, with what stands between backticks as code.
fn marked(sentence: &str) -> String {
    let parts = sentence.split('`').enumerate();
    parts.fold(String::new(), |mut marked, (at, part)| {
        let _ =
            if at % 2 == 1 { write!(marked, "<code>{}</code>", text(part)) } else { write!(marked, "{}", text(part)) };
        marked
    })
}

fn text(raw: &str) -> String {
    raw.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_sentence_holds_it_is_read_as_a_text() {
        assert_eq!(marked("<b> & `a<b`"), "&lt;b&gt; &amp; <code>a&lt;b</code>");
    }
}
