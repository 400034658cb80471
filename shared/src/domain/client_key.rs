//! The key pair of a connector whose provider knows clients by one: what signs in place of a client secret (RFC 7523,
//! section 2.2), and what tokens are bound to (RFC 9449). One per connector, on the curve P-256 for ES256, which both
//! documents' servers have in common.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    digest::sha256,
    provider::{ClientAuth, Dpop, Provider},
    secret::{EarlierSigningKey, Sealed, SigningKey},
};

/// How long a new key is published before it signs: servers keep a set of keys for a while before they fetch it again, and a
/// person who pastes keys needs a moment, too.
pub const INTRODUCED_FOR: Duration = Duration::from_hours(1);

/// The type of a token that is presented with a proof of possession (RFC 9449, section 5).
pub const BOUND: &str = "DPoP";

/// How long a coordinate of the curve is, in bytes.
const COORDINATE: usize = 32;

/// The public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    x: [u8; COORDINATE],
    y: [u8; COORDINATE],
}

/// The text is no public key of this curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the two coordinates of a point, 64 bytes in URL-safe base 64")]
pub struct InvalidPublicKey;

impl PublicKey {
    /// The key at this point, as SEC 1, section 2.3.3 writes it without compression; `None` if it is written otherwise.
    #[must_use]
    pub fn of_point(point: &[u8]) -> Option<Self> {
        let [4, coordinates @ ..] = point else { return None };
        Self::of_coordinates(coordinates)
    }

    /// Parses what [`PublicKey::to_text`] wrote.
    ///
    /// # Errors
    /// [`InvalidPublicKey`].
    pub fn parse(raw: &str) -> Result<Self, InvalidPublicKey> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw).map_err(|_| InvalidPublicKey)?;
        Self::of_coordinates(&bytes).ok_or(InvalidPublicKey)
    }

    fn of_coordinates(bytes: &[u8]) -> Option<Self> {
        let (x, y) = bytes.split_at_checked(COORDINATE)?;
        Some(Self { x: x.try_into().ok()?, y: y.try_into().ok()? })
    }

    /// The key as it is stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([self.x, self.y].concat())
    }

    /// The key alone (RFC 7517; RFC 7518, section 6.2.1), as a proof of possession carries it.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let [x, y] = [self.x, self.y].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
        json!({"crv": "P-256", "kty": "EC", "x": x, "y": y})
    }

    /// The key as it is published: with its name and what it is for.
    #[must_use]
    pub fn published(&self) -> Value {
        let mut jwk = self.jwk();
        jwk["kid"] = self.thumbprint().into();
        jwk["use"] = "sig".into();
        jwk["alg"] = "ES256".into();
        jwk
    }

    /// Its SHA-256 thumbprint (RFC 7638), which is also its name here.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let [x, y] = [self.x, self.y].map(|coordinate| BASE64_URL_SAFE_NO_PAD.encode(coordinate));
        // Section 3.2: these members, in this order, without white space.
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        BASE64_URL_SAFE_NO_PAD.encode(sha256(members.as_bytes()))
    }
}

/// A connector's key pair.
#[derive(Debug, Clone)]
pub struct ClientKey {
    /// The private half.
    pub sealed: Sealed<SigningKey>,
    /// The public half.
    pub public: PublicKey,
    /// The pair before it.
    pub earlier: Option<EarlierKey>,
    /// When it was made.
    pub made_at: Timestamp,
}

/// The key pair before the present one. It stays published, so that what was signed with it a moment ago still counts.
#[derive(Debug, Clone)]
pub struct EarlierKey {
    /// The private half.
    pub sealed: Sealed<EarlierSigningKey>,
    /// The public half.
    pub public: PublicKey,
}

impl ClientKey {
    /// What the provider is to know, the newest key first.
    pub fn public_keys(&self) -> impl Iterator<Item = &PublicKey> {
        std::iter::once(&self.public).chain(self.earlier.as_ref().map(|earlier| &earlier.public))
    }

    /// From when on the newest key signs: at once, unless there is one before it.
    #[must_use]
    pub fn signs_from(&self) -> Timestamp {
        let introduced = self.made_at.checked_add(INTRODUCED_FOR).unwrap_or(Timestamp::MAX);
        if self.earlier.is_some() { introduced } else { self.made_at }
    }

    /// The key before the newest, while that one is too new for the provider to know it.
    #[must_use]
    pub fn still_signing(&self, now: Timestamp) -> Option<&EarlierKey> {
        self.earlier.as_ref().filter(|_| now < self.signs_from())
    }
}

/// These keys as a provider reads them (RFC 7517, section 5).
#[must_use]
pub fn key_set<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Value {
    json!({"keys": keys.into_iter().map(PublicKey::published).collect::<Vec<_>>()})
}

impl Provider {
    /// Whether a client signs there: to prove who it is, or that it has what its tokens are bound to, or may be.
    #[must_use]
    pub fn needs_client_key(&self) -> bool {
        self.token.client_auth == ClientAuth::PrivateKeyJwt || self.binds_tokens() || self.may_bind_tokens()
    }

    /// Whether its tokens are always asked for bound to the connector's key (RFC 9449): whoever presents a bound token has
    /// to sign each request, which most APIs do not ask for and most apps cannot do.
    #[must_use]
    pub fn binds_tokens(&self) -> bool {
        self.token.dpop == Some(Dpop::Required)
    }

    /// Whether its tokens are bound to the connector's key if it gives no others.
    #[must_use]
    pub fn may_bind_tokens(&self) -> bool {
        self.token.dpop == Some(Dpop::WhenAsked)
    }

    /// Whether authorization requests are pushed (RFC 9126): wherever they can be.
    #[must_use]
    pub fn takes_pushed_requests(&self) -> bool {
        self.authorize.par_url.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 9449, section 4.1.
    fn of_rfc_9449() -> PublicKey {
        let coordinate = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let x = coordinate("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs");
        let y = coordinate("9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
        PublicKey::of_point(&[vec![4], x, y].concat()).unwrap()
    }

    #[test]
    fn the_thumbprint_is_the_one_of_rfc_9449_section_6_1() {
        assert_eq!(of_rfc_9449().thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn a_key_reads_back_as_it_was_written() {
        let key = of_rfc_9449();
        assert_eq!(PublicKey::parse(&key.to_text()), Ok(key));
        for raw in ["", "AAAA", "!", &"A".repeat(85), &"A".repeat(88)] {
            assert_eq!(PublicKey::parse(raw), Err(InvalidPublicKey), "{raw}");
        }
    }

    #[test]
    fn what_is_published_names_the_key_and_nothing_private() {
        let set = key_set([&of_rfc_9449()]);
        let key = set["keys"][0].as_object().unwrap();
        let names: Vec<&str> = key.keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    }
}
