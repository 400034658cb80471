//! The key: where it lives, what it is called, and what a ciphertext of it looks like.
//!
//! A ciphertext is `version (1) · length of the ARN (2, big endian) · ARN · nonce (12) · sealed bytes and tag`. All before
//! the nonce is authenticated together with the encryption context.

use std::{collections::BTreeMap, io, path::Path};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use connectors::random::Random;
use zeroize::Zeroizing;

use crate::{
    aws::{ACCOUNT, AwsError},
    files,
};

/// The alias of the key, the same in every data folder: a process that uses another one's endpoint need not know its id.
pub const KEY_ALIAS: &str = "alias/connectors";

const VERSION: u8 = 1;
const ID_LENGTH: usize = 16;
const KEY_LENGTH: usize = 32;

const NOT_FOUND: AwsError = AwsError::client("NotFoundException", "there is no such key");
const INVALID_CIPHERTEXT: AwsError = AwsError::client(
    "InvalidCiphertextException",
    "the ciphertext is damaged, or the encryption context is not the one it was made with",
);
const INCORRECT_KEY: AwsError =
    AwsError::client("IncorrectKeyException", "the ciphertext was made under another key than the one named");
const INTERNAL: AwsError = AwsError::server("KMSInternalException", "the request can't be completed");

/// The encryption context, in the order of its keys: the order in which it is authenticated.
pub(super) type EncryptionContext = BTreeMap<String, String>;

/// Why the key file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It can't be read or written.
    #[error("the key file can't be read or written: {0}")]
    Io(#[from] io::Error),
    /// It has not the size of a key file. It is left alone: all that was sealed depends on it.
    #[error("the key file is damaged")]
    Damaged,
}

/// The key service of this process.
pub struct KeyService {
    key: RandomizedNonceKey,
    id: String,
    arn: String,
    alias_arn: String,
}

impl KeyService {
    /// Opens the key file, or makes it with a fresh key, readable by its owner alone.
    ///
    /// # Errors
    /// [`KeyFileError`]; a damaged file is never replaced.
    pub fn open(file: &Path, region: &str) -> Result<Self, KeyFileError> {
        let content = if let Some(content) = files::read_if_present(file)? {
            Zeroizing::new(content)
        } else {
            let fresh = Zeroizing::new(Random::default().bytes::<{ ID_LENGTH + KEY_LENGTH }>().to_vec());
            files::write_private(file, &fresh)?;
            fresh
        };
        if content.len() != ID_LENGTH + KEY_LENGTH {
            return Err(KeyFileError::Damaged);
        }
        let (id, key) = content.split_at(ID_LENGTH);
        let id = uuid_text(id);
        Ok(Self {
            key: RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| KeyFileError::Damaged)?,
            arn: format!("arn:aws:kms:{region}:{ACCOUNT}:key/{id}"),
            alias_arn: format!("arn:aws:kms:{region}:{ACCOUNT}:{KEY_ALIAS}"),
            id,
        })
    }

    /// The id of the key, a UUID.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The ARN of the key.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Checks that this text names the key: by id, by alias, or by the ARN of either.
    pub(super) fn find(&self, name: &str) -> Result<(), AwsError> {
        if [self.id.as_str(), &self.arn, KEY_ALIAS, &self.alias_arn].contains(&name) { Ok(()) } else { Err(NOT_FOUND) }
    }

    /// Encrypts under the key, bound to the context.
    pub(super) fn encrypt(&self, plaintext: &[u8], context: &EncryptionContext) -> Result<Vec<u8>, AwsError> {
        let mut blob = self.header();
        let aad = Aad::from(additional_data(&blob, context));
        let mut sealed = plaintext.to_vec();
        let nonce = self.key.seal_in_place_append_tag(aad, &mut sealed).map_err(|_| INTERNAL)?;
        blob.extend_from_slice(nonce.as_ref());
        blob.extend_from_slice(&sealed);
        Ok(blob)
    }

    /// Decrypts what [`Self::encrypt`] made. `named` is the key that the caller insists on, if any.
    pub(super) fn decrypt(
        &self,
        blob: &[u8],
        named: Option<&str>,
        context: &EncryptionContext,
    ) -> Result<Zeroizing<Vec<u8>>, AwsError> {
        if let Some(named) = named {
            self.find(named)?;
        }
        let (header, sealed) = split_header(blob).ok_or(INVALID_CIPHERTEXT)?;
        if header != self.header() {
            return Err(if named.is_some() { INCORRECT_KEY } else { NOT_FOUND });
        }
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(INVALID_CIPHERTEXT)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| INVALID_CIPHERTEXT)?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let aad = Aad::from(additional_data(header, context));
        let length = self.key.open_in_place(nonce, aad, &mut opened).map_err(|_| INVALID_CIPHERTEXT)?.len();
        opened.truncate(length);
        Ok(opened)
    }

    fn header(&self) -> Vec<u8> {
        let mut header = vec![VERSION];
        header.extend(u16::try_from(self.arn.len()).unwrap_or(u16::MAX).to_be_bytes());
        header.extend(self.arn.as_bytes());
        header
    }
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
    fn the_key_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kms.key");
        let context = context(&[("ws", "1")]);
        let blob = KeyService::open(&file, "eu-west-1").unwrap().encrypt(b"data key", &context).unwrap();
        let reopened = KeyService::open(&file, "eu-west-1").unwrap();
        assert_eq!(reopened.decrypt(&blob, None, &context).unwrap().as_slice(), b"data key");
    }

    #[test]
    fn a_damaged_key_file_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kms.key");
        std::fs::write(&file, b"short").unwrap();
        assert!(matches!(KeyService::open(&file, "eu-west-1"), Err(KeyFileError::Damaged)));
        assert_eq!(std::fs::read(&file).unwrap(), b"short");
    }

    #[test]
    fn no_byte_of_a_ciphertext_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyService::open(&folder.path().join("kms.key"), "eu-west-1").unwrap();
        let context = context(&[("ws", "1")]);
        let blob = keys.encrypt(b"data key", &context).unwrap();
        for index in 0..blob.len() {
            let mut changed = blob.clone();
            changed[index] ^= 1;
            assert!(keys.decrypt(&changed, None, &context).is_err(), "byte {index}");
            assert!(keys.decrypt(&blob[..index], None, &context).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn contexts_that_read_alike_when_joined_are_different() {
        let ours = additional_data(b"", &context(&[("a", "bc")]));
        for other in [context(&[("ab", "c")]), context(&[]), context(&[("a", "b"), ("c", "")])] {
            assert_ne!(ours, additional_data(b"", &other), "{other:?}");
        }
    }
}
