//! The keys of this process: in one file, found by id, ARN or alias.
//!
//! The file is a row of records, each a key's id (16 bytes), the key (32) and whether it is enabled (1). The alias stands
//! for the first. A file of one key without the last byte is of an earlier version.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zeroize::Zeroizing;

use super::key::{EncryptionContext, Key, MATERIAL_LENGTH, arn_of};
use crate::{
    aws::{ACCOUNT, AwsError},
    files,
};

/// The alias of the key, the same in every data folder: a process that uses another one's endpoint need not know its id.
pub const KEY_ALIAS: &str = "alias/connectors";

const RECORD_LENGTH: usize = MATERIAL_LENGTH + 1;
const ENABLED: u8 = 1;

const NOT_FOUND: AwsError = AwsError::client("NotFoundException", "there is no such key");
const INCORRECT_KEY: AwsError =
    AwsError::client("IncorrectKeyException", "the ciphertext was made under another key than the one named");
const INTERNAL: AwsError = AwsError::server("KMSInternalException", "the request can't be completed");

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
    keys: Mutex<Vec<Arc<Key>>>,
    file: PathBuf,
    region: String,
}

impl KeyService {
    /// Opens the key file, or makes it with a fresh key, readable by its owner alone.
    ///
    /// # Errors
    /// [`KeyFileError`]; a damaged file is never replaced.
    pub fn open(file: &Path, region: &str) -> Result<Self, KeyFileError> {
        let service = Self { keys: Mutex::default(), file: file.to_owned(), region: region.to_owned() };
        match files::read_if_present(file)?.map(Zeroizing::new) {
            Some(content) => *service.keys() = read(&content, region).ok_or(KeyFileError::Damaged)?,
            None => {
                service.create().map_err(|_| KeyFileError::Io(io::Error::other("the key can't be written")))?;
            }
        }
        Ok(service)
    }

    /// The ARN of the key that the alias stands for.
    #[must_use]
    pub fn arn(&self) -> String {
        self.keys().first().map(|key| key.arn().to_owned()).unwrap_or_default()
    }

    /// Makes another key.
    pub(super) fn create(&self) -> Result<Arc<Key>, AwsError> {
        let key = Arc::new(Key::make(&self.region)?);
        let mut keys = self.keys();
        keys.push(key.clone());
        self.write(&keys)?;
        Ok(key)
    }

    /// Lets a key be used, or not.
    pub(super) fn enable(&self, name: &str, enabled: bool) -> Result<(), AwsError> {
        let key = self.find(name)?;
        let keys = self.keys();
        key.enable(enabled);
        self.write(&keys)
    }

    /// The key of this name: its id, its ARN, its alias or the ARN of that.
    pub(super) fn find(&self, name: &str) -> Result<Arc<Key>, AwsError> {
        let keys = self.keys();
        if name == KEY_ALIAS || name == format!("arn:aws:kms:{}:{ACCOUNT}:{KEY_ALIAS}", self.region) {
            return keys.first().cloned().ok_or(NOT_FOUND);
        }
        keys.iter().find(|key| [key.id(), key.arn()].contains(&name)).cloned().ok_or(NOT_FOUND)
    }

    /// Decrypts under the key that the ciphertext names. `named` is the key that the caller insists on, if any.
    pub(super) fn decrypt(
        &self,
        blob: &[u8],
        named: Option<&str>,
        context: &EncryptionContext,
    ) -> Result<(Arc<Key>, Zeroizing<Vec<u8>>), AwsError> {
        let named = named.map(|name| self.find(name)).transpose()?;
        let arn = arn_of(blob)?;
        let key = match named {
            Some(key) if key.arn() == arn => key,
            Some(_) => return Err(INCORRECT_KEY),
            None => self.find(arn)?,
        };
        let plaintext = key.decrypt(blob, context)?;
        Ok((key, plaintext))
    }

    fn write(&self, keys: &[Arc<Key>]) -> Result<(), AwsError> {
        let mut content = Zeroizing::new(Vec::with_capacity(keys.len() * RECORD_LENGTH));
        for key in keys {
            content.extend_from_slice(key.material().as_slice());
            content.push(u8::from(key.is_enabled()));
        }
        files::write_private(&self.file, &content).map_err(|_| INTERNAL)
    }

    fn keys(&self) -> MutexGuard<'_, Vec<Arc<Key>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(content: &[u8], region: &str) -> Option<Vec<Arc<Key>>> {
    if content.len() == MATERIAL_LENGTH {
        return read(&Zeroizing::new([content, &[ENABLED]].concat()), region);
    }
    if content.is_empty() || !content.len().is_multiple_of(RECORD_LENGTH) {
        return None;
    }
    let key = |record: &[u8]| {
        let (material, state) = record.split_at_checked(MATERIAL_LENGTH)?;
        let material = Zeroizing::new(<[u8; MATERIAL_LENGTH]>::try_from(material).ok()?);
        Key::of(material, state == [ENABLED], region).map(Arc::new)
    };
    content.chunks(RECORD_LENGTH).map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> EncryptionContext {
        [("ws".to_owned(), "1".to_owned())].into()
    }

    fn open(folder: &tempfile::TempDir) -> KeyService {
        KeyService::open(&folder.path().join("kms.key"), "eu-west-1").unwrap()
    }

    #[test]
    fn every_key_survives_a_restart_and_so_does_that_it_is_disabled() {
        let folder = tempfile::tempdir().unwrap();
        let service = open(&folder);
        let second = service.create().unwrap();
        let blobs = [service.find(KEY_ALIAS).unwrap(), second.clone()].map(|key| key.encrypt(b"data key", &context()));
        let reopened = open(&folder);
        for blob in blobs {
            let (_, opened) = reopened.decrypt(&blob.unwrap(), None, &context()).unwrap();
            assert_eq!(opened.as_slice(), b"data key");
        }
        reopened.enable(second.arn(), false).unwrap();
        let states = open(&folder).keys().iter().map(|key| key.is_enabled()).collect::<Vec<_>>();
        assert_eq!(states, [true, false]);
    }

    #[test]
    fn a_file_of_an_earlier_version_holds_one_key_that_is_enabled() {
        let folder = tempfile::tempdir().unwrap();
        let blob = open(&folder).find(KEY_ALIAS).unwrap().encrypt(b"data key", &context()).unwrap();
        let file = folder.path().join("kms.key");
        let content = std::fs::read(&file).unwrap();
        std::fs::write(&file, &content[..MATERIAL_LENGTH]).unwrap();
        assert_eq!(open(&folder).decrypt(&blob, None, &context()).unwrap().1.as_slice(), b"data key");
    }

    #[test]
    fn a_damaged_key_file_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kms.key");
        for content in [&b""[..], b"short", &[7; MATERIAL_LENGTH + 2]] {
            std::fs::write(&file, content).unwrap();
            assert!(matches!(KeyService::open(&file, "eu-west-1"), Err(KeyFileError::Damaged)));
            assert_eq!(std::fs::read(&file).unwrap(), content);
        }
    }

    #[test]
    fn no_byte_of_a_ciphertext_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let service = open(&folder);
        service.create().unwrap();
        let blob = service.find(KEY_ALIAS).unwrap().encrypt(b"data key", &context()).unwrap();
        for index in 0..blob.len() {
            let mut changed = blob.clone();
            changed[index] ^= 1;
            assert!(service.decrypt(&changed, None, &context()).is_err(), "byte {index}");
            assert!(service.decrypt(&blob[..index], None, &context()).is_err(), "cut at {index}");
        }
    }
}
