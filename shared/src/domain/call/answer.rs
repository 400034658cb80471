//! What an API said, as it is handed on: JSON as it stands there, text as a text, and the rest as bytes.

/// How much a text may grow by being written as JSON. What would grow more goes as bytes, which grow by a third.
const MOST_WRITTEN: usize = 5 * 1024 * 1024;

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// There is none.
    Nothing,
    /// JSON, unchanged: a number that no program of ours could hold is the same on the other side.
    Json(String),
    /// Text.
    Text(String),
    /// Anything else.
    Bytes {
        /// The bytes.
        bytes: Vec<u8>,
        /// What the API says that they are.
        content_type: String,
    },
}

impl Data {
    /// Sorts a body by what the API says that it is, and by what it is. What is `encoded` (RFC 9110, section 8.4) can only
    /// be handed on as it is.
    #[must_use]
    pub fn of(body: Vec<u8>, content_type: Option<&str>, is_encoded: bool) -> Self {
        if body.is_empty() {
            return Self::Nothing;
        }
        let kind = Kind::of(content_type);
        if is_encoded || kind == Kind::Other {
            return Self::bytes(body, content_type);
        }
        let text = match String::from_utf8(body) {
            Ok(text) => text,
            Err(error) => return Self::bytes(error.into_bytes(), content_type),
        };
        let plain = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if kind != Kind::Text && serde_json::from_str::<serde::de::IgnoredAny>(plain).is_ok() {
            return Self::Json(plain.to_owned());
        }
        if written(&text) > MOST_WRITTEN { Self::bytes(text.into_bytes(), content_type) } else { Self::Text(text) }
    }

    fn bytes(bytes: Vec<u8>, content_type: Option<&str>) -> Self {
        Self::Bytes { bytes, content_type: content_type.unwrap_or("application/octet-stream").to_owned() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Text,
    /// Nothing is said.
    Unsaid,
    Other,
}

impl Kind {
    fn of(content_type: Option<&str>) -> Self {
        let Some(content_type) = content_type else { return Self::Unsaid };
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
        match essence.as_str() {
            "application/json" | "text/json" => Self::Json,
            _ if subtype.ends_with("+json") => Self::Json,
            "application/xml"
            | "application/javascript"
            | "application/x-ndjson"
            | "application/x-www-form-urlencoded"
            | "application/yaml" => Self::Text,
            _ if essence.starts_with("text/") || subtype.ends_with("+xml") && !essence.starts_with("image/") => {
                Self::Text
            }
            _ => Self::Other,
        }
    }
}

/// How long a text is when it is written as JSON, in bytes.
fn written(text: &str) -> usize {
    let length = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 2,
        0..0x20 => 6,
        _ => 1,
    };
    text.bytes().map(length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_handed_on_as_what_it_is() {
        let json = |text: &str| Data::Json(text.to_owned());
        let text = |text: &str| Data::Text(text.to_owned());
        let bytes = |bytes: &[u8], kind: &str| Data::Bytes { bytes: bytes.to_vec(), content_type: kind.to_owned() };
        let big = r#"{"id":123456789012345678901234567890,"e":1e400,"a":1,"a":2}"#;
        for (body, kind, expected) in [
            (&b""[..], Some("application/json"), Data::Nothing),
            (big.as_bytes(), Some("application/json"), json(big)),
            (b"\xEF\xBB\xBF{}", Some("application/problem+json; charset=utf-8"), json("{}")),
            (b"null", Some("application/json"), json("null")),
            (b"<html>", Some("application/json"), text("<html>")),
            (b"{}", None, json("{}")),
            (b"ok", None, text("ok")),
            (b"\xFF", None, bytes(b"\xFF", "application/octet-stream")),
            (b"{}", Some("text/plain"), text("{}")),
            (b"a,b", Some("text/csv"), text("a,b")),
            (b"<a/>", Some("application/atom+xml"), text("<a/>")),
            (b"<svg/>", Some("image/svg+xml"), bytes(b"<svg/>", "image/svg+xml")),
            (b"%PDF", Some("application/pdf"), bytes(b"%PDF", "application/pdf")),
            (b"caf\xE9", Some("text/plain; charset=latin1"), bytes(b"caf\xE9", "text/plain; charset=latin1")),
        ] {
            assert_eq!(Data::of(body.to_vec(), kind, false), expected, "{kind:?}");
        }
        assert_eq!(Data::of(b"{}".to_vec(), Some("application/json"), true), bytes(b"{}", "application/json"));
    }

    #[test]
    fn a_text_that_would_grow_too_long_goes_as_bytes() {
        let quotes = "\"".repeat(3 * 1024 * 1024);
        assert!(matches!(Data::of(quotes.into_bytes(), Some("text/plain"), false), Data::Bytes { .. }));
        let letters = "a".repeat(4 * 1024 * 1024);
        assert!(matches!(Data::of(letters.into_bytes(), Some("text/plain"), false), Data::Text(_)));
    }
}
