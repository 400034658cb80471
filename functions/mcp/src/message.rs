//! Messages of the protocol (JSON-RPC 2.0). What is none is refused in the protocol's own form: a client looks there for what
//! it did wrong. Several in one body are a batch, which earlier protocols have: 2025-03-26 asks every server to take them.

use axum::{
    Json,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use connectors::web::{self, Problem};
use rmcp::model::{ErrorCode, ProtocolVersion};
use serde_json::{Map, Value, json};

/// How many messages a batch has at most: they are answered one after the other, within the time of one request.
const MOST_MESSAGES: usize = 10;

/// In which header a client says the version that it speaks.
const VERSION: &str = "mcp-protocol-version";

/// What a body says.
#[derive(Debug)]
pub(crate) enum Messages {
    /// One request, notification or answer.
    One(Value),
    /// A batch: each message, or the refusal of what is none.
    Several(Vec<Result<Value, Value>>),
}

/// A body of messages.
#[derive(Debug)]
pub(crate) struct JsonBody(pub(crate) Messages);

/// What is wrong with a body, by the code that the protocol has for it.
type Flaw = (ErrorCode, &'static str);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let has_batches = has_batches(request.headers());
        let read: Result<web::JsonBody, Problem> = web::JsonBody::<Value>::from_request(request, state).await;
        match read {
            Ok(web::JsonBody(Value::Array(messages))) if has_batches => match flaw_of_batch(&messages) {
                None => Ok(Self(Messages::Several(messages.into_iter().map(one_of_batch).collect()))),
                Some((code, said)) => Err(refused(code, said, &Value::Null)),
            },
            Ok(web::JsonBody(mut message)) => match flaw(&mut message) {
                None => Ok(Self(Messages::One(message))),
                Some((code, said)) => Err(refused(code, said, &answerable(&message))),
            },
            Err(problem) if problem.status() == StatusCode::BAD_REQUEST => {
                Err(refused(ErrorCode::PARSE_ERROR, problem.detail(), &Value::Null))
            }
            Err(problem) => Err(problem.into_response()),
        }
    }
}

/// The refusal of what is no message (JSON-RPC 2.0, section 5.1).
fn refused(code: ErrorCode, said: &str, id: &Value) -> Response {
    (StatusCode::BAD_REQUEST, Json(refusal(code, said, id))).into_response()
}

fn refusal(code: ErrorCode, said: &str, id: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code.0, "message": said}})
}

/// The refusal of a message whose method there is, and which can't be read all the same.
pub(crate) fn unread(id: &Value) -> Response {
    refused(ErrorCode::INVALID_PARAMS, "the params are not those of this method", id)
}

/// Whether whoever writes this speaks a version that has batches. Who says none speaks 2025-03-26.
fn has_batches(headers: &HeaderMap) -> bool {
    let version = headers.get(VERSION).map(|version| version.to_str().unwrap_or_default());
    let with_batches = [ProtocolVersion::V_2024_11_05, ProtocolVersion::V_2025_03_26];
    version.is_none_or(|version| with_batches.iter().any(|known| known.as_str() == version))
}

/// What is wrong with a batch as a whole.
fn flaw_of_batch(messages: &[Value]) -> Option<Flaw> {
    let said = match messages.len() {
        0 => "a batch has one message at least",
        1..=MOST_MESSAGES => return None,
        _ => "a batch has ten messages at most",
    };
    Some((ErrorCode::INVALID_REQUEST, said))
}

/// A message of a batch, or its refusal. The first one of all stands alone.
fn one_of_batch(mut message: Value) -> Result<Value, Value> {
    let is_first = message.get("method").is_some_and(|method| method == "initialize");
    let first = is_first.then_some((ErrorCode::INVALID_REQUEST, "`initialize` must not be part of a batch"));
    match flaw(&mut message).or(first) {
        None => Ok(message),
        Some((code, said)) => Err(refusal(code, said, &answerable(&message))),
    }
}

/// The id by which an answer is known; `null` if there is none that could be repeated.
pub(crate) fn answerable(message: &Value) -> Value {
    message.get("id").filter(|id| is_id(id)).cloned().unwrap_or_default()
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64()
}

/// What is wrong with it, if anything. Parameters that are `null` are as if they were not there.
fn flaw(message: &mut Value) -> Option<Flaw> {
    let invalid = |said| Some((ErrorCode::INVALID_REQUEST, said));
    if message.is_array() {
        return invalid("this version has no batches: send each message in a request of its own");
    }
    let Some(message) = message.as_object_mut() else { return invalid("a message is an object") };
    if message.get("jsonrpc").is_none_or(|version| version != "2.0") {
        return invalid("`jsonrpc` must be \"2.0\"");
    }
    match message.get("method") {
        None if message.contains_key("result") || message.contains_key("error") => return None,
        None => return invalid("`method` is missing"),
        Some(method) if !method.is_string() => return invalid("`method` must be a text"),
        Some(_) => {}
    }
    if message.get("id").is_some_and(|id| !is_id(id)) {
        return invalid("`id` must be a text or a whole number of 64 bits at most");
    }
    if message.get("params").is_some_and(Value::is_null) {
        message.remove("params");
    }
    flaw_of_params(message)
}

fn flaw_of_params(message: &Map<String, Value>) -> Option<Flaw> {
    let invalid = |said| Some((ErrorCode::INVALID_PARAMS, said));
    match message.get("params") {
        Some(Value::Object(params)) => {
            let is_odd = params.get("cursor").is_some_and(|cursor| !(cursor.is_string() || cursor.is_null()));
            if is_odd {
                return invalid("`cursor` must be a text");
            }
            let is_odd = params.get("_meta").is_some_and(|meta| !(meta.is_object() || meta.is_null()));
            if is_odd { invalid("`_meta` must be an object") } else { None }
        }
        Some(_) => invalid("`params` must be an object"),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_told_apart() {
        let whole = |more: Value| {
            let mut message = json!({"jsonrpc": "2.0", "id": 1, "method": "m"});
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            message
        };
        for (mut message, code) in [
            (whole(json!({})), None),
            (whole(json!({"id": "x", "params": null})), None),
            (whole(json!({"params": {"cursor": "x"}})), None),
            (json!({"jsonrpc": "2.0", "method": "m"}), None),
            (json!({"jsonrpc": "2.0", "id": 1, "result": {}}), None),
            (json!({"jsonrpc": "2.0", "id": null, "error": {}}), None),
            (json!([]), Some(-32600)),
            (json!([whole(json!({}))]), Some(-32600)),
            (json!(7), Some(-32600)),
            (json!({}), Some(-32600)),
            (json!({"jsonrpc": "2.0", "id": 1}), Some(-32600)),
            (whole(json!({"jsonrpc": "1.0"})), Some(-32600)),
            (whole(json!({"method": 7})), Some(-32600)),
            (whole(json!({"id": null})), Some(-32600)),
            (whole(json!({"id": 1.5})), Some(-32600)),
            (whole(json!({"params": []})), Some(-32602)),
            (whole(json!({"params": {"cursor": 7}})), Some(-32602)),
            (whole(json!({"params": {"_meta": 7}})), Some(-32602)),
            (whole(json!({"id": u64::MAX})), Some(-32600)),
        ] {
            assert_eq!(flaw(&mut message).map(|(code, _)| code.0), code, "{message}");
        }
        assert_eq!((answerable(&json!({"id": "x"})), answerable(&json!([]))), (json!("x"), Value::Null));
    }
}
