//! One operation: who may call it, what it takes, and everything that it may answer.

use serde_json::{Value, json};

use crate::{
    body, by_hand, callers,
    document::Describing,
    handler::Handler,
    index::Callable,
    naming, parameters, protocols,
    refusals::{self, Refusals},
    responses,
    routes::Route,
};

/// The operation of a route.
pub(crate) fn of<'a>(describing: &mut Describing<'a>, route: &Route<'a>) -> Value {
    let (method, path) = (route.method.as_str(), route.path.as_str());
    let found = route.handler.as_ref().and_then(|handler| Handler::find(describing.sources, route.module, handler));
    let mut operation = json!({ "tags": [naming::room(path)] });
    match naming::sentences(route, found.as_ref()) {
        Some((summary, description)) => {
            operation["summary"] = summary.into();
            operation["description"] = description.into();
        }
        None => describing.open.push(format!("{method} {path}: what it does")),
    }
    operation["parameters"] = parameters::of(describing, path, found.as_ref()).into();
    operation["security"] = security(describing, route, found.as_ref());
    if let Some(handler) = found.as_ref().filter(|handler| handler.takes("JsonBody")) {
        operation["requestBody"] = request_body(describing, route, handler);
    }
    operation["responses"] = answers(describing, route, found.as_ref());
    protocols::exchange(path, &mut operation);
    operation
}

fn security(describing: &mut Describing<'_>, route: &Route<'_>, handler: Option<&Handler<'_>>) -> Value {
    let mut security = json!([]);
    for extractor in handler.into_iter().flat_map(Handler::extractors).filter(|extractor| callers::is_proof(extractor))
    {
        match callers::requirement(&extractor, &route.path) {
            Some(requirement) => security = requirement,
            None => describing.open.push(format!("{} {}: who `{extractor}` is", route.method, route.path)),
        }
    }
    security
}

fn request_body<'a>(describing: &mut Describing<'a>, route: &Route<'a>, handler: &Handler<'a>) -> Value {
    let schema = by_hand::body(&route.method, &route.path).unwrap_or_else(|| {
        let (mut schema, mut unknown) = body::of(describing.sources, handler);
        by_hand::refine(describing.sources, &route.path, &mut schema);
        unknown.retain(|field| schema["properties"].get(field).is_none_or(|schema| *schema == json!({})));
        let place = format!("{} {}", route.method, route.path);
        describing.open.extend(unknown.into_iter().map(|field| format!("{place}: what `{field}` may be")));
        schema
    });
    // An empty body is read as an empty object.
    let required =
        schema["required"].as_array().is_some_and(|required| !required.is_empty()) || schema.get("anyOf").is_some();
    json!({ "required": required, "content": { "application/json": { "schema": schema } } })
}

fn answers<'a>(describing: &mut Describing<'a>, route: &Route<'a>, handler: Option<&Handler<'a>>) -> Value {
    let (method, path) = (route.method.as_str(), route.path.as_str());
    let told = by_hand::answers(method, path, &mut describing.schemas);
    let told = told.or_else(|| handler.and_then(|handler| handler.answers(&mut describing.schemas)).map(Value::Object));
    if told.is_none() {
        describing.open.push(format!("{method} {path}: what it answers"));
    }
    let mut answers = told.unwrap_or_else(|| json!({}));
    for (status, answer) in answers.as_object_mut().into_iter().flatten() {
        answer["headers"] = responses::headers_of(status.parse().unwrap_or(200), None);
        if handler.is_some_and(Handler::sets_cookies) {
            answer["headers"]["Set-Cookie"] = responses::reference("Set-Cookie");
        }
    }
    let refusals = match handler {
        Some(Handler { module, function, .. }) => {
            let callable = Callable { module, of: None, signature: &function.sig, block: &function.block };
            refusals::of(describing.index, &mut describing.reach, callable)
        }
        None => refusals::of_any(),
    };
    let refusals: Refusals = protocols::refusals(path, refusals);
    describing.responses.refuse(&mut answers, &refusals);
    answers
}
