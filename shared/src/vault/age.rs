//! Encrypting to a key of somebody else's: the age format (C2SP, `age.md`), for one X25519 recipient, written only. Who
//! has the other half of the key opens it with the tools they have.

use std::fmt::Write as _;

use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Salt},
    hmac,
    rand::SystemRandom,
};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_STANDARD_NO_PAD};
use zeroize::Zeroizing;

use crate::{
    domain::digest::{hex, sha256},
    random::Random,
};

/// How much of the text is sealed at once.
const CHUNK: usize = 64 * 1024;

/// How long a line of the armoured file is.
const LINE: usize = 64;

/// The public half of an age key (`age1…`): to whom something is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    public: [u8; 32],
    text: Box<str>,
}

/// A text that is no age recipient of the kind that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an age recipient: `age1` and 58 lower-case characters, as `age-keygen` prints it")]
pub struct InvalidRecipient;

/// A file could not be encrypted: the recipient is a point that no key belongs to, or there is no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be encrypted to this recipient")]
pub struct NotEncrypted;

impl From<Unspecified> for NotEncrypted {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl Recipient {
    /// Parses a recipient that came from outside.
    ///
    /// # Errors
    /// [`InvalidRecipient`].
    pub fn parse(raw: &str) -> Result<Self, InvalidRecipient> {
        let public = bech32(raw).ok_or(InvalidRecipient)?;
        Ok(Self { public, text: raw.into() })
    }

    /// What the audit trail knows the recipient by: the beginning of the SHA-256 of its text.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&sha256(self.text.as_bytes())[..8])
    }

    /// Encrypts a text, as an armoured age file.
    ///
    /// # Errors
    /// [`NotEncrypted`].
    pub fn encrypt(&self, text: &[u8], random: &Random) -> Result<String, NotEncrypted> {
        let drawn = Zeroizing::new(random.bytes::<32>());
        let (file_key, nonce) = drawn.split_at(16);
        let mut file = self.header(file_key)?.into_bytes();
        file.extend_from_slice(nonce);
        let key = derived(file_key, nonce, b"payload")?;
        seal_in_chunks(&key, text, &mut file)?;
        Ok(armoured(&file))
    }

    /// The file's key, wrapped for the recipient, and what keeps the header from being changed.
    fn header(&self, file_key: &[u8]) -> Result<String, NotEncrypted> {
        let ours = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new())?;
        let share = ours.compute_public_key()?;
        let salt = [share.as_ref(), &self.public].concat();
        let wrapping = agree_ephemeral(ours, UnparsedPublicKey::new(&X25519, self.public), Unspecified, |shared| {
            derived(shared, &salt, b"age-encryption.org/v1/X25519")
        })?;
        let wrapped = sealed(&wrapping, [0; NONCE_LEN], file_key)?;
        let [share, wrapped] = [share.as_ref(), &wrapped].map(|bytes| BASE64_STANDARD_NO_PAD.encode(bytes));
        let header = format!("age-encryption.org/v1\n-> X25519 {share}\n{wrapped}\n---");
        let key = hmac::Key::new(hmac::HMAC_SHA256, derived(file_key, b"", b"header")?.as_slice());
        let tag = BASE64_STANDARD_NO_PAD.encode(hmac::sign(&key, header.as_bytes()));
        Ok(format!("{header} {tag}\n"))
    }
}

/// A key's length, for the derivation.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

fn derived(secret: &[u8], salt: &[u8], purpose: &[u8]) -> Result<Zeroizing<[u8; 32]>, Unspecified> {
    let mut key = Zeroizing::new([0; 32]);
    let purpose = [purpose];
    Salt::new(HKDF_SHA256, salt).extract(secret).expand(&purpose, Length)?.fill(key.as_mut_slice())?;
    Ok(key)
}

fn sealed(key: &[u8; 32], nonce: [u8; NONCE_LEN], text: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key)?);
    let mut text = text.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)?;
    Ok(text)
}

/// Each chunk has its number in its nonce, and the last one says that it is the last: none can be moved or cut off.
fn seal_in_chunks(key: &[u8; 32], text: &[u8], file: &mut Vec<u8>) -> Result<(), Unspecified> {
    let empty = [&text[..0]];
    let chunks = text.chunks(CHUNK);
    let last = chunks.len().saturating_sub(1);
    let chunks = chunks.chain(empty.into_iter().filter(|_| text.is_empty()));
    for (number, chunk) in chunks.enumerate() {
        let mut nonce = [0; NONCE_LEN];
        nonce[3..NONCE_LEN - 1].copy_from_slice(&(number as u64).to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(number == last);
        file.extend(sealed(key, nonce, chunk)?);
    }
    Ok(())
}

fn armoured(file: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(file);
    let mut text = String::with_capacity(encoded.len() + encoded.len() / LINE + 80);
    text.push_str("-----BEGIN AGE ENCRYPTED FILE-----\n");
    for (index, character) in encoded.char_indices() {
        if index > 0 && index.is_multiple_of(LINE) {
            text.push('\n');
        }
        text.push(character);
    }
    // Writing to a text can't fail.
    let _ = writeln!(text, "\n-----END AGE ENCRYPTED FILE-----");
    text
}

/// Reads 32 bytes behind `age1` (BIP 173).
fn bech32(raw: &str) -> Option<[u8; 32]> {
    const ALPHABET: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const CHECKSUM: usize = 6;
    const PREFIX: &str = "age";
    let data = raw.strip_prefix(PREFIX)?.strip_prefix('1')?;
    let values: Vec<u8> = data.chars().map(|c| ALPHABET.find(c)?.try_into().ok()).collect::<Option<_>>()?;
    let high = PREFIX.bytes().map(|byte| byte >> 5);
    let low = PREFIX.bytes().map(|byte| byte & 31);
    let whole = high.chain([0]).chain(low).chain(values.iter().copied());
    if whole.fold(1, checksummed) != 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(33);
    let (mut held, mut bits) = (0_u32, 0);
    for value in &values[..values.len().checked_sub(CHECKSUM)?] {
        held = (held << 5 | u32::from(*value)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    let is_padded = bits < 5 && held & ((1 << bits) - 1) == 0;
    bytes.try_into().ok().filter(|_| is_padded)
}

/// One step of the checksum of BIP 173.
fn checksummed(sum: u32, value: u8) -> u32 {
    const GENERATORS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let next = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
    let is_set = |index: &usize| sum >> 25 >> index & 1 == 1;
    (0..5).filter(is_set).fold(next, |next, index| next ^ GENERATORS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the README of age.
    const KNOWN: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    #[test]
    fn a_recipient_is_read_whole_or_not_at_all() {
        assert!(Recipient::parse(KNOWN).is_ok());
        let swapped = KNOWN.replace("ql3z", "lq3z");
        for raw in ["", "age1", "age1qqqqqq", &KNOWN[..61], &KNOWN.to_uppercase(), &swapped, "AGE-SECRET-KEY-1QQ"] {
            assert_eq!(Recipient::parse(raw), Err(InvalidRecipient), "{raw}");
        }
    }

    #[test]
    fn nothing_of_the_text_is_in_the_file_and_no_two_files_are_alike() {
        let recipient = Recipient::parse(KNOWN).unwrap();
        let random = Random::default();
        let [one, two] = [(); 2].map(|()| recipient.encrypt(b"canary-token", &random).unwrap());
        assert_ne!(one, two);
        assert!(one.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
        assert!(!one.contains("canary") && one.lines().all(|line| line.len() <= LINE));
    }
}
