//! The document: every route with who may call it, what it takes and what it answers.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Map, Value, json};

use crate::{
    OpenApiError, body, by_hand, callers,
    handler::Handler,
    parameters,
    routes::{self, Route},
    schema::Schemas,
    sources::{Sources, documentation},
};

/// How a path begins, and what it is about then. The first that fits counts.
const ROOMS: [(&str, &str); 6] = [
    ("/api/apps/{app}/app-user-auth", "An app's users"),
    ("/api/apps/", "An app's backend"),
    ("/oauth/", "An app's backend"),
    ("/api/workspace/", "A workspace's admins"),
    ("/api/", "Providers"),
    ("/", "Pages"),
];

/// A description, and what it had to leave open.
pub struct Described {
    /// `OpenAPI` 3.1.
    pub document: Value,
    /// Operations of which something is not known: their answers, or who may call them.
    pub open: Vec<String>,
}

/// Describes all functions in `functions`, with the crate that they share, whose code is in `shared`.
///
/// # Errors
/// [`OpenApiError`] if a file can't be read.
pub fn describe(functions: &Path, shared: &Path) -> Result<Described, OpenApiError> {
    let sources = Sources::read(functions, shared)?;
    let (mut schemas, mut open) = (Schemas::new(&sources), Vec::new());
    let (mut paths, mut ids) = (Map::new(), BTreeSet::new());
    for route in routes::of(&sources) {
        let mut operation = operation(&sources, &mut schemas, &route, &mut open);
        let id = id(&route);
        let id = if ids.insert(id.clone()) { id } else { format!("{id}_{}", ids.len()) };
        operation["operationId"] = id.into();
        paths.entry(route.path.replace('+', "")).or_insert_with(|| json!({}))[&route.method] = operation;
    }
    let mut components = schemas.components;
    components.insert("Problem".to_owned(), problem());
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Connectors for app users",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Bodies are JSON of at most 128 KiB. Every refusal is a problem (RFC 9457) whose `code` is for \
                            programs and whose `detail` is for people.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": components, "securitySchemes": callers::schemes() },
    });
    Ok(Described { document, open })
}

fn operation<'a>(sources: &'a Sources, schemas: &mut Schemas<'a>, route: &Route<'a>, open: &mut Vec<String>) -> Value {
    let (method, path) = (route.method.as_str(), route.path.as_str());
    let handler = route.handler.as_ref().and_then(|handler| Handler::find(sources, route.module, handler));
    let mut parameters = parameters::of_path(path);
    let mut operation = json!({ "tags": [room(path)], "summary": summary(route, handler.as_ref()) });
    let mut security = json!([]);
    if let Some(handler) = &handler {
        parameters.extend(parameters::of_query(sources, handler.reached.iter().copied()));
        let extractors = handler.extractors();
        if extractors.iter().any(|extractor| extractor == "JsonBody") {
            let schema = body::of(sources, handler);
            operation["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
        }
        for extractor in extractors.iter().filter(|extractor| callers::is_proof(extractor)) {
            match callers::requirement(extractor) {
                Some(requirement) => security = requirement,
                None => open.push(format!("{method} {path}: who `{extractor}` is")),
            }
        }
        if let Some(sentences) = documentation(&handler.function.attrs) {
            operation["description"] = sentences.into();
        }
    }
    let answers = by_hand::answers(method, path)
        .or_else(|| handler.as_ref().and_then(|handler| handler.answers(schemas)).map(Value::Object));
    if answers.is_none() {
        open.push(format!("{method} {path}: what it answers"));
    }
    operation["parameters"] = parameters.into();
    operation["security"] = security;
    operation["responses"] = answers.unwrap_or_else(|| json!({}));
    operation["responses"]["default"] = refused();
    if path == "/oauth/token" {
        by_hand::exchange(&mut operation);
    }
    operation
}

fn room(path: &str) -> &'static str {
    ROOMS.iter().find(|(begin, _)| path.starts_with(begin)).map_or("Pages", |(_, room)| room)
}

/// The first sentence of what stands above the handler, or its name.
fn summary(route: &Route<'_>, handler: Option<&Handler<'_>>) -> String {
    if let Some(sentence) = by_hand::sentence(&route.method, &route.path) {
        return sentence.to_owned();
    }
    let written = handler.and_then(|handler| documentation(&handler.function.attrs));
    match written.as_deref().and_then(|text| text.split(['.', ':']).next()) {
        Some(sentence) => sentence.to_owned(),
        None => by_path(route),
    }
}

/// What is done, and to what: `Make keys`.
fn by_path(route: &Route<'_>) -> String {
    let named = route.path.split('/').rfind(|segment| !segment.is_empty() && !segment.starts_with('{'));
    let named = named.unwrap_or_default().replace('-', " ");
    let one = if route.path.ends_with('}') { "one of " } else { "" };
    let verb = match route.method.as_str() {
        "get" => "Read",
        "post" => "Make",
        "put" => "Change",
        "delete" => "Delete",
        _ => "Call",
    };
    format!("{verb} {one}{named}")
}

/// The method, and what the path names: `get_workspace_apps_keys`.
fn id(route: &Route<'_>) -> String {
    let words = |segment: &str| segment.replace(['-', '.'], "_");
    let ends_in_name = route.path.ends_with('}');
    let segments = route.path.split('/').filter(|segment| !segment.is_empty() && *segment != "api");
    let named: Vec<String> = segments.filter(|segment| !segment.starts_with('{')).map(words).collect();
    format!("{}_{}{}", route.method, named.join("_"), if ends_in_name { "_one" } else { "" })
}

fn refused() -> Value {
    json!({
        "description": "Refused.",
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

/// A refusal (RFC 9457): `shared/src/web/problem.rs` writes it by hand.
fn problem() -> Value {
    json!({
        "type": "object",
        "description": "A refusal (RFC 9457).",
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What, why, and what to do, for people." },
            "code": { "type": "string", "description": "What programs go by." },
            "request_id": { "type": "string" },
            "errors": {
                "type": "array",
                "description": "Fields that were not accepted, by JSON pointer; `?name` is one of the query.",
                "items": {
                    "type": "object",
                    "properties": { "pointer": { "type": "string" }, "detail": { "type": "string" } },
                    "required": ["pointer", "detail"],
                },
            },
            "upstream": {
                "type": "object",
                "description": "What a provider said.",
                "properties": {
                    "error": { "type": ["string", "null"] },
                    "status": { "type": ["integer", "null"] },
                },
            },
        },
        "required": ["type", "title", "status", "detail", "code", "request_id"],
    })
}
