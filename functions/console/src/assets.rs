//! The files of `web/`, compiled in: scripts, styles and pictures under names that change with their content, so that a
//! browser asks for each once; and pages, which it asks for each time.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use connectors::web::{Problem, takes_gzip};

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

/// Answers a file of a page. 404 also for the name of a page itself: those are answered at their own addresses only.
pub(crate) async fn by_name(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = Asset::named(&name).filter(|asset| !asset.content_type.starts_with("text/html"));
    Ok(asset.ok_or_else(Problem::not_found)?.answer(&headers, FOREVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_between_files_leads_to_a_file_that_is_served() {
        for asset in ASSETS.iter().filter(|asset| asset.content_type.starts_with("text/")) {
            let text = std::str::from_utf8(asset.plain).unwrap();
            for name in text.split(['"', '\'']).filter_map(|quoted| quoted.strip_prefix("/assets/")) {
                assert!(Asset::named(name).is_some(), "{}: {name}", asset.source);
            }
            assert!(!text.contains("\"./") && !text.contains("'./") && !text.contains("'../"), "{}", asset.source);
        }
    }
}
