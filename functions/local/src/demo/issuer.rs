//! The identity provider of the demo app: whoever asks is signed in as the demo user they name.
//!
//! It stands where an app's real one stands (a login service, the app's own backend): the product knows it only by its
//! issuer and its published keys.

use std::{
    io,
    path::Path,
    sync::{Arc, OnceLock},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{
    Json, Router,
    extract::{Path as PathPart, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use connectors::clock::Clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{digest::digest_of, files};

/// How long a user stays signed in, in seconds.
const LIFETIME: i64 = 3600;

/// Why the signing key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum IssuerKeyError {
    /// The file can't be read or written.
    #[error("the issuer's key file can't be read or written: {0}")]
    Io(#[from] io::Error),
    /// The file holds no P-256 key, or none can be made.
    #[error("the issuer's key file is damaged")]
    Damaged,
}

/// The name of a demo user: `[a-z0-9_-]{1,32}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// Parses a name that came from outside; `None` if it is not one.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        ((1..=32).contains(&raw.len()) && raw.bytes().all(is_allowed)).then(|| Self(raw.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The identity provider.
pub struct Issuer {
    url: String,
    key: EncodingKey,
    key_id: String,
    public_key: Value,
    audience: OnceLock<String>,
    clock: Clock,
}

impl Issuer {
    /// Opens the key file, or makes it; the issuer is `{base}/demo`.
    ///
    /// # Errors
    /// [`IssuerKeyError`]; a damaged file is never replaced.
    pub fn open(file: &Path, base: &str, clock: Clock) -> Result<Self, IssuerKeyError> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = if let Some(pkcs8) = files::read_if_present(file)? {
            Zeroizing::new(pkcs8)
        } else {
            let fresh = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new());
            let fresh = Zeroizing::new(fresh.map_err(|_| IssuerKeyError::Damaged)?.as_ref().to_vec());
            files::write_private(file, &fresh)?;
            fresh
        };
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8).map_err(|_| IssuerKeyError::Damaged)?;
        // An uncompressed point: 0x04, then both coordinates of 32 bytes.
        let point = pair.public_key().as_ref();
        let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else { return Err(IssuerKeyError::Damaged) };
        let (x, y) = (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y));
        let key_id = digest_of(&format!("{x}.{y}"));
        Ok(Self {
            url: format!("{base}/demo"),
            key: EncodingKey::from_ec_der(&pkcs8),
            public_key: json!({
                "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": key_id, "x": x, "y": y,
            }),
            key_id,
            audience: OnceLock::new(),
            clock,
        })
    }

    /// Its issuer identifier.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Names the app that its users are signed in to. Until then it signs in nobody; a second call changes nothing.
    pub fn serve_app(&self, app: &str) {
        let _ = self.audience.set(app.to_owned());
    }

    /// The user as a JSON web token, one hour long; `None` before the app is known.
    #[must_use]
    pub fn sign_in(&self, user: &UserName) -> Option<String> {
        self.signed(user, self.audience.get()?)
    }

    /// The user as an access token for the address where the app's agents call (RFC 8707); `None` for any other.
    #[must_use]
    pub fn token_for(&self, user: &UserName, resource: &str) -> Option<String> {
        let base = self.url.trim_end_matches("/demo");
        let agents = format!("{base}/mcp/apps/{}", self.audience.get()?);
        if resource == agents { self.signed(user, resource) } else { None }
    }

    fn signed(&self, user: &UserName, audience: &str) -> Option<String> {
        let now = self.clock.now().as_second();
        let claims = json!({"iss": self.url, "aud": audience, "sub": user.as_str(), "iat": now, "exp": now + LIFETIME});
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, &claims, &self.key).ok()
    }
}

/// The routes of the issuer.
pub fn router(issuer: Arc<Issuer>) -> Router {
    Router::new()
        .route("/demo/.well-known/openid-configuration", get(metadata))
        .route("/demo/.well-known/jwks.json", get(keys))
        .route("/demo/users/{name}/token", post(token))
        .with_state(issuer)
}

async fn metadata(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(json!({
        "issuer": issuer.url,
        "jwks_uri": format!("{}/.well-known/jwks.json", issuer.url),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn keys(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(json!({"keys": [issuer.public_key]}))
}

#[derive(Deserialize)]
struct Wanted {
    resource: Option<String>,
}

async fn token(
    State(issuer): State<Arc<Issuer>>,
    PathPart(name): PathPart<String>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let Some(user) = UserName::parse(&name) else {
        return (StatusCode::NOT_FOUND, Json(json!({"detail": "a user's name has a-z, 0-9, _ and -, 32 at most"})))
            .into_response();
    };
    let token = match &wanted.resource {
        None => issuer.sign_in(&user),
        Some(resource) => issuer.token_for(&user, resource),
    };
    let Some(token) = token else {
        return match wanted.resource {
            None => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")]).into_response(),
            Some(_) => (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_target"}))).into_response(),
        };
    };
    let body = json!({"token": token, "access_token": token, "user": user.as_str(), "expires_in": LIFETIME});
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode, jwk::JwkSet};

    use super::*;

    fn issuer(folder: &tempfile::TempDir) -> Issuer {
        Issuer::open(&folder.path().join("issuer.key"), "http://localhost:8787", Clock::system()).unwrap()
    }

    #[test]
    fn a_signed_in_user_is_verified_with_the_published_key_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let first = issuer(&folder);
        first.serve_app("app_1");
        let token = first.sign_in(&UserName::parse("alice").unwrap()).unwrap();

        let published: JwkSet = serde_json::from_value(json!({"keys": [issuer(&folder).public_key]})).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["app_1"]);
        validation.set_issuer(&["http://localhost:8787/demo"]);
        let key = DecodingKey::from_jwk(&published.keys[0]).unwrap();
        let claims = decode::<Value>(&token, &key, &validation).unwrap().claims;
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    }

    #[test]
    fn nobody_is_signed_in_before_the_app_is_known() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(issuer(&folder).sign_in(&UserName::parse("alice").unwrap()), None);
    }

    #[test]
    fn a_token_for_agents_is_for_those_of_the_app_and_for_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (issuer, alice) = (issuer(&folder), UserName::parse("alice").unwrap());
        let agents = "http://localhost:8787/mcp/apps/app_1";
        assert_eq!(issuer.token_for(&alice, agents), None);
        issuer.serve_app("app_1");
        assert!(issuer.token_for(&alice, agents).is_some());
        for other in ["http://localhost:8787/mcp/apps/app_2", "http://localhost:8787/mcp/ws_1", "console", ""] {
            assert_eq!(issuer.token_for(&alice, other), None, "{other}");
        }
    }

    #[test]
    fn a_name_has_only_small_letters_digits_and_two_marks() {
        for (raw, expected) in
            [("alice", true), ("bob_2-x", true), ("", false), ("Alice", false), ("a/b", false), ("é", false)]
        {
            assert_eq!(UserName::parse(raw).is_some(), expected, "{raw}");
        }
        assert!(UserName::parse(&"a".repeat(33)).is_none());
    }
}
