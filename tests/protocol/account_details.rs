//! What a provider tells of an account beside its tokens: by calls of its own, and again with later tokens.

use std::sync::{Arc, Mutex};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{
    odd_tokens::{Odd, connect},
    world::World,
};

/// Two calls about the account, the second with what the first told, and an API in whose address one of their fields may
/// stand.
fn calls(base_url: &str) -> Value {
    json!({
        "vars": {
            "site": {"from": "discover:site", "pattern": "[a-z0-9]+"},
            "team": {"from": "discover:team", "pattern": "[a-z0-9]+"},
        },
        "discover": [
            {"url": "/sites", "into": {"site": "id"}},
            {"url": "/teams", "query": {"site": "{site}", "for": "{client_id}"}, "into": {"team": "id"}},
        ],
        "api": {"base_url": base_url},
    })
}

/// The provider, where one of its paths answers this.
async fn failing(at: &'static str, status: u16) -> Odd {
    Odd::start(move |path, _| match path {
        _ if path == at => (status, json!({"error": "down"})),
        "/token" => (200, json!({"access_token": "t1", "expires_in": 600})),
        "/sites" => (200, json!({"id": "s1"})),
        "/teams" => (200, json!({"id": "t1"})),
        _ => (404, json!({})),
    })
    .await
}

#[tokio::test]
async fn what_one_call_tells_leads_to_the_next() {
    let world = World::new().await;
    let odd = failing("", 0).await;
    let connector = odd.connector(&world, &calls("https://api.odd.example/{team}")).await;
    assert_eq!(connect(&world, &connector, "alice").await, "completed");
    let token = world.token(&connector, "alice").await.expect(200);
    assert_eq!(token["connection_config"], json!({"site": "s1", "team": "t1"}));
    assert_eq!(odd.asked("/teams"), [format!("/teams?for={}&site=s1", connector.client_id)]);
}

#[tokio::test]
async fn a_call_that_tells_nothing_but_details_turns_nobody_away() {
    for (at, known) in [("/sites", json!(null)), ("/teams", json!({"site": "s1"}))] {
        for status in [403, 503] {
            let world = World::new().await;
            let odd = failing(at, status).await;
            let connector = odd.connector(&world, &calls("https://api.odd.example/v1")).await;
            assert_eq!(connect(&world, &connector, "alice").await, "completed", "{at} {status}");
            let token = world.token(&connector, "alice").await.expect(200);
            assert_eq!((&token["access_token"], &token["connection_config"]), (&json!("t1"), &known), "{at} {status}");
        }
    }
}

#[tokio::test]
async fn a_call_without_which_there_is_no_address_fails_the_connect() {
    for at in ["/sites", "/teams"] {
        let world = World::new().await;
        let odd = failing(at, 503).await;
        let connector = odd.connector(&world, &calls("https://api.odd.example/{team}")).await;
        assert_eq!(connect(&world, &connector, "alice").await, "failed", "{at}");
        world.token(&connector, "alice").await.expect(404);
    }
}

#[tokio::test]
async fn what_a_refresh_tells_anew_is_told_on_but_leads_no_request_elsewhere() {
    let world = World::new().await;
    let odd = Odd::start(|path, times| match path {
        "/token" | "/home/r1" => {
            let plan = if times == 0 { "free" } else { "paid" };
            let told =
                json!({"realm": format!("r{}", times + 1), "plan": plan, "host": format!("eu{times}.odd.example")});
            (200, json!({"access_token": format!("t{times}"), "refresh_token": "r", "expires_in": 600, "told": told}))
        }
        _ => (404, json!({})),
    })
    .await;
    let tables = json!({
        "vars": {
            "realm": {"from": "token:told.realm", "pattern": "[a-z0-9]+"},
            "host": {"from": "token:told.host", "host_suffixes": ["odd.example"]},
        },
        "token": {"response": {"keep": {"plan": "told.plan"}}},
        "refresh": {"url": "/home/{realm}", "rotation": "never"},
        "api": {"base_url": "https://{host}/v1"},
    });
    let connector = odd.connector(&world, &tables).await;
    assert_eq!(connect(&world, &connector, "alice").await, "completed");
    let config = async |world: &World| world.token(&connector, "alice").await.expect(200)["connection_config"].clone();
    assert_eq!(config(&world).await, json!({"realm": "r1", "plan": "free", "host": "eu0.odd.example"}));
    for _ in 0..3 {
        world.advance(600);
        config(&world).await;
    }
    // The first answer's realm is where refresh tokens are shown, whatever later answers say.
    assert_eq!(odd.asked("/home/r1").len(), 3);
    assert_eq!(config(&world).await, json!({"realm": "r1", "plan": "paid", "host": "eu2.odd.example"}));
}

#[tokio::test]
async fn an_id_token_counts_only_if_it_is_of_the_issuer_of_the_users_own_realm() {
    for (issuer, account) in
        [("https://acme.odd.example", json!("person-7")), ("https://evil.odd.example", json!(null))]
    {
        let world = World::new().await;
        let audience = Arc::<Mutex<String>>::default();
        let known = audience.clone();
        let odd = Odd::start(move |_, _| {
            let claims = json!({"iss": issuer, "aud": *known.lock().unwrap(), "sub": "person-7"});
            let id_token = format!("e30.{}.", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
            (200, json!({"access_token": "t1", "expires_in": 600, "id_token": id_token}))
        })
        .await;
        let tables = json!({
            "vars": {"realm": {"from": "app", "pattern": "[a-z]+", "default": "acme"}},
            "oidc": {"issuer": "https://{realm}.odd.example", "issuer_template": true},
        });
        let connector = odd.connector(&world, &tables).await;
        audience.lock().unwrap().clone_from(&connector.client_id);
        assert_eq!(connect(&world, &connector, "alice").await, "completed");
        assert_eq!(world.token(&connector, "alice").await.expect(200)["account"]["id"], account, "{issuer}");
    }
}
