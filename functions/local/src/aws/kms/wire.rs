//! The requests and answers of the operations. A member that is not listed is refused, not ignored: a caller that
//! asks for more than these endpoints do should hear so.

use base64::{Engine, prelude::BASE64_STANDARD};
use connectors::random::Random;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    key::{EncryptionContext, Key},
    service::KeyService,
};
use crate::aws::{AwsError, answer::read};

/// The sizes that AWS gives a data key, in bytes.
const DATA_KEY_SIZES: std::ops::RangeInclusive<usize> = 1..=1024;

/// The largest ciphertext that KMS takes, in bytes.
const MAX_CIPHERTEXT: usize = 6144;

const VALIDATION: AwsError = AwsError::client("ValidationException", "a value is outside of what the operation takes");
const INTERNAL: AwsError = AwsError::server("KMSInternalException", "the request can't be completed");

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GenerateDataKey {
    key_id: String,
    key_spec: Option<String>,
    number_of_bytes: Option<usize>,
    #[serde(default)]
    encryption_context: EncryptionContext,
}

pub(super) fn generate_data_key(keys: &KeyService, body: &[u8]) -> Result<Value, AwsError> {
    let request: GenerateDataKey = read(body)?;
    let size = match (request.key_spec.as_deref(), request.number_of_bytes) {
        (Some("AES_256"), None) => 32,
        (Some("AES_128"), None) => 16,
        (None, Some(size)) if DATA_KEY_SIZES.contains(&size) => size,
        _ => return Err(VALIDATION),
    };
    let key = keys.find(&request.key_id)?;
    let plaintext = Zeroizing::new(Random::default().bytes::<1024>());
    let plaintext = plaintext.get(..size).ok_or(INTERNAL)?;
    let blob = key.encrypt(plaintext, &request.encryption_context)?;
    Ok(json!({
        "KeyId": key.arn(),
        "Plaintext": BASE64_STANDARD.encode(plaintext),
        "CiphertextBlob": BASE64_STANDARD.encode(blob),
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Decrypt {
    ciphertext_blob: String,
    key_id: Option<String>,
    encryption_algorithm: Option<String>,
    #[serde(default)]
    encryption_context: EncryptionContext,
}

pub(super) fn decrypt(keys: &KeyService, body: &[u8]) -> Result<Value, AwsError> {
    let request: Decrypt = read(body)?;
    symmetric_only(request.encryption_algorithm.as_deref())?;
    let blob = ciphertext(&request.ciphertext_blob)?;
    let (key, plaintext) = keys.decrypt(&blob, request.key_id.as_deref(), &request.encryption_context)?;
    Ok(json!({
        "KeyId": key.arn(),
        "Plaintext": BASE64_STANDARD.encode(plaintext.as_slice()),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ReEncrypt {
    ciphertext_blob: String,
    source_key_id: Option<String>,
    #[serde(default)]
    source_encryption_context: EncryptionContext,
    destination_key_id: String,
    #[serde(default)]
    destination_encryption_context: EncryptionContext,
}

pub(super) fn re_encrypt(keys: &KeyService, body: &[u8]) -> Result<Value, AwsError> {
    let request: ReEncrypt = read(body)?;
    let destination = keys.find(&request.destination_key_id)?;
    let blob = ciphertext(&request.ciphertext_blob)?;
    let (source, plaintext) =
        keys.decrypt(&blob, request.source_key_id.as_deref(), &request.source_encryption_context)?;
    let blob = destination.encrypt(&plaintext, &request.destination_encryption_context)?;
    Ok(json!({
        "KeyId": destination.arn(),
        "SourceKeyId": source.arn(),
        "CiphertextBlob": BASE64_STANDARD.encode(blob),
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    key_id: String,
}

pub(super) fn describe_key(keys: &KeyService, body: &[u8]) -> Result<Value, AwsError> {
    let request: Named = read(body)?;
    Ok(json!({ "KeyMetadata": metadata(&*keys.find(&request.key_id)?) }))
}

pub(super) fn enable_key(keys: &KeyService, body: &[u8]) -> Result<Value, AwsError> {
    let request: Named = read(body)?;
    keys.enable(&request.key_id, true)?;
    Ok(json!({}))
}

pub(super) fn disable_key(keys: &KeyService, body: &[u8]) -> Result<Value, AwsError> {
    let request: Named = read(body)?;
    keys.enable(&request.key_id, false)?;
    Ok(json!({}))
}

/// A symmetric key, which is what AWS makes if nothing else is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateKey {
    #[serde(rename = "Description")]
    _description: Option<String>,
}

pub(super) fn create_key(keys: &KeyService, body: &[u8]) -> Result<Value, AwsError> {
    let _: CreateKey = read(body)?;
    Ok(json!({ "KeyMetadata": metadata(&*keys.create()?) }))
}

fn metadata(key: &Key) -> Value {
    json!({
        "KeyId": key.id(),
        "Arn": key.arn(),
        "Enabled": key.is_enabled(),
        "KeyState": if key.is_enabled() { "Enabled" } else { "Disabled" },
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyManager": "CUSTOMER",
        "Origin": "AWS_KMS",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": false,
    })
}

fn symmetric_only(algorithm: Option<&str>) -> Result<(), AwsError> {
    match algorithm {
        None | Some("SYMMETRIC_DEFAULT") => Ok(()),
        Some(_) => Err(VALIDATION),
    }
}

fn ciphertext(text: &str) -> Result<Vec<u8>, AwsError> {
    let blob = BASE64_STANDARD.decode(text).map_err(|_| VALIDATION)?;
    if (1..=MAX_CIPHERTEXT).contains(&blob.len()) { Ok(blob) } else { Err(VALIDATION) }
}
