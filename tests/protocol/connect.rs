//! The connect flow, from the button to the token.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use url::Url;

use crate::world::{
    Browser, RETURN_URL, World,
    journeys::{handle, parameter},
};

/// PUB-01, in the browser that began: its cookie is proof enough.
#[tokio::test]
async fn a_user_connects_and_the_backend_gets_the_token_of_their_account() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let landed = begun.browser.open(&world, &callback).await;

    let home = Url::parse(landed.location()).unwrap();
    assert_eq!(format!("{}{}", home.origin().ascii_serialization(), home.path()), RETURN_URL);
    let query: Vec<_> = home.query_pairs().into_owned().collect();
    let expected = [("session_id", begun.session.as_str()), ("status", "completed")];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(home.fragment(), None);

    let answer = world.token(&connector, "alice").await;
    let token = answer.expect(200);
    assert!(world.provider.honours(token["access_token"].as_str().unwrap()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(token["connection_id"], begun.connection_id.as_str());
    assert_eq!(token["account"]["id"], "alice@provider");
    assert_eq!(token["granted_scopes"], json!(["read", "write"]));
    assert_eq!((&token["missing_scopes"], &token["reconnect_required"]), (&json!([]), &json!(false)));
    assert_eq!(world.provider.exchanges().len(), 1);
}

/// PUB-01, in a browser that is not known: the user finishes with their own proof and the one-time handle.
#[tokio::test]
async fn a_browser_without_the_cookie_gets_a_handle_and_the_user_finishes_with_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let landed = Browser::default().open(&world, &callback).await;

    assert_eq!(world.session(&begun.session, "alice").await["status"], "awaiting_finish");
    assert!(world.provider.exchanges().is_empty());
    world.token(&connector, "alice").await.expect(404);

    let finished = world.finish(&begun.session, "alice", &handle(&landed)).await.expect(200);
    assert_eq!((&finished["status"], &finished["connection_id"]), (&json!("completed"), &json!(begun.connection_id)));
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.provider.exchanges().len(), 1);
}

/// PUB-10.
#[tokio::test]
async fn every_session_has_its_own_code_verifier_that_no_browser_ever_sees() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut challenges = Vec::new();
    for user in ["alice", "bob"] {
        let mut begun = world.begin(&connector, user).await;
        assert_eq!(parameter(&begun.redirect_url, "code_challenge_method"), "S256");
        challenges.push(parameter(&begun.redirect_url, "code_challenge"));
        let callback = world.provider.approve(&begun.redirect_url, user);
        let landed = begun.browser.open(&world, &callback).await;
        let exchange = world.provider.exchanges().pop().unwrap();
        let verifier = exchange.get("code_verifier").unwrap();
        assert!((43..=128).contains(&verifier.len()));
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())), *challenges.last().unwrap());
        for seen in [&begun.redirect_url, &callback, &format!("{:?}", landed.headers), &format!("{:?}", begun.browser)]
        {
            assert!(!seen.contains(verifier), "{seen}");
        }
    }
    assert_eq!(challenges[0].len(), 43);
    assert_ne!(challenges[0], challenges[1]);
}

/// PUB-11.
#[tokio::test]
async fn every_connector_has_a_redirect_uri_of_its_own_sent_alike_in_both_requests() {
    let world = World::new().await;
    let other = world.found("Second").await;
    world.define_provider(&other, "fake").await;
    let own = [world.connector("One").await, world.connector("Two").await];
    let foreign = world.connector_of(&other, "One", &["read"]).await;
    let uris: Vec<_> = own.iter().chain([&foreign]).map(|connector| connector.redirect_uri.clone()).collect();
    for (index, uri) in uris.iter().enumerate() {
        assert!(uris.iter().enumerate().all(|(other, text)| other == index || !text.starts_with(uri.as_str())));
    }
    for connector in &own {
        let mut begun = world.begin(connector, "alice").await;
        let callback = world.provider.approve(&begun.redirect_url, "alice");
        begun.browser.open(&world, &callback).await;
        assert_eq!(parameter(&begun.redirect_url, "redirect_uri"), connector.redirect_uri);
        let exchange = world.provider.exchanges().pop().unwrap();
        assert_eq!(exchange.get("redirect_uri"), Some(connector.redirect_uri.as_str()));
    }
}

/// PUB-06.
#[tokio::test]
async fn a_user_who_says_no_is_sent_home_without_a_word_of_the_provider() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for (error, status, reason) in
        [("access_denied", "denied", "denied"), ("server_error", "failed", "provider_refused")]
    {
        let mut begun = world.begin(&connector, "alice").await;
        let back = world.provider.refuse(&begun.redirect_url, error, "free text of the provider");
        let landed = begun.browser.open(&world, &back).await;
        assert_eq!(parameter(landed.location(), "status"), status);
        assert!(!landed.location().contains("free"), "{}", landed.location());
        let session = world.session(&begun.session, "alice").await;
        assert_eq!((&session["status"], &session["reason"]), (&json!("failed"), &json!(reason)));
        let again = begun.browser.open(&world, &back).await;
        assert_eq!(again.refusal(), (400, "session_expired".to_owned()));
    }
    world.token(&connector, "alice").await.expect(404);
}

/// A connector's client may have been mistyped: the admin's mistake, not the user's.
#[tokio::test]
async fn a_client_that_the_provider_does_not_accept_is_told_as_such() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.change(&connector, &json!({"client_secret": "mistyped"})).await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice");
    let landed = Browser::default().open(&world, &callback).await;
    let refused = world.finish(&begun.session, "alice", &handle(&landed)).await;
    assert_eq!(refused.refusal(), (502, "connector_misconfigured".to_owned()));
    assert_eq!(refused.json()["upstream"], json!({"error": "invalid_client", "status": 401}));
    assert_eq!(world.session(&begun.session, "alice").await["reason"], "connector_misconfigured");
}

/// The account of a connection is not swapped under an app's feet.
#[tokio::test]
async fn reconnecting_with_another_account_keeps_the_first_and_revokes_the_other_grant() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let kept = world.access_token(&connector, "alice").await;
    let mut begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "somebody.else@provider");
    let landed = begun.browser.open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "failed");
    assert_eq!(world.session(&begun.session, "alice").await["reason"], "account_changed");
    assert_eq!(world.access_token(&connector, "alice").await, kept);
    assert!(world.provider.honours(&kept));
    assert_eq!(world.provider.journal("/revoke").len(), 1);
}
