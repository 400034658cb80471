//! Requests that the product is made to send (SSRF): to addresses inside, by other schemes, by redirects, by names that
//! lead inside, now or later.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use crate::{
    doubles::{Deployed, Evil, Script, Sink, come_back},
    world::{Browser, World, journeys::parameter, jwks},
};

/// PUB-27: this machine, its network, the cloud's metadata, in every way to write them.
const INSIDE: [&str; 34] = [
    "http://127.0.0.1:9001/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://１２７.0.0.1/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://169.254.169.254/latest/meta-data/",
    "https://169.254.170.2/v2/credentials",
    "https://metadata.google.internal/",
    "https://instance-data.ec2.internal/",
    "https://10.0.0.5/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://198.18.0.1/",
    "https://0.0.0.0/",
    "https://255.255.255.255/",
    "https://224.0.0.1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:a9fe:a9fe::]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://printer.local/",
    "https://router/",
    "https://x.home.arpa/",
];

/// PUB-28: what is no plain https address.
const ODD: [&str; 12] = [
    "http://provider.example/token",
    "file:///etc/passwd",
    "gopher://provider.example/_x",
    "ftp://provider.example/",
    "ldap://provider.example/",
    "data:application/json,{}",
    "javascript:alert(1)",
    "https://user:pw@provider.example/",
    "https://provider.example@169.254.169.254/",
    "https://provider.example/#x",
    "//provider.example/",
    "https://",
];

const ENDPOINTS: [&str; 6] =
    ["/authorize/url", "/token/url", "/refresh/url", "/revoke/url", "/identity/url", "/api/base_url"];

fn definition() -> Value {
    json!({
        "id": "inside", "name": "Inside",
        "authorize": {"url": "https://provider.example/authorize"},
        "token": {"url": "https://provider.example/token"},
        "refresh": {"url": "https://provider.example/token"},
        "revoke": {"url": "https://provider.example/revoke"},
        "identity": {"url": "https://provider.example/me"},
        "api": {"base_url": "https://provider.example/"},
    })
}

/// Everything that is stored, in an order of its own.
async fn sorted(world: &World) -> Vec<String> {
    let mut lines: Vec<String> = world.aws.dump().await.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// PUB-27, PUB-28: no endpoint of a provider, in turn.
#[tokio::test]
async fn no_endpoint_of_a_provider_leads_inside_or_leaves_https() {
    let world = World::new().await;
    let deployed = Deployed::guarded(&world);
    let before = sorted(&world).await;
    for url in INSIDE.iter().chain(&ODD) {
        for pointer in ENDPOINTS {
            let mut body = definition();
            *body.pointer_mut(pointer).unwrap() = json!(url);
            let refused = deployed.admin(&world, "POST", "/providers").json(&body).send().await;
            let problem = refused.expect(422);
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{url}: {problem}");
        }
        let flat = json!({
            "id": "inside", "name": "Inside", "authorization_endpoint": "https://provider.example/a", "token_endpoint": url,
        });
        deployed.admin(&world, "POST", "/providers").json(&flat).send().await.expect(422);
    }
    assert_eq!(sorted(&world).await, before, "nothing is stored");
    assert_eq!(deployed.looked_up(), [""; 0], "nothing is looked up");
    deployed.admin(&world, "POST", "/providers").json(&definition()).send().await.expect(201);
}

/// PUB-27, PUB-28: nor does what is asked at once, before anything is stored: an issuer's metadata and keys.
#[tokio::test]
async fn no_issuer_and_no_address_of_keys_leads_inside_or_leaves_https() {
    let world = World::new().await;
    let deployed = Deployed::guarded(&world);
    let before = sorted(&world).await;
    for url in INSIDE.iter().chain(&ODD) {
        let provider = json!({"id": "inside", "name": "Inside", "issuer": url});
        deployed.admin(&world, "POST", "/providers").json(&provider).send().await.expect(422);
        for identity in
            [json!({"issuer": url, "audience": "a"}), json!({"issuer": "i", "audience": "a", "jwks_uri": url})]
        {
            deployed.admin(&world, "PUT", "/apps/first-app/identity").json(&identity).send().await.expect(422);
        }
    }
    assert_eq!(sorted(&world).await, before, "nothing is stored");
    assert_eq!(deployed.looked_up(), [""; 0], "nothing is looked up");
}

/// PUB-27: what an issuer says about itself is no more trusted than what a person says.
#[tokio::test]
async fn metadata_that_points_inside_makes_no_provider_and_no_identity() {
    let world = World::new().await;
    let (evil, sink) = (Evil::start().await, Sink::start().await);
    let metadata = |name: &str, url: &str| {
        let mut metadata = json!({
            "issuer": evil.url(""),
            "authorization_endpoint": evil.url("/authorize"),
            "token_endpoint": evil.url("/token"),
            "revocation_endpoint": evil.url("/revoke"),
            "userinfo_endpoint": evil.url("/userinfo"),
            "jwks_uri": evil.url("/keys"),
        });
        metadata[name] = json!(url);
        Script::json(&metadata)
    };
    // Local processes may be spoken to here, so that the evil one can be asked at all; nothing else inside may.
    for url in ["https://169.254.169.254/", "https://10.0.0.5/", "http://10.0.0.5/", "file:///etc/passwd"] {
        for name in ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint"] {
            evil.play("/.well-known/openid-configuration", metadata(name, url));
            let body = json!({"id": "evil", "name": "Evil", "issuer": evil.url("")});
            let refused = world.admin("POST", "/providers").json(&body).send().await;
            assert_eq!(refused.status, 422, "{name} {url}: {refused:?}");
        }
        evil.play("/.well-known/openid-configuration", metadata("jwks_uri", url));
        let identity = json!({"issuer": evil.url(""), "audience": "a"});
        world.admin("PUT", "/apps/first-app/identity").json(&identity).send().await.expect(422);
    }
    for path in ["/.well-known/openid-configuration", "/keys"] {
        evil.play("/.well-known/openid-configuration", metadata("jwks_uri", &evil.url("/keys")));
        evil.play("/keys", Script::json(&jwks(&[&world.app.signer])));
        evil.play(path, Script::Redirect(307, sink.url("http", "127.0.0.1")));
        let identity = json!({"issuer": evil.url(""), "audience": "a"});
        world.admin("PUT", "/apps/first-app/identity").json(&identity).send().await.expect(422);
    }
    assert_eq!(sink.reached(), 0);
}

/// PUB-29: nobody is followed anywhere, with a code, a refresh token or a client secret in hand.
#[tokio::test]
async fn no_redirect_of_a_provider_is_followed() {
    let world = World::new().await;
    let (evil, sink) = (Evil::start().await, Sink::start().await);
    world.admin("POST", "/providers").json(&evil.registration("evil")).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "evil", "Evil", &["read"]).await;
    let tokens = json!({"access_token": "at_1", "refresh_token": "rt_1", "expires_in": 3600});
    for status in [301, 302, 303, 307, 308] {
        let redirect = Script::Redirect(status, sink.url("http", "127.0.0.1"));
        evil.play("/token", redirect.clone());
        let mut begun = world.begin(&connector, "alice").await;
        let landed = begun.browser.open(&world, &come_back(&begun.redirect_url, "code_1")).await;
        assert_eq!(parameter(landed.location(), "status"), "failed", "{status}");
        // The account's name is not worth following either, and the connection stands without it.
        evil.play("/token", Script::json(&tokens));
        evil.play("/userinfo", redirect.clone());
        let mut begun = world.begin(&connector, "alice").await;
        let landed = begun.browser.open(&world, &come_back(&begun.redirect_url, "code_1")).await;
        assert_eq!(parameter(landed.location(), "status"), "completed", "{status}");
        evil.play("/token", redirect.clone());
        world.advance(3_600);
        let stale = world.token(&connector, "alice").await;
        assert_ne!(stale.status, 200, "{status}: {stale:?}");
        assert!(!stale.text.contains(&sink.address.port().to_string()), "{stale:?}");
        evil.play("/revoke", redirect);
        world.disconnect(&connector, "alice").await.expect(200);
    }
    assert_eq!(sink.reached(), 0);
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));

/// PUB-30: a name that leads inside, alone or among others, and however it is deployed.
#[tokio::test]
async fn a_name_that_leads_inside_is_refused_before_a_connection_is_opened() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let answers: [fn(&str) -> Vec<IpAddr>; 6] = [
        |_| vec![LOOPBACK],
        |_| vec![PUBLIC, LOOPBACK],
        |_| vec![LOOPBACK, PUBLIC],
        |_| vec!["::1".parse().unwrap()],
        |_| vec!["::ffff:127.0.0.1".parse().unwrap()],
        |_| vec!["10.0.0.5".parse().unwrap()],
    ];
    for names in answers {
        for deployed in [Deployed::guarded_with_names(&world, names), Deployed::local_with_names(&world, names)] {
            let issuer = sink.url("https", "p.test");
            for body in [
                json!({"issuer": issuer, "audience": "a"}),
                json!({"issuer": "i", "audience": "a", "jwks_uri": sink.url("https", "keys.p.test")}),
            ] {
                let refused = deployed.admin(&world, "PUT", "/apps/first-app/identity").json(&body).send().await;
                assert_eq!(refused.status, 422);
                for secret in ["127.0.0.1", "10.0.0.5", "8.8.8.8", "::1"] {
                    assert!(!refused.text.contains(secret), "{refused:?}");
                }
            }
            assert_eq!(deployed.looked_up(), ["p.test", "keys.p.test"]);
        }
    }
    assert_eq!(sink.reached(), 0);
    assert!(!world.log.text().contains("127.0.0.1"), "the log does not tell the address either");
}

/// PUB-30: the whole of a connection, whose token endpoint has a name that leads inside.
#[tokio::test]
async fn neither_a_code_nor_a_refresh_token_follows_a_name_inside() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let deployed = Deployed::local_with_names(&world, |_| vec![LOOPBACK]);
    let mut registration = world.provider.registration("named");
    registration["token"]["url"] = json!(sink.url("https", "p.test"));
    registration["refresh"]["url"] = json!(sink.url("https", "p.test"));
    registration["revoke"]["url"] = json!(sink.url("https", "p.test"));
    deployed.admin(&world, "POST", "/providers").json(&registration).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "named", "Named", &["read"]).await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let landed = Browser::default().open(&world, &callback).await;
    let handle = crate::world::journeys::handle(&landed);
    let finish = world.app.path(&format!("/app-user-auth/sessions/{}/finish", begun.session));
    let finish = deployed.call("POST", &finish).bearer(&world.app.user(&world, "alice"));
    let refused = finish.json(&json!({"handle": handle})).send().await;
    assert_eq!(refused.refusal(), (502, "provider_error".to_owned()));
    assert!(!refused.text.contains("127.0.0.1") && !refused.text.contains("p.test"), "{refused:?}");
    assert_eq!(world.session(&begun.session, "alice").await["status"], "failed");
    assert_eq!(deployed.looked_up(), ["p.test"]);
    assert_eq!(sink.reached(), 0);
}

/// DNS rebinding: a name that led outside when it was looked up first leads inside the next time. The address that was
/// checked is the one that is connected to, and each connection has one look-up.
#[tokio::test]
async fn a_name_that_changes_its_mind_is_judged_anew_each_time() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let turn = AtomicUsize::new(0);
    // An address of the documentation block is inside as far as the guard goes, and refused like the other.
    let deployed = Deployed::local_with_names(&world, move |_| match turn.fetch_add(1, Ordering::SeqCst) % 2 {
        0 => vec!["192.0.2.1".parse().unwrap()],
        _ => vec![LOOPBACK],
    });
    let identity = json!({"issuer": "i", "audience": "a", "jwks_uri": sink.url("https", "rebinding.test")});
    for attempt in 1..=6 {
        let refused = deployed.admin(&world, "PUT", "/apps/first-app/identity").json(&identity).send().await;
        assert_eq!(refused.expect(422)["errors"][0]["pointer"], "/jwks_uri");
        assert_eq!(deployed.looked_up().len(), attempt);
    }
    assert_eq!(sink.reached(), 0);
}

/// PUB-27, PUB-30: an API whose name leads inside, or is not of the public internet at all, sees no token.
#[tokio::test]
async fn no_call_for_an_app_leads_inside() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let deployed = Deployed::local_with_names(&world, |_| vec![LOOPBACK]);
    let mut registration = world.provider.registration("named");
    registration["api"] = json!({"base_url": sink.url("https", "p.test"), "hosts": ["other.p.test", "*.wild.test"]});
    deployed.admin(&world, "POST", "/providers").json(&registration).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "named", "Named", &["read"]).await;
    world.connect(&connector, "alice").await;
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/call", connector.id));
    let user = world.app.user(&world, "alice");
    let port = sink.address.port();
    for host in [json!(null), json!("other.p.test"), json!("inside.wild.test")] {
        let call = json!({"method": "POST", "path": "/x", "host": host, "body": {}});
        let told = deployed.call("POST", &path).bearer(&user).json(&call).send().await;
        assert!(!told.text.contains("127.0.0.1") && !told.text.contains(&port.to_string()), "{told:?}");
        let told = told.expect(200);
        assert_eq!((&told["phase"], &told["data"]["code"]), (&json!("not_sent"), &json!("address_blocked")), "{host}");
    }
    assert_eq!(deployed.looked_up(), ["p.test", "other.p.test", "inside.wild.test"]);
    // As it is deployed, not even a connector from before gets out to this machine, or out by plain http.
    let plain = world.connector("Plain").await;
    world.connect(&plain, "alice").await;
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/call", plain.id));
    let guarded = Deployed::guarded(&world);
    let told = guarded.call("POST", &path).bearer(&user).json(&json!({"path": "/userinfo"})).send().await.expect(200);
    assert_eq!((&told["phase"], &told["data"]["code"]), (&json!("not_sent"), &json!("address_blocked")));
    assert_eq!(sink.reached(), 0);
}
