//! User tokens: JSON web tokens (RFC 7519) of the app's own issuer, checked by RFC 8725.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm},
};
use serde::Deserialize;

use super::{jwks::KeySets, people::Verified, resource_tokens::is_bearer};
use crate::{
    clock::Clock,
    domain::{
        app::{App, Identity},
        ids::Subject,
        user::User,
    },
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

    /// The user of `app` that the token proves.
    ///
    /// # Errors
    /// What is wrong with it. For whoever may know: callers that show a token only learn that it proves nothing.
    pub(super) async fn verify(&self, token: &str, app: &App) -> Result<User, TokenFlaw> {
        let identity = app.identity.as_ref().ok_or(TokenFlaw::NoIdentity)?;
        let (subject, _) = self.claims(token, identity, &identity.audience).await?;
        Ok(User { app: app.id.clone(), issuer: identity.issuer.clone(), subject })
    }

    /// All that an access token says which whoever has it may show, if this issuer signed it for this audience.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) async fn bearer_for(
        &self,
        token: &str,
        identity: &Identity,
        audience: &str,
    ) -> Result<Verified, TokenFlaw> {
        let verified = self.verify_for(token, identity, audience).await?;
        if is_bearer(&verified.claims, audience) { Ok(verified) } else { Err(TokenFlaw::Claim) }
    }

    /// All that the token says, if this issuer signed it for this audience.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) async fn verify_for(
        &self,
        token: &str,
        identity: &Identity,
        audience: &str,
    ) -> Result<Verified, TokenFlaw> {
        let (subject, expires_at) = self.claims(token, identity, audience).await?;
        let bytes = token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        let claims = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or(TokenFlaw::Claim)?;
        Ok(Verified { subject, expires_at, claims })
    }

    /// Who is named by the token, and until when, if this issuer signed it for this audience.
    async fn claims(&self, token: &str, identity: &Identity, audience: &str) -> Result<(Subject, i64), TokenFlaw> {
        if token.len() > LONGEST {
            return Err(TokenFlaw::TooLong);
        }
        if !is_of_texts(token) {
            return Err(TokenFlaw::NoToken);
        }
        if !has_a_plain_header(token) {
            return Err(TokenFlaw::Header);
        }
        let header = decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::InvalidToken => TokenFlaw::NoToken,
            _ => TokenFlaw::Header,
        })?;
        let key = self.keys.find(identity, header.kid.as_deref()).await.ok_or(TokenFlaw::UnknownKey)?;
        let algorithm = algorithm_of(&key).ok_or(TokenFlaw::Algorithm)?;
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[identity.issuer.as_str()]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is compared below, with the clock that everything else goes by.
        validation.validate_exp = false;
        let decoding = DecodingKey::from_jwk(&key).map_err(|_| TokenFlaw::Algorithm)?;
        let claims = decode::<Claims>(token, &decoding, &validation).map_err(|error| flaw(error.kind()))?.claims;
        let subject = Subject::parse(&claims.sub).map_err(|_| TokenFlaw::Claim)?;
        self.check_times(&claims)?;
        #[expect(clippy::cast_possible_truncation, reason = "a time beyond what fits ends as the last that does")]
        let expires_at = claims.exp as i64;
        Ok((subject, expires_at))
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float's 53 bits for ever")]
    fn check_times(&self, claims: &Claims) -> Result<(), TokenFlaw> {
        let (now, leeway) = (self.clock.now().as_second() as f64, LEEWAY as f64);
        // What is no number is no time: neither comparison holds for it.
        let has_begun = claims.nbf.is_none_or(|begin| begin <= now + leeway);
        match (claims.exp + leeway > now, has_begun) {
            (false, _) => Err(TokenFlaw::Expired),
            (true, false) => Err(TokenFlaw::NotYet),
            (true, true) => Ok(()),
        }
    }
}

/// What is wrong with a user's token: the first thing that was found. Nothing of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFlaw {
    /// Nobody vouches for the app's users yet.
    NoIdentity,
    /// It is longer than any token that is read here.
    TooLong,
    /// It is no signed JSON web token.
    NoToken,
    /// Its header can't be read, or gives it another meaning.
    Header,
    /// The issuer has no key of the id that its header names, or it names none and the issuer has several.
    UnknownKey,
    /// It is not signed by the algorithm of its key, or by none of those that are taken.
    Algorithm,
    /// The signature is not of that key.
    Signature,
    /// `iss` is another issuer.
    Issuer,
    /// `aud` has not the app's audience.
    Audience,
    /// One of `exp`, `iss`, `aud` and `sub` is missing or can't be read.
    Claim,
    /// It has expired.
    Expired,
    /// It is not good yet.
    NotYet,
}

fn flaw(error: &ErrorKind) -> TokenFlaw {
    match error {
        ErrorKind::InvalidToken | ErrorKind::Base64(_) => TokenFlaw::NoToken,
        ErrorKind::InvalidSignature => TokenFlaw::Signature,
        ErrorKind::InvalidIssuer => TokenFlaw::Issuer,
        ErrorKind::InvalidAudience => TokenFlaw::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => TokenFlaw::Algorithm,
        _ => TokenFlaw::Claim,
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
