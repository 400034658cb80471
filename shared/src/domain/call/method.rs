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

    /// The methods that parameters ask for in place of the request's own: `GET /me/feed?method=delete` deletes at some. A
    /// parameter of such a name that holds anything else is a parameter like others.
    pub fn overriding(parameters: &Query) -> impl Iterator<Item = Self> {
        parameters.parameters().filter_map(|(name, value)| {
            let is_override = OVERRIDING.contains(&name.to_ascii_lowercase().as_str());
            is_override.then(|| Self::parse(&value.trim().to_ascii_uppercase())).flatten()
        })
    }
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
        ] {
            let query = Query::of_text(query).expect("a query");
            assert_eq!(CallMethod::overriding(&query).collect::<Vec<_>>(), expected, "{query:?}");
        }
    }
}
