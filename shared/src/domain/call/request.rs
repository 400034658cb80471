//! What an app wants of an API, and how it is written in a request.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{CallMethod, CallPath, Content, Query};
use crate::domain::fields::{Table, text};

/// How many headers a call may name.
const MAX_HEADERS: usize = 100;

/// What an app wants of an API.
#[derive(Debug)]
pub struct Call {
    /// The method.
    pub method: CallMethod,
    /// The host, if it is another than that of the API's root.
    pub host: Option<String>,
    /// The path below the root, or below the host.
    pub path: CallPath,
    /// The query.
    pub query: Query,
    /// Headers. Those that may not go along are dropped.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON, or with another `content-type` a text, or the fields of a form.
    pub body: Option<Content>,
}

impl Call {
    /// Whether it only looks, by its method and by those that its query may ask for instead.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.methods(None).into_iter().all(CallMethod::is_safe)
    }

    /// The body, where the method has one.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.body.as_ref().filter(|_| self.method.has_body())
    }

    /// The methods that it may come to: its own, and those that its query or its body, of this content type, ask for instead.
    #[must_use]
    pub fn methods(&self, content_type: Option<&str>) -> Vec<CallMethod> {
        let of_body = self.content().map(|content| content.overriding(content_type)).unwrap_or_default();
        let others = CallMethod::overriding(&self.query).chain(of_body);
        std::iter::once(self.method).chain(others).collect()
    }
}

/// Reads a call; `None` where there is none to be read, and what is wrong with it is noted.
#[must_use]
pub fn read_call(body: &Table<'_>) -> Option<Call> {
    let method = body.read("method", |value| {
        let method = value.as_str().and_then(CallMethod::parse);
        method.ok_or_else(|| format!("must be one of {}", CallMethod::WORDS.join(", ")))
    });
    let path = body.read("path", |value| {
        let raw = value.as_str().ok_or("must be a text")?;
        CallPath::parse(raw).map_err(|error| error.to_string())
    });
    if path.is_none() {
        body.require_given("path");
    }
    let query = body.read("query", |value| Query::of_json(value).map_err(|error| error.to_string()));
    let host = body.read("host", text);
    let (headers, content) = (headers(body), body.read("body", |value| Ok(value.clone())));
    let content = content.filter(|value| !value.is_null()).map(Content::new);
    let (path, in_path) = path?;
    let query =
        in_path.with(query.unwrap_or_default()).map_err(|error| body.refuse("query", error.to_string())).ok()?;
    Some(Call { method: method.unwrap_or(CallMethod::Get), host, path, query, headers, body: content })
}

fn headers(body: &Table<'_>) -> BTreeMap<String, String> {
    let headers = body.read("headers", |value| {
        let fields = value.as_object().filter(|fields| fields.len() <= MAX_HEADERS);
        let fields = fields.ok_or_else(|| format!("must be an object with at most {MAX_HEADERS} headers"))?;
        let header = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        let given = fields.iter().filter(|(_, value)| !value.is_null());
        let headers: Option<BTreeMap<String, String>> = given.map(header).collect();
        headers.ok_or_else(|| "must have texts as values".to_owned())
    });
    headers.unwrap_or_default()
}
