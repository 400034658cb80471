//! Texts with placeholders, `{name}`: what stands in them, and the same texts with values.

use std::fmt::Write as _;

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// What stands there as it is.
    Text(&'t str),
    /// A placeholder, by its name.
    Placeholder(&'t str),
}

/// The parts of a text, in order. A brace that begins no placeholder is a character like any other.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some(open) = rest.get(from..).and_then(|tail| tail.find('{')).map(|at| at + from) {
        let name = rest[open + 1..].split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
        let Some(name) = name else {
            from = open + 1;
            continue;
        };
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        pieces.push(Piece::Placeholder(name));
        (rest, from) = (&rest[open + name.len() + 2..], 0);
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

/// The placeholders in a text.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The text with what `fill` gives for its placeholders; one that it gives nothing for stays.
pub(super) fn filled(text: &str, mut fill: impl FnMut(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Placeholder(name) => filled.push_str(&fill(name).unwrap_or_else(|| format!("{{{name}}}"))),
        }
    }
    filled
}

/// Where the host of a URL, with its port, begins and ends.
pub(super) fn authority(url: &str) -> (usize, usize) {
    let begins = url.find("://").map_or(0, |at| at + 3);
    let ends = url[begins..].find(['/', '?']).map_or(url.len(), |at| at + begins);
    (begins, ends)
}

/// A value as it stands in a path or query (RFC 3986, section 2.3: everything but the unreserved characters is encoded).
pub(super) fn encoded(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a text does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Whether a value may stand in a host: one label or several, none of them empty.
pub(super) fn is_of_host(value: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    value.len() <= 253 && value.split('.').all(is_label)
}

fn is_name(name: &str) -> bool {
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    begins && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_its_pieces() {
        use Piece::{Placeholder, Text};
        for (text, expected) in [
            ("", vec![]),
            ("plain", vec![Text("plain")]),
            ("{a}", vec![Placeholder("a")]),
            ("x{a}{b_1}y", vec![Text("x"), Placeholder("a"), Placeholder("b_1"), Text("y")]),
            (r#"{"k":1}"#, vec![Text(r#"{"k":1}"#)]),
            ("{{a}", vec![Text("{"), Placeholder("a")]),
            ("{a", vec![Text("{a")]),
            ("é{a}", vec![Text("é"), Placeholder("a")]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn a_value_cannot_leave_its_place_in_a_path() {
        assert_eq!(encoded("a/../b?c#d@e:f%g h"), "a%2F..%2Fb%3Fc%23d%40e%3Af%25g%20h");
        assert_eq!(encoded("é~x-1_2.3"), "%C3%A9~x-1_2.3");
    }

    #[test]
    fn a_host_is_made_of_labels() {
        for (value, fits) in
            [("acme", true), ("a.b", true), ("", false), (".a", false), ("a.", false), ("a/b", false), ("a@b", false)]
        {
            assert_eq!(is_of_host(value), fits, "{value}");
        }
    }
}
