//! Mix-up of authorization servers (RFC 9207; RFC 9700, section 4.4): an answer of one provider never goes to another,
//! and no secret goes to an endpoint that it was not made for.

use serde_json::json;

use crate::{
    doubles::{Evil, Script, come_back},
    world::{Browser, Connector, FakeProvider, World, journeys::parameter},
};

/// A world with an honest provider, and a connector to an evil one beside it.
async fn two_providers(honest_sends_iss: bool) -> (World, Evil, Connector, Connector) {
    let world = World::with_provider(FakeProvider::start(honest_sends_iss).await).await;
    let evil = Evil::start().await;
    world.admin("POST", "/providers").json(&evil.registration("evil")).send().await.expect(201);
    let honest = world.connector("Honest").await;
    let theirs = world.connector_at(&world.workspace, "evil", "Evil", &["read"]).await;
    (world, evil, honest, theirs)
}

/// An address of the honest provider's consent page, made of another session's by whoever wants its code.
fn twisted(evils: &str, world: &World, honest: &Connector, redirect_uri: &str) -> String {
    let url = evils.split_once('?').unwrap().1.to_owned();
    let pairs = url::form_urlencoded::parse(url.as_bytes()).into_owned().map(|(name, value)| match name.as_str() {
        "client_id" => (name, honest.client_id.clone()),
        "redirect_uri" => (name, redirect_uri.to_owned()),
        _ => (name, value),
    });
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    format!("{}?{query}", world.provider.url("/authorize"))
}

/// PUB-12: the evil provider sends the browser on to the honest one, with the honest client's redirect URI.
#[tokio::test]
async fn a_code_that_the_evil_provider_had_made_by_the_honest_one_is_exchanged_nowhere() {
    let (world, evil, honest, theirs) = two_providers(false).await;
    let mut begun = world.begin(&theirs, "alice").await;
    let lured = twisted(&begun.redirect_url, &world, &honest, &honest.redirect_uri);
    let callback = world.provider.approve(&lured, "alice@provider");
    let code = parameter(&callback, "code");
    assert_eq!(begun.browser.open(&world, &callback).await.refusal(), (400, "state_mismatch".to_owned()));
    assert!(world.provider.exchanges().is_empty());
    assert!(!evil.told().iter().any(|told| told.contains(&code)), "the evil provider has the code");
}

/// PUB-13: and if the honest provider were careless about redirect URIs, its `iss` still gives the game away.
#[tokio::test]
async fn a_code_that_names_the_honest_issuer_is_not_handed_to_the_evil_provider() {
    let (world, evil, honest, theirs) = two_providers(true).await;
    let mut begun = world.begin(&theirs, "alice").await;
    let lured = twisted(&begun.redirect_url, &world, &honest, &theirs.redirect_uri);
    let callback = world.provider.approve(&lured, "alice@provider");
    assert_eq!(parameter(&callback, "iss"), world.provider.issuer());
    for browser in [&mut begun.browser, &mut Browser::default()] {
        assert_eq!(browser.open(&world, &callback).await.refusal(), (400, "issuer_mismatch".to_owned()));
    }
    assert_eq!(evil.told(), Vec::<String>::new());
    assert_eq!(world.session(&begun.session, "alice").await["status"], "pending");
}

/// RFC 9207, section 2.4 is about errors too: another issuer's does not end a session, and a bad `iss` burns none.
#[tokio::test]
async fn an_error_of_another_issuer_ends_no_session() {
    let world = World::with_provider(FakeProvider::start(true).await).await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    let refused = world.provider.refuse(&begun.redirect_url, "access_denied", "no");
    let own = parameter(&refused, "iss");
    let bare = refused.split("&iss=").next().unwrap();
    for forged in [
        bare.to_owned(),
        format!("{bare}&iss="),
        format!("{bare}&iss=https%3A%2F%2Fevil.example"),
        format!("{bare}&iss={}", own.to_uppercase()),
    ] {
        assert_eq!(begun.browser.open(&world, &forged).await.refusal(), (400, "issuer_mismatch".to_owned()));
    }
    for twice in [format!("{refused}&iss=https%3A%2F%2Fevil.example"), format!("{refused}&code=x&code=y")] {
        assert_eq!(begun.browser.open(&world, &twice).await.refusal(), (400, "state_mismatch".to_owned()));
    }
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    assert_eq!(parameter(begun.browser.open(&world, &callback).await.location(), "status"), "completed");
}

/// An issuer speaks for itself alone (RFC 8414, section 3.3).
#[tokio::test]
async fn metadata_that_speaks_for_another_issuer_makes_no_provider() {
    let world = World::new().await;
    let evil = Evil::start().await;
    let metadata = |issuer: &str| {
        Script::json(&json!({
            "issuer": issuer,
            "authorization_endpoint": evil.url("/authorize"),
            "token_endpoint": evil.url("/token"),
            "jwks_uri": evil.url("/keys"),
        }))
    };
    let define = || {
        let body = json!({"id": "evil", "name": "Evil", "issuer": evil.url("")});
        world.admin("POST", "/providers").json(&body).send()
    };
    for issuer in ["https://accounts.google.com", &format!("{}/", evil.url("")), &evil.url("").to_uppercase(), ""] {
        evil.play("/.well-known/openid-configuration", metadata(issuer));
        assert_eq!(define().await.expect(422)["errors"][0]["pointer"], "/issuer", "{issuer}");
        let identity = json!({"issuer": evil.url(""), "audience": "a"});
        let identity = world.admin("PUT", "/apps/first-app/identity").json(&identity).send().await;
        assert_eq!(identity.expect(422)["errors"][0]["pointer"], "/issuer", "{issuer}");
    }
    evil.play("/.well-known/openid-configuration", metadata(&evil.url("")));
    define().await.expect(201);
}

/// A connector's secret was made for the endpoints that the provider had then.
#[tokio::test]
async fn a_provider_that_is_defined_anew_gets_no_secret_of_an_older_connector() {
    let world = World::new().await;
    let evil = Evil::start().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "bob").await;
    world.connect(&connector, "alice").await;
    world.admin("DELETE", "/providers/fake").send().await.expect(204);
    world.admin("POST", "/providers").json(&evil.registration("fake")).send().await.expect(201);
    let callback = world.provider.approve(&begun.redirect_url, "bob@provider");
    assert_eq!(parameter(begun.browser.open(&world, &callback).await.location(), "status"), "completed");
    world.advance(3_600);
    world.access_token(&connector, "alice").await;
    world.disconnect(&connector, "bob").await.expect(200);
    world.change(&connector, &json!({"client_secret": connector.client_secret, "name": "Other"})).await;
    world.advance(3_600);
    world.access_token(&connector, "alice").await;
    assert_eq!(evil.told(), Vec::<String>::new());
}

/// What comes back without a code says nothing, and what comes back with both is an error.
#[tokio::test]
async fn a_code_beside_an_error_is_not_exchanged() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    let bare = come_back(&begun.redirect_url, "");
    assert_eq!(begun.browser.open(&world, &bare).await.refusal(), (400, "invalid_request".to_owned()));
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let landed = begun.browser.open(&world, &format!("{callback}&error=access_denied")).await;
    assert_eq!(parameter(landed.location(), "status"), "denied");
    assert!(world.provider.exchanges().is_empty());
}
