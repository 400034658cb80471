//! A provider of which nothing but the issuer is named, and which can bind tokens to a key (RFC 9449): whether it gives no
//! others is found out with the first code.

use serde_json::{Value, json};

use crate::world::{Connector, World, journeys::parameter, text};

/// A connector to a provider that is known by its issuer, whose metadata says that it supports proofs.
async fn discovered() -> (World, Connector) {
    let world = World::new().await;
    let mut metadata = world.provider.metadata();
    metadata["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    world.provider.publish(metadata);
    let body = json!({"id": "issued", "name": "Issued", "issuer": world.provider.issuer()});
    world.admin("POST", "/providers").json(&body).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "issued", "Issued", &["read", "write"]).await;
    (world, connector)
}

async fn shown(world: &World, connector: &Connector) -> Value {
    world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200)
}

fn proved(entries: &[crate::world::Entry]) -> Vec<(bool, u16)> {
    entries.iter().map(|entry| (entry.proved, entry.status)).collect()
}

#[tokio::test]
async fn a_user_connects_to_a_provider_that_gives_bound_tokens_only_and_nobody_said_so() {
    for error in ["invalid_grant", "invalid_dpop_proof", "use_dpop_nonce", "invalid_request"] {
        let (world, connector) = discovered().await;
        world.provider.demand_proofs(error);
        world.provider.give_life(Some(60));
        world.connect(&connector, "alice").await;
        assert_eq!(proved(&world.provider.exchanges()), [(false, 400), (true, 200)], "{error}");
        world.advance(120);
        let token = world.token(&connector, "alice").await.expect(200);
        assert_eq!(token["token_type"], "DPoP");
        assert_eq!(proved(&world.provider.refreshes()), [(true, 200)], "a bound grant is not refreshed without");
        assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "revoked");
    }
}

#[tokio::test]
async fn what_the_first_code_taught_the_next_one_goes_by() {
    let (world, connector) = discovered().await;
    world.provider.demand_proofs("invalid_grant");
    let before = world.begin(&connector, "bob").await;
    assert_eq!(parameter(&before.redirect_url, "dpop_jkt"), "");
    world.connect(&connector, "alice").await;
    let key = shown(&world, &connector).await["key"].clone();
    let mut after = world.begin(&connector, "carol").await;
    assert_eq!(parameter(&after.redirect_url, "dpop_jkt"), text(&key["jwk"]["kid"]), "the code is bound as well");
    let callback = world.provider.approve(&after.redirect_url, "carol@provider");
    let landed = after.browser.open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "completed");
    assert_eq!(proved(&world.provider.exchanges()), [(false, 400), (true, 200), (true, 200)]);
    // Connections may be bound to the key by now.
    let path = format!("/connectors/{}", connector.id);
    let refused = world.admin("PUT", &path).json(&json!({"rotate_key": true})).send().await;
    assert_eq!(refused.refusal(), (409, "conflict".to_owned()));
    assert_eq!(shown(&world, &connector).await["key"], key);
}

#[tokio::test]
async fn bearer_tokens_stay_bearer_where_no_proof_is_demanded() {
    let (world, connector) = discovered().await;
    assert_ne!(shown(&world, &connector).await["key"], Value::Null, "the key is there from the start");
    world.provider.give_life(Some(60));
    world.connect(&connector, "alice").await;
    world.advance(120);
    assert_eq!(world.token(&connector, "alice").await.expect(200)["token_type"], "Bearer");
    assert_eq!(proved(&world.provider.exchanges()), [(false, 200)]);
    assert_eq!(proved(&world.provider.refreshes()), [(false, 200)]);
}

#[tokio::test]
async fn a_bearer_grant_whose_refresh_is_refused_is_not_shown_again_with_a_proof() {
    let (world, connector) = discovered().await;
    world.provider.give_life(Some(60));
    world.connect(&connector, "alice").await;
    world.provider.demand_proofs("invalid_grant");
    world.advance(120);
    assert_ne!(world.token(&connector, "alice").await.status, 200);
    assert_eq!(
        proved(&world.provider.refreshes()),
        [(false, 400)],
        "a second use of a refresh token may end its grant"
    );
    // Connecting again finds out.
    world.connect(&connector, "alice").await;
    assert_eq!(world.token(&connector, "alice").await.expect(200)["token_type"], "DPoP");
}

#[tokio::test]
async fn a_code_that_is_refused_for_another_reason_is_refused_after_one_more_try() {
    let (world, connector) = discovered().await;
    let mut begun = world.begin(&connector, "mallory").await;
    let callback = world.provider.approve(&begun.redirect_url, "mallory@provider");
    let forged = callback.replace(&parameter(&callback, "code"), "code_of_somebody_else");
    let landed = begun.browser.open(&world, &forged).await;
    assert_eq!(parameter(landed.location(), "status"), "failed");
    assert_eq!(proved(&world.provider.exchanges()), [(false, 400), (true, 400)]);
    world.connect(&connector, "alice").await;
    assert_eq!(world.token(&connector, "alice").await.expect(200)["token_type"], "Bearer", "nothing was learnt of it");
}

#[tokio::test]
async fn the_doctor_does_not_take_a_missing_proof_for_a_wrong_client() {
    let (world, connector) = discovered().await;
    world.provider.demand_proofs("invalid_grant");
    world.connect(&connector, "alice").await;
    world.provider.answer_made_up_codes_with(400, r#"{"error":"invalid_dpop_proof"}"#);
    let found = world.admin("POST", &format!("/connectors/{}/doctor", connector.id)).send().await.expect(200);
    assert_eq!(found["findings"], json!([]));
    assert_eq!(world.provider.probes().len(), 1);
}
