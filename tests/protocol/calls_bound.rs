//! Calls with a token that is bound to the connector's key (RFC 9449): the API takes it with a proof only, and the proof is
//! for this one request.

use std::collections::BTreeSet;

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    calls::Called,
    world::{ApiDouble, Seen, World, text},
};

/// A user who is connected with a bound token, to a provider of which nothing but issuer and API are named.
async fn bound() -> Called {
    let world = World::new().await;
    let mut metadata = world.provider.metadata();
    metadata["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    world.provider.publish(metadata);
    let api = ApiDouble::start(&world.provider).await;
    let body = json!({
        "id": "calendar", "name": "Calendar", "issuer": world.provider.issuer(), "api": {"base_url": api.url("/v1")},
    });
    world.admin("POST", "/providers").json(&body).send().await.expect(201);
    world.provider.demand_proofs("invalid_dpop_proof");
    let connector = world.connector_at(&world.workspace, "calendar", "Calendar", &["read", "write"]).await;
    world.connect(&connector, "alice").await;
    Called { world, api, connector }
}

fn decoded(part: &Value) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part.as_str().unwrap()).unwrap()
}

/// What a proof claims, if the key in it has signed it.
fn proved(seen: &Seen) -> (Value, Value) {
    let proof = seen.header("dpop").expect("a proof");
    let (message, signature) = proof.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    let read = |part: &str| serde_json::from_slice::<Value>(&decoded(&json!(part))).unwrap();
    let header = read(header);
    assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert_eq!(header["jwk"].get("d"), None, "nothing private is shown");
    let point = [vec![4], decoded(&header["jwk"]["x"]), decoded(&header["jwk"]["y"])].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(message.as_bytes(), &decoded(&json!(signature))).expect("signed by the key that is in it");
    (header["jwk"].clone(), read(claims))
}

#[tokio::test]
async fn a_bound_token_is_shown_with_a_proof_for_this_very_request() {
    let called = bound().await;
    let path = format!("/connectors/{}", called.connector.id);
    let own = called.world.admin("GET", &path).send().await.expect(200)["key"]["jwk"].clone();
    let token = called.world.access_token(&called.connector, "alice").await;
    let mut ids = BTreeSet::new();
    for method in ["GET", "POST"] {
        let told = called.call(&json!({"method": method, "path": "/events?a=b", "query": {"c": "d"}})).await;
        assert_eq!(told.expect(200)["success"], true, "{told:?}");
        assert!(!told.text.contains(&token));
        let seen = called.api.take().remove(0);
        assert_eq!(seen.header("authorization"), Some(format!("DPoP {token}").as_str()));
        let (key, claims) = proved(&seen);
        assert_eq!((&key["x"], &key["y"]), (&own["x"], &own["y"]), "the connector's own key");
        let hash = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()));
        assert_eq!(
            (&claims["htm"], &claims["htu"], &claims["ath"]),
            (&json!(method), &json!(called.api.url("/v1/events")), &json!(hash)),
            "the address without its query"
        );
        assert_eq!(claims["iat"], json!(called.world.clock.now().as_second()));
        ids.insert(text(&claims["jti"]));
    }
    assert_eq!(ids.len(), 2, "no proof is shown twice");
}

#[tokio::test]
async fn an_api_that_wants_a_nonce_is_asked_again_with_it_and_remembered() {
    let called = bound().await;
    let wants = [("dpop-nonce", "n-1"), ("www-authenticate", "DPoP error=\"use_dpop_nonce\"")];
    called.api.answer(401, &wants, "");
    let told = called.call(&json!({"method": "POST", "path": "/events", "body": {"a": 1}})).await.expect(200);
    assert_eq!((&told["success"], &told["headers"].get("dpop-nonce")), (&json!(true), &None));
    let seen = called.api.take();
    let nonces: Vec<Value> = seen.iter().map(|seen| proved(seen).1["nonce"].clone()).collect();
    assert_eq!(nonces, [Value::Null, json!("n-1")]);
    assert_eq!((seen[0].body.as_str(), seen[1].body.as_str()), (r#"{"a":1}"#, r#"{"a":1}"#));
    assert_eq!(called.world.provider.refreshes().len(), 0, "the token was good");
    called.call(&json!({"path": "/events"})).await.expect(200);
    let seen = called.api.take();
    assert_eq!(seen.len(), 1, "the nonce is known by now");
    assert_eq!(proved(&seen[0]).1["nonce"], "n-1");
}

#[tokio::test]
async fn a_bound_token_that_is_taken_no_more_is_renewed_with_a_proof_and_shown_with_another() {
    let called = bound().await;
    let old = called.world.access_token(&called.connector, "alice").await;
    called.api.refuse(&old);
    let told = called.call(&json!({"method": "DELETE", "path": "/events/1"})).await.expect(200);
    assert_eq!((&told["success"], &told["status_code"]), (&json!(true), &json!(200)));
    let seen = called.api.take();
    assert_eq!(seen.len(), 2);
    let hashes: BTreeSet<String> = seen.iter().map(|seen| text(&proved(seen).1["ath"])).collect();
    assert_eq!(hashes.len(), 2, "each proof is for the token beside it");
    let refreshes = called.world.provider.refreshes();
    assert_eq!(refreshes.iter().map(|entry| entry.proved).collect::<Vec<_>>(), [true]);
}
