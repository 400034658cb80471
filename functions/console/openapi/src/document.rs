//! The document: every route with who may call it, what it takes and what it answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Map, Value, json};

use crate::{
    OpenApiError, by_hand, callers, grants,
    index::Index,
    naming, operation, protocols, providers,
    reach::Reach,
    responses::{self, Responses},
    routes,
    schema::Schemas,
    sources::Sources,
    webhooks,
};

/// A description, and what it had to leave open.
pub struct Described {
    /// OpenAPI 3.1.
    pub document: Value,
    /// Operations of which something is not known: their answers, what they read, or who may call them.
    pub open: Vec<String>,
}

/// What whoever reads the document has to know of all operations.
const ABOUT: &str = "Bodies are JSON of at most 128 KiB, or 1 MiB where an API is called or grants come in; an empty one \
    counts as `{}`, and a field that is not known is refused. Times are RFC 3339 in UTC, ids are opaque. Every refusal is a \
    problem (RFC 9457) whose `code` is for programs and whose `detail` is for people. No address takes `HEAD`.";

/// What is known of the code, and what has been described of it so far.
pub(crate) struct Describing<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) index: &'a Index<'a>,
    pub(crate) reach: Reach<'a>,
    pub(crate) schemas: Schemas<'a>,
    pub(crate) responses: Responses,
    pub(crate) open: Vec<String>,
}

/// The form of a provider, beside the code that all share.
const PROVIDER: &str = "../providers/schema.json";

/// Describes all functions in `functions`, with the crate that they share, whose code is in `shared`.
///
/// # Errors
/// [`OpenApiError`] if a file can't be read.
pub fn describe(functions: &Path, shared: &Path) -> Result<Described, OpenApiError> {
    let sources = Sources::read(functions, shared)?;
    let names = Index::names(&sources);
    let index = Index::new(&sources, &names);
    let mut describing = Describing {
        sources: &sources,
        index: &index,
        reach: Reach::new(&index),
        schemas: Schemas::new(&sources, known(&sources, shared)?),
        responses: Responses::default(),
        open: Vec::new(),
    };
    let (mut paths, mut ids) = (Map::new(), BTreeSet::new());
    for route in routes::of(&sources) {
        let mut operation = operation::of(&mut describing, &route);
        let id = naming::id(&route);
        if !ids.insert(id.clone()) {
            describing.open.push(format!("{} {}: another operation is called `{id}`", route.method, route.path));
        }
        operation["operationId"] = id.into();
        paths.entry(route.path.replace('+', "")).or_insert_with(|| json!({}))[&route.method] = operation;
    }
    describing.schemas.problem();
    by_hand::complete(&mut describing.schemas.components);
    forget_unused(&mut describing.schemas.components, &paths);
    let webhooks = webhooks::of(&sources);
    if webhooks.is_empty() {
        describing.open.push("webhooks: which kinds of events there are".to_owned());
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Connectors for app users",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Let the people who use an app connect their own accounts, and let its backend use them.",
            "description": ABOUT,
            "license": { "name": "Apache 2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "Where this description was fetched." }],
        "tags": naming::tags(),
        "paths": paths,
        "webhooks": webhooks,
        "components": {
            "schemas": describing.schemas.components,
            "responses": describing.responses.0,
            "headers": responses::headers(),
            "securitySchemes": callers::schemes(),
        },
    });
    Ok(Described { document, open: describing.open })
}

/// What is described by something else than the types of answers.
fn known(sources: &Sources, shared: &Path) -> Result<BTreeMap<String, Value>, OpenApiError> {
    let path = shared.join(PROVIDER);
    let shown = || path.display().to_string();
    let text = fs::read_to_string(&path).map_err(|error| OpenApiError::File(shown(), error))?;
    let provider = serde_json::from_str(&text).map_err(|error| OpenApiError::Json(shown(), error))?;
    let mut known: BTreeMap<String, Value> =
        grants::components(sources).into_iter().chain(protocols::forms()).collect();
    providers::describe(&provider, &mut known);
    Ok(known)
}

/// Drops what nothing refers to: a type whose fields stand in another.
fn forget_unused(schemas: &mut BTreeMap<String, Value>, paths: &Map<String, Value>) {
    let mut used = Value::from_iter(paths.clone()).to_string();
    used.extend(schemas.values().map(Value::to_string));
    schemas.retain(|name, _| name == "Problem" || used.contains(&format!("\"#/components/schemas/{name}\"")));
}
