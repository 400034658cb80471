//! The query of a call.

use std::fmt::Write as _;

use serde_json::{Number, Value};
use url::form_urlencoded;

use super::path::decoded;

/// How long a query may be, in bytes, as it is sent.
const MAX_LENGTH: usize = 8_192;

/// Parameters, in order; a name may come several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

/// Why something is no query of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuery {
    /// It is not an object.
    #[error("must be an object")]
    NotAnObject,
    /// A value is neither a text, a number, true, false, nor a list of these.
    #[error("must have texts, numbers, true, false, or lists of these as values")]
    Value,
    /// A number in it has so many digits that some may be lost already.
    #[error("must have numbers of more than 15 digits written as texts")]
    Digits,
    /// It is encoded, and not as UTF-8.
    #[error("must be UTF-8 where it is encoded with `%`")]
    NotText,
    /// It is too long.
    #[error("must have at most 8192 bytes")]
    TooLong,
}

impl Query {
    /// Reads a query as it stands in an address.
    ///
    /// # Errors
    /// [`InvalidQuery::TooLong`], and [`InvalidQuery::NotText`]: what is no text could only be sent as another.
    pub fn of_text(raw: &str) -> Result<Self, InvalidQuery> {
        if raw.len() > MAX_LENGTH {
            return Err(InvalidQuery::TooLong);
        }
        if std::str::from_utf8(&decoded(raw.as_bytes())).is_err() {
            return Err(InvalidQuery::NotText);
        }
        Ok(Self(form_urlencoded::parse(raw.as_bytes()).into_owned().collect()))
    }

    /// Reads a query from JSON: a name with a list comes once for each of its values; one with `null` does not come.
    ///
    /// # Errors
    /// [`InvalidQuery`].
    pub fn of_json(value: &Value) -> Result<Self, InvalidQuery> {
        let fields = value.as_object().ok_or(InvalidQuery::NotAnObject)?;
        let mut parameters = Vec::new();
        for (name, value) in fields {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                Value::Null => &[],
                value => std::slice::from_ref(value),
            };
            for value in values {
                parameters.push((name.clone(), text(value)?));
            }
        }
        Ok(Self(parameters))
    }

    /// Both, one behind the other.
    ///
    /// # Errors
    /// [`InvalidQuery::TooLong`] if that is more than an address may have.
    pub fn with(mut self, more: Self) -> Result<Self, InvalidQuery> {
        self.0.extend(more.0);
        if self.encoded().len() > MAX_LENGTH { Err(InvalidQuery::TooLong) } else { Ok(self) }
    }

    /// Whether a parameter has this name, in whatever case.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The query as it is sent, without a `?`: everything but the unreserved characters of RFC 3986, section 2.3, is
    /// encoded, a space too.
    #[must_use]
    pub fn encoded(&self) -> String {
        let mut encoded = String::new();
        for (name, value) in &self.0 {
            if !encoded.is_empty() {
                encoded.push('&');
            }
            encode(&mut encoded, name);
            encoded.push('=');
            encode(&mut encoded, value);
        }
        encoded
    }
}

fn text(value: &Value) -> Result<String, InvalidQuery> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if has_lost_digits(number) => Err(InvalidQuery::Digits),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(InvalidQuery::Value),
    }
}

/// Whether a number may have been read as another than was written: whole ones beyond 64 bits are.
fn has_lost_digits(number: &Number) -> bool {
    const EXACT_UP_TO: f64 = 1e15;
    number.is_f64() && number.as_f64().is_some_and(|value| value.abs() >= EXACT_UP_TO)
}

fn encode(encoded: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_of_every_kind_are_sent_and_stay_in_their_places() {
        let query = Query::of_text("a=1&b=x+y&c&a=%26").expect("a query");
        let more = json!({"n": 1.5, "t": true, "l": ["x", 2], "s": "a&b=c#d?/é ", "none": null, "empty": []});
        let all = query.with(Query::of_json(&more).expect("a query")).expect("a short one");
        assert_eq!(all.encoded(), "a=1&b=x%20y&c=&a=%26&l=x&l=2&n=1.5&s=a%26b%3Dc%23d%3F%2F%C3%A9%20&t=true");
        assert!(all.has("l") && all.has("L") && !all.has("none"));
        let digits = Query::of_json(&json!({"id": u64::MAX, "below": i64::MIN})).expect("a query");
        assert_eq!(digits.encoded(), "below=-9223372036854775808&id=18446744073709551615");
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for (value, refusal) in [
            (json!([]), InvalidQuery::NotAnObject),
            (json!("a=b"), InvalidQuery::NotAnObject),
            (json!({"a": {"b": 1}}), InvalidQuery::Value),
            (json!({"a": [[1]]}), InvalidQuery::Value),
            (json!({"a": [null]}), InvalidQuery::Value),
            (json!({"a": 123_456_789_012_345_678_901_f64}), InvalidQuery::Digits),
        ] {
            assert_eq!(Query::of_json(&value), Err(refusal), "{value}");
        }
        assert_eq!(Query::of_text("a=caf%E9"), Err(InvalidQuery::NotText));
        assert_eq!(Query::of_text("%ff"), Err(InvalidQuery::NotText));
        let long = Query::of_json(&json!({"a": "é".repeat(2_000)})).expect("a query");
        assert_eq!(Query::default().with(long), Err(InvalidQuery::TooLong));
    }
}
