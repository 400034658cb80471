//! The method of a call, and the others that it may come to.

use super::Query;
use crate::domain::app::words;

/// The method of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallMethod {
    /// Reads.
    Get,
    /// Reads the headers.
    Head,
    /// Makes or does something.
    Post,
    /// Puts something there.
    Put,
    /// Changes something.
    Patch,
    /// Deletes something.
    Delete,
}

words! {
    CallMethod { Get = "GET", Head = "HEAD", Post = "POST", Put = "PUT", Patch = "PATCH", Delete = "DELETE" }
}

/// Parameters by which APIs and frameworks take another method than the request has, in lower case. (Headers of that kind
/// do not go along.)
const OVERRIDING: [&str; 8] = [
    "$httpmethod",
    "_method",
    "http_method",
    "httpmethod",
    "method",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

impl CallMethod {
    /// Whether it only looks (RFC 9110, section 9.2.1).
    #[must_use]
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    /// Whether a request of this method has a body (RFC 9110, section 9.3).
    #[must_use]
    pub fn has_body(self) -> bool {
        !self.is_safe()
    }

    /// The methods that parameters ask for in place of the request's own: `GET /me/feed?method=delete` deletes at some.
    pub fn overriding(parameters: &Query) -> impl Iterator<Item = Self> {
        parameters.parameters().filter_map(|(name, value)| Self::asked_by(name, value))
    }

    /// The method that this parameter asks for in place of the request's own. One of such a name that holds anything else is a
    /// parameter like others.
    #[must_use]
    pub fn asked_by(name: &str, value: &str) -> Option<Self> {
        if OVERRIDING.contains(&as_frameworks_read(name).as_str()) { Self::named(value) } else { None }
    }

    /// The method of this name, in whatever case and with space around it.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::parse(&text.trim_matches(is_blank).to_ascii_uppercase())
    }
}

/// The name of a parameter as those read it who read the most into it: PHP drops space before it and all behind a zero byte,
/// and has `_` for a dot or space; others take what stands in brackets for a place in a list of that name.
fn as_frameworks_read(name: &str) -> String {
    let name = name.trim_matches(is_blank).split(['[', '\0']).next().unwrap_or_default();
    name.trim_end().replace(['.', ' '], "_").to_ascii_lowercase()
}

fn is_blank(char: char) -> bool {
    char.is_whitespace() || char == '\0'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_may_ask_for_another_method() {
        for (query, expected) in [
            ("a=b", vec![]),
            ("method=delete", vec![CallMethod::Delete]),
            ("x=1&_method=PUT&%6dethod=patch", vec![CallMethod::Put, CallMethod::Patch]),
            ("X-HTTP-Method-Override=%20Delete", vec![CallMethod::Delete]),
            ("$httpMethod=POST", vec![CallMethod::Post]),
            ("method=flickr.photos.getInfo", vec![]),
            ("method=", vec![]),
            ("methods=DELETE", vec![]),
            ("%20_method=DELETE&.method=put", vec![CallMethod::Delete, CallMethod::Put]),
            (
                "_method[]=DELETE&_method%00x=put&_method=post%00",
                vec![CallMethod::Delete, CallMethod::Put, CallMethod::Post],
            ),
        ] {
            let query = Query::of_text(query).expect("a query");
            assert_eq!(CallMethod::overriding(&query).collect::<Vec<_>>(), expected, "{query:?}");
        }
    }
}
