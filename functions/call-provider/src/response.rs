//! What came of a call, as `callApi` of the SDK reads it.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use connectors::{domain::call::Data, journeys::call_provider::Called, web::Problem};
use serde::Serialize;
use serde_json::json;

/// Everything but `data`, which stands behind it as the API wrote it.
#[derive(Serialize)]
struct Head {
    success: bool,
    phase: &'static str,
    status_code: Option<u16>,
    data_base64: Option<String>,
    content_type: Option<String>,
    headers: BTreeMap<String, String>,
    /// Nobody is charged for calls.
    credits_charged: u32,
}

/// The answer: 200 whatever the API said, because it is the API that said it.
pub(crate) fn of(called: Called) -> Response {
    let Called { phase, status, headers, body } = called;
    let mut head = Head {
        success: status.is_some_and(|status| status.is_success()) && body.is_ok(),
        phase: phase.as_str(),
        status_code: status.map(|status| status.as_u16()),
        data_base64: None,
        content_type: None,
        headers,
        credits_charged: 0,
    };
    let data = match body {
        Ok(Data::Nothing) => "null".to_owned(),
        Ok(Data::Json(raw)) => raw,
        Ok(Data::Text(text)) => json!(text).to_string(),
        Ok(Data::Bytes { bytes, content_type }) => {
            head.data_base64 = Some(BASE64_STANDARD.encode(bytes));
            head.content_type = Some(content_type);
            "null".to_owned()
        }
        Err(cause) => {
            let (code, detail) = cause.told();
            json!({"code": code, "detail": detail}).to_string()
        }
    };
    written(&head, &data)
}

/// The head is an object with fields: its closing brace makes room for one more.
fn written(head: &Head, data: &str) -> Response {
    let head = match serde_json::to_string(head) {
        Ok(head) => head,
        Err(error) => return Problem::internal(&error).into_response(),
    };
    let open = head.strip_suffix('}').unwrap_or(&head);
    let mut response = Response::new(Body::from([open, ",\"data\":", data, "}"].concat()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use connectors::journeys::call_provider::{NoBody, Phase};
    use serde_json::Value;

    use super::*;

    async fn answer(status: Option<u16>, body: Result<Data, NoBody>) -> (String, Value) {
        let status = status.map(|status| StatusCode::from_u16(status).unwrap());
        let phase = if status.is_some() { Phase::Responded } else { Phase::TimedOut };
        let response = of(Called { phase, status, headers: BTreeMap::new(), body });
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    #[tokio::test]
    async fn json_stands_in_the_answer_as_the_api_wrote_it() {
        let raw = r#"{"id":123456789012345678901234567890,"b":1,"a":2}"#;
        let (text, value) = answer(Some(200), Ok(Data::Json(raw.to_owned()))).await;
        assert!(text.contains(raw), "{text}");
        assert_eq!(
            (&value["success"], &value["status_code"], &value["phase"]),
            (&json!(true), &json!(200), &json!("responded"))
        );
    }

    #[tokio::test]
    async fn every_answer_has_every_field() {
        let bytes = Data::Bytes { bytes: b"\xFF\x00".to_vec(), content_type: "image/png".to_owned() };
        for (status, body, success, data, base64) in [
            (Some(204), Ok(Data::Nothing), true, json!(null), json!(null)),
            (Some(200), Ok(Data::Text("a\"b\n".to_owned())), true, json!("a\"b\n"), json!(null)),
            (Some(200), Ok(bytes), true, json!(null), json!("/wA=")),
            (Some(404), Ok(Data::Json("{}".to_owned())), false, json!({}), json!(null)),
        ] {
            let (_, value) = answer(status, body).await;
            assert_eq!((&value["success"], &value["data"], &value["data_base64"]), (&json!(success), &data, &base64));
            let mut names: Vec<&String> = value.as_object().unwrap().keys().collect();
            names.sort();
            let all = [
                "content_type",
                "credits_charged",
                "data",
                "data_base64",
                "headers",
                "phase",
                "status_code",
                "success",
            ];
            assert_eq!(names, all);
        }
        let (_, value) = answer(None, Err(NoBody::NoAnswer)).await;
        assert_eq!(
            (&value["success"], &value["status_code"], &value["data"]["code"]),
            (&json!(false), &json!(null), &json!("no_answer"))
        );
        let (_, value) = answer(Some(200), Err(NoBody::TooLong)).await;
        assert_eq!((&value["success"], &value["status_code"]), (&json!(false), &json!(200)));
    }
}
