//! What the requests to a provider have in common: parameters that are always sent, their names, what is computed.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    choice::{Method, choices},
    path::Path,
};
use crate::domain::fields::{self, Table};

/// How long a JSON body of the data may be, in bytes: a query, not a document.
const MAX_BODY: usize = 8 * 1024;

choices! {
    /// The functions that a parameter may be computed with. A closed list: a new one is a change of the engine.
    Function {
        /// SHA-256 (FIPS 180-4), in lower-case hexadecimal.
        Sha256Hex = "sha256_hex",
        /// HMAC-SHA-256 (RFC 2104) with the client secret as the key, in lower-case hexadecimal.
        HmacSha256Hex = "hmac_sha256_hex",
        /// The same, in base 64.
        HmacSha256Base64 = "hmac_sha256_base64",
        /// The text itself, in base 64.
        Base64 = "base64",
        /// The seconds since 1970.
        NowSeconds = "now_s",
        /// The milliseconds since 1970.
        NowMilliseconds = "now_ms",
        /// A random UUID (RFC 9562, version 4).
        Uuid = "uuid",
    }
}

/// A parameter whose value is computed when the request is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Derive {
    /// By what.
    #[serde(rename = "fn")]
    pub function: Function,
    /// Over what, with placeholders; `None` where the function needs nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

impl Derive {
    fn read(value: &Value) -> Result<Self, String> {
        let table = value.as_object().ok_or("must be an object")?;
        fields::unless(table.keys().any(|name| name != "fn" && name != "over"), "may have fn and over")?;
        let named = table.get("fn").and_then(Value::as_str);
        let known = named.and_then(|named| Function::ALL.iter().find(|(word, _)| *word == named));
        let function = known.map(|(_, function)| *function).ok_or_else(|| {
            let words: Vec<&str> = Function::ALL.iter().map(|(word, _)| *word).collect();
            format!("must have fn, one of {}", words.join(", "))
        })?;
        let over = table.get("over").map(fields::text).transpose()?;
        let is_of_nothing = matches!(function, Function::NowSeconds | Function::NowMilliseconds | Function::Uuid);
        fields::unless(
            is_of_nothing == over.is_some(),
            if is_of_nothing { "takes no over" } else { "must have over" },
        )?;
        Ok(Self { function, over })
    }
}

/// Parameters whose values are computed.
pub(super) fn derived(table: &Table<'_>) -> BTreeMap<String, Derive> {
    table.map("derive", |_, value| Derive::read(value))
}

/// The method of a request, one of those that it may have.
pub(super) fn method(table: &Table<'_>, allowed: &[Method]) -> Option<Method> {
    let known: Vec<(&str, Method)> =
        Method::ALL.iter().filter(|(_, method)| allowed.contains(method)).copied().collect();
    table.choice("method", &known)
}

/// A map of texts.
pub(super) fn texts(table: &Table<'_>, name: &'static str) -> BTreeMap<String, String> {
    table.map(name, |_, value| fields::text(value))
}

/// The provider's names for parameters, by the RFC's.
pub(super) fn names(table: &Table<'_>, known: &[&str]) -> BTreeMap<String, String> {
    table.map("names", |name, value| {
        fields::unless(!known.contains(&name), "is not a parameter that is sent here")?;
        fields::text(value)
    })
}

/// Parameters of an RFC that must not be sent, of those that may be left out.
pub(super) fn omitted(table: &Table<'_>, may_be: &[&str]) -> Option<Vec<String>> {
    table.each("omit", |value| {
        let name = fields::text(value)?;
        if may_be.contains(&name.as_str()) { Ok(name) } else { Err(format!("may be {}", may_be.join(", "))) }
    })
}

/// What is kept of an answer: names to paths.
pub(super) fn kept(table: &Table<'_>, name: &'static str) -> BTreeMap<String, Path> {
    table.map(name, |kept, value| {
        let is_name = kept.len() <= 64
            && kept.starts_with(|first: char| first.is_ascii_lowercase())
            && kept.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        fields::unless(!is_name, "must be a name of 1 to 64 characters of a-z, 0-9 and `_` that begins with a letter")?;
        fields::path(value)
    })
}

/// A body of JSON, sent as it is with its placeholders filled.
pub(super) fn json_body(table: &Table<'_>) -> Option<Value> {
    table.read("body", |value| {
        fields::unless(!value.is_object() && !value.is_array(), "must be a JSON object or list")?;
        fields::unless(value.to_string().len() > MAX_BODY, "must have at most 8 kB")?;
        Ok(value.clone())
    })
}

/// Headers that a provider asks for. What frames or authenticates a request is not data.
pub(super) fn headers(table: &Table<'_>) -> BTreeMap<String, String> {
    const RESERVED: [&str; 9] = [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    table.map("headers", |name, value| {
        let is_token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let lower = name.to_ascii_lowercase();
        if !is_token || RESERVED.contains(&lower.as_str()) || lower.starts_with("proxy-") {
            return Err("is not a header that can be set here".into());
        }
        fields::text(value).and_then(|text| if text.is_ascii() { Ok(text) } else { Err("must be ASCII".into()) })
    })
}
