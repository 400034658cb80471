//! What a `content-type` says (RFC 9110, section 8.3).

/// The type itself, without its parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether it says one type. Of several in a list, or of what stands behind a space, some servers read the first and others
/// none.
pub(super) fn is_one(content_type: &str) -> bool {
    let is_token = |name: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        !name.is_empty() && name.bytes().all(is_plain)
    };
    essence(content_type).split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

/// Whether a text is said to be in a charset other than UTF-8 and has anything in it that is not the same in both.
pub(super) fn is_in_another_charset(text: &[u8], content_type: &str) -> bool {
    /// What is ASCII in these is ASCII.
    const LIKE_ASCII: [&str; 5] = ["iso-8859-", "windows-125", "latin", "us-ascii", "ascii"];
    let charset = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    };
    let is_same = |charset: String| {
        let is_like_ascii = LIKE_ASCII.iter().any(|known| charset.starts_with(known));
        matches!(charset.as_str(), "utf-8" | "utf8") || (is_like_ascii && text.is_ascii())
    };
    !content_type.split(';').skip(1).filter_map(charset).all(is_same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_one_or_nobody_knows_which() {
        for (content_type, expected) in [
            ("application/json", true),
            (" Application/Vnd.API+json ; charset=utf-8", true),
            ("multipart/form-data; boundary=\"a b\"", true),
            ("application/x-www-form-urlencoded, text/plain", false),
            ("application/x-www-form-urlencoded text/plain", false),
            ("application/json,", false),
            ("text", false),
            ("text/", false),
            ("/plain", false),
            ("a/b/c", false),
            ("", false),
        ] {
            assert_eq!(is_one(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn what_is_the_same_in_two_charsets_is_in_neither_of_them_alone() {
        for (text, content_type, expected) in [
            ("é", "text/plain", false),
            ("é", "text/plain; charset=\"UTF-8\"", false),
            ("e", "text/plain; Charset=ISO-8859-15", false),
            ("é", "text/plain; charset=iso-8859-15", true),
            ("e", "text/plain; charset=utf-16", true),
            ("e", "text/plain; charset=utf-8; charset=utf-7", true),
        ] {
            assert_eq!(is_in_another_charset(text.as_bytes(), content_type), expected, "{text} {content_type}");
        }
    }
}
