//! What stands for `{client_id}`, `{access_token}` and their like in a provider's data, known only when a request is made.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Credentials;
use crate::domain::secret::Secret;

/// Everything but the unreserved characters of RFC 3986, section 2.3: a value stays within its place in a URL.
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The values of one request. What a request does not have is `None`. Holds secrets, so it cannot be printed.
#[derive(Clone, Copy, Default)]
pub(super) struct Values<'a> {
    pub(super) client_id: Option<&'a str>,
    pub(super) client_secret: Option<&'a str>,
    pub(super) access_token: Option<&'a str>,
    pub(super) refresh_token: Option<&'a str>,
    pub(super) code: Option<&'a str>,
    pub(super) redirect_uri: Option<&'a str>,
    pub(super) scopes: Option<&'a str>,
}

/// What a name in braces is.
enum Named<'a> {
    /// A value of this request.
    Known(&'a str),
    /// A value that this request does not have.
    Lacking,
    /// Something else: it stays as it is.
    Otherwise,
}

impl<'a> Values<'a> {
    /// The values of requests that speak for this client.
    pub(super) fn of(credentials: Credentials<'a>) -> Self {
        Self {
            client_id: Some(credentials.client_id),
            client_secret: credentials.client_secret.map(Secret::expose),
            ..Self::default()
        }
    }

    /// The value of a name.
    fn get(&self, name: &str) -> Named<'a> {
        let value = match name {
            "client_id" => self.client_id,
            "client_secret" => self.client_secret,
            "access_token" => self.access_token,
            "refresh_token" => self.refresh_token,
            "code" => self.code,
            "redirect_uri" => self.redirect_uri,
            "scopes" => self.scopes,
            _ => return Named::Otherwise,
        };
        value.map_or(Named::Lacking, Named::Known)
    }

    /// The text with its values; `None` if the request lacks one of them. What is in a value is never looked at again.
    pub(super) fn fill(&self, text: &str) -> Option<String> {
        self.filled(text, str::to_owned)
    }

    /// The same for a URL: each value is one piece of it, whatever it contains.
    pub(super) fn fill_url(&self, url: &str) -> Option<String> {
        self.filled(url, |value| utf8_percent_encode(value, IN_URL).to_string())
    }

    /// The same for every text in a JSON value.
    pub(super) fn fill_json(&self, value: &Value) -> Option<Value> {
        Some(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.fill_json(item)).collect::<Option<_>>()?),
            Value::Object(fields) => {
                let filled = fields.iter().map(|(name, value)| Some((name.clone(), self.fill_json(value)?)));
                Value::Object(filled.collect::<Option<_>>()?)
            }
            other => other.clone(),
        })
    }

    fn filled(&self, text: &str, write: impl Fn(&str) -> String) -> Option<String> {
        let (mut filled, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(start) = rest.find('{') {
            let (before, from) = rest.split_at(start);
            filled.push_str(before);
            let end = from.find('}').unwrap_or(1);
            let taken = match self.get(&from[1..end]) {
                Named::Known(value) => {
                    filled.push_str(&write(value));
                    end + 1
                }
                Named::Lacking => return None,
                Named::Otherwise => {
                    filled.push('{');
                    1
                }
            };
            rest = &from[taken..];
        }
        filled.push_str(rest);
        Some(filled)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const VALUES: Values<'_> = Values {
        client_id: Some("a/b"),
        access_token: Some("{code}"),
        code: Some("c&d=e"),
        client_secret: None,
        refresh_token: None,
        redirect_uri: None,
        scopes: None,
    };

    #[test]
    fn a_value_stands_where_its_name_stood() {
        for (text, expected) in [
            ("plain", Some("plain")),
            ("{client_id}", Some("a/b")),
            ("<{client_id}|{code}>", Some("<a/b|c&d=e>")),
            ("{access_token}", Some("{code}")),
            ("{{client_id}}", Some("{a/b}")),
            ("{other} { me { id } } {", Some("{other} { me { id } } {")),
            ("{client_secret}", None),
            ("x{refresh_token}y", None),
        ] {
            assert_eq!(VALUES.fill(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_value_leads_nowhere_else_in_a_url() {
        let url = VALUES.fill_url("https://p.example/{client_id}/x?code={code}");
        assert_eq!(url.as_deref(), Some("https://p.example/a%2Fb/x?code=c%26d%3De"));
        let evil = Values { client_id: Some("../@evil.example/?#"), ..VALUES };
        assert_eq!(evil.fill_url("/{client_id}").as_deref(), Some("/..%2F%40evil.example%2F%3F%23"));
    }

    #[test]
    fn the_texts_of_a_body_are_filled_wherever_they_are() {
        let body = json!({"query": "{ me { id } }", "variables": {"token": "{code}", "list": ["{client_id}", 1]}});
        let filled = json!({"query": "{ me { id } }", "variables": {"token": "c&d=e", "list": ["a/b", 1]}});
        assert_eq!(VALUES.fill_json(&body), Some(filled));
        assert_eq!(VALUES.fill_json(&json!(["{client_secret}"])), None);
    }
}
