//! A request as the gateway hands it to a function (HTTP API, payload format 2.0), and the answer in the form it takes.
//! The crate `lambda_http` carries both; what is in them is read and written here. It would refuse a request whose headers
//! have other letters than ASCII, hand over only the first of several headers of one name in an answer, and write texts of
//! other alphabets than UTF-8 anew under the name of the old one.
//!
//! The gateway decodes the path before it hands it over, so a `/` or `?` that a caller had encoded into an id can no
//! longer be told from one that separates. The route it chose and the values it found there can: the path is put
//! together from those again. Nothing that arrives here can make the conversion panic, and no segment is ever resolved
//! (`..`) or split again.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use lambda_http::{
    Adapter, Body, Context, LambdaEvent, Request, Service, aws_lambda_events::apigw::ApiGatewayV2httpRequest,
    request::LambdaRequest, service_fn,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use self::written::Written;
use crate::domain::audit::Origin;

mod written;

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

/// The name by which the gateway itself took a request: one of its own, whichever the caller wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHost(pub String);

/// Why an event has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// No gateway sends it.
    NoRequest,
    /// The answer broke off while it was made.
    BrokenOff,
}

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
#[serde(rename_all = "camelCase")]
struct RequestContext {
    domain_name: Option<String>,
    http: Http,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    method: String,
    source_ip: Option<IpAddr>,
}

/// A request, the host that the gateway is, and the network that it saw the request come from.
struct Arrived {
    method: Method,
    address: Uri,
    headers: HeaderMap,
    body: Body,
    own_host: Option<OwnHost>,
    origin: Option<Origin>,
}

impl Arrived {
    fn put_into(self, request: &mut Request) {
        *request.method_mut() = self.method;
        *request.uri_mut() = self.address;
        *request.headers_mut() = self.headers;
        *request.body_mut() = self.body;
        if let Some(origin) = self.origin {
            request.extensions_mut().insert(origin);
        }
        if let Some(own_host) = self.own_host {
            request.extensions_mut().insert(own_host);
        }
    }
}

/// Answers an event with what the routes answer.
///
/// # Errors
/// If the event stands for no request, or its answer breaks off.
pub(super) async fn answer(routes: Router, event: Value) -> Result<Value, Unanswered> {
    let mut arrived = Some(arrived(event).ok_or(Unanswered::NoRequest)?);
    let service = service_fn(|mut request: Request| {
        if let Some(arrived) = arrived.take() {
            arrived.put_into(&mut request);
        }
        let answer = routes.clone().oneshot(request);
        async move { Written::of(answer.await.unwrap_or_else(|never| match never {})).await }
    });
    let event = LambdaEvent { payload: empty(), context: Context::default() };
    let response = Adapter::from(service).call(event).await.map_err(|_| Unanswered::BrokenOff)?;
    serde_json::to_value(response).map_err(|_| Unanswered::BrokenOff)
}

/// The request that an event stands for; nothing, if it stands for none.
fn arrived(event: Value) -> Option<Arrived> {
    let event: Event = serde_json::from_value(event).ok()?;
    let path = path(&event.route_key, event.path_parameters.as_ref(), &event.raw_path);
    let address = match event.raw_query_string.as_str() {
        "" => path,
        query => format!("{path}?{}", utf8_percent_encode(query, QUERY)),
    };
    let body = match event.body {
        None => Body::Empty,
        Some(body) if event.is_base64_encoded => Body::Binary(BASE64_STANDARD.decode(body).ok()?),
        Some(body) => Body::Text(body),
    };
    let context = event.request_context;
    Some(Arrived {
        method: Method::from_bytes(context.http.method.as_bytes()).ok()?,
        address: Uri::builder().path_and_query(address).build().ok()?,
        headers: headers(event.headers.unwrap_or_default(), event.cookies),
        body,
        own_host: context.domain_name.map(OwnHost),
        origin: context.http.source_ip.map(Origin::of),
    })
}

/// A request with nothing in it, as the crate takes it. It would resolve and split a path that the gateway has decoded, and
/// panics at what makes no URL.
fn empty() -> LambdaRequest {
    LambdaRequest::ApiGatewayV2(ApiGatewayV2httpRequest::default())
}

/// The headers of a request, without those that no request can carry.
fn headers(named: BTreeMap<String, String>, cookies: Option<Vec<String>>) -> HeaderMap {
    let cookies = cookies.filter(|cookies| !cookies.is_empty());
    let cookies = cookies.map(|cookies| (header::COOKIE.to_string(), cookies.join("; ")));
    let all = named.into_iter().chain(cookies);
    all.filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::try_from(value).ok()?)))
        .collect()
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
