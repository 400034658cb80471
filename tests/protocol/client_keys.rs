//! Keys of connectors whose provider knows clients by one: how one gives way to another, how they are kept, and how they go.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    deletions::{LINGER, let_pass, remains},
    world::{Connector, Entry, Step, World, text},
};

/// How long a new key is published before it signs, in seconds.
const INTRODUCED: u64 = 3_600;

/// A connector with a key, to a provider that takes whatever is signed.
async fn signing() -> (World, Connector, String) {
    let world = World::new().await;
    let mut registration = world.provider.registration("signed");
    registration["token"]["client_auth"] = json!("private_key_jwt");
    for table in ["revoke", "identity"] {
        registration.as_object_mut().unwrap().remove(table);
    }
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let body = json!({"integration_type": "signed", "name": "Signed", "client_id": "signer", "scopes": ["read"]});
    let made = world.admin("POST", "/connectors").json(&body).send().await.expect(201);
    assert_eq!((&made["has_client_secret"], &made["key"]["signs_from"]), (&json!(false), &made["key"]["made_at"]));
    let connector = Connector {
        id: text(&made["id"]),
        redirect_uri: text(&made["redirect_uri"]),
        client_id: "signer".to_owned(),
        client_secret: String::new(),
    };
    (world, connector, text(&made["key"]["jwk"]["kid"]))
}

/// The provider's next answer is a pair of tokens that works for a minute.
fn give_tokens(world: &World, number: u32) {
    let body = json!({
        "access_token": format!("at_{number}"), "refresh_token": format!("rt_{number}"), "token_type": "Bearer",
        "expires_in": 60,
    });
    let headers = [("content-type", "application/json")];
    world.provider.next(Step::answer(200, &headers, &body.to_string()));
}

/// The key that signed the last request of this kind, by its name.
fn last_signer(entries: &[Entry]) -> String {
    let assertion = entries.last().unwrap().get("client_assertion").unwrap().to_owned();
    let header = BASE64_URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
    text(&serde_json::from_slice::<Value>(&header).unwrap()["kid"])
}

async fn published(world: &World, connector: &Connector) -> Vec<String> {
    let answer = world.call("GET", &format!("/api/external-auth/jwks/{}", connector.id)).send().await;
    if answer.status == 404 {
        return Vec::new();
    }
    answer.expect(200)["keys"].as_array().unwrap().iter().map(|key| text(&key["kid"])).collect()
}

#[tokio::test]
async fn a_new_key_is_published_an_hour_before_it_signs() {
    let (world, connector, first) = signing().await;
    give_tokens(&world, 1);
    world.connect(&connector, "alice").await;
    assert_eq!(last_signer(&world.provider.exchanges()), first);
    let second = text(&world.change(&connector, &json!({"rotate_key": true})).await["key"]["jwk"]["kid"]);
    assert_eq!(published(&world, &connector).await, [second.clone(), first.clone()]);
    for (after, number, signer) in [(INTRODUCED - 60, 2, &first), (60, 3, &second)] {
        world.advance(after);
        give_tokens(&world, number);
        assert_eq!(world.access_token(&connector, "alice").await, format!("at_{number}"));
        assert_eq!(last_signer(&world.provider.refreshes()), *signer, "after {after}");
    }
    let third = text(&world.change(&connector, &json!({"rotate_key": true})).await["key"]["jwk"]["kid"]);
    assert_eq!(published(&world, &connector).await, [third, second], "the first is forgotten");
}

#[tokio::test]
async fn keys_are_sealed_anew_with_everything_else_and_sign_as_before() {
    let (world, connector, first) = signing().await;
    world.change(&connector, &json!({"rotate_key": true})).await;
    assert_eq!(world.sealed_by().await, ([1].into(), 2), "the key, and the one before it");
    world.rotate().await;
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await, ([2].into(), 2));
    give_tokens(&world, 1);
    world.connect(&connector, "alice").await;
    assert_eq!(last_signer(&world.provider.exchanges()), first);
}

#[tokio::test]
async fn keys_go_with_their_connector_when_nothing_is_left_to_be_signed() {
    let (world, connector, first) = signing().await;
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    assert_eq!(published(&world, &connector).await, [first], "what has ended is still to be revoked");
    let_pass(&world, LINGER + 1).await;
    assert!(published(&world, &connector).await.is_empty());
    assert!(!remains(&world, &connector).await);
}
