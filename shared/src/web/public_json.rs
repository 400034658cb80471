//! Answers that are the same for everybody, compressed for whoever takes that. Nothing else is: the length of a compressed
//! answer tells whether a secret in it is like a text beside it.

use std::io::Write as _;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;

use super::Problem;

/// JSON that is the same for everybody.
#[derive(Debug, Clone)]
pub struct PublicJson {
    plain: Bytes,
    gzip: Bytes,
}

impl PublicJson {
    /// Writes it down, plain and compressed.
    ///
    /// # Errors
    /// [`Problem::internal`] if it can't be written as JSON.
    pub fn new(value: &impl Serialize) -> Result<Self, Problem> {
        let plain = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let written = encoder.write_all(&plain).and_then(|()| encoder.finish());
        let gzip = written.map_err(|error| Problem::internal(&error))?;
        Ok(Self { plain: plain.into(), gzip: gzip.into() })
    }

    /// Answers with it.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let is_compressed = takes_gzip(request);
        let mut response = if is_compressed { &self.gzip } else { &self.plain }.clone().into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if is_compressed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Whether `gzip` is among what the caller takes (RFC 9110, section 12.5.3). A weight of nothing refuses it.
#[must_use]
pub fn takes_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (coding, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        coding.trim().eq_ignore_ascii_case("gzip") && weight.is_none_or(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_goes_compressed_to_whoever_takes_that_and_plain_to_everybody_else() {
        for (given, expected) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("x-gzip", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_str(given).unwrap())]);
            assert_eq!(takes_gzip(&headers), expected, "{given}");
            let answer = PublicJson::new(&["the same"]).unwrap().answer(&headers);
            assert_eq!(answer.headers().contains_key(header::CONTENT_ENCODING), expected, "{given}");
        }
    }
}
