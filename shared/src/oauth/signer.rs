//! Signing with a connector's key: JSON web tokens (RFC 7519) by ES256 (RFC 7518, section 3.4).

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    domain::{
        client_key::PublicKey,
        secret::{Secret, SigningKey},
    },
    random::Random,
};

/// A connector's key, ready to sign.
pub struct Signer {
    pair: EcdsaKeyPair,
    public: PublicKey,
    random: Random,
}

/// There is no key to sign with, or it does not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connector has no key that signs")]
pub struct SigningError;

impl Signer {
    /// Makes a new key pair: the private half in PKCS #8, base 64, and the public one.
    ///
    /// # Errors
    /// [`SigningError`] if the cryptographic library makes none.
    pub fn generate() -> Result<(Secret<SigningKey>, PublicKey), SigningError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let document = document.map_err(|_| SigningError)?;
        let secret = Secret::new(BASE64_URL_SAFE_NO_PAD.encode(document.as_ref()));
        let signer = Self::open(&secret, Random::default())?;
        Ok((secret, signer.public))
    }

    /// Takes a key that [`Signer::generate`] made. What it signs is told apart by `random`.
    ///
    /// # Errors
    /// [`SigningError`] if it is none.
    pub fn open<K>(secret: &Secret<K>, random: Random) -> Result<Self, SigningError> {
        let document = BASE64_URL_SAFE_NO_PAD.decode(secret.expose()).map(Zeroizing::new).map_err(|_| SigningError)?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document).map_err(|_| SigningError)?;
        let public = PublicKey::of_point(pair.public_key().as_ref()).ok_or(SigningError)?;
        Ok(Self { pair, public, random })
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// An identifier for one token (RFC 7519, section 4.1.7), never given twice.
    pub(super) fn token_id(&self) -> String {
        self.random.token()
    }

    /// Signs a token; `header` says everything but the algorithm.
    pub(super) fn sign(&self, mut header: Value, claims: &Value) -> Result<String, SigningError> {
        header["alg"] = "ES256".into();
        let encoded = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).map_err(|_| SigningError)?;
        Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Signer({})", self.public.thumbprint())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    /// A signer with a key of its own.
    pub(in crate::oauth) fn signer() -> Signer {
        Signer::open(&Signer::generate().expect("a key").0, Random::default()).expect("the same key")
    }

    /// Header and claims of a token, if this key signed it.
    pub(in crate::oauth) fn verified(token: &str, key: &PublicKey) -> (Value, Value) {
        let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).expect("base 64");
        let (message, signature) = token.rsplit_once('.').expect("a signature");
        let (header, claims) = message.split_once('.').expect("claims");
        let point = [vec![4], decoded(&key.to_text())].concat();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(message.as_bytes(), &decoded(signature)).expect("signed by this key");
        let read = |part| serde_json::from_slice(&decoded(part)).expect("JSON");
        (read(header), read(claims))
    }

    #[test]
    fn what_a_key_signs_its_public_half_verifies() {
        let signer = signer();
        let token = signer.sign(serde_json::json!({"typ": "x"}), &serde_json::json!({"a": 1})).expect("a token");
        let (header, claims) = verified(&token, signer.public());
        assert_eq!((header["alg"].as_str(), claims["a"].as_u64()), (Some("ES256"), Some(1)));
    }

    #[test]
    fn a_signer_prints_its_name_only() {
        let (secret, _) = Signer::generate().expect("a key");
        let signer = Signer::open(&secret, Random::default()).expect("the same key");
        assert_eq!(format!("{signer:?}"), format!("Signer({})", signer.public().thumbprint()));
    }

    #[test]
    fn what_is_no_key_does_not_open() {
        for raw in ["", "AAAA", "no base 64!"] {
            assert!(Signer::open(&Secret::<SigningKey>::new(raw), Random::default()).is_err(), "{raw}");
        }
    }
}
