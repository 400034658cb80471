//! What is kept instead of a token.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// The SHA-256 digest of a text in base64url: what is stored instead of a token, and PKCE's `S256` (RFC 7636, section 4.2).
pub(crate) fn digest_of(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}
