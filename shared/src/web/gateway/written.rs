//! An answer as the gateway takes it: text as it is, everything else in Base64.

use std::{
    future::{Future, ready},
    pin::Pin,
};

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Response, header},
};
use lambda_http::IntoResponse;

/// How the types of texts begin.
const TEXTS: [&str; 5] = ["text", "application/json", "application/javascript", "application/xml", "application/yaml"];

/// How they end otherwise (RFC 6839).
const FORMS_OF_TEXT: [&str; 3] = ["+json", "+xml", "+yaml"];

/// A whole answer.
pub(super) struct Written(Response<lambda_http::Body>);

impl Written {
    /// Reads the answer to its end.
    ///
    /// # Errors
    /// If it breaks off.
    pub(super) async fn of(answer: Response<Body>) -> Result<Self, axum::Error> {
        let (mut parts, body) = answer.into_parts();
        let bytes = Vec::from(to_bytes(body, usize::MAX).await?);
        let body = if is_text(&parts.headers) {
            String::from_utf8(bytes)
                .map_or_else(|other| lambda_http::Body::Binary(other.into_bytes()), lambda_http::Body::Text)
        } else {
            lambda_http::Body::Binary(bytes)
        };
        name_each_once(&mut parts.headers);
        Ok(Self(Response::from_parts(parts, body)))
    }
}

/// The crate's own way for answers reads their alphabet, and has those of all the web for it: a fortieth of a function.
impl IntoResponse for Written {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<lambda_http::Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

/// Whether an answer says that it is text. What has no type is empty or ours.
fn is_text(headers: &HeaderMap) -> bool {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return false;
    }
    let Some(said) = headers.get(header::CONTENT_TYPE) else { return true };
    let said = said.to_str().unwrap_or_default();
    let name = said.split(';').next().unwrap_or_default().trim();
    TEXTS.iter().any(|text| name.starts_with(text)) || FORMS_OF_TEXT.iter().any(|form| name.ends_with(form))
}

/// Makes several headers of one name one (RFC 9110, section 5.3), but for cookies, which the gateway takes apart from the
/// others.
fn name_each_once(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers.keys().filter(|name| *name != header::SET_COOKIE).cloned().collect();
    for name in names {
        let values: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        if let (2.., Ok(value)) = (values.len(), HeaderValue::from_bytes(&values.join(&b", "[..]))) {
            headers.insert(name, value);
        }
    }
}
