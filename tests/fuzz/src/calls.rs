//! Where a call of an app leads. Input: which API; the connector's rules; and the call, as an app writes it.
//!
//! Whatever comes in: what is sent goes to a host that the API's data names, below its root, by every reading of the path that
//! a server might have; the rules let that very address through, and each method that it may come to; and nothing of what the
//! product says itself is the caller's.

use std::{cell::RefCell, collections::BTreeSet};

use axum::http::{HeaderName, HeaderValue, Uri};
use connectors::domain::{
    call::{CallRules, PreparedCall, read_call},
    fields::Table,
    provider::{Api, TokenIn},
};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::text::{choose, first_line};

/// An API: its root, its other hosts, and where it takes the token.
struct Known {
    base: Option<&'static str>,
    hosts: &'static [&'static str],
    token: Option<fn() -> TokenIn>,
}

const APIS: [(&str, Known); 6] = [
    ("plain", Known { base: Some("https://api.example/v1"), hosts: &[], token: None }),
    ("hosts", Known { base: Some("https://api.example"), hosts: &["upload.example", "b.example:8443"], token: None }),
    ("wild", Known { base: Some("https://t.api.example/v1/"), hosts: &["*.store.example"], token: Some(by_header) }),
    ("filled", Known { base: Some("https://shop-1.my.example:444/admin/api"), hosts: &[], token: Some(by_query) }),
    ("rootless", Known { base: None, hosts: &["a.example", "*.a.example"], token: None }),
    ("address", Known { base: Some("https://[2606:4700::1111]:8443/x/y"), hosts: &["8.8.8.8"], token: None }),
];

const TOKEN: &str = "access_token";

const FORM: &str = "application/x-www-form-urlencoded";

/// Headers of the API's own, one of which may be that of the token.
fn own() -> [String; 2] {
    ["X-Tenant".to_owned(), "X-Token".to_owned()]
}

fn by_header() -> TokenIn {
    TokenIn::Header { header: "X-Token".to_owned(), scheme: String::new() }
}

fn by_query() -> TokenIn {
    TokenIn::Query { query: TOKEN.to_owned() }
}

/// What no caller says, whatever the data of an API lets them say.
const NOT_THE_CALLERS: [&str; 23] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "dpop",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "proxy-authorization",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-http-method-override",
    "x-original-url",
];

/// Takes an input.
pub fn run(input: &[u8]) {
    let (name, rest) = first_line(input);
    let (rules, call) = first_line(rest);
    let known = choose(&APIS, &name);
    let api = Api {
        base_url: known.base.map(str::to_owned),
        hosts: known.hosts.iter().map(|host| (*host).to_owned()).collect(),
        // Somebody who knows no better lets apps say all of it.
        request_headers: NOT_THE_CALLERS.iter().map(|name| (*name).to_owned()).chain(own()).collect(),
        token_in: known.token.map(|token| token()),
        ..Api::default()
    };
    let Ok(value) = serde_json::from_slice::<Value>(call) else { return };
    let errors = RefCell::default();
    let table = Table::root(&value, &errors);
    let read = read_call(&table);
    table.close();
    let Some(call) = read.filter(|_| errors.borrow().is_empty()) else { return };
    let (said, rules) = match CallRules::from_text(&rules) {
        Ok(read) => (serde_json::from_str::<Value>(&rules).expect("rules that were read"), read),
        Err(_) => (Value::Null, CallRules::default()),
    };
    let Ok(prepared) = PreparedCall::of(&api, &rules, &call) else { return };
    let url = prepared.target.url();
    let path = path_below_root(url, known, call.host.as_deref());
    assert_stays_below(&path);
    assert_query(url, &api);
    assert_allowed(&said, &prepared, &path, call.host.as_deref(), known);
    for (name, value) in &prepared.headers {
        let is_of_token =
            matches!(&api.token_in, Some(TokenIn::Header { header, .. }) if header.eq_ignore_ascii_case(name));
        assert!(!is_of_token && !NOT_THE_CALLERS.contains(&name.as_str()), "the caller says {name}");
        assert!(HeaderName::try_from(name).is_ok() && HeaderValue::try_from(value).is_ok(), "{name}: {value:?}");
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}: {value:?}");
    }
    assert!(!prepared.method.is_safe() || prepared.body.is_none(), "a request that only looks has a body");
    for location in [value["path"].as_str(), value["host"].as_str()].into_iter().flatten() {
        if let Some(led) = prepared.target.redirect(&api, location) {
            assert!(is_named(authority(&led), known), "{location} leads to {led}");
            assert!(led.username().is_empty() && led.password().is_none() && led.scheme() == "https", "{led}");
        }
    }
}

/// What stands between the scheme and the path, letter by letter.
fn authority(url: &Url) -> &str {
    url.as_str().strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next()).expect("an authority")
}

fn root(known: &Known) -> Option<(&'static str, &'static str)> {
    let rest = known.base?.strip_prefix("https://")?.trim_end_matches('/');
    Some(rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path)))
}

fn is_named(authority: &str, known: &Known) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_host = |host: &&str| match host.strip_prefix("*.") {
        None => *host == authority,
        Some(end) => authority
            .strip_suffix(end)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|labels| labels.split('.').all(is_label)),
    };
    root(known).is_some_and(|(host, _)| host == authority) || known.hosts.iter().any(is_host)
}

/// The path behind the root of the API, or of another of its hosts.
fn path_below_root(url: &Url, known: &Known, host: Option<&str>) -> String {
    let authority = authority(url);
    assert!(is_named(authority, known), "{url} is not of this API");
    let by_others: Uri = url.as_str().parse().expect("an address that a request can have");
    assert_eq!(
        by_others.authority().map(axum::http::uri::Authority::as_str),
        Some(authority),
        "two parsers read two hosts in {url}"
    );
    let path = by_others.path();
    let is_root = host.is_none_or(|host| root(known).is_some_and(|(own, _)| own.eq_ignore_ascii_case(host)));
    let begins = match root(known).filter(|_| is_root) {
        Some((own, path)) if !path.is_empty() => {
            assert_eq!(own, authority);
            format!("/{path}")
        }
        _ => String::new(),
    };
    let below = path.strip_prefix(begins.as_str()).expect("a path below the root");
    assert!(below.starts_with('/'), "{url} is beside the root");
    below.to_owned()
}

/// No reading of a path leads out of where it stands.
fn assert_stays_below(path: &str) {
    assert!(path.is_ascii() && path.len() <= 4_096, "{path}");
    assert!(!path.bytes().any(|byte| byte <= b' ' || matches!(byte, b'\\' | b'#' | b'?' | 0x7f)), "{path}");
    assert!(!path[1..].contains("//") && !path.starts_with("//"), "{path} has an empty part");
    let mut layer = path.as_bytes().to_vec();
    for _ in 0..8 {
        assert!(!layer.iter().any(|byte| *byte < b' ' && *byte != b' ' || *byte == b'\\'), "{path} hides a character");
        let seen: String = carelessly(&layer).chars().map(as_ascii).collect();
        for part in seen.replace('‥', "..").split(['/', '\\']) {
            let name = part.split(';').next().unwrap_or_default().trim();
            assert!(!matches!(name, "." | ".."), "{path} leads elsewhere");
        }
        let next = decoded(&layer);
        if next == layer {
            return;
        }
        layer = next;
    }
    panic!("{path} is encoded over and over");
}

/// As a decoder reads bytes that does not ask whether a character has more of them than it needs.
fn carelessly(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let (length, mut code) = match first {
            0xc0..=0xdf => (1, u32::from(first & 0x1f)),
            0xe0..=0xef => (2, u32::from(first & 0x0f)),
            0xf0..=0xf7 => (3, u32::from(first & 0x07)),
            _ => (0, u32::from(*first)),
        };
        let more = tail.iter().take(length).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
        if more == length {
            code = tail[..more].iter().fold(code, |code, byte| code << 6 | u32::from(byte & 0x3f));
            text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
            rest = &tail[more..];
        } else {
            text.push('\u{fffd}');
            rest = tail;
        }
    }
    text
}

/// What the compatibility forms of Unicode make of a character.
fn as_ascii(char: char) -> char {
    match u32::from(char) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xff01 + 0x21).unwrap_or(char),
        0x2024 | 0xfe52 => '.',
        0xfe68 => '\\',
        _ => char,
    }
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let code = text.get(at + 1..at + 3).filter(|digits| *byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    decoded
}

fn assert_query(url: &Url, api: &Api) {
    let query = url.query().unwrap_or_default();
    assert!(url.fragment().is_none() && query.len() <= 8_192, "{url}");
    assert!(query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%&=".contains(&byte)), "{url}");
    if let Some(TokenIn::Query { query: own }) = &api.token_in {
        let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name.into_owned());
        assert!(!names.any(|name| name.eq_ignore_ascii_case(own)), "the caller says the token in {url}");
    }
}

/// The rules as somebody reads them who has only seen their text, of the address that is sent.
fn assert_allowed(rules: &Value, prepared: &PreparedCall<'_>, path: &str, host: Option<&str>, known: &Known) {
    let query = prepared.target.url().query().unwrap_or_default().to_owned();
    let mut methods = BTreeSet::from([prepared.method.as_str().to_owned()]);
    let is_form = prepared.headers.get("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with(FORM));
    let form = prepared.body.as_deref().filter(|_| is_form).unwrap_or_default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(form)) {
        let word = value.trim().to_ascii_uppercase();
        let is_method = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].contains(&word.as_str());
        if is_method && ["_method", "method"].contains(&name.trim().to_ascii_lowercase().as_str()) {
            methods.insert(word);
        }
    }
    let host = host.map(str::to_ascii_lowercase);
    let host = host.filter(|host| root(known).is_none_or(|(own, _)| own != host));
    for method in &methods {
        if let Some(allowed) = rules["methods"].as_array() {
            assert!(allowed.iter().any(|word| word == method.as_str()), "{method} is not among {rules}");
        }
        let Some(paths) = rules["paths"].as_array() else { continue };
        let fits = |rule: &Value| {
            let of = rule["host"].as_str().map(str::to_ascii_lowercase);
            let of = of.filter(|of| root(known).is_none_or(|(own, _)| own != of));
            (rule["method"].is_null() || rule["method"] == method.as_str())
                && of == host
                && is_below(path, rule["prefix"].as_str().unwrap_or_default())
        };
        assert!(paths.iter().any(fits), "{method} {path} is not allowed by {rules}");
    }
}

/// Part by part, each decoded once.
fn is_below(path: &str, prefix: &str) -> bool {
    let parts = |path: &str| path.trim_matches('/').split('/').map(|part| decoded(part.as_bytes())).collect::<Vec<_>>();
    prefix == "/" || parts(path).starts_with(&parts(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_reading_sees_where_a_path_leads() {
        for path in
            ["/a/../b", "/a/%2e%2e/b", "/a%2f..%2fb", "/%C0%AE%C0%AE/", "/a/%EF%BC%8E%EF%BC%8E", "/a/..;x", "/%5c"]
        {
            assert!(std::panic::catch_unwind(|| assert_stays_below(path)).is_err(), "{path}");
        }
        for path in ["/", "/a/b", "/a..b", "/a%2Fb", "/...", "/caf%C3%A9"] {
            assert_stays_below(path);
        }
        assert!(is_below("/files/1", "/files") && !is_below("/files-of-others", "/files"));
    }
}
