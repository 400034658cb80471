//! One key: what it is called, whether it may be used, and what a ciphertext of it looks like.
//!
//! A ciphertext is `version (1) · length of the ARN (2, big endian) · ARN · nonce (12) · sealed bytes and tag`. All before
//! the nonce is authenticated together with the encryption context.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use connectors::random::Random;
use zeroize::Zeroizing;

use crate::aws::{ACCOUNT, AwsError};

const VERSION: u8 = 1;
const ID_LENGTH: usize = 16;
const KEY_LENGTH: usize = 32;

/// How many bytes of the key file are a key's id and the key itself.
pub(super) const MATERIAL_LENGTH: usize = ID_LENGTH + KEY_LENGTH;

/// A key's id and the key itself, as they stand in the key file.
pub(super) type Material = Zeroizing<[u8; MATERIAL_LENGTH]>;

const INVALID_CIPHERTEXT: AwsError = AwsError::client(
    "InvalidCiphertextException",
    "the ciphertext is damaged, or the encryption context is not the one it was made with",
);
const DISABLED: AwsError = AwsError::client("DisabledException", "the key is disabled");
const INTERNAL: AwsError = AwsError::server("KMSInternalException", "the request can't be completed");

/// The encryption context, in the order of its keys: the order in which it is authenticated.
pub(super) type EncryptionContext = BTreeMap<String, String>;

/// A key.
pub(super) struct Key {
    material: Material,
    aead: RandomizedNonceKey,
    id: String,
    arn: String,
    enabled: AtomicBool,
}

impl Key {
    /// A fresh key.
    pub(super) fn make(region: &str) -> Result<Self, AwsError> {
        Self::of(Zeroizing::new(Random::default().bytes()), true, region).ok_or(INTERNAL)
    }

    /// The key that the file holds.
    pub(super) fn of(material: Material, enabled: bool, region: &str) -> Option<Self> {
        let (id, key) = material.split_at(ID_LENGTH);
        let (aead, id) = (RandomizedNonceKey::new(&AES_256_GCM, key).ok()?, uuid_text(id));
        let arn = format!("arn:aws:kms:{region}:{ACCOUNT}:key/{id}");
        Some(Self { material, aead, id, arn, enabled: enabled.into() })
    }

    /// What is kept of it.
    pub(super) fn material(&self) -> &Material {
        &self.material
    }

    /// Its id, a UUID.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Its ARN.
    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    /// Whether it may be used.
    pub(super) fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::SeqCst)
    }

    /// Lets it be used, or not.
    pub(super) fn enable(&self, enabled: bool) {
        self.enabled.store(enabled, Ordering::SeqCst);
    }

    /// Encrypts under the key, bound to the context.
    pub(super) fn encrypt(&self, plaintext: &[u8], context: &EncryptionContext) -> Result<Vec<u8>, AwsError> {
        self.usable()?;
        let mut blob = self.header();
        let aad = Aad::from(additional_data(&blob, context));
        let mut sealed = plaintext.to_vec();
        let nonce = self.aead.seal_in_place_append_tag(aad, &mut sealed).map_err(|_| INTERNAL)?;
        blob.extend_from_slice(nonce.as_ref());
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    /// Decrypts what [`Self::encrypt`] made.
    pub(super) fn decrypt(&self, blob: &[u8], context: &EncryptionContext) -> Result<Zeroizing<Vec<u8>>, AwsError> {
        self.usable()?;
        let (header, sealed) =
            split_header(blob).filter(|(header, _)| *header == self.header()).ok_or(INVALID_CIPHERTEXT)?;
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(INVALID_CIPHERTEXT)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| INVALID_CIPHERTEXT)?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let aad = Aad::from(additional_data(header, context));
        let length = self.aead.open_in_place(nonce, aad, &mut opened).map_err(|_| INVALID_CIPHERTEXT)?.len();
        opened.truncate(length);
        Ok(opened)
    }

    fn usable(&self) -> Result<(), AwsError> {
        if self.is_enabled() { Ok(()) } else { Err(DISABLED) }
    }

    fn header(&self) -> Vec<u8> {
        let mut header = vec![VERSION];
        header.extend(u16::try_from(self.arn.len()).unwrap_or(u16::MAX).to_be_bytes());
        header.extend(self.arn.as_bytes());
        header
    }
}

/// The ARN of the key that a ciphertext was made under; none if it is no ciphertext.
pub(super) fn arn_of(blob: &[u8]) -> Result<&str, AwsError> {
    let (header, _) = split_header(blob).ok_or(INVALID_CIPHERTEXT)?;
    header.get(3..).and_then(|arn| std::str::from_utf8(arn).ok()).ok_or(INVALID_CIPHERTEXT)
}

/// The header of a ciphertext, and what follows it.
fn split_header(blob: &[u8]) -> Option<(&[u8], &[u8])> {
    let [VERSION, high, low, ..] = *blob else { return None };
    blob.split_at_checked(3 + usize::from(u16::from_be_bytes([high, low])))
}

/// The header, then each pair of the context with the length of its two texts before them: no two contexts look alike.
fn additional_data(header: &[u8], context: &EncryptionContext) -> Vec<u8> {
    let mut data = header.to_vec();
    for text in context.iter().flat_map(|(name, value)| [name, value]) {
        data.extend(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        data.extend(text.as_bytes());
    }
    data
}

/// These bytes as a UUID of version 4.
fn uuid_text(bytes: &[u8]) -> String {
    let digit = |(index, byte): (usize, &u8)| {
        let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
        let byte = match index {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        format!("{dash}{byte:02x}")
    };
    bytes.iter().enumerate().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn contexts_that_read_alike_when_joined_are_different() {
        let ours = additional_data(b"", &context(&[("a", "bc")]));
        for other in [context(&[("ab", "c")]), context(&[]), context(&[("a", "b"), ("c", "")])] {
            assert_ne!(ours, additional_data(b"", &other), "{other:?}");
        }
    }
}
