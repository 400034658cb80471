//! The nonces that servers want in proofs of possession (RFC 9449, sections 8 and 9).

use std::{collections::BTreeMap, sync::Mutex};

use http::{HeaderName, Response, StatusCode, Uri, header};
use serde_json::Value;

use super::wire;

/// The header by which a server says which nonce it wants in the next proof.
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// How long a nonce may be, in bytes.
const MAX_NONCE: usize = 512;

/// Of how many servers the nonce is remembered.
const REMEMBERED: usize = 64;

/// The nonces that servers asked for last, by their origin. Knowing one saves a request; what is forgotten is asked for
/// again.
#[derive(Debug, Default)]
pub(super) struct Nonces(Mutex<BTreeMap<String, String>>);

impl Nonces {
    /// The nonce that the server of this address asked for last.
    pub(super) fn of(&self, uri: &Uri) -> Option<String> {
        self.0.lock().ok()?.get(&origin(uri)).cloned()
    }

    /// Keeps the nonce that came with the answer to a request without a proof.
    pub(super) fn learn(&self, uri: &Uri, answer: &Response<Vec<u8>>) {
        if let Some(nonce) = given_nonce(answer) {
            self.remember(uri, nonce);
        }
    }

    fn remember(&self, uri: &Uri, nonce: String) {
        let Ok(mut nonces) = self.0.lock() else { return };
        if nonces.len() >= REMEMBERED {
            nonces.clear();
        }
        nonces.insert(origin(uri), nonce);
    }
}

fn origin(uri: &Uri) -> String {
    format!("{}://{}", uri.scheme_str().unwrap_or_default(), uri.authority().map_or("", |authority| authority.as_str()))
}

/// The nonce that the server wants before it does anything: of an authorization server (section 8) or of an API (section
/// 9).
pub(super) fn wanted_nonce(answer: &Response<Vec<u8>>) -> Option<String> {
    const ERROR: &str = "use_dpop_nonce";
    let wants = match answer.status() {
        StatusCode::BAD_REQUEST => {
            let value = wire::json(answer.body());
            value.as_ref().and_then(|value| value.get("error")).and_then(Value::as_str) == Some(ERROR)
        }
        StatusCode::UNAUTHORIZED => {
            let mut challenges = answer.headers().get_all(header::WWW_AUTHENTICATE).iter();
            challenges.any(|challenge| challenge.to_str().is_ok_and(|text| text.contains(ERROR)))
        }
        _ => false,
    };
    if wants { given_nonce(answer) } else { None }
}

/// The nonce that came with an answer, if it is one (section 8.1).
fn given_nonce(answer: &Response<Vec<u8>>) -> Option<String> {
    let nonce = answer.headers().get(NONCE)?.to_str().ok()?;
    let is_one = (1..=MAX_NONCE).contains(&nonce.len())
        && nonce.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && !matches!(byte, b'"' | b'\\'));
    is_one.then(|| nonce.to_owned())
}
