//! User tokens: JSON web tokens (RFC 7519) of the app's own issuer, checked by RFC 8725.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm},
};
use serde::Deserialize;

use super::jwks::KeySets;
use crate::{
    clock::Clock,
    domain::{app::App, ids::Subject, user::User},
    oauth::ProviderClient,
};

/// How long a token may be, in bytes.
const LONGEST: usize = 8 * 1024;

/// By how much the issuer's clock may differ from ours, in seconds.
const LEEWAY: u64 = 30;

#[derive(Debug)]
pub(super) struct TokenCheck {
    keys: KeySets,
    clock: Clock,
}

/// The claims that are read. `exp`, `iss`, `aud` and `sub` are required; the library checks them, but would take a list of
/// issuers too, where RFC 7519, section 4.1.1 has one.
#[derive(Deserialize)]
struct Claims {
    #[serde(rename = "iss")]
    _issuer: String,
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

impl TokenCheck {
    pub(super) fn new(client: Arc<ProviderClient>, clock: Clock) -> Self {
        Self { keys: KeySets::new(client, clock.clone()), clock }
    }

    /// The user of `app` that the token proves, if it does.
    pub(super) async fn verify(&self, token: &str, app: &App) -> Option<User> {
        let identity = app.identity.as_ref()?;
        if token.len() > LONGEST || !is_of_texts(token) || !has_a_plain_header(token) {
            return None;
        }
        let header = decode_header(token).ok()?;
        let key = self.keys.find(identity, header.kid.as_deref()).await?;
        let algorithm = algorithm_of(&key)?;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[identity.issuer.as_str()]);
        validation.set_audience(&[&identity.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is compared below, with the clock that everything else goes by.
        validation.validate_exp = false;
        let decoded = decode::<Claims>(token, &DecodingKey::from_jwk(&key).ok()?, &validation).ok()?;
        let subject = Subject::parse(&decoded.claims.sub).ok()?;
        self.is_current(&decoded.claims).then(|| User { app: app.id.clone(), issuer: identity.issuer.clone(), subject })
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float's 53 bits for ever")]
    fn is_current(&self, claims: &Claims) -> bool {
        let (now, leeway) = (self.clock.now().as_second() as f64, LEEWAY as f64);
        claims.exp + leeway > now && claims.nbf.is_none_or(|begin| begin <= now + leeway)
    }
}

/// Whether header and claims are UTF-8 (RFC 7519, section 7.2). Who reads the known claims only passes over the others, and
/// over what is wrong with them.
fn is_of_texts(token: &str) -> bool {
    let is_text = |part| BASE64_URL_SAFE_NO_PAD.decode(part).is_ok_and(|bytes| std::str::from_utf8(&bytes).is_ok());
    token.split('.').take(2).all(is_text)
}

/// Whether the header says nothing that would change the token's meaning: critical extensions, an unencoded payload, a
/// kind of token that is not for showing who a user is (RFC 7515, section 4.1.11; RFC 7797; RFC 8725, section 3.11).
fn has_a_plain_header(token: &str) -> bool {
    #[derive(Deserialize)]
    struct Header {
        #[serde(default)]
        typ: Option<String>,
        #[serde(default)]
        crit: Option<serde_json::Value>,
        #[serde(default)]
        b64: Option<serde_json::Value>,
    }
    let encoded = token.split('.').next().unwrap_or_default();
    let Ok(bytes) = BASE64_URL_SAFE_NO_PAD.decode(encoded) else { return false };
    let Ok(header) = serde_json::from_slice::<Header>(&bytes) else { return false };
    let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    header.crit.is_none() && header.b64.is_none() && matches!(typ, None | Some("jwt" | "at+jwt"))
}

/// The algorithm that belongs to a key. Taken from the key and never from the token, which anybody can write.
fn algorithm_of(key: &Jwk) -> Option<Algorithm> {
    let by_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => Algorithm::ES256,
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let fits = matches!(
        (key.common.key_algorithm, by_kind),
        (None, _)
            | (Some(KeyAlgorithm::RS256), Algorithm::RS256)
            | (Some(KeyAlgorithm::ES256), Algorithm::ES256)
            | (Some(KeyAlgorithm::EdDSA), Algorithm::EdDSA)
    );
    fits.then_some(by_kind)
}
