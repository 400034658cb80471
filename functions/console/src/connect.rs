//! What an app's users meet: the page of a link, and the script that an app puts buttons on its own pages with.

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
    routing::get,
};
use connectors::web::Problem;

use crate::{
    assets::Asset,
    page::{self, Keeping},
};

/// The script, as it is now.
pub(crate) const SCRIPT: &str = "/connect.js";

/// The script under the name of its version: what it is there never changes, so that a page can name its digest.
pub(crate) const THIS_VERSION: &str = "/connect-1.0.0.js";

/// For the script that has no version in its name: a correction reaches every page within minutes.
const SOON_ASKED_FOR: HeaderValue = HeaderValue::from_static("public, max-age=300");
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub(crate) fn routes() -> Router {
    Router::new()
        .route(SCRIPT, get(async |headers: HeaderMap| script(&headers, SOON_ASKED_FOR)))
        .route(THIS_VERSION, get(async |headers: HeaderMap| script(&headers, FOREVER)))
        .route("/connect/{session}", get(page))
}

fn script(request: &HeaderMap, cache_control: HeaderValue) -> Result<Response, Problem> {
    let script = Asset::of_source("connect-js/connect.js").ok_or_else(Problem::not_found)?;
    let mut response = script.answer(request, cache_control);
    let headers = response.headers_mut();
    // Modules are loaded across origins by these two only. The file is the same for everybody.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    Ok(response)
}

/// Shows the page of any link: which one it is, it reads from its address, and asks for.
async fn page() -> Result<Response, Problem> {
    let page = Asset::of_source("connect/index.html").ok_or_else(Problem::not_found)?;
    Ok(page::answer(String::from_utf8_lossy(page.plain).into_owned(), Keeping::Never))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest::{SHA384, digest};
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    /// Twenty-five kibibytes, before it is compressed.
    const MOST_BYTES: usize = 25 * 1024;

    fn built() -> &'static str {
        std::str::from_utf8(Asset::of_source("connect-js/connect.js").unwrap().plain).unwrap()
    }

    #[test]
    fn the_version_is_the_same_in_the_package_the_script_and_its_address() {
        let package: serde_json::Value = serde_json::from_str(include_str!("../web/connect-js/package.json")).unwrap();
        let version = package["version"].as_str().unwrap();
        assert_eq!(THIS_VERSION, format!("/connect-{version}.js"));
        assert!(built().starts_with(&format!("/*! connect.js {version}:")));
    }

    #[test]
    fn the_script_is_small_and_its_digest_is_the_one_that_builders_are_told() {
        assert!(built().len() < MOST_BYTES, "{} bytes", built().len());
        let digest = BASE64_STANDARD.encode(digest(&SHA384, built().as_bytes()));
        let told = include_str!("../web/connect-js/README.md");
        assert!(told.contains(&format!("integrity=\"sha384-{digest}\"")), "sha384-{digest}");
    }

    #[test]
    fn the_script_speaks_five_languages() {
        for language in ["\"de\":[", "\"en\":[", "\"es\":[", "\"he\":[", "\"ja\":["] {
            assert!(built().contains(language), "{language}");
        }
        assert!(!built().contains("@texts"), "the texts are in their place");
    }
}
