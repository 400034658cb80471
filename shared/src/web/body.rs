//! Request bodies: JSON, whole, and without surprises.

use std::{cell::RefCell, collections::BTreeMap, fmt, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use http_body_util::BodyExt;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, value::RawValue};

use super::problem::Problem;
use crate::domain::fields::Table;

/// How large a body may be. The largest real one, a connector with two hundred scopes, has less than half of it.
const MOST_BYTES: usize = 128 * 1024;

/// How large one may be in which things come in that are as large as they are: what an app has to tell an API, and grants. What
/// an export writes of the largest connection that there can be has less than half of it.
const MOST_BYTES_OF_LARGE: usize = 1024 * 1024;

/// How much of a body that is too large is read and dropped before the connection is.
const MOST_DISCARDED: usize = 8 * 1024 * 1024;

/// For how long that is done.
const DISCARD_FOR: Duration = Duration::from_secs(1);

/// A JSON body, as a value or also as it was written. An empty body counts as an empty object: some callers announce JSON and
/// send nothing.
#[derive(Debug)]
pub struct JsonBody<B = Value>(pub B);

/// A JSON body that may be larger than others. Who takes one has proof of the caller before it is read.
#[derive(Debug)]
pub struct Large(pub Value);

/// A JSON body of which a part is handed on as it was written. It may be larger than others, as [`Large`].
#[derive(Debug)]
pub struct Written {
    /// What it says.
    pub value: Value,
    raw: Vec<u8>,
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self(Written::of(request, MOST_BYTES).await?.value))
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody<Large> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self(Large(Written::of(request, MOST_BYTES_OF_LARGE).await?.value)))
    }
}

impl<S: Send + Sync> FromRequest<S> for JsonBody<Written> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Ok(Self(Written::of(request, MOST_BYTES_OF_LARGE).await?))
    }
}

impl Written {
    async fn of(request: Request, most: usize) -> Result<Self, Problem> {
        let content_type =
            request.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("?").to_owned());
        let raw = limited(request, most).await?;
        if raw.is_empty() {
            return Ok(Self { value: Value::Object(Map::new()), raw });
        }
        if !content_type.as_deref().is_some_and(is_json) {
            let detail = "The body must be JSON, with `Content-Type: application/json`.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        if raw.starts_with("\u{feff}".as_bytes()) {
            return Err(malformed(
                "it begins with a byte order mark, which JSON does not have (RFC 8259, section 8.1)",
            ));
        }
        match serde_json::from_slice::<Strict>(&raw) {
            Ok(Strict(value)) => Ok(Self { value, raw }),
            Err(error) => Err(malformed(&what_is_wrong(&raw, &error))),
        }
    }

    /// A field of the outermost object, letter by letter; `None` if there is none, or it is `null`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = serde_json::from_slice::<BTreeMap<String, Option<&RawValue>>>(&self.raw).ok()?;
        fields.remove(name)?.map(RawValue::get)
    }
}

/// Reads a body field by field; every mistake is answered at once, with its place.
///
/// # Errors
/// [`Problem::invalid`] with all fields that were not accepted, unknown ones included.
pub fn checked<T>(body: &Value, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Problem> {
    let errors = RefCell::default();
    let table = Table::root(body, &errors);
    let value = read(&table);
    table.close();
    match errors.into_inner() {
        errors if errors.is_empty() => Ok(value),
        errors => Err(Problem::invalid(errors)),
    }
}

/// The body of a request, if it is not too large.
pub(super) async fn of_request(request: Request) -> Result<Vec<u8>, Problem> {
    limited(request, MOST_BYTES).await
}

async fn limited(request: Request, most: usize) -> Result<Vec<u8>, Problem> {
    if waits_in_vain(&request, most) { Err(too_large(most)) } else { whole(request.into_body(), most).await }
}

/// Reads a body to its end, if it is not too large.
async fn whole(mut body: Body, most: usize) -> Result<Vec<u8>, Problem> {
    let mut kept = Vec::new();
    while let Some(data) = next_data(&mut body).await? {
        if kept.len() + data.len() > most {
            // However this ends, the answer is the same.
            let _ = tokio::time::timeout(DISCARD_FOR, discard(body)).await;
            return Err(too_large(most));
        }
        kept.extend_from_slice(&data);
    }
    Ok(kept)
}

/// Reads and drops the rest of a body, up to a limit: a caller that is still sending would see a broken connection
/// instead of the answer.
async fn discard(mut body: Body) -> Result<(), Problem> {
    let mut length = 0;
    while let Some(data) = next_data(&mut body).await? {
        length += data.len();
        if length > MOST_DISCARDED {
            break;
        }
    }
    Ok(())
}

async fn next_data(body: &mut Body) -> Result<Option<axum::body::Bytes>, Problem> {
    match body.frame().await {
        None => Ok(None),
        Some(frame) => Ok(Some(frame.map_err(|_| malformed("it broke off"))?.into_data().unwrap_or_default())),
    }
}

/// Whether the caller waits to be asked for a body that would be too large (RFC 9110, section 10.1.1).
fn waits_in_vain(request: &Request, most: usize) -> bool {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let length = header(header::CONTENT_LENGTH).and_then(|raw| raw.parse::<usize>().ok());
    header(header::EXPECT).is_some() && length.is_some_and(|length| length > most)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn too_large(most: usize) -> Problem {
    let detail = format!("The body must not be larger than {} KiB.", most / 1024);
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
}

fn malformed(how: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_request", format!("The body is not JSON that can be read: {how}."))
}

/// What a body is in place of JSON, without repeating anything of it.
fn what_is_wrong(raw: &[u8], error: &serde_json::Error) -> String {
    // JSON begins with two characters of ASCII: where one of two bytes is none, it is written in two bytes each.
    if std::str::from_utf8(raw).is_err() || raw.iter().take(2).any(|byte| *byte == 0) {
        return "it is not written in UTF-8 (RFC 8259, section 8.1)".to_owned();
    }
    let mut documents = serde_json::Deserializer::from_slice(raw).into_iter::<IgnoredAny>();
    if documents.next().is_some_and(|first| first.is_ok()) && documents.next().is_some_and(|next| next.is_ok()) {
        return "it has several, one line after the other; send each of them for itself".to_owned();
    }
    position(error)
}

/// Where the mistake is, without repeating anything of the body.
fn position(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "it has a key twice, or is nested too deeply",
        _ => "it is malformed",
    };
    format!("{kind}, at line {}, column {}", error.line(), error.column())
}

/// A JSON value in which no object has a key twice: two readers of such an object may see two different values.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Builder.deserialize(deserializer).map(Self)
    }
}

struct Builder;

impl<'de> DeserializeSeed<'de> for Builder {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Builder {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(Builder)? {
            list.push(entry);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Builder)?;
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a key twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_twice_is_refused_wherever_it_is() {
        for raw in [r#"{"a":1,"a":2}"#, r#"{"x":{"a":1,"a":1}}"#, r#"[{"a":1,"\u0061":1}]"#] {
            assert!(serde_json::from_str::<Strict>(raw).is_err(), "{raw}");
        }
        let value = serde_json::from_str::<Strict>(r#"{"a":[1,-2,0.5,null,true,"x"],"b":{}}"#).unwrap().0;
        assert_eq!(value, serde_json::json!({"a": [1, -2, 0.5, null, true, "x"], "b": {}}));
    }

    #[test]
    fn a_field_is_there_as_it_was_written() {
        let raw = r#"{"path": "/x", "b\u006fdy" : { "id":12345678901234567890123 , "a":1.10 } , "none": null}"#;
        let written = Written { value: Value::Null, raw: raw.into() };
        assert_eq!(written.field("body"), Some(r#"{ "id":12345678901234567890123 , "a":1.10 }"#));
        assert_eq!((written.field("none"), written.field("other")), (None, None));
        assert_eq!(Written { value: Value::Null, raw: Vec::new() }.field("body"), None);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for raw in ["", "{", "{} {}", r#"{"a":"\ud800"}"#, "{'a':1}", "\u{feff}{}"] {
            assert!(serde_json::from_str::<Strict>(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn a_content_type_is_json_or_it_is_not() {
        for (raw, valid) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/plain", false),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            assert_eq!(is_json(raw), valid, "{raw}");
        }
    }
}
