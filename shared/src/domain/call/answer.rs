//! What an API said, as it is handed on: JSON as it stands there, text as a text, and the rest as bytes.

use super::media_type::{essence, is_in_another_charset};

/// How long a body may be where it ends up, in bytes: a text in the answer of a function, of which Lambda takes 6 MiB. The
/// rest is for headers. Four mebibytes in base64 fit.
const MOST_ENCLOSED: usize = 6 * 1024 * 1024 - 512 * 1024;

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
    /// Sorts a body by what the API says that it is, and by what it is. What would grow too long as a text goes as bytes,
    /// which grow by a third.
    #[must_use]
    pub fn of(body: Vec<u8>, content_type: Option<&str>) -> Self {
        if body.is_empty() {
            return Self::Nothing;
        }
        let kind = Kind::of(content_type);
        let is_in_another_charset = content_type.is_some_and(|said| is_in_another_charset(&body, said));
        if kind == Kind::Other || (kind == Kind::Text && is_in_another_charset) {
            return Self::bytes(body, content_type);
        }
        let text = match String::from_utf8(body) {
            Ok(text) => text,
            Err(error) => return Self::bytes(error.into_bytes(), content_type),
        };
        let plain = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if kind != Kind::Text && serde_json::from_str::<serde::de::IgnoredAny>(plain).is_ok() {
            let fits = enclosed(plain, 1) <= MOST_ENCLOSED;
            return if fits { Self::Json(plain.to_owned()) } else { Self::bytes(text.into_bytes(), content_type) };
        }
        // What says that it is JSON and is none may be one in another charset.
        let is_text = !is_in_another_charset && enclosed(&text, 2) <= MOST_ENCLOSED;
        if is_text { Self::Text(text) } else { Self::bytes(text.into_bytes(), content_type) }
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
        let essence = essence(content_type);
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

/// How long a text is, in bytes, when it was written as a JSON text so many times, each into the one before.
fn enclosed(text: &str, times: u32) -> usize {
    // Each time a backslash becomes two; what it stands before stays as it is.
    let backslashes = 2_usize.pow(times) - 1;
    let length = |byte: u8| match byte {
        b'"' | b'\\' => 1 + backslashes,
        b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 1 + 2_usize.pow(times - 1),
        0..0x20 => 5 + 2_usize.pow(times - 1),
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
            (b"\xC3\xA9", Some("text/csv; Charset=\"Latin1\""), bytes(b"\xC3\xA9", "text/csv; Charset=\"Latin1\"")),
            (b"ok", Some("text/csv; charset=windows-1252"), text("ok")),
            (b"o\0k\0", Some("text/plain; charset=utf-16le"), bytes(b"o\0k\0", "text/plain; charset=utf-16le")),
            (b"\xC3\xA9", Some("text/plain; charset=UTF-8"), text("é")),
            (b"\"\xC3\xA9\"", Some("application/json; charset=latin1"), json("\"é\"")),
            (b"1\0", Some("application/json; charset=utf-16le"), bytes(b"1\0", "application/json; charset=utf-16le")),
        ] {
            assert_eq!(Data::of(body.to_vec(), kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_text_is_as_long_as_it_is_counted_to_be() {
        let every: String = (0..=0x7f_u8).map(char::from).chain("é\u{2028}😀".chars()).collect();
        let once = serde_json::to_string(&every).expect("JSON");
        let twice = serde_json::to_string(&once).expect("JSON");
        // The quotes around a text are no part of it: two at first, which are written as four.
        assert_eq!((enclosed(&every, 1), enclosed(&every, 2)), (once.len() - 2, twice.len() - 2 - 4));
    }

    #[test]
    fn whatever_is_handed_on_fits_into_the_answer_of_a_function() {
        let most = 4 * 1024 * 1024;
        let repeated = |piece: &str| piece.repeat(most / piece.len());
        for (body, kind) in [
            (format!("[{}0]", repeated("\"\",").split_at(most - 4).0), "application/json"),
            (format!("\"{}\"", repeated("\\\"").split_at(most - 2).0), "application/json"),
            (format!("\"{}\"", "a".repeat(most - 2)), "application/json"),
            (repeated("\""), "text/plain"),
            (repeated("\n"), "text/plain"),
            (repeated("\u{1}"), "text/plain"),
            (repeated("aaa\""), "text/csv"),
            (repeated("a"), "text/plain"),
            (repeated("\u{1}"), "image/png"),
        ] {
            let sent = match Data::of(body.into_bytes(), Some(kind)) {
                Data::Nothing => String::new(),
                Data::Json(raw) => raw,
                Data::Text(text) => serde_json::to_string(&text).expect("JSON"),
                Data::Bytes { bytes, .. } => "A".repeat(bytes.len().div_ceil(3) * 4),
            };
            let enclosed = serde_json::to_string(&sent).expect("JSON").len();
            assert!(enclosed <= MOST_ENCLOSED + 16, "{kind}: {enclosed}");
        }
    }

    #[test]
    fn a_text_that_would_grow_too_long_goes_as_bytes() {
        let quotes = "\"".repeat(3 * 1024 * 1024);
        assert!(matches!(Data::of(quotes.into_bytes(), Some("text/plain")), Data::Bytes { .. }));
        let letters = "a".repeat(4 * 1024 * 1024);
        assert!(matches!(Data::of(letters.into_bytes(), Some("text/plain")), Data::Text(_)));
    }
}
