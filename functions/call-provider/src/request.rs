//! What an app asks for, as `callApi` of the SDK sends it.

use std::collections::BTreeMap;

use connectors::{
    domain::{
        call::{CallMethod, CallPath, Query},
        fields::{Table, text},
    },
    journeys::call_provider::Call,
    web::{Problem, checked},
};
use serde_json::Value;

/// How many headers a call may name.
const MAX_HEADERS: usize = 100;

/// Reads a call. What is `null` is as if it were not there.
pub(crate) fn read(body: &Value) -> Result<Call, Problem> {
    let mut given = body.clone();
    if let Some(fields) = given.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    checked(&given, call)?.ok_or_else(|| Problem::invalid(Vec::new()))
}

fn call(body: &Table<'_>) -> Option<Call> {
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
        let headers: Option<BTreeMap<String, String>> = fields.iter().map(header).collect();
        headers.ok_or_else(|| "must have texts as values".to_owned())
    });
    headers.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_what_the_sdk_sends() {
        let call =
            read(&json!({"method": "POST", "path": "/2/x?a=b", "query": {"c": 1}, "headers": {}, "body": {"t": 1}}));
        let call = call.unwrap();
        assert_eq!(
            (call.method, call.path.as_str(), call.query.encoded().as_str()),
            (CallMethod::Post, "/2/x", "a=b&c=1")
        );
        assert_eq!((call.host, call.body), (None, Some(json!({"t": 1}))));
        let bare = read(&json!({"path": "/", "host": null, "query": null, "headers": null, "body": null})).unwrap();
        assert_eq!((bare.method, bare.body), (CallMethod::Get, None));
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for body in [
            json!({}),
            json!([]),
            json!({"path": 1}),
            json!({"path": "x"}),
            json!({"path": "/", "method": "TRACE"}),
            json!({"path": "/", "method": "get"}),
            json!({"path": "/", "query": "a=b"}),
            json!({"path": "/", "headers": {"a": 1}}),
            json!({"path": "/", "host": 1}),
            json!({"path": "/", "url": "https://evil.example/"}),
            json!({"path": format!("/?{}", "a".repeat(5_000)), "query": {"b": "c".repeat(4_000)}}),
        ] {
            assert!(read(&body).is_err(), "{body}");
        }
    }
}
