//! What is shown as a user's token. Input: a line that says what it is, and then
//!
//! - `raw`: the token itself;
//! - `signed ed|ec|rsa|foreign|hmac|none [POSITION BITS]`: a line with the header, and the claims. They are signed with that
//!   key, and the token is then bent at that position;
//! - `keys`: the key set of an issuer, in which `{ed}` stands for a real key. A token that this key signed is shown.
//!
//! Nobody is recognised but by a token that one of the issuer's keys has signed as it is, and that says what it must.

use std::sync::{Arc, LazyLock, OnceLock};

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use connectors::{
    auth::Authenticator,
    domain::ids::AppId,
    oauth::ProviderClient,
    store::{ApiKeys, Apps, WorkspaceIdentities},
};
use connectors_tests::idp::{SigningKey, jwks};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    text::{choose, first_line},
    world::{APP, ISSUER, World},
};

/// By how much clocks may differ, in seconds.
const LEEWAY: f64 = 30.0;

/// The digits of a token's three parts.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static KEYS: LazyLock<Keys> = LazyLock::new(Keys::new);

type Trial = fn(&World, &str, &[u8]);

const TRIALS: [(&str, Trial); 3] = [("raw", try_raw), ("signed", try_signed), ("keys", try_keys)];

/// Takes an input.
pub fn run(input: &[u8]) {
    let (first, rest) = first_line(input);
    let (trial, more) = first.split_once(' ').unwrap_or((&first, ""));
    choose(&TRIALS, trial)(&World::get(), more, rest);
}

/// The keys of the app's issuer, and one that is not.
pub(crate) struct Keys {
    ed: SigningKey,
    ec: SigningKey,
    rsa: SigningKey,
    foreign: SigningKey,
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signer {
    Ed,
    Ec,
    Rsa,
    Foreign,
    /// With the issuer's public key as a shared one.
    Hmac,
    Nobody,
}

const SIGNERS: [(&str, Signer); 6] = [
    ("ed", Signer::Ed),
    ("ec", Signer::Ec),
    ("rsa", Signer::Rsa),
    ("foreign", Signer::Foreign),
    ("hmac", Signer::Hmac),
    ("none", Signer::Nobody),
];

impl Keys {
    /// Those of this process.
    pub(crate) fn get() -> &'static Self {
        &KEYS
    }

    fn new() -> Self {
        Self {
            ed: SigningKey::ed25519("ed"),
            ec: SigningKey::p256("ec"),
            rsa: SigningKey::rsa("rsa"),
            foreign: SigningKey::ed25519("ed"),
        }
    }

    /// What the issuer publishes.
    pub(crate) fn jwks(&self) -> Value {
        jwks(&[&self.ed, &self.ec, &self.rsa])
    }

    /// A token of the issuer.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.ed.sign(claims)
    }

    fn signed(&self, signer: Signer, header: &[u8], claims: &[u8]) -> String {
        let message = || format!("{}.{}", encoded(header), encoded(claims));
        match signer {
            Signer::Ed => self.ed.sign_bytes(header, claims),
            Signer::Ec => self.ec.sign_bytes(header, claims),
            Signer::Rsa => self.rsa.sign_bytes(header, claims),
            Signer::Foreign => self.foreign.sign_bytes(header, claims),
            Signer::Hmac => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &self.ed.public_bytes()[0]);
                format!("{}.{}", message(), encoded(hmac::sign(&key, message().as_bytes()).as_ref()))
            }
            Signer::Nobody => format!("{}.", message()),
        }
    }
}

fn try_raw(world: &World, _: &str, token: &[u8]) {
    let token = String::from_utf8_lossy(token);
    assert_eq!(recognised(world, &token), None, "{token:?} was signed by nobody");
}

fn try_signed(world: &World, how: &str, rest: &[u8]) {
    let mut words = how.split_whitespace();
    let signer = *choose(&SIGNERS, words.next().unwrap_or_default());
    let bend = words.next().and_then(|word| word.parse().ok()).zip(words.next().and_then(|word| word.parse().ok()));
    let (header, claims) = first_line(rest);
    let token = Keys::get().signed(signer, header.as_bytes(), claims);
    let shown = bend.map_or_else(|| token.clone(), |(position, bits)| bent(&token, position, bits));
    let expected = if shown == token { entitled(world, signer, header.as_bytes(), claims) } else { None };
    let recognised = recognised(world, &shown);
    assert!(recognised.is_none() || recognised == expected, "{signer:?} signed {header} {claims:?}: {recognised:?}");
}

/// The set is the app's, and a token of its one known key is shown. Whatever else is in the set, only that key counts.
fn try_keys(world: &World, _: &str, set: &[u8]) {
    let ed = Keys::get().ed.jwk();
    let set = String::from_utf8_lossy(set).replace("{ed}", &ed.to_string());
    let mut app = world.endpoint.find(|_, item| item.contains_key("id_jwks")).expect("the app");
    app["id_jwks"] = json!({"S": set});
    world.endpoint.lay_out("registry", app);
    let claims = json!({"iss": ISSUER, "aud": APP, "sub": "alice", "exp": world.clock.now().as_second() + 60});
    let recognised = recognised_by(world, &authenticator(world), &Keys::get().token(&claims));
    world.endpoint.clear_away();
    assert!(recognised.is_none() || set.contains(ed["x"].as_str().unwrap()), "recognised by {set}");
}

/// One digit of a token, changed; or its length, if the position is behind its end.
fn bent(token: &str, position: usize, bits: usize) -> String {
    let mut bytes = token.as_bytes().to_vec();
    match bytes.get_mut(position) {
        Some(byte) => {
            let digit = DIGITS.iter().position(|digit| digit == byte).unwrap_or_default();
            *byte = DIGITS[(digit ^ bits) % DIGITS.len()];
        }
        None => bytes.push(DIGITS[bits % DIGITS.len()]),
    }
    String::from_utf8(bytes).unwrap()
}

/// What is read of a header, and what must not be in one.
#[derive(Deserialize)]
struct Header {
    alg: Value,
    kid: Value,
    #[serde(default)]
    crit: Value,
    #[serde(default)]
    b64: Value,
}

/// What is read of claims. There may be others, of any kind.
#[derive(Deserialize)]
struct Claims {
    iss: Value,
    aud: Value,
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

/// Whom a token of this content proves, by rules of our own.
fn entitled(world: &World, signer: Signer, header: &[u8], claims: &[u8]) -> Option<String> {
    let header: Header = serde_json::from_str(str::from_utf8(header).ok()?).ok()?;
    let claims: Claims = serde_json::from_str(str::from_utf8(claims).ok()?).ok()?;
    let (kid, alg) = match signer {
        Signer::Ed => ("ed", "EdDSA"),
        Signer::Ec => ("ec", "ES256"),
        Signer::Rsa => ("rsa", "RS256"),
        Signer::Foreign | Signer::Hmac | Signer::Nobody => return None,
    };
    let is_plain = header.kid == kid && header.alg == alg && header.crit.is_null() && header.b64.is_null();
    let is_for_app = claims.aud == APP || claims.aud.as_array().is_some_and(|all| all.contains(&json!(APP)));
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let now = world.clock.now().as_second() as f64;
    let is_current = claims.exp + LEEWAY > now && claims.nbf.is_none_or(|begin| begin <= now + LEEWAY);
    (is_plain && is_for_app && is_current && claims.iss == ISSUER).then_some(claims.sub)
}

fn recognised(world: &World, token: &str) -> Option<String> {
    static AUTHENTICATOR: OnceLock<Authenticator> = OnceLock::new();
    recognised_by(world, AUTHENTICATOR.get_or_init(|| authenticator(world)), token)
}

fn recognised_by(world: &World, authenticator: &Authenticator, token: &str) -> Option<String> {
    let app = AppId::parse(APP).unwrap();
    let user = world.run(authenticator.user(Some(token), &app)).ok()?;
    Some(user.user().subject.as_str().to_owned())
}

fn authenticator(world: &World) -> Authenticator {
    let (client, clock) = (Arc::new(ProviderClient::default()), world.clock.clone());
    let keys = ApiKeys::new(&world.dynamodb, &world.tables);
    let identities = WorkspaceIdentities::new(&world.dynamodb, &world.tables);
    Authenticator::new(keys, Apps::new(&world.dynamodb, &world.tables), identities, client, clock)
}

fn encoded(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_of_the_issuer_is_known_and_no_other() {
        let world = World::get();
        let claims = json!({"iss": ISSUER, "aud": APP, "sub": "alice", "exp": world.clock.now().as_second() + 60});
        for (signer, header, expected) in [
            (Signer::Ed, r#"{"alg":"EdDSA","kid":"ed"}"#, Some("alice".to_owned())),
            (Signer::Ec, r#"{"alg":"ES256","kid":"ec"}"#, Some("alice".to_owned())),
            (Signer::Rsa, r#"{"alg":"RS256","kid":"rsa"}"#, Some("alice".to_owned())),
            (Signer::Foreign, r#"{"alg":"EdDSA","kid":"ed"}"#, None),
            (Signer::Hmac, r#"{"alg":"HS256","kid":"ed"}"#, None),
        ] {
            let token = Keys::get().signed(signer, header.as_bytes(), claims.to_string().as_bytes());
            assert_eq!(recognised(&world, &token), expected, "{signer:?}");
            assert_eq!(
                entitled(&world, signer, header.as_bytes(), claims.to_string().as_bytes()),
                expected,
                "{signer:?}"
            );
        }
    }

    #[test]
    fn what_is_no_text_proves_nobody() {
        let world = World::get();
        let header = br#"{"alg":"EdDSA","kid":"ed"}"#;
        let claims = br#"{"iss":"https://first-app.example","aud":"first-app","sub":"alice","exp":1795345200}"#;
        let with = |object: &[u8]| [&object[..object.len() - 1], b",\"more\":\"\xbf\"}"].concat();
        let shown = |header: &[u8], claims: &[u8]| recognised(&world, &Keys::get().signed(Signer::Ed, header, claims));
        assert_eq!(shown(header, claims).as_deref(), Some("alice"));
        assert_eq!(shown(header, &with(claims)), None);
        assert_eq!(shown(&with(header), claims), None);
    }
}
