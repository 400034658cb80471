//! A provider that answers a byte at a time: whoever waits for it is let go in time, by the real clock.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{
    doubles::{Evil, Script, come_back},
    world::{World, journeys::parameter},
};

/// A function may take thirty seconds; one request to a provider takes eight, and the slowest twelve.
const IN_TIME: Duration = Duration::from_secs(15);

/// PUB-39, in the hands of somebody who means it: bytes keep coming, so that no silence ever ends the wait.
#[tokio::test]
async fn nobody_waits_for_a_provider_that_drips() {
    let (world, evil) = (World::new().await, Evil::start().await);
    world.admin("POST", "/providers").json(&evil.registration("evil")).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "evil", "Evil", &["read"]).await;
    evil.play("/token", Script::json(&json!({"access_token": "at_1", "refresh_token": "rt_1", "expires_in": 3600})));
    for user in ["alice", "bob"] {
        let mut begun = world.begin(&connector, user).await;
        begun.browser.open(&world, &come_back(&begun.redirect_url, "code_1")).await;
    }
    world.advance(3_600);
    let body = Script::Drip(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\r\n{".to_vec());
    let headers = Script::Drip(b"HTTP/1.1 200 X\r\nx-slow: ".to_vec());
    for path in ["/token", "/revoke", "/.well-known/openid-configuration"] {
        evil.play(path, body.clone());
    }
    evil.play("/keys", headers);
    let mut begun = world.begin(&connector, "carol").await;
    let callback = come_back(&begun.redirect_url, "code_1");
    let exchange = async { parameter(begun.browser.open(&world, &callback).await.location(), "status") };
    let refresh = async { world.token(&connector, "alice").await.status };
    let revocation = async { world.disconnect(&connector, "bob").await.expect(200)["revocation"].clone() };
    let identify = async |body| world.admin("PUT", "/apps/first-app/identity").json(&body).send().await.status;
    let (discovery, keys) = (
        identify(json!({"issuer": evil.url(""), "audience": "a"})),
        identify(json!({"issuer": "i", "audience": "a", "jwks_uri": evil.url("/keys")})),
    );
    let since = Instant::now();
    let all = async { tokio::join!(exchange, refresh, revocation, discovery, keys) };
    let (exchange, refresh, revocation, discovery, keys) = timeout(IN_TIME, all).await.expect("everybody is let go");
    assert!(since.elapsed() > Duration::from_secs(5), "the provider was waited for");
    assert_eq!((exchange.as_str(), refresh, revocation, discovery, keys), ("failed", 503, json!("pending"), 422, 422));
}
