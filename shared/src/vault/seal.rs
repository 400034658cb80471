//! Sealing and opening, given the workspace's key. Pure.
//!
//! A sealed value is `layout (1) | generation (4) | salt (32) | ciphertext and tag`. The key and nonce of each value are
//! derived from the workspace's key and the random salt by HKDF-SHA-256 (RFC 5869), so no nonce is ever used twice under
//! one key, however many values a workspace has.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
};
use zeroize::Zeroizing;

use super::{place::Place, workspace_keys::DataKey};
use crate::domain::secret::{Kind, Sealed, Secret};

const LAYOUT: u8 = 1;
const SALT_LENGTH: usize = 32;
const HEADER_LENGTH: usize = 1 + 4 + SALT_LENGTH;
const KEY_LENGTH: usize = 32;

/// The generation of the key that sealed this; `None` if it is no sealed value.
pub(super) fn generation(sealed: &[u8]) -> Option<u32> {
    match sealed {
        [LAYOUT, a, b, c, d, rest @ ..] if rest.len() > SALT_LENGTH => Some(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

/// Seals a secret for a place.
#[expect(clippy::expect_used, reason = "AES-GCM refuses only texts of more than 64 GiB")]
pub(super) fn seal<K: Kind>(key: &DataKey, salt: [u8; SALT_LENGTH], secret: &Secret<K>, place: &Place) -> Sealed<K> {
    let (aead, nonce) = record_key(key, &salt);
    let bound_to = Aad::from(place.authenticated_data(K::FIELD, key.generation));
    let mut text = Zeroizing::new(secret.expose().as_bytes().to_vec());
    let tag = aead.seal_in_place_separate_tag(nonce, bound_to, &mut text).expect("the text is short");
    let mut bytes = Vec::with_capacity(HEADER_LENGTH + text.len() + tag.as_ref().len());
    bytes.push(LAYOUT);
    bytes.extend_from_slice(&key.generation.to_be_bytes());
    bytes.extend_from_slice(&salt);
    bytes.extend_from_slice(&text);
    bytes.extend_from_slice(tag.as_ref());
    Sealed::from_bytes(bytes)
}

/// Opens what was sealed for a place; `None` if it was not, or not with this key.
pub(super) fn open<K: Kind>(key: &DataKey, sealed: &Sealed<K>, place: &Place) -> Option<Secret<K>> {
    let bytes = sealed.as_bytes();
    if generation(bytes) != Some(key.generation) {
        return None;
    }
    let (header, ciphertext) = bytes.split_at_checked(HEADER_LENGTH)?;
    let (aead, nonce) = record_key(key, &header[HEADER_LENGTH - SALT_LENGTH..]);
    let bound_to = Aad::from(place.authenticated_data(K::FIELD, key.generation));
    let mut text = Zeroizing::new(ciphertext.to_vec());
    let opened = aead.open_in_place(nonce, bound_to, &mut text).ok()?;
    std::str::from_utf8(opened).ok().map(Secret::new)
}

struct KeyAndNonce;

impl KeyType for KeyAndNonce {
    fn len(&self) -> usize {
        KEY_LENGTH + NONCE_LEN
    }
}

#[expect(clippy::expect_used, reason = "lengths are constants that HKDF and AES-GCM accept")]
fn record_key(key: &DataKey, salt: &[u8]) -> (LessSafeKey, Nonce) {
    let pseudo_random = Salt::new(HKDF_SHA256, salt).extract(key.bytes());
    let mut derived = Zeroizing::new([0; KEY_LENGTH + NONCE_LEN]);
    let material = pseudo_random.expand(&[b"connectors.record.v1"], KeyAndNonce).expect("the length is accepted");
    material.fill(derived.as_mut_slice()).expect("the length is the one that was asked for");
    let (key, nonce) = derived.split_at(KEY_LENGTH);
    let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has 32 bytes");
    (LessSafeKey::new(key), Nonce::try_assume_unique_for_key(nonce).expect("the nonce has 12 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ids::{AppId, ConnectorId, Issuer, Subject, WorkspaceId},
        secret::{AccessToken, RefreshToken},
        user::{ConnectionKey, Owner, User},
    };

    fn key_of(subject: &str) -> ConnectionKey {
        ConnectionKey {
            workspace: WorkspaceId::parse("ws").unwrap(),
            owner: Owner::User(User {
                app: AppId::parse("app").unwrap(),
                issuer: Issuer::parse("https://idp.example").unwrap(),
                subject: Subject::parse(subject).unwrap(),
            }),
            connector: ConnectorId::parse("con_01ARZ3NDEKTSV4RRFFQ69G5FAV").unwrap(),
        }
    }

    fn place(subject: &str) -> Place {
        Place::connection(&key_of(subject))
    }

    fn key(generation: u32) -> DataKey {
        DataKey::new(generation, Zeroizing::new([9; 32]))
    }

    fn token() -> Secret<AccessToken> {
        Secret::new("canary-token")
    }

    #[test]
    fn what_was_sealed_opens_in_its_place() {
        let sealed = seal(&key(1), [1; 32], &token(), &place("alice"));
        assert_eq!(open(&key(1), &sealed, &place("alice")).unwrap().expose(), "canary-token");
        assert!(!sealed.as_bytes().windows(6).any(|bytes| bytes == b"canary"));
    }

    #[test]
    fn what_was_moved_to_another_row_field_or_generation_does_not_open() {
        let sealed = seal(&key(1), [1; 32], &token(), &place("alice"));
        assert!(open(&key(1), &sealed, &place("bob")).is_none(), "another user");
        let as_refresh_token = Sealed::<RefreshToken>::from_bytes(sealed.as_bytes().to_vec());
        assert!(open(&key(1), &as_refresh_token, &place("alice")).is_none(), "another field");
        assert!(open(&key(2), &sealed, &place("alice")).is_none(), "another generation");
        let connector = Place::connector(&key_of("alice").workspace, &key_of("alice").connector);
        assert!(open(&key(1), &sealed, &connector).is_none(), "another table");
        let shared = Place::connection(&ConnectionKey { owner: Owner::Workspace, ..key_of("alice") });
        assert!(open(&key(1), &sealed, &shared).is_none(), "the workspace's own");
    }

    #[test]
    fn what_was_changed_anywhere_does_not_open() {
        let sealed = seal(&key(1), [1; 32], &token(), &place("alice"));
        for index in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[index] ^= 1;
            assert!(
                open(&key(1), &Sealed::<AccessToken>::from_bytes(bytes), &place("alice")).is_none(),
                "byte {index}"
            );
        }
        for length in 0..sealed.as_bytes().len() {
            let cut = Sealed::<AccessToken>::from_bytes(sealed.as_bytes()[..length].to_vec());
            assert!(open(&key(1), &cut, &place("alice")).is_none(), "cut to {length}");
        }
    }

    #[test]
    fn the_same_token_never_looks_the_same_twice() {
        let one = seal(&key(1), [1; 32], &token(), &place("alice"));
        let two = seal(&key(1), [2; 32], &token(), &place("alice"));
        assert_ne!(one.as_bytes()[HEADER_LENGTH..], two.as_bytes()[HEADER_LENGTH..]);
    }
}
