//! What an app asks for, as `callApi` of the SDK sends it.

use connectors::{
    domain::call::{Call, read_call},
    web::{Problem, Written, checked},
};
use serde_json::Value;

/// Reads a call. What is `null` is as if it were not there. The body goes to the API as it was written.
pub(crate) fn read(body: &Written) -> Result<Call, Problem> {
    let mut call = read_value(&body.value)?;
    if let Some(raw) = body.field("body") {
        call.body = call.body.map(|content| content.written_as(raw));
    }
    Ok(call)
}

fn read_value(body: &Value) -> Result<Call, Problem> {
    let mut given = body.clone();
    if let Some(fields) = given.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    checked(&given, read_call)?.ok_or_else(|| Problem::invalid(Vec::new()))
}

#[cfg(test)]
mod tests {
    use connectors::domain::call::{CallMethod, Content};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_what_the_sdk_sends() {
        let call = read_value(
            &json!({"method": "POST", "path": "/2/x?a=b", "query": {"c": 1}, "headers": {}, "body": {"t": 1}}),
        );
        let call = call.unwrap();
        assert_eq!(
            (call.method, call.path.as_str(), call.query.encoded().as_str()),
            (CallMethod::Post, "/2/x", "a=b&c=1")
        );
        assert_eq!((call.host, call.body), (None, Some(Content::new(json!({"t": 1})))));
        let bare =
            read_value(&json!({"path": "/", "host": null, "query": null, "headers": null, "body": null})).unwrap();
        assert_eq!((bare.method, bare.body), (CallMethod::Get, None));
        let said =
            read_value(&json!({"path": "/", "query": {"a": null}, "headers": {"Prefer": null, "Accept": "a/b"}}));
        let names = said.unwrap().headers.into_keys().collect::<Vec<_>>();
        assert_eq!(names, ["Accept"]);
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
            assert!(read_value(&body).is_err(), "{body}");
        }
    }
}
