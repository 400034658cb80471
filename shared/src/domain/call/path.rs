//! The path of a call: whoever reads it, at the provider or on the way there, finds it below the root that it is joined to.

use std::fmt::Write as _;

use super::query::{InvalidQuery, Query};

/// How long a path may be, in bytes, as it is sent.
const MAX_LENGTH: usize = 4_096;

/// How often a path may be encoded over itself. Servers that decode twice exist; what is encoded more often than this hides
/// something.
const MAX_LAYERS: usize = 3;

/// A path below the root of an API, in its normal form (RFC 3986, section 6.2.2): begins with `/`, and no reading of it has
/// a `.` or `..` in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallPath(Box<str>);

/// Why a text is no path of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// It does not begin with one `/`.
    #[error("must begin with one `/`; the host is said in `host`")]
    NotRooted,
    /// It has a part `.` or `..`, in whatever spelling.
    #[error("must not have a part `.` or `..`, however it is encoded")]
    Dots,
    /// It has an empty part before its end.
    #[error("must not have an empty part (`//`)")]
    EmptyPart,
    /// It has a backslash or a control character, in whatever spelling.
    #[error("must not have a backslash or a control character, however it is encoded")]
    Character,
    /// A `%` in it is not followed by two hexadecimal digits.
    #[error("has a `%` that encodes nothing: write it as `%25`")]
    Encoding,
    /// It has a character in more bytes than UTF-8 has it (RFC 3629, section 3): old decoders read a `.` or `/` in it.
    #[error("must not have a character in more bytes than UTF-8 has it, however it is encoded")]
    Overlong,
    /// It has a `#`.
    #[error("must not have a fragment: write `#` as `%23`")]
    Fragment,
    /// It is too long.
    #[error("must have at most 4096 bytes")]
    TooLong,
    /// The query in it can't be read.
    #[error(transparent)]
    Query(#[from] InvalidQuery),
}

impl CallPath {
    /// Parses a path that came from outside, and the query behind it.
    ///
    /// # Errors
    /// [`InvalidPath`], the first rule that it breaks.
    pub fn parse(raw: &str) -> Result<(Self, Query), InvalidPath> {
        if raw.contains('#') {
            return Err(InvalidPath::Fragment);
        }
        let (path, query) = raw.split_once('?').unwrap_or((raw, ""));
        if query.chars().any(char::is_control) {
            return Err(InvalidPath::Character);
        }
        Ok((Self::without_query(path)?, Query::of_text(query)?))
    }

    /// Parses a path that has no query.
    ///
    /// # Errors
    /// [`InvalidPath`].
    pub fn without_query(raw: &str) -> Result<Self, InvalidPath> {
        if raw.len() > MAX_LENGTH {
            return Err(InvalidPath::TooLong);
        }
        if raw.chars().any(char::is_control) {
            return Err(InvalidPath::Character);
        }
        if !raw.starts_with('/') || raw.starts_with("//") {
            return Err(InvalidPath::NotRooted);
        }
        let normal = normal(raw)?;
        if normal.contains("//") {
            return Err(InvalidPath::EmptyPart);
        }
        check_every_layer(normal.as_bytes())?;
        if normal.len() > MAX_LENGTH { Err(InvalidPath::TooLong) } else { Ok(Self(normal.into())) }
    }

    /// The path, as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this path or one below it, part by part: `/files` has `/files/1` below it, and not `/files-of-others`.
    #[must_use]
    pub fn is_below(&self, prefix: &Self) -> bool {
        let prefix = prefix.0.strip_suffix('/').unwrap_or(&prefix.0);
        self.0.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The same path with everything encoded that must be, nothing encoded that need not be, and digits in capitals.
fn normal(raw: &str) -> Result<String, InvalidPath> {
    let mut normal = String::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let (byte, was_encoded) = match byte {
            b'%' => {
                let digits = [bytes.next(), bytes.next()].map(|digit| digit.and_then(hex_value));
                let [Some(high), Some(low)] = digits else { return Err(InvalidPath::Encoding) };
                (high << 4 | low, true)
            }
            byte => (byte, false),
        };
        let is_plain = is_unreserved(byte) || (!was_encoded && is_delimiter(byte));
        if is_plain {
            normal.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(normal, "%{byte:02X}");
        }
    }
    Ok(normal)
}

/// Looks at the path as every server might that decodes it, once or several times, before or after taking it apart.
fn check_every_layer(path: &[u8]) -> Result<(), InvalidPath> {
    let mut layer = path.to_vec();
    for _ in 0..=MAX_LAYERS {
        if layer.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\') {
            return Err(InvalidPath::Character);
        }
        if is_overlong(&layer) {
            return Err(InvalidPath::Overlong);
        }
        if likened(&layer).split('/').any(is_dots) {
            return Err(InvalidPath::Dots);
        }
        let decoded = decoded(&layer);
        if decoded == layer {
            return Ok(());
        }
        layer = decoded;
    }
    Err(InvalidPath::Encoding)
}

/// Whether a part leads elsewhere. Some servers drop what stands behind a `;` (RFC 3986, section 3.3), or space at the end,
/// before they look.
fn is_dots(part: &str) -> bool {
    matches!(part.split(';').next().unwrap_or_default().trim(), "." | "..")
}

/// The layer as a server sees it that takes characters for the ASCII that they look like (Unicode's compatibility forms, and
/// what code pages of Windows make of a character that they do not have). A name may have such characters; a part made of such
/// dots is no name.
fn likened(layer: &[u8]) -> String {
    let text = String::from_utf8_lossy(layer);
    if text.is_ascii() {
        return text.into_owned();
    }
    let mut likened = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\u{2024}' | '\u{fe52}' | '\u{ff0e}' => likened.push('.'),
            '\u{2025}' => likened.push_str(".."),
            // A slash.
            '\u{ff0f}' | '\u{2044}' | '\u{2215}'
            // A backslash.
            | '\u{ff3c}' | '\u{fe68}' | '\u{2216}' | '\u{29f5}' | '\u{a5}' | '\u{20a9}' => likened.push('/'),
            '\u{ff1b}' | '\u{37e}' => likened.push(';'),
            char => likened.push(char),
        }
    }
    likened
}

/// Whether a character has more bytes than it needs: then the first one says nothing, or the second too little.
fn is_overlong(layer: &[u8]) -> bool {
    layer.windows(2).any(|pair| matches!(pair, [0xc0 | 0xc1, _] | [0xe0, 0x80..=0x9f] | [0xf0, 0x80..=0x8f]))
}

/// One layer of encoding taken off; what encodes nothing stays.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let encoded = match (first, tail) {
            (b'%', [high, low, ..]) => hex_value(*high).zip(hex_value(*low)),
            _ => None,
        };
        decoded.push(encoded.map_or(*first, |(high, low)| high << 4 | low));
        rest = if encoded.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may stand in a path as it is (RFC 3986, section 3.3).
fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'/' | b':' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn a_path_takes_its_normal_form() {
        for (raw, expected) in [
            ("/", "/"),
            ("/2/tweets", "/2/tweets"),
            ("/files/", "/files/"),
            ("/calendars/robin%40example.com/events", "/calendars/robin%40example.com/events"),
            ("/calendars/robin@example.com/events", "/calendars/robin@example.com/events"),
            ("/projects/group%2fproject", "/projects/group%2Fproject"),
            ("/sites/https%3A%2F%2Fexample.com%2F/query", "/sites/https%3A%2F%2Fexample.com%2F/query"),
            ("/%63alendars/%7Erobin", "/calendars/~robin"),
            ("/a b/é", "/a%20b/%C3%A9"),
            ("/me/drive/root:/Report 1.xlsx:/content", "/me/drive/root:/Report%201.xlsx:/content"),
            ("/v1/{id}|[x]", "/v1/%7Bid%7D%7C%5Bx%5D"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
            ("/a..b/..c", "/a..b/..c"),
            ("/100%25", "/100%25"),
            ("/A／B．txt", "/A%EF%BC%8FB%EF%BC%8Etxt"),
            ("/1⁄2 ¥5", "/1%E2%81%842%20%C2%A55"),
            ("/caf%E9", "/caf%E9"),
        ] {
            assert_eq!(CallPath::without_query(raw).as_ref().map(CallPath::as_str), Ok(expected), "{raw}");
        }
    }

    #[test]
    fn what_might_lead_elsewhere_is_refused_in_every_spelling() {
        use InvalidPath::{Character, Dots, EmptyPart, Encoding, NotRooted, Overlong};
        for (raw, refusal) in [
            ("", NotRooted),
            ("files", NotRooted),
            ("https://evil.example/", NotRooted),
            ("//evil.example/", NotRooted),
            ("\\\\evil.example", NotRooted),
            ("@evil.example/", NotRooted),
            (".evil.example/", NotRooted),
            (":443@evil.example/", NotRooted),
            ("/\\evil.example", Character),
            ("/%5Cevil.example", Character),
            ("/%255cevil.example", Character),
            ("/a//b", EmptyPart),
            ("/a/..", Dots),
            ("/../a", Dots),
            ("/./a", Dots),
            ("/a/%2e%2e/b", Dots),
            ("/a/%2E./b", Dots),
            ("/a/.%2e", Dots),
            ("/a/%252e%252e/b", Dots),
            ("/a/%25252e%25252e/b", Dots),
            ("/a/%2525252525252e/b", Encoding),
            ("/a%2f..%2fb", Dots),
            ("/a%252f..%252fb", Dots),
            ("/a/..%2fb", Dots),
            ("/a/..;/b", Dots),
            ("/a/..;x=y/b", Dots),
            ("/a/..%3b/b", Dots),
            ("/a/.. /b", Dots),
            ("/a/..%20/b", Dots),
            ("/a/%C0%AE%C0%AE/b", Overlong),
            ("/a/..%c0%afb", Overlong),
            ("/a/%e0%80%ae%e0%80%ae/b", Overlong),
            ("/a/%f0%80%80%ae./b", Overlong),
            ("/a/%25C0%25AE./b", Overlong),
            ("/a/．．/b", Dots),
            ("/a/%EF%BC%8E%EF%BC%8E/b", Dots),
            ("/a/‥/b", Dots),
            ("/a／..／b", Dots),
            ("/a/..＼b", Dots),
            ("/a/..；x/b", Dots),
            ("/a∕..⁄b", Dots),
            ("/a/..¥b", Dots),
            ("/a/..₩b", Dots),
            ("/a∖..∖b", Dots),
            ("/a/..\u{37e}x/b", Dots),
            ("/a/..\u{a0}/b", Dots),
            ("/a\r\nHost: evil.example", Character),
            ("/a%0d%0aHost:%20evil.example", Character),
            ("/a%250d", Character),
            ("/a\tb", Character),
            ("/a%00", Character),
            ("/a%7f", Character),
            ("/a\u{85}b", Character),
            ("/a?b=\n", Character),
            ("/%", Encoding),
            ("/%2", Encoding),
            ("/%zz", Encoding),
            ("/%+1", Encoding),
        ] {
            assert_eq!(CallPath::parse(raw).map(|_| ()), Err(refusal), "{raw}");
        }
        assert_eq!(CallPath::parse("/a#b").map(|_| ()), Err(InvalidPath::Fragment));
        assert_eq!(CallPath::parse(&format!("/{}", "é".repeat(1_000))).map(|_| ()), Err(InvalidPath::TooLong));
        assert_eq!(CallPath::parse(&format!("/{}", "a".repeat(4_096))).map(|_| ()), Err(InvalidPath::TooLong));
    }

    /// Every text of up to four pieces that mean something to somebody: whatever is taken stays where it is joined.
    #[test]
    fn no_path_that_is_taken_leaves_its_root() {
        let pieces = [
            "/",
            "\\",
            ".",
            "..",
            "%2e",
            "%2E",
            "%252e",
            "%2f",
            "%5c",
            "%",
            "%25",
            "a",
            "@",
            ":",
            ";",
            "?",
            "#",
            " ",
            "é",
            "\t",
            "%00",
            "//",
            "%2525252e",
            "https:",
        ];
        let mut taken = 0;
        let mut try_one = |raw: &str| {
            let Ok((path, _)) = CallPath::parse(raw) else { return };
            taken += 1;
            let joined = format!("https://api.example/v1{}", path.as_str());
            let url = Url::parse(&joined).expect("a URL");
            assert_eq!(url.as_str(), joined, "{raw}");
            assert_eq!((url.host_str(), url.query(), url.fragment()), (Some("api.example"), None, None), "{raw}");
            assert_eq!(CallPath::without_query(path.as_str()).as_ref(), Ok(&path), "{raw}: the normal form is its own");
        };
        for count in 0..=4_u32 {
            for number in 0..pieces.len().pow(count) {
                let raw = (0..count).map(|place| pieces[number / pieces.len().pow(place) % pieces.len()]);
                try_one(&format!("/{}", raw.collect::<String>()));
            }
        }
        assert!(taken > 10_000, "{taken}");
    }

    #[test]
    fn a_prefix_ends_where_a_part_ends() {
        let path = |raw| CallPath::without_query(raw).expect("a path");
        for (prefix, below, is_below) in [
            ("/files", "/files", true),
            ("/files", "/files/1", true),
            ("/files/", "/files/1", true),
            ("/files/", "/files", true),
            ("/files", "/files-of-others", false),
            ("/files", "/files%2F1", false),
            ("/files", "/Files/1", false),
            ("/files", "/%66iles/1", true),
            ("/files/1", "/files", false),
            ("/", "/anything", true),
        ] {
            assert_eq!(path(below).is_below(&path(prefix)), is_below, "{below} below {prefix}");
        }
    }
}
