//! The body of a call: JSON, a text, or the fields of a form.

use std::borrow::Cow;

use serde_json::Value;
use url::form_urlencoded;

use super::{
    CallMethod, Query,
    media_type::{essence, is_in_another_charset},
};

/// The content type of a body about which nothing is said.
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
/// How the types of bodies in several parts begin.
const PARTS: &str = "multipart/";

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
#[error(
    "does not fit the `content-type` among the headers: beside JSON it may be a text, or the fields of a form, and it goes as UTF-8"
)]
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
        let content_type = content_type.unwrap_or(JSON);
        let essence = essence(content_type);
        let encoded: Cow<'_, [u8]> = match (&self.value, self.written.as_deref()) {
            (value, written) if is_json(&essence) => {
                written.map_or_else(|| value.to_string().into_bytes().into(), |written| written.as_bytes().into())
            }
            (Value::String(text), _) => text.as_bytes().into(),
            (fields @ Value::Object(_), _) if essence == FORM => {
                Query::of_json(fields).map_err(|_| ContentMismatch)?.encoded().into_bytes().into()
            }
            _ => return Err(ContentMismatch),
        };
        // What is sent in one charset and said to be in another is read as something else.
        if is_in_another_charset(&encoded, content_type) { Err(ContentMismatch) } else { Ok(encoded) }
    }

    /// The methods that the body asks for in place of the request's own ([`CallMethod::overriding`]), by every reading that a
    /// server might have of it.
    #[must_use]
    pub fn overriding(&self, content_type: Option<&str>) -> Vec<CallMethod> {
        let essence = essence(content_type.unwrap_or(JSON));
        match &self.value {
            Value::String(form) if essence == FORM => of_form(form),
            Value::String(parts) if essence.starts_with(PARTS) => of_parts(parts),
            // Whoever takes JSON by any name.
            Value::String(text) if !is_json(&essence) => {
                serde_json::from_str(text).ok().as_ref().and_then(of_json).into_iter().collect()
            }
            fields @ Value::Object(_) if essence == FORM => {
                Query::of_json(fields).map(|fields| CallMethod::overriding(&fields).collect()).unwrap_or_default()
            }
            value => of_json(value).into_iter().collect(),
        }
    }
}

fn of_json(value: &Value) -> Option<CallMethod> {
    value.get(METHOD).and_then(Value::as_str).and_then(CallMethod::named)
}

/// A form goes as the app wrote it, so it is read here as whoever reads the most into it: some part the fields with a `;` too,
/// and what is not UTF-8 stops nobody.
fn of_form(form: &str) -> Vec<CallMethod> {
    let fields = form.split(['&', ';']).flat_map(|field| form_urlencoded::parse(field.as_bytes()));
    fields.filter_map(|(name, value)| CallMethod::asked_by(&name, &value)).collect()
}

/// Where parts begin and end, and which name they have, servers read in many ways (RFC 7578, section 5): a line that has
/// nothing but a method counts wherever a name of one may be.
fn of_parts(parts: &str) -> Vec<CallMethod> {
    if !parts.to_ascii_lowercase().contains("method") {
        return Vec::new();
    }
    parts.split(['\r', '\n']).filter_map(CallMethod::named).collect()
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
            (json!("é"), "text/plain; charset=UTF-8", Some("é")),
            (json!("e"), "text/plain; charset=latin1", Some("e")),
            (json!("é"), "text/plain; charset=latin1", None),
            (json!("a=b"), "application/x-www-form-urlencoded; charset=utf-16", None),
            (json!({"a": 1}), "application/json; charset=utf-8; charset=utf-16", None),
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

    const PART: &str = "--b\r\nContent-Disposition: form-data;\r\n name=\"_method\"\r\n\r\nDelete\r\n--b--\r\n";

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
            (json!("{\"_method\": \"DELETE\"}"), Some("text/plain"), vec![Delete]),
            (json!("{\"_method\": \"DELETE\"}"), None, vec![]),
            (json!("a=%ff&_method=delete"), Some(FORM), vec![Delete]),
            (json!(format!("a={}&_method=delete", "a".repeat(9_000))), Some(FORM), vec![Delete]),
            (json!("a=b;_method=delete"), Some(FORM), vec![Delete]),
            (json!("a=b& _method = delete "), Some(FORM), vec![Delete]),
            (json!({" _method[]": "delete"}), Some(FORM), vec![Delete]),
            (json!(PART), Some("multipart/form-data; boundary=b"), vec![Delete]),
            (json!(PART.replace("_method", "note")), Some("multipart/form-data; boundary=b"), vec![]),
            (json!("a=DELETE"), Some(FORM), vec![]),
        ] {
            assert_eq!(Content::new(body.clone()).overriding(content_type), expected, "{body} as {content_type:?}");
        }
    }
}
