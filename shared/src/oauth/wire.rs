//! The form of requests and answers on the wire: what several kinds of them have in common.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::{Timestamp, fmt::rfc2822};
use oauth2::HttpRequest;
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use super::placeholders::Values;
use crate::domain::{
    gather::Gather,
    provider::{AuthHeader, Body, Method, Provider, TokenIn},
};

/// The longest wait that a provider may ask for. What asks for more is asked again after an hour.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// Parameters of a request, in order.
pub(super) type Parameters = Vec<(String, String)>;

/// Takes the parameters out of a form-encoded request.
pub(super) fn parameters(request: &HttpRequest) -> Parameters {
    form_urlencoded::parse(request.body()).into_owned().collect()
}

/// Puts parameters into a request, in the form that the provider wants.
pub(super) fn put_parameters(request: &mut HttpRequest, parameters: Parameters, body: Body) {
    let (content_type, body) = match body {
        Body::Form => {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
            ("application/x-www-form-urlencoded", form)
        }
        Body::Json => {
            let fields: Map<String, Value> =
                parameters.into_iter().map(|(name, value)| (name, value.into())).gathered();
            ("application/json", Value::Object(fields).to_string())
        }
        Body::Query => {
            request.headers_mut().remove(header::CONTENT_TYPE);
            request.body_mut().clear();
            return add_query(request, &parameters);
        }
    };
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    *request.body_mut() = body.into_bytes();
}

/// Puts a JSON value into a request, as it is.
pub(super) fn put_json(request: &mut HttpRequest, body: &Value) {
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *request.body_mut() = body.to_string().into_bytes();
}

/// Puts parameters into the query of the URL, beside what is there.
pub(super) fn add_query(request: &mut HttpRequest, parameters: &Parameters) {
    if parameters.is_empty() {
        return;
    }
    let Ok(mut url) = Url::parse(&request.uri().to_string()) else { return };
    url.query_pairs_mut().extend_pairs(parameters);
    if let Ok(uri) = url.as_str().parse() {
        *request.uri_mut() = uri;
    }
}

/// Sets the headers that the provider's data asks for; these were checked when the data was read.
pub(super) fn put_headers(headers: &mut HeaderMap, wanted: &BTreeMap<String, String>, values: &Values<'_>) {
    for (name, text) in wanted {
        if let Some(value) = values.fill(text) {
            put_header(headers, name, &value);
        }
    }
}

/// Sets one header, never to be printed: a token may be in it. A value that no header can carry is left out.
pub(super) fn put_header(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

/// The texts of a table with their values; those that lack one are left out.
pub(super) fn filled(texts: &BTreeMap<String, String>, values: &Values<'_>) -> Parameters {
    texts.iter().filter_map(|(name, text)| Some((name.clone(), values.fill(text)?))).collect()
}

/// The method of a request, as HTTP has it.
pub(super) fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Delete => http::Method::DELETE,
    }
}

/// The header that presents a client by HTTP Basic. Id and secret are form-encoded first (RFC 6749, section 2.3.1).
pub(super) fn basic(client_id: &str, client_secret: &str) -> Option<HeaderValue> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(client_secret)));
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that presents a client by its secret alone, as the user name of HTTP Basic.
pub(super) fn basic_of_secret(client_secret: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{client_secret}:")))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The header that presents a token (RFC 6750, section 2.1), never to be printed; `None` if the token has a character
/// that no header can carry.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Presents a client in the provider's own scheme. A parameter says whose the secret is unless the header does.
pub(super) fn put_auth_header(
    headers: &mut HeaderMap,
    parameters: &mut Parameters,
    wanted: &AuthHeader,
    values: &Values<'_>,
) {
    if wanted.names_client() {
        parameters.retain(|(name, _)| name != "client_id");
    }
    if let Some(value) = values.fill(wanted.as_str()) {
        put_header(headers, header::AUTHORIZATION.as_str(), &value);
    }
}

/// Presents an access token where the provider's API takes it.
pub(super) fn present(request: &mut HttpRequest, provider: &Provider, access_token: &str) {
    match &provider.api.token_in {
        None => {
            if let Some(value) = bearer(access_token) {
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
        }
        Some(TokenIn::Header { header, scheme }) => {
            put_header(request.headers_mut(), header, format!("{scheme} {access_token}").trim_start());
        }
        Some(TokenIn::Query { query }) => add_query(request, &vec![(query.clone(), access_token.to_owned())]),
    }
}

/// Reads an answer as JSON; some servers put a byte order mark before it.
pub(super) fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)).ok()
}

/// Reads an answer as an object, whatever its content type says: JSON, or form-encoded as some providers still send.
pub(super) fn object(body: &[u8]) -> Option<Value> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii();
    if let Some(value) = json(body) {
        return value.is_object().then_some(value);
    }
    let looks_like_form = body.contains(&b'=') && !body.starts_with(b"<") && !body.starts_with(b"{");
    let fields = || form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into()));
    looks_like_form.then(|| Value::Object(fields().gathered()))
}

/// How long the other side asks to wait (RFC 9110, section 10.2.3): seconds or a date; at most an hour.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let by_date = || {
        let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
    };
    let asked = value.parse().ok().map(Duration::from_secs).or_else(by_date)?;
    Some(asked.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_read_in_whatever_form_it_comes() {
        for (body, expected) in [
            (r#"{"a":"b"}"#, Some(json!({"a": "b"}))),
            ("\u{feff} {\"a\":\"b\"}\n", Some(json!({"a": "b"}))),
            ("a=b&c=d%20e+f", Some(json!({"a": "b", "c": "d e f"}))),
            ("<html lang=en>", None),
            (r#"{"a":"#, None),
            (r#"["a=b"]"#, None),
            ("\"a=b\"", None),
            ("", None),
            ("null", None),
        ] {
            assert_eq!(object(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_by_date_and_is_an_hour_at_most() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().expect("a time");
        for (value, expected) in [
            ("5", Some(5)),
            (" 120 ", Some(120)),
            ("0", Some(0)),
            ("86400", Some(3600)),
            ("99999999999999999999", None),
            ("-1", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(0)),
            ("Mon, 07 Nov 1994 08:49:37 GMT", Some(3600)),
            ("soon", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn a_token_that_would_break_out_of_its_header_is_not_sent() {
        assert!(bearer("abc\r\nX-Evil: 1").is_none());
        assert_eq!(format!("{:?}", bearer("abc").expect("a header")), "Sensitive");
    }
}
