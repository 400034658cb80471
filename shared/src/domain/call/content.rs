//! The body of a call: JSON, a text, or the fields of a form.

use std::borrow::Cow;

use serde_json::Value;

use super::{CallMethod, Query};

/// The content type of a body about which nothing is said.
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The parameter of a JSON body by which frameworks take another method than the request has.
const METHOD: &str = "_method";

/// What an app wants to be sent as the body.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    value: Value,
    /// The same, as the app wrote it.
    written: Option<Box<str>>,
}

/// A body that is not what its content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("does not fit the `content-type` among the headers: beside JSON it may be a text, or the fields of a form")]
pub struct ContentMismatch;

impl Content {
    /// A body that is known as a value.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self { value, written: None }
    }

    /// The same body, as the app wrote it: JSON is sent like that, so that a number with twenty digits keeps them.
    #[must_use]
    pub fn written_as(self, json: &str) -> Self {
        Self { written: Some(json.into()), ..self }
    }

    /// The body in the form that its content type says; JSON if that is `None`.
    ///
    /// # Errors
    /// [`ContentMismatch`] if it has no such form.
    pub fn encoded(&self, content_type: Option<&str>) -> Result<Cow<'_, [u8]>, ContentMismatch> {
        let essence = essence(content_type.unwrap_or(JSON));
        match (&self.value, self.written.as_deref()) {
            (value, written) if is_json(&essence) => {
                Ok(written.map_or_else(|| value.to_string().into_bytes().into(), |written| written.as_bytes().into()))
            }
            (Value::String(text), _) => Ok(text.as_bytes().into()),
            (fields @ Value::Object(_), _) if essence == FORM => {
                let fields = Query::of_json(fields).map_err(|_| ContentMismatch)?;
                Ok(fields.encoded().into_bytes().into())
            }
            _ => Err(ContentMismatch),
        }
    }

    /// The methods that the body asks for in place of the request's own ([`CallMethod::overriding`]).
    #[must_use]
    pub fn overriding(&self, content_type: Option<&str>) -> Vec<CallMethod> {
        let essence = essence(content_type.unwrap_or(JSON));
        let of_fields = |fields: Query| CallMethod::overriding(&fields).collect();
        match &self.value {
            Value::String(form) if essence == FORM => Query::of_text(form).map(of_fields).unwrap_or_default(),
            fields @ Value::Object(_) if essence == FORM => Query::of_json(fields).map(of_fields).unwrap_or_default(),
            Value::Object(fields) => {
                let named = fields.get(METHOD).and_then(Value::as_str);
                named.and_then(|named| CallMethod::parse(&named.trim().to_ascii_uppercase())).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The type itself, without its parameters (RFC 9110, section 8.3.1), in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    essence == JSON || essence.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_is_written_as_its_content_type_says() {
        for (body, content_type, expected) in [
            (json!({"a": [1, "é"]}), JSON, Some(r#"{"a":[1,"é"]}"#)),
            (json!("text"), "application/merge-patch+json; charset=utf-8", Some("\"text\"")),
            (json!("<a/>"), "application/xml", Some("<a/>")),
            (json!("a=b"), FORM, Some("a=b")),
            (json!({"a": "b c", "n": 1}), FORM, Some("a=b%20c&n=1")),
            (json!({"a": {"b": 1}}), FORM, None),
            (json!({"a": 1}), "text/plain", None),
            (json!(1), "text/plain", None),
        ] {
            let content = Content::new(body.clone());
            let encoded = content.encoded(Some(content_type)).ok();
            assert_eq!(encoded.as_deref(), expected.map(str::as_bytes), "{body} as {content_type}");
        }
    }

    #[test]
    fn json_goes_as_the_app_wrote_it() {
        let raw = r#"{ "id": 12345678901234567890123, "b": 1, "a": 1.10 }"#;
        let content = Content::new(serde_json::from_str(raw).expect("JSON")).written_as(raw);
        assert_eq!(content.encoded(None).as_deref(), Ok(raw.as_bytes()));
        let text = Content::new(json!("a=b")).written_as("\"a=b\"");
        assert_eq!(text.encoded(Some(FORM)).as_deref(), Ok(&b"a=b"[..]));
    }

    #[test]
    fn a_body_may_ask_for_another_method() {
        use CallMethod::Delete;
        for (body, content_type, expected) in [
            (json!({"_method": "delete"}), None, vec![Delete]),
            (json!({"method": "DELETE"}), None, vec![]),
            (json!({"method": "DELETE"}), Some(FORM), vec![Delete]),
            (json!("a=b&method=delete"), Some("application/x-www-form-urlencoded; charset=utf-8"), vec![Delete]),
            (json!("a=b&method=delete"), Some("text/plain"), vec![]),
            (json!([{"_method": "DELETE"}]), None, vec![]),
        ] {
            assert_eq!(Content::new(body.clone()).overriding(content_type), expected, "{body} as {content_type:?}");
        }
    }
}
