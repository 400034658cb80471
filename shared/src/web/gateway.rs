//! A request as the gateway hands it to a function (HTTP API, payload format 2.0), and the answer in the form it takes.
//! The crate `lambda_http` would do it for every kind of gateway, with the alphabets of all the web's encodings; it keeps
//! only the first of several headers of one name, and panics at what makes no URL.
//!
//! The gateway decodes the path before it hands it over, so a `/` or `?` that a caller had encoded into an id can no
//! longer be told from one that separates. The route it chose and the values it found there can: the path is put
//! together from those again. Nothing that arrives here can make the conversion panic, and no segment is ever resolved
//! (`..`) or split again.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use super::EventError;
use crate::domain::audit::Origin;

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

/// What the gateway sends of a request; the rest of it nobody reads.
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
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
    request_context: RequestContext,
}

#[derive(Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    source_ip: Option<IpAddr>,
}

/// Answers an event with what the routes answer.
///
/// # Errors
/// [`EventError`] if the event stands for no request, or the answer breaks off.
pub(super) async fn answer(routes: Router, event: Value) -> Result<Value, EventError> {
    let event = Event::deserialize(event).ok();
    let request = event.and_then(request).ok_or(EventError::Invalid("it is no request of an HTTP API"))?;
    written(routes.oneshot(request).await.unwrap_or_else(|never| match never {})).await
}

/// The request that an event stands for; `None` if it stands for none.
fn request(event: Event) -> Option<Request<Body>> {
    let address = address(&event)?;
    let Event { headers, cookies, body, is_base64_encoded, request_context: RequestContext { http }, .. } = event;
    let body = match body.unwrap_or_default() {
        body if is_base64_encoded => BASE64_STANDARD.decode(body).ok()?.into(),
        body => body.into(),
    };
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(http.method.as_bytes()).ok()?;
    *request.uri_mut() = address;
    *request.headers_mut() = carried(headers.unwrap_or_default());
    if let Some(cookies) = cookies.and_then(|cookies| HeaderValue::try_from(cookies.join("; ")).ok()) {
        request.headers_mut().insert(header::COOKIE, cookies);
    }
    if let Some(address) = http.source_ip {
        request.extensions_mut().insert(Origin::of(address));
    }
    Some(request)
}

/// The headers of a request, without those that no request can carry.
fn carried(headers: BTreeMap<String, String>) -> HeaderMap {
    let pairs = headers.into_iter().map(|(name, value)| Some((name.parse().ok()?, value.try_into().ok()?)));
    pairs.flatten().collect::<HeaderMap<HeaderValue>>()
}

fn address(event: &Event) -> Option<Uri> {
    let path = path(&event.route_key, event.path_parameters.as_ref(), &event.raw_path);
    let address = match event.raw_query_string.as_str() {
        "" => path,
        query => format!("{path}?{}", utf8_percent_encode(query, QUERY)),
    };
    Uri::builder().path_and_query(address).build().ok()
}

/// An answer in the form that the gateway takes: cookies apart, several headers of one name as one (RFC 9110, section 5.3),
/// and a body that is no text in base64.
async fn written(answer: Response<Body>) -> Result<Value, EventError> {
    let (parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|_| EventError::Failed("the answer broke off".to_owned()))?;
    let mut headers = Map::new();
    for name in parts.headers.keys().filter(|name| *name != header::SET_COOKIE) {
        headers.insert(name.to_string(), texts(&parts.headers, name).join(", ").into());
    }
    let (body, is_base64) = match String::from_utf8(body.into()) {
        Ok(text) => (text, false),
        Err(no_text) => (BASE64_STANDARD.encode(no_text.as_bytes()), true),
    };
    Ok(json!({
        "statusCode": parts.status.as_u16(),
        "headers": headers,
        "cookies": texts(&parts.headers, &header::SET_COOKIE),
        "body": body,
        "isBase64Encoded": is_base64,
    }))
}

fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<Cow<'a, str>> {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect()
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

#[cfg(test)]
mod tests;
