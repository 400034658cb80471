//! Messages of the protocol (JSON-RPC 2.0). What is none is refused in the protocol's own form: a client looks there for what
//! it did wrong.

use axum::{
    Json,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use connectors::web::{self, Problem};
use rmcp::model::ErrorCode;
use serde_json::{Map, Value, json};

/// A body that is one message: a request, a notification or an answer.
#[derive(Debug)]
pub(crate) struct JsonBody(pub(crate) Value);

/// What is wrong with a body, by the code that the protocol has for it.
type Flaw = (ErrorCode, &'static str);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let read: Result<web::JsonBody, Problem> = web::JsonBody::<Value>::from_request(request, state).await;
        match read {
            Ok(web::JsonBody(mut message)) => match flaw(&mut message) {
                None => Ok(Self(message)),
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
    let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code.0, "message": said}});
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

/// The id by which an answer is known; `null` if there is none that could be repeated.
fn answerable(message: &Value) -> Value {
    message.get("id").filter(|id| is_id(id)).cloned().unwrap_or_default()
}

fn is_id(id: &Value) -> bool {
    id.is_string() || id.is_i64() || id.is_u64()
}

/// What is wrong with it, if anything. Parameters that are `null` are as if they were not there.
fn flaw(message: &mut Value) -> Option<Flaw> {
    let invalid = |said| Some((ErrorCode::INVALID_REQUEST, said));
    if message.is_array() {
        return invalid("batches are not spoken here: send each message in a request of its own");
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
        return invalid("`id` must be a text or a whole number");
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
            if is_odd { invalid("`cursor` must be a text") } else { None }
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
        ] {
            assert_eq!(flaw(&mut message).map(|(code, _)| code.0), code, "{message}");
        }
        assert_eq!((answerable(&json!({"id": "x"})), answerable(&json!([]))), (json!("x"), Value::Null));
    }
}
