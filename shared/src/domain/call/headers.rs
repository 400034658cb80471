//! Which headers go along with a call, and which of its answer go back. Both are lists of what may; the rest is dropped.

use std::collections::BTreeMap;

use super::media_type;
use crate::domain::provider::{Api, TokenIn};

/// What any API may be told: what the answer may be, and under which condition (RFC 9110, sections 12.5, 13.1 and 14.2; RFC
/// 7240). `content-type` is the body's.
const TOLD: [&str; 12] = [
    "accept",
    "accept-language",
    "content-language",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "prefer",
    "range",
];

/// What no caller may set, whatever a provider's data says: who is asking, where the request goes, where it ends, and which
/// method or path it is judged by.
const NEVER: [&str; 29] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "true-client-ip",
    "user-agent",
    "via",
    "x-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

/// Beginnings of names that no caller may set.
const NEVER_BEGINNING: [&str; 4] = ["proxy-", "sec-", "x-forwarded-", "x-amz-security-"];

/// What any answer may tell.
const ANSWERED: [&str; 27] = [
    "accept-ranges",
    "age",
    "allow",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "date",
    "deprecation",
    "etag",
    "expires",
    "last-modified",
    "link",
    "preference-applied",
    "request-id",
    "retry-after",
    "sunset",
    "x-correlation-id",
    "x-next-page",
    "x-page",
    "x-per-page",
    "x-request-id",
    "x-total",
    "x-total-count",
    "x-total-pages",
];

/// Beginnings of the names by which APIs tell how much may still be asked.
const ANSWERED_BEGINNING: [&str; 5] = ["ratelimit", "x-ratelimit", "x-rate-limit", "x-app-usage", "x-quota"];

/// A header that no request can carry, by the name that the caller gave it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHeader {
    /// Its value is none.
    #[error("must have a value of visible characters and spaces, at most 4096")]
    Value(String),
    /// It is the type of the body, and names none or several.
    #[error("must be one media type, such as `application/json`")]
    MediaType(String),
    /// It is there in another spelling, too, and nobody can tell which is meant.
    #[error("is there twice: upper and lower case are the same in the name of a header")]
    Twice(String),
}

impl InvalidHeader {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Value(name) | Self::MediaType(name) | Self::Twice(name) => name,
        }
    }
}

/// Those of the caller's headers that go along, by their names in lower case.
///
/// # Errors
/// [`InvalidHeader`] if one of these has a value that is not one, or two.
pub fn forwarded(asked: &BTreeMap<String, String>, api: &Api) -> Result<BTreeMap<String, String>, InvalidHeader> {
    let mut forwarded = BTreeMap::new();
    for (name, value) in asked {
        let lower = name.to_ascii_lowercase();
        if !may_be_told(&lower, api) {
            continue;
        }
        if value.len() > 4_096 || !value.chars().all(|char| char == ' ' || char.is_ascii_graphic()) {
            return Err(InvalidHeader::Value(name.clone()));
        }
        if lower == "content-type" && !media_type::is_one(value) {
            return Err(InvalidHeader::MediaType(name.clone()));
        }
        if forwarded.insert(lower, value.clone()).is_some() {
            return Err(InvalidHeader::Twice(name.clone()));
        }
    }
    Ok(forwarded)
}

fn may_be_told(lower: &str, api: &Api) -> bool {
    let is_own = || {
        let mut own = api.headers.keys().chain(&api.request_headers);
        own.any(|name| name.eq_ignore_ascii_case(lower))
    };
    let is_of_token =
        matches!(&api.token_in, Some(TokenIn::Header { header, .. }) if header.eq_ignore_ascii_case(lower));
    let is_never =
        is_of_token || NEVER.contains(&lower) || NEVER_BEGINNING.iter().any(|beginning| lower.starts_with(beginning));
    !is_never && (TOLD.contains(&lower) || is_own())
}

/// Whether a header of an answer goes back. `location` is told on conditions of its own.
#[must_use]
pub fn answered(lower: &str) -> bool {
    ANSWERED.contains(&lower) || ANSWERED_BEGINNING.iter().any(|beginning| lower.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, api: &Api) -> bool {
        let asked = BTreeMap::from([(name.to_owned(), "x".to_owned())]);
        forwarded(&asked, api).expect("sound headers").contains_key(&name.to_ascii_lowercase())
    }

    #[test]
    fn what_every_api_knows_goes_along_and_what_only_some_know_where_its_data_names_it() {
        let plain = Api::default();
        let own = Api {
            headers: BTreeMap::from([("Notion-Version".to_owned(), "2025-09-03".to_owned())]),
            request_headers: ["Xero-Tenant-Id", "Cookie", "Proxy-X", "X-HTTP-Method-Override", "X-Original-URL"]
                .map(str::to_owned)
                .to_vec(),
            token_in: Some(TokenIn::Header { header: "X-Token".to_owned(), scheme: String::new() }),
            ..Api::default()
        };
        for (name, of_plain, of_own) in [
            ("Accept", true, true),
            ("If-Match", true, true),
            ("Idempotency-Key", true, true),
            ("notion-version", false, true),
            ("XERO-TENANT-ID", false, true),
            ("X-Anything", false, false),
            ("Authorization", false, false),
            ("Cookie", false, false),
            ("Host", false, false),
            ("Connection", false, false),
            ("Transfer-Encoding", false, false),
            ("Content-Length", false, false),
            ("Proxy-Authorization", false, false),
            ("Proxy-X", false, false),
            ("X-Forwarded-For", false, false),
            ("Forwarded", false, false),
            ("DPoP", false, false),
            ("X-Token", false, false),
            ("X-HTTP-Method-Override", false, false),
            ("X-Original-URL", false, false),
        ] {
            assert_eq!((told(name, &plain), told(name, &own)), (of_plain, of_own), "{name}");
        }
    }

    #[test]
    fn a_value_that_would_break_out_of_its_header_is_refused() {
        for value in ["a\r\nAuthorization: x", "a\n", "\0", "é", &"a".repeat(4_097)] {
            let asked = BTreeMap::from([("accept".to_owned(), value.to_owned())]);
            assert_eq!(forwarded(&asked, &Api::default()), Err(InvalidHeader::Value("accept".to_owned())), "{value:?}");
        }
        let asked = BTreeMap::from([("Content-Type".to_owned(), "application/json, text/plain".to_owned())]);
        let several = InvalidHeader::MediaType("Content-Type".to_owned());
        assert_eq!(forwarded(&asked, &Api::default()), Err(several));
        let asked = ["Accept", "accept", "COOKIE", "cookie"].map(|name| (name.to_owned(), "x".to_owned()));
        let twice = forwarded(&BTreeMap::from(asked), &Api::default());
        assert_eq!(twice, Err(InvalidHeader::Twice("accept".to_owned())), "what does not go along does not matter");
    }

    #[test]
    fn an_answer_tells_what_apps_need_and_nothing_that_keeps_somebody_signed_in() {
        for (name, is_told) in [
            ("content-type", true),
            ("etag", true),
            ("link", true),
            ("retry-after", true),
            ("allow", true),
            ("x-ratelimit-remaining", true),
            ("ratelimit", true),
            ("x-request-id", true),
            ("set-cookie", false),
            ("set-cookie2", false),
            ("www-authenticate", false),
            ("location", false),
            ("access-control-allow-origin", false),
            ("content-security-policy", false),
            ("dpop-nonce", false),
            ("clear-site-data", false),
        ] {
            assert_eq!(answered(name), is_told, "{name}");
        }
    }
}
