//! KMS: symmetric keys in a file, behind the wire format (JSON 1.1).
//!
//! As at AWS, the encryption context is authenticated: a ciphertext opens only with the very pairs it was made with, and
//! it names the key it was made under.

mod key;
mod service;
mod wire;

use axum::response::Response;
pub use service::{KEY_ALIAS, KeyFileError, KeyService};

use super::answer::{UNKNOWN_OPERATION, respond};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Runs one operation.
pub(super) fn answer(keys: &KeyService, operation: &str, body: &[u8]) -> Response {
    let result = match operation {
        "GenerateDataKey" => wire::generate_data_key(keys, body),
        "Decrypt" => wire::decrypt(keys, body),
        "ReEncrypt" => wire::re_encrypt(keys, body),
        "DescribeKey" => wire::describe_key(keys, body),
        "CreateKey" => wire::create_key(keys, body),
        "EnableKey" => wire::enable_key(keys, body),
        "DisableKey" => wire::disable_key(keys, body),
        _ => Err(UNKNOWN_OPERATION),
    };
    respond(CONTENT_TYPE, result)
}
