//! The files of `web/`, compiled in: scripts, styles and pictures under names that change with their content, so that a
//! browser asks for each once; and pages, which it asks for each time.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use connectors::web::Problem;

/// One file.
#[derive(Debug)]
pub struct Asset {
    /// Its path below `web/`.
    pub source: &'static str,
    /// Its name below `/assets/`, which holds a digest of its content.
    pub name: &'static str,
    /// What it is.
    pub content_type: &'static str,
    /// Its content.
    pub plain: &'static [u8],
    /// Its content, compressed.
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// For what never changes under its name.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

impl Asset {
    /// The file at this path below `web/`.
    #[must_use]
    pub fn of_source(source: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.source == source)
    }

    fn named(name: &str) -> Option<&'static Self> {
        ASSETS.iter().find(|asset| asset.name == name)
    }

    /// Answers with the file, compressed if the browser takes that.
    #[must_use]
    pub fn answer(&self, request: &HeaderMap, cache_control: HeaderValue) -> Response {
        let compressed = takes_gzip(request);
        let mut response = if compressed { self.gzip } else { self.plain }.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(header::CACHE_CONTROL, cache_control);
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if compressed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// `GET /assets/{name}`.
///
/// # Errors
/// Not found, also for the name of a page: those are answered at their own addresses only.
pub(crate) async fn by_name(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = Asset::named(&name).filter(|asset| !asset.content_type.starts_with("text/html"));
    Ok(asset.ok_or_else(Problem::not_found)?.answer(&headers, FOREVER))
}

/// Whether `gzip` is among what the browser takes (RFC 9110, section 12.5.3). A weight of nothing refuses it.
fn takes_gzip(request: &HeaderMap) -> bool {
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
    fn a_file_goes_compressed_to_whoever_takes_that_and_plain_to_everybody_else() {
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
        }
    }

    #[test]
    fn a_reference_between_files_leads_to_a_file_that_is_served() {
        for asset in ASSETS.iter().filter(|asset| asset.content_type.starts_with("text/")) {
            let text = std::str::from_utf8(asset.plain).unwrap();
            for reference in text.split("/assets/").skip(1) {
                let name = reference.split(['"', '\'']).next().unwrap();
                assert!(Asset::named(name).is_some(), "{}: {name}", asset.source);
            }
            assert!(!text.contains("\"./") && !text.contains("'./") && !text.contains("'../"), "{}", asset.source);
        }
    }
}
