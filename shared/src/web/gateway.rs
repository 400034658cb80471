//! A request as the gateway hands it to a function (HTTP API, payload format 2.0), and the answer in the form it takes:
//! what the crate `lambda_http` makes of them, but for the address and for headers. It refuses a request whose headers have
//! other letters than ASCII, and hands over only the first of several headers of one name in an answer.
//!
//! The gateway decodes the path before it hands it over, so a `/` or `?` that a caller had encoded into an id can no
//! longer be told from one that separates. The route it chose and the values it found there can: the path is put
//! together from those again. Nothing that arrives here can make the conversion panic, and no segment is ever resolved
//! (`..`) or split again.

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, Response, Uri, header},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::TryFutureExt;
use lambda_http::{Adapter, Context, LambdaEvent, Service, request::LambdaRequest, service_fn};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;

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

/// The name by which the gateway itself took a request: one of its own, whichever the caller wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnHost(pub String);

/// An event that no gateway sends.
#[derive(Debug)]
pub(super) struct NoRequest;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
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
    request_context: Option<RequestContext>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext {
    domain_name: Option<String>,
    http: Option<Http>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Http {
    source_ip: Option<IpAddr>,
}

/// A request's address, its headers, the host that the gateway is, and the network that it saw the request come from.
struct Arrived {
    address: Uri,
    headers: HeaderMap,
    own_host: Option<OwnHost>,
    origin: Option<Origin>,
}

/// Answers an event with what the routes answer.
///
/// # Errors
/// [`NoRequest`] if the event stands for no request.
pub(super) async fn answer(routes: Router, event: Value) -> Result<Value, NoRequest> {
    let (payload, arrived) = request(event)?;
    let service = service_fn(|mut request: lambda_http::Request| {
        *request.uri_mut() = arrived.address.clone();
        *request.headers_mut() = arrived.headers.clone();
        if let Some(origin) = arrived.origin.clone() {
            request.extensions_mut().insert(origin);
        }
        if let Some(own_host) = arrived.own_host.clone() {
            request.extensions_mut().insert(own_host);
        }
        routes.clone().oneshot(request).map_ok(with_each_name_once)
    });
    let event = LambdaEvent { payload, context: Context::default() };
    let response = Adapter::from(service).call(event).await.unwrap_or_else(|never| match never {});
    serde_json::to_value(response).map_err(|_| NoRequest)
}

/// The request that an event stands for, and what is ours of it. The address: the crate resolves and splits what the gateway
/// has decoded, and panics at what makes no URL. The headers: it takes none of them but a host that makes a URL.
fn request(mut event: Value) -> Result<(LambdaRequest, Arrived), NoRequest> {
    let parts: Address = Address::deserialize(&event).map_err(|_| NoRequest)?;
    if parts.is_base64_encoded && parts.body.is_some_and(|body| BASE64_STANDARD.decode(body).is_err()) {
        return Err(NoRequest);
    }
    let path = path(&parts.route_key, parts.path_parameters.as_ref(), &parts.raw_path);
    let address = match parts.raw_query_string.as_str() {
        "" => path,
        query => format!("{path}?{}", utf8_percent_encode(query, QUERY)),
    };
    let address = Uri::builder().path_and_query(address).build().map_err(|_| NoRequest)?;
    let plain = [("/rawPath", "/"), ("/rawQueryString", ""), ("/requestContext/stage", "$default")];
    for (pointer, value) in plain {
        if let Some(place) = event.pointer_mut(pointer) {
            *place = value.into();
        }
    }
    let fields = event.as_object_mut().ok_or(NoRequest)?;
    fields.insert("headers".to_owned(), json!({"host": "gateway"}));
    fields.remove("cookies");
    let context = parts.request_context;
    let own_host = context.as_ref().and_then(|context| context.domain_name.clone()).map(OwnHost);
    let origin = context.and_then(|context| context.http?.source_ip).map(Origin::of);
    let headers = headers(parts.headers.unwrap_or_default(), parts.cookies);
    Ok((serde_json::from_value(event).map_err(|_| NoRequest)?, Arrived { address, headers, own_host, origin }))
}

/// The headers of a request, without those that no request can carry.
fn headers(named: BTreeMap<String, String>, cookies: Option<Vec<String>>) -> HeaderMap {
    let cookies = cookies.filter(|cookies| !cookies.is_empty());
    let cookies = cookies.map(|cookies| (header::COOKIE.to_string(), cookies.join("; ")));
    let all = named.into_iter().chain(cookies);
    all.filter_map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, HeaderValue::try_from(value).ok()?)))
        .collect()
}

/// An answer in which several headers of one name are one (RFC 9110, section 5.3), but for cookies, which the gateway takes
/// apart from the others.
fn with_each_name_once<B>(mut answer: Response<B>) -> Response<B> {
    let names: Vec<HeaderName> = answer.headers().keys().filter(|name| *name != header::SET_COOKIE).cloned().collect();
    for name in names {
        let values: Vec<&[u8]> = answer.headers().get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        if let (2.., Ok(value)) = (values.len(), HeaderValue::from_bytes(&values.join(&b", "[..]))) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
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
