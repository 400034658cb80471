//! Codes, tokens, and how they end.

use axum::http::StatusCode;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::world::{REDIRECT_URI, VERIFIER, World};

fn refused(error: &str) -> (StatusCode, Value) {
    (StatusCode::BAD_REQUEST, json!({"error": error}))
}

async fn connected(world: &World) -> Value {
    let (status, tokens) = world.redeem(&world.code().await, VERIFIER).await;
    assert_eq!(status, StatusCode::OK);
    tokens
}

#[tokio::test]
async fn a_wrong_code_verifier_is_refused_and_the_right_one_still_works() {
    let world = World::new();
    let code = world.code().await;
    assert_eq!(world.redeem(&code, &VERIFIER.replace('d', "e")).await, refused("invalid_grant"));
    let (status, tokens) = world.redeem(&code, VERIFIER).await;
    assert_eq!((status, &tokens["expires_in"]), (StatusCode::OK, &json!(300)));
    assert_eq!(world.get("/api/events", &tokens["access_token"]).await, StatusCode::OK);
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_gave_the_first_time() {
    let world = World::new();
    let code = world.code().await;
    let (_, tokens) = world.redeem(&code, VERIFIER).await;
    assert_eq!(world.redeem(&code, VERIFIER).await, refused("invalid_grant"));
    assert_eq!(world.get("/api/events", &tokens["access_token"]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.refresh(&tokens["refresh_token"]).await, refused("invalid_grant"));
}

#[tokio::test]
async fn a_code_is_worthless_after_a_minute_and_to_another_client() {
    let world = World::new();
    let code = world.code().await;
    let redemption = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
        ("client_id", "client-2"),
        ("client_secret", "secret of client-2"),
    ];
    assert_eq!(world.post_as("/token", &redemption, None).await, refused("invalid_grant"));
    world.advance(60);
    assert_eq!(world.redeem(&code, VERIFIER).await, refused("invalid_grant"));
}

#[tokio::test]
async fn a_refresh_token_rotates_and_its_reuse_revokes_the_family() {
    let world = World::new();
    let first = connected(&world).await;
    let (status, second) = world.refresh(&first["refresh_token"]).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(first["refresh_token"], second["refresh_token"]);

    assert_eq!(world.refresh(&first["refresh_token"]).await, refused("invalid_grant"));
    assert_eq!(world.refresh(&second["refresh_token"]).await, refused("invalid_grant"));
    assert_eq!(world.get("/api/events", &second["access_token"]).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_access_token_ends_after_five_minutes() {
    let world = World::new();
    let tokens = connected(&world).await;
    world.advance(299);
    assert_eq!(world.get("/api/events", &tokens["access_token"]).await, StatusCode::OK);
    world.advance(1);
    assert_eq!(world.get("/api/events", &tokens["access_token"]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(world.refresh(&tokens["refresh_token"]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn revoking_either_token_ends_the_grant_and_an_unknown_one_is_no_error() {
    let world = World::new();
    for kind in ["access_token", "refresh_token"] {
        let tokens = connected(&world).await;
        let (status, _) = world.post("/revoke", &[("token", tokens[kind].as_str().unwrap())]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(world.get("/api/events", &tokens["access_token"]).await, StatusCode::UNAUTHORIZED);
        assert_eq!(world.refresh(&tokens["refresh_token"]).await, refused("invalid_grant"));
    }
    assert_eq!(world.post("/revoke", &[("token", "unknown")]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_client_proves_itself_by_header_or_by_form_but_not_by_both_or_neither() {
    let world = World::new();
    let basic = |secret: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("client-1:{secret}")));
    let (right, wrong) = (basic("secret+of+client-1"), basic("guess"));
    let in_form = [("client_id", "client-1"), ("client_secret", "secret of client-1")];
    let cases = [
        (&[][..], Some(right.as_str()), "invalid_grant"),
        (&in_form, None, "invalid_grant"),
        (&[], Some(&wrong), "invalid_client"),
        (&[("client_id", "client-1")], None, "invalid_client"),
        (&in_form, Some(&right), "invalid_request"),
        (&[("client_id", "client-2")], Some(&right), "invalid_request"),
    ];
    for (proof, authorization, expected) in cases {
        let fields = [proof, &[("grant_type", "refresh_token"), ("refresh_token", "unknown")]].concat();
        let (_, answer) = world.post_as("/token", &fields, authorization).await;
        assert_eq!(answer["error"], expected, "{proof:?}");
    }
}

#[tokio::test]
async fn what_users_allowed_survives_a_restart() {
    let world = World::new();
    let tokens = connected(&world).await;
    let world = world.restarted();
    assert_eq!(world.get("/userinfo", &tokens["access_token"]).await, StatusCode::OK);
    assert_eq!(world.refresh(&tokens["refresh_token"]).await.0, StatusCode::OK);
}
