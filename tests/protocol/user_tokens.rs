//! Who is calling: user tokens (RFC 7519, RFC 8725), and whose keys they are believed by.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use crate::world::{Reply, SigningKey, World, hs256, jwks, serve, unsigned};

/// The status of a harmless read with this token.
async fn status(world: &World, token: &str) -> u16 {
    world.call("GET", &world.app.path("/app-user-auth/connectors")).bearer(token).send().await.status
}

async fn identify(world: &World, identity: &Value) {
    let path = format!("/apps/{}/identity", world.app.id);
    world.admin("PUT", &path).json(identity).send().await.expect(200);
    // What was known of the app before is believed for a minute.
    world.advance(60);
}

/// PUB-17.
#[tokio::test]
async fn an_unsigned_token_proves_nothing_however_it_spells_that() {
    let world = World::new().await;
    let claims = world.app.claims(&world, "alice");
    for alg in ["none", "None", "nOnE", "NONE", "", "ES256"] {
        let message = unsigned(&json!({"alg": alg, "typ": "JWT", "kid": world.app.signer.id}), &claims);
        for token in [format!("{message}."), message.clone(), format!("{message}.{}", "A".repeat(86))] {
            assert_eq!(status(&world, &token).await, 401, "{alg}: {token}");
        }
    }
    assert_eq!(status(&world, &world.app.signer.sign(&claims)).await, 200);
}

/// PUB-18.
#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let world = World::new().await;
    let key = SigningKey::rsa("rsa");
    identify(&world, &json!({"issuer": world.app.issuer, "audience": world.app.id, "jwks": jwks(&[&key])})).await;
    let claims = world.app.claims(&world, "alice");
    for bytes in key.public_bytes() {
        assert_eq!(status(&world, &hs256(&bytes, &key.id, &claims)).await, 401);
    }
    assert_eq!(status(&world, &key.sign(&claims)).await, 200);
    // The algorithm is the key's and never the token's.
    for alg in ["PS256", "RS384", "ES256", "HS256"] {
        let token = key.sign_with(&json!({"alg": alg, "typ": "JWT", "kid": key.id}), &claims);
        assert_eq!(status(&world, &token).await, 401, "{alg}");
    }
}

/// PUB-19, PUB-20.
#[tokio::test]
async fn a_token_must_say_who_for_whom_by_whom_and_until_when() {
    let world = World::new().await;
    let now = world.clock.now().as_second();
    let changes = [
        ("aud", json!("another-app")),
        ("aud", json!([])),
        ("aud", json!(null)),
        ("iss", json!("https://evil.example")),
        ("iss", json!([world.app.issuer])),
        ("iss", json!(null)),
        ("exp", json!(now - 300)),
        ("exp", json!(now - 31)),
        ("exp", json!("never")),
        ("exp", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!(null)),
        ("sub", json!("a".repeat(2_000))),
        ("nbf", json!(now + 31)),
        ("nbf", json!("later")),
    ];
    for (claim, value) in changes {
        let mut claims = world.app.claims(&world, "alice");
        claims[claim] = value.clone();
        assert_eq!(status(&world, &world.app.signer.sign(&claims)).await, 401, "{claim}: {value}");
        claims.as_object_mut().unwrap().remove(claim);
        let expected = if claim == "nbf" { 200 } else { 401 };
        assert_eq!(status(&world, &world.app.signer.sign(&claims)).await, expected, "without {claim}");
    }
    let mut claims = world.app.claims(&world, "alice");
    claims["aud"] = json!(["another-app", world.app.id]);
    claims["nbf"] = json!(now + 30);
    claims["exp"] = json!(now - 29);
    assert_eq!(status(&world, &world.app.signer.sign(&claims)).await, 200);
}

/// Extensions that would change what the token means, and tokens that are for something else (RFC 8725, section 3.11).
#[tokio::test]
async fn a_header_that_says_more_than_it_may_is_refused() {
    let world = World::new().await;
    let claims = world.app.claims(&world, "alice");
    let header = |name: &str, value: Value| {
        let mut header = json!({"alg": "ES256", "typ": "JWT", "kid": world.app.signer.id});
        header[name] = value;
        header
    };
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("typ", json!("dpop+jwt")),
        ("typ", json!("logout+jwt")),
        ("typ", json!("secevent+jwt")),
        ("typ", json!(7)),
        ("kid", json!("unknown")),
        ("kid", json!(["first-app-key"])),
        ("alg", json!("RS256")),
    ] {
        let token = world.app.signer.sign_with(&header(name, value.clone()), &claims);
        assert_eq!(status(&world, &token).await, 401, "{name}: {value}");
    }
    let forged = SigningKey::p256(&world.app.signer.id);
    for (name, value) in
        [("jwk", forged.jwk()), ("jku", json!("https://evil.example/keys")), ("x5u", json!("https://evil.example"))]
    {
        assert_eq!(status(&world, &forged.sign_with(&header(name, value), &claims)).await, 401, "{name}");
    }
    for typ in ["JWT", "jwt", "application/jwt", "at+jwt"] {
        assert_eq!(
            status(&world, &world.app.signer.sign_with(&header("typ", json!(typ)), &claims)).await,
            200,
            "{typ}"
        );
    }
}

/// An issuer that serves a set of keys, and counts how often it is asked.
struct Served {
    uri: String,
    set: Arc<Mutex<Value>>,
    asked: Arc<AtomicUsize>,
}

impl Served {
    async fn start(keys: &[&SigningKey]) -> Self {
        let (set, asked) = (Arc::new(Mutex::new(jwks(keys))), Arc::<AtomicUsize>::default());
        let (served, count) = (set.clone(), asked.clone());
        let address = serve(Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            let reply = Reply::json(200, &served.lock().unwrap());
            Box::pin(async { reply })
        }));
        Self { uri: format!("http://{}/keys", address.await), set, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// PUB-22.
#[tokio::test]
async fn tokens_of_unknown_keys_make_the_issuer_be_asked_twice_a_minute_at_most() {
    let world = World::new().await;
    let known = SigningKey::p256("known");
    let issuer = Served::start(&[&known]).await;
    identify(&world, &json!({"issuer": world.app.issuer, "audience": world.app.id, "jwks_uri": issuer.uri})).await;
    let registered = issuer.asked();
    for number in 0..20 {
        let stranger = SigningKey::p256(&format!("stranger-{number}"));
        assert_eq!(status(&world, &stranger.sign(&world.app.claims(&world, "alice"))).await, 401);
    }
    assert_eq!(issuer.asked(), registered + 1);
    let new = SigningKey::p256("new");
    *issuer.set.lock().unwrap() = jwks(&[&known, &new]);
    world.advance(29);
    assert_eq!(status(&world, &new.sign(&world.app.claims(&world, "alice"))).await, 401);
    assert_eq!(issuer.asked(), registered + 1);
    world.advance(1);
    assert_eq!(status(&world, &new.sign(&world.app.claims(&world, "alice"))).await, 200);
    assert_eq!(issuer.asked(), registered + 2);
}

#[tokio::test]
async fn a_key_that_the_issuer_withdrew_is_refused_within_the_hour() {
    let world = World::new().await;
    let (stolen, kept) = (SigningKey::p256("stolen"), SigningKey::p256("kept"));
    let issuer = Served::start(&[&stolen, &kept]).await;
    identify(&world, &json!({"issuer": world.app.issuer, "audience": world.app.id, "jwks_uri": issuer.uri})).await;
    // The set that was registered is believed for a day, so that a cold start does not wait for the issuer.
    world.advance(24 * 3_600);
    assert_eq!(status(&world, &stolen.sign(&world.app.claims(&world, "alice"))).await, 200);
    *issuer.set.lock().unwrap() = jwks(&[&kept]);
    world.advance(3_600);
    assert_eq!(status(&world, &stolen.sign(&world.app.claims(&world, "alice"))).await, 401);
    assert_eq!(status(&world, &kept.sign(&world.app.claims(&world, "alice"))).await, 200);
}

/// Registering the identity again is how an admin withdraws a stolen key without waiting.
#[tokio::test]
async fn a_key_that_the_admin_withdrew_is_refused_within_a_minute() {
    let world = World::new().await;
    let (stolen, new) = (SigningKey::p256("stolen"), SigningKey::p256("new"));
    let issuer = Served::start(&[&stolen]).await;
    let inline = |key: &SigningKey| json!({"issuer": world.app.issuer, "audience": world.app.id, "jwks": jwks(&[key])});
    let served = json!({"issuer": world.app.issuer, "audience": world.app.id, "jwks_uri": issuer.uri});
    for (before, after) in [(inline(&stolen), inline(&new)), (served.clone(), served)] {
        *issuer.set.lock().unwrap() = jwks(&[&stolen]);
        identify(&world, &before).await;
        assert_eq!(status(&world, &stolen.sign(&world.app.claims(&world, "alice"))).await, 200);
        *issuer.set.lock().unwrap() = jwks(&[&new]);
        identify(&world, &after).await;
        assert_eq!(status(&world, &stolen.sign(&world.app.claims(&world, "alice"))).await, 401);
        assert_eq!(status(&world, &new.sign(&world.app.claims(&world, "alice"))).await, 200);
    }
}

/// Keys that were registered with one app vouch for its users only.
#[tokio::test]
async fn the_keys_of_one_tenant_sign_nobody_in_at_another() {
    let world = World::new().await;
    let hostile = world.found("Hostile").await;
    let theirs = world.register_app(&hostile, "their-app").await;
    let path = theirs.path("/app-user-auth/connectors");
    world.call("GET", &path).bearer(&theirs.user(&world, "mallory")).send().await.expect(200);
    let forged = theirs.signer.sign(&world.app.claims(&world, "alice"));
    assert_eq!(status(&world, &forged).await, 401);
    assert_eq!(status(&world, &world.app.user(&world, "alice")).await, 200);
}

/// Users and strangers never learn why a token is refused. An admin who sets up the sign-in does, without seeing the token
/// again.
#[tokio::test]
async fn an_admin_is_told_what_is_wrong_with_a_token_that_the_app_will_not_take() {
    let world = World::new().await;
    let (claims, signer) = (world.app.claims(&world, "alice"), &world.app.signer);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        signer.sign(&claims)
    };
    let good = signer.sign(&claims);
    let (message, _) = good.rsplit_once('.').unwrap();
    let of_another = signer.sign(&world.app.claims(&world, "bob"));
    let changed = format!("{message}.{}", of_another.rsplit_once('.').unwrap().1);
    let without_subject = {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove("sub");
        signer.sign(&claims)
    };
    let now = world.clock.now().as_second();
    let path = format!("/apps/{}/identity/check", world.app.id);
    for (token, expected) in [
        (good.as_str(), None),
        ("three.wrong.parts", Some("not_a_token")),
        (message, Some("not_a_token")),
        (&changed, Some("signature")),
        (&with("iss", json!("https://elsewhere.example")), Some("issuer")),
        (&with("aud", json!("another-app")), Some("audience")),
        (&without_subject, Some("claim")),
        (&with("exp", json!(now - 60)), Some("expired")),
        (&with("nbf", json!(now + 600)), Some("not_yet")),
        (&with("groups", json!("g".repeat(3_000))), None),
        (&with("groups", json!("g".repeat(9_000))), Some("too_long")),
        (&SigningKey::p256("unknown").sign(&claims), Some("unknown_key")),
        (&unsigned(&json!({"alg": "ES256", "typ": "logout+jwt"}), &claims), Some("header")),
    ] {
        let answer = world.admin("POST", &path).json(&json!({"token": token})).send().await;
        assert!(!answer.text.contains(token), "{answer:?}");
        let found = answer.expect(200);
        assert_eq!((&found["valid"], &found["problem"]), (&json!(expected.is_none()), &json!(expected)), "{found}");
    }
    world.admin("DELETE", &format!("/apps/{}/identity", world.app.id)).send().await.expect(204);
    let found = world.admin("POST", &path).json(&json!({"token": good})).send().await.expect(200);
    assert_eq!(found["problem"], "no_identity");
    world.admin("POST", &path).json(&json!({})).send().await.expect(422);
}

/// Whoever changes the audience sends back what they see of the rest: nobody's keys are lost, or looked for elsewhere.
#[tokio::test]
async fn keys_that_were_registered_are_shown_and_can_be_sent_again() {
    let world = World::new().await;
    let path = format!("/apps/{}/identity", world.app.id);
    let mut identity = world.admin("GET", &path).send().await.expect(200);
    assert_eq!((&identity["jwks"], &identity["jwks_uri"]), (&jwks(&[&world.app.signer]), &Value::Null));
    identity["audience"] = json!("another");
    let again = json!({"issuer": identity["issuer"], "audience": "another", "jwks": identity["jwks"]});
    identify(&world, &again).await;
    let mut claims = world.app.claims(&world, "alice");
    claims["aud"] = json!("another");
    assert_eq!(status(&world, &world.app.signer.sign(&claims)).await, 200);
    let shown = world.admin("GET", &format!("/apps/{}", world.app.id)).send().await.expect(200);
    assert_eq!(shown["identity"]["jwks"], again["jwks"]);
}

/// What would let whoever reads the tables sign users in.
#[tokio::test]
async fn the_private_half_of_a_key_is_not_taken() {
    let world = World::new().await;
    let mut keys = jwks(&[&world.app.signer]);
    keys["keys"][0]["d"] = json!("c2VjcmV0");
    let admins = json!({"claim": "groups", "values": ["admins"]});
    for (path, identity) in [
        (
            format!("/apps/{}/identity", world.app.id),
            json!({"issuer": world.app.issuer, "audience": "a", "jwks": keys}),
        ),
        (
            "/identity".to_owned(),
            json!({"issuer": "https://x.example", "client_id": "a", "admins": admins, "jwks": keys}),
        ),
    ] {
        let refused = world.admin("PUT", &path).json(&identity).send().await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/jwks", "{path}");
        assert!(!refused.to_string().contains("c2VjcmV0"));
    }
}
