//! A request as the gateway hands it to a function (HTTP API, payload format 2.0), and the answer in the form it takes.
//!
//! The gateway decodes the path before it hands it over, so a `/` or `?` that a caller had encoded into an id can no
//! longer be told from one that separates. The route it chose and the values it found there can: the path is put
//! together from those again. Nothing that arrives here can make the conversion panic, and no segment is ever resolved
//! (`..`) or split again.

use std::{borrow::Cow, collections::BTreeMap};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What stands for itself in one segment of a path (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What stands for itself in a whole path (RFC 3986, section 3.3), escapes included.
const PATH: &AsciiSet = &SEGMENT
    .remove(b'%')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// What stands for itself in a query (RFC 3986, section 3.4), escapes included.
const QUERY: &AsciiSet = &PATH.remove(b'?');

/// An event that no gateway sends.
#[derive(Debug)]
pub(super) struct NoRequest;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    route_key: String,
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    path_parameters: Option<BTreeMap<String, String>>,
    headers: Option<BTreeMap<String, String>>,
    cookies: Option<Vec<String>>,
    request_context: RequestContext,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Deserialize)]
struct Http {
    method: String,
}

/// The request that an event stands for. Only path and query are in its address: nothing here goes by the host.
///
/// # Errors
/// [`NoRequest`] if it stands for none.
pub(super) fn request(event: Value) -> Result<Request<Body>, NoRequest> {
    let event: Event = serde_json::from_value(event).map_err(|_| NoRequest)?;
    let mut request = Request::new(Body::empty());
    *request.method_mut() = Method::from_bytes(event.request_context.http.method.as_bytes()).map_err(|_| NoRequest)?;
    *request.uri_mut() = address(&event)?;
    *request.headers_mut() = headers(&event);
    *request.body_mut() = match event.body {
        None => Body::empty(),
        Some(text) if event.is_base64_encoded => BASE64_STANDARD.decode(text).map_err(|_| NoRequest)?.into(),
        Some(text) => text.into(),
    };
    Ok(request)
}

fn address(event: &Event) -> Result<Uri, NoRequest> {
    let path = path(&event.route_key, event.path_parameters.as_ref(), &event.raw_path);
    let address = match event.raw_query_string.as_str() {
        "" => path,
        query => format!("{path}?{}", utf8_percent_encode(query, QUERY)),
    };
    Uri::builder().path_and_query(address).build().map_err(|_| NoRequest)
}

/// The path as the caller wrote it, as far as that can be known: from the route and its values where they make up the
/// path that arrived, else from that path.
fn path(route_key: &str, values: Option<&BTreeMap<String, String>>, raw: &str) -> String {
    let as_it_arrived = || utf8_percent_encode(raw, PATH).to_string();
    let (Some((_, route)), Some(values)) = (route_key.split_once(' '), values) else { return as_it_arrived() };
    match (filled(route, values, Cow::Borrowed), filled(route, values, encoded)) {
        (Some(plain), Some(encoded)) if plain == raw => encoded,
        _ => as_it_arrived(),
    }
}

fn encoded(segment: &str) -> Cow<'_, str> {
    utf8_percent_encode(segment, SEGMENT).into()
}

/// A route with its values in place of their names; `None` if one is missing. The value of a name with `+` is several
/// segments.
fn filled<'a>(
    route: &'a str,
    values: &'a BTreeMap<String, String>,
    written: impl Fn(&'a str) -> Cow<'a, str>,
) -> Option<String> {
    let mut segments: Vec<Cow<'a, str>> = Vec::new();
    for segment in route.split('/') {
        match segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
            None => segments.push(segment.into()),
            Some(name) => match name.strip_suffix('+') {
                None => segments.push(written(values.get(name)?)),
                Some(name) => segments.extend(values.get(name)?.split('/').map(&written)),
            },
        }
    }
    Some(segments.join("/"))
}

/// The request's headers. What is none is left out.
fn headers(event: &Event) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in event.headers.iter().flatten() {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    if let Some(cookies) = event.cookies.as_ref().and_then(|all| HeaderValue::from_str(&all.join("; ")).ok()) {
        headers.insert(header::COOKIE, cookies);
    }
    headers
}

/// The answer as the gateway takes it: cookies apart, a body that is no text in base64.
///
/// # Errors
/// If the body breaks off.
pub(super) async fn answer(response: Response) -> Result<Value, axum::Error> {
    let (parts, body) = response.into_parts();
    let (body, is_base64_encoded) = text(&to_bytes(body, usize::MAX).await?);
    let written = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut headers = Map::new();
    for name in parts.headers.keys().filter(|name| **name != header::SET_COOKIE) {
        let values: Vec<String> = parts.headers.get_all(name).iter().map(written).collect();
        headers.insert(name.to_string(), values.join(", ").into());
    }
    let cookies: Vec<String> = parts.headers.get_all(header::SET_COOKIE).iter().map(written).collect();
    Ok(json!({
        "statusCode": parts.status.as_u16(),
        "headers": headers,
        "cookies": cookies,
        "body": body,
        "isBase64Encoded": is_base64_encoded,
    }))
}

fn text(body: &Bytes) -> (String, bool) {
    match std::str::from_utf8(body) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (BASE64_STANDARD.encode(body), true),
    }
}

#[cfg(test)]
mod tests;
