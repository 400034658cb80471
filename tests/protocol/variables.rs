//! Providers whose endpoints differ between shops, regions and accounts: where each secret goes, and where it never does.

use std::collections::HashMap;

use aws_lc_rs::hmac;
use aws_sdk_dynamodb::types::AttributeValue;
use connectors::domain::digest::hex;
use serde_json::{Value, json};
use url::Url;

use crate::world::{Connector, World, journeys::parameter, text};

/// The provider, with a shop in the path of every endpoint. It signs what it sends back.
fn shops(world: &World) -> Value {
    let at = |path: &str| world.provider.url(&format!("/{{shop}}{path}"));
    json!({
        "id": "shops", "name": "Shops",
        "vars": {"shop": {"from": "input", "label": "Shop", "pattern": "[a-z0-9-]+", "strip_suffix": ".shops.example"}},
        "authorize": {"url": at("/authorize"), "pkce": "required"},
        "callback": {
            "must_equal": {"shop": "{shop}.shops.example"},
            "verify": {"kind": "hmac_sha256", "encoding": "hex", "param": "hmac"},
        },
        "token": {"url": at("/token"), "client_auth": "basic", "response": {"keep": {"kind": "token_type"}}},
        "refresh": {"rotation": "always"},
        "revoke": {"url": at("/revoke"), "token": "refresh_token"},
        "identity": {"url": at("/userinfo")},
        "api": {"base_url": at("/api")},
    })
}

async fn defined(world: &World, provider: &Value) {
    world.admin("POST", "/providers").json(provider).send().await.expect(201);
}

/// A connector of a provider with this id, with these details.
async fn connector(world: &World, provider: &str, config: &Value) -> Connector {
    let connector = Connector {
        id: String::new(),
        redirect_uri: String::new(),
        client_id: format!("client-{provider}"),
        client_secret: "hush-hush".to_owned(),
    };
    world.provider.register_client(&connector.client_id, &connector.client_secret);
    let created =
        world.admin("POST", "/connectors").json(&draft(&connector, provider, config)).send().await.expect(201);
    Connector { id: text(&created["id"]), redirect_uri: text(&created["redirect_uri"]), ..connector }
}

fn draft(connector: &Connector, provider: &str, config: &Value) -> Value {
    json!({
        "integration_type": provider, "name": provider, "client_id": connector.client_id,
        "client_secret": connector.client_secret, "scopes": ["read"], "connection_config": config,
    })
}

/// The address that a shop sends the browser back to, signed with the client secret.
fn signed(world: &World, redirect_url: &str, account: &str, shop: &str, secret: &str) -> String {
    let mut back = Url::parse(&world.provider.approve(redirect_url, account)).unwrap();
    back.query_pairs_mut().append_pair("shop", &format!("{shop}.shops.example"));
    let mut pairs: Vec<(String, String)> = back.query_pairs().into_owned().collect();
    pairs.sort();
    let message: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let mac = hmac::sign(&key, message.join("&").as_bytes());
    back.query_pairs_mut().append_pair("hmac", &hex(mac.as_ref()));
    back.into()
}

/// Connects a user to their shop.
async fn connect(world: &World, connector: &Connector, user: &str, shop: &str) {
    let mut begun = world.begin_with(connector, user, &json!({"connection_config": {"shop": shop}})).await;
    let shop = shop.trim_end_matches(".shops.example");
    let back = signed(world, &begun.redirect_url, &format!("{user}@{shop}"), shop, &connector.client_secret);
    let landed = begun.browser.open(world, &back).await;
    assert_eq!(parameter(landed.location(), "status"), "completed", "{}", landed.location());
}

fn places(world: &World, endpoint: &str) -> Vec<String> {
    world.provider.journal(endpoint).into_iter().map(|entry| entry.at).collect()
}

#[tokio::test]
async fn every_user_of_a_connector_has_a_shop_of_their_own() {
    let world = World::new().await;
    defined(&world, &shops(&world)).await;
    let shops = connector(&world, "shops", &json!({"note": "for the app"})).await;
    world.provider.give_life(Some(60));
    connect(&world, &shops, "alice", "acme").await;
    connect(&world, &shops, "bob", "bobs-boxes.shops.example").await;
    assert_eq!(places(&world, "/token"), ["/acme", "/bobs-boxes"]);
    for (user, shop) in [("alice", "acme"), ("bob", "bobs-boxes")] {
        world.advance(120);
        let token = world.token(&shops, user).await.expect(200);
        assert_eq!(token["connection_config"], json!({"note": "for the app", "shop": shop, "kind": "Bearer"}));
        assert_eq!(token["account"]["id"], format!("{user}@{shop}"));
        assert_eq!(places(&world, "/token").last().unwrap(), &format!("/{shop}"), "the refresh");
    }
    world.disconnect(&shops, "alice").await;
    assert_eq!(places(&world, "/revoke"), ["/acme"]);
}

#[tokio::test]
async fn a_link_leads_to_the_shop_that_the_apps_backend_named() {
    let world = World::new().await;
    defined(&world, &shops(&world)).await;
    let shops = connector(&world, "shops", &json!({})).await;
    let link = async |config: Value| {
        let body = json!({"user": {"sub": "alice"}, "connector_id": shops.id, "connection_config": config});
        let call = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key);
        call.json(&body).send().await
    };
    for (config, pointer) in [
        (json!({}), "/connection_config/shop"),
        (json!({"shop": "acme.evil.example"}), "/connection_config/shop"),
        (json!({"shop": "acme", "colour": "red"}), "/connection_config/colour"),
    ] {
        assert_eq!(link(config.clone()).await.expect(422)["errors"][0]["pointer"], pointer, "{config}");
    }
    let made = link(json!({"shop": "acme.shops.example"})).await.expect(201);
    let mut browser = crate::world::Browser::default();
    let redirect_url = browser.open_link(&world, &text(&made["connect_url"])).await;
    assert!(redirect_url.starts_with(&world.provider.url("/acme/authorize?")), "{redirect_url}");
    let back = signed(&world, &redirect_url, "alice@acme", "acme", &shops.client_secret);
    let landed = browser.open(&world, &back).await;
    let handle = crate::world::journeys::handle(&landed);
    world.finish(&text(&made["session_id"]), "alice", &handle).await.expect(200);
    assert_eq!(places(&world, "/token"), ["/acme"]);
    assert_eq!(world.token(&shops, "alice").await.expect(200)["connection_config"]["shop"], "acme");
}

#[tokio::test]
async fn a_response_counts_only_if_it_names_the_issuer_of_the_users_own_shop() {
    let world = World::new().await;
    let mut provider = shops(&world);
    provider["callback"] = json!({});
    provider["oidc"] = json!({
        "issuer": world.provider.url("/{shop}"), "issuer_template": true, "iss_parameter_supported": true,
    });
    defined(&world, &provider).await;
    let shops = connector(&world, "shops", &json!({})).await;
    let wishes = json!({"connection_config": {"shop": "acme"}});
    for (issuer, is_taken) in [(None, false), (Some("/{shop}"), false), (Some("/evil"), false), (Some("/acme"), true)] {
        let mut begun = world.begin_with(&shops, "alice", &wishes).await;
        let mut back = Url::parse(&world.provider.approve(&begun.redirect_url, "alice")).unwrap();
        if let Some(path) = issuer {
            back.query_pairs_mut().append_pair("iss", &world.provider.url(path));
        }
        let landed = begun.browser.open(&world, back.as_str()).await;
        if is_taken {
            assert_eq!(parameter(landed.location(), "status"), "completed");
        } else {
            assert_eq!(landed.refusal(), (400, "issuer_mismatch".to_owned()), "{issuer:?}");
        }
    }
    assert_eq!(world.provider.exchanges().len(), 1);
}

#[tokio::test]
async fn a_shop_that_fits_no_pattern_is_refused_before_anything_begins() {
    let world = World::new().await;
    defined(&world, &shops(&world)).await;
    let shops = connector(&world, "shops", &json!({})).await;
    let rest = format!("/app-user-auth/connectors/{}/initiate", shops.id);
    for (config, pointer) in [
        (json!({}), "/connection_config/shop"),
        (json!({"shop": "acme.evil.example"}), "/connection_config/shop"),
        (json!({"shop": "../token"}), "/connection_config/shop"),
        (json!({"shop": "acme", "colour": "red"}), "/connection_config/colour"),
    ] {
        let answer = world.as_user("alice", "POST", &rest).json(&json!({"connection_config": config})).send().await;
        assert_eq!(answer.expect(422)["errors"][0]["pointer"], pointer, "{config}");
    }
}

#[tokio::test]
async fn a_response_that_is_not_of_the_shop_or_not_signed_ends_the_session_and_its_code_goes_nowhere() {
    let world = World::new().await;
    defined(&world, &shops(&world)).await;
    let shops = connector(&world, "shops", &json!({})).await;
    let wishes = json!({"connection_config": {"shop": "acme"}});
    for (shop, secret) in [("acme", "another secret"), ("evil", shops.client_secret.as_str())] {
        let mut begun = world.begin_with(&shops, "alice", &wishes).await;
        let back = signed(&world, &begun.redirect_url, "alice", shop, secret);
        let landed = begun.browser.open(&world, &back).await;
        assert_eq!(parameter(landed.location(), "status"), "failed");
        assert_eq!(world.session(&begun.session, "alice").await["reason"], "response_rejected");
        // The same session takes no better response any more.
        let good = signed(&world, &begun.redirect_url, "alice", "acme", &shops.client_secret);
        assert_eq!(begun.browser.open(&world, &good).await.status, 400);
    }
    assert!(world.provider.exchanges().is_empty());
    world.token(&shops, "alice").await.expect(404);
}

#[tokio::test]
async fn a_variable_that_a_connector_was_made_with_never_changes() {
    let world = World::new().await;
    defined(&world, &shops(&world)).await;
    let shops = connector(&world, "shops", &json!({"shop": "acme.shops.example"})).await;
    let path = format!("/connectors/{}", shops.id);
    assert_eq!(world.admin("GET", &path).send().await.expect(200)["connection_config"], json!({"shop": "acme"}));
    let change = json!({"connection_config": {"shop": "evil"}});
    let refused = world.admin("PUT", &path).json(&change).send().await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/connection_config/shop");
    let kept = world.change(&shops, &json!({"connection_config": {"note": "x"}})).await;
    assert_eq!(kept["connection_config"], json!({"note": "x", "shop": "acme"}));
    let rest = format!("/app-user-auth/connectors/{}/initiate", shops.id);
    let asked = world.as_user("alice", "POST", &rest).json(&json!({"connection_config": {"shop": "evil"}}));
    assert_eq!(asked.send().await.expect(422)["errors"][0]["pointer"], "/connection_config/shop");
}

#[tokio::test]
async fn a_user_who_names_another_shop_takes_no_refresh_token_there() {
    let world = World::new().await;
    let mut unsigned = shops(&world);
    unsigned["callback"] = json!({});
    defined(&world, &unsigned).await;
    let shops = connector(&world, "shops", &json!({})).await;
    world.provider.give_life(Some(60));
    let connect_at = async |shop: &str| {
        let mut begun = world.begin_with(&shops, "alice", &json!({"connection_config": {"shop": shop}})).await;
        let back = world.provider.approve(&begun.redirect_url, "alice");
        let landed = begun.browser.open(&world, &back).await;
        assert_eq!(parameter(landed.location(), "status"), "completed");
    };
    connect_at("acme").await;
    let first = text(&world.token(&shops, "alice").await.expect(200)["access_token"]);
    world.provider.next(crate::world::Step::Without(&["refresh_token"]));
    connect_at("other").await;
    world.advance(120);
    // Without a refresh token of the other shop there is nothing to refresh with: least of all that of the first.
    world.token(&shops, "alice").await.expect(404);
    assert!(world.provider.refreshes().is_empty());
    assert!(!first.is_empty());
    assert_eq!(places(&world, "/token"), ["/acme", "/other"]);
}

#[tokio::test]
async fn a_realm_is_learnt_from_the_redirect_and_stays_with_the_connection() {
    let world = World::new().await;
    let mut provider = world.provider.registration("books");
    let at = |path: &str| world.provider.url(&format!("/{{realm}}{path}"));
    provider["vars"] = json!({"realm": {"from": "callback:realmId", "pattern": "[0-9]{3,19}"}});
    provider["token"]["url"] = at("/token").into();
    provider["revoke"]["url"] = at("/revoke").into();
    provider["api"] = json!({"base_url": at("/v3")});
    defined(&world, &provider).await;
    let books = connector(&world, "books", &json!({})).await;
    world.provider.give_life(Some(60));
    for (realm, status) in [("", "failed"), ("12", "failed"), ("123/../token", "failed"), ("123456", "completed")] {
        let mut begun = world.begin(&books, "alice").await;
        let mut back = Url::parse(&world.provider.approve(&begun.redirect_url, "alice")).unwrap();
        back.query_pairs_mut().append_pair("realmId", realm);
        let landed = begun.browser.open(&world, back.as_str()).await;
        assert_eq!(parameter(landed.location(), "status"), status, "{realm}");
    }
    world.advance(120);
    let token = world.token(&books, "alice").await.expect(200);
    assert_eq!(token["connection_config"], json!({"realm": "123456"}));
    assert_eq!(places(&world, "/token"), ["/123456", "/123456"]);
    world.disconnect(&books, "alice").await;
    assert_eq!(places(&world, "/revoke"), ["/123456"]);
}

#[tokio::test]
async fn a_realm_waits_with_the_code_until_the_user_finishes() {
    let world = World::new().await;
    let mut provider = world.provider.registration("books");
    provider["vars"] = json!({"realm": {"from": "callback:realmId", "pattern": "[0-9]+"}});
    provider["token"]["url"] = world.provider.url("/{realm}/token").into();
    defined(&world, &provider).await;
    let books = connector(&world, "books", &json!({})).await;
    let begun = world.begin(&books, "alice").await;
    let mut back = Url::parse(&world.provider.approve(&begun.redirect_url, "alice")).unwrap();
    back.query_pairs_mut().append_pair("realmId", "77");
    let landed = crate::world::Browser::default().open(&world, back.as_str()).await;
    let handle = crate::world::journeys::handle(&landed);
    world.finish(&begun.session, "alice", &handle).await.expect(200);
    assert_eq!(world.token(&books, "alice").await.expect(200)["connection_config"], json!({"realm": "77"}));
    assert_eq!(places(&world, "/token"), ["/77"]);
}

#[tokio::test]
async fn a_host_follows_from_what_the_admin_chose() {
    let world = World::new().await;
    let mut provider = world.provider.registration("regions");
    let token = world.provider.url("/token").replace("127.0.0.1", "{host}");
    provider["vars"] = json!({
        "region": {"from": "app", "choices": ["eu", "us"], "default": "us"},
        "host": {"from": "map", "key": "region", "map": {"eu": "localhost", "us": "127.0.0.1"}},
    });
    provider["token"]["url"] = token.replace("/token", "/{region}/token").into();
    defined(&world, &provider).await;
    let refused = connector_refused(&world, &json!({"region": "moon"})).await;
    assert_eq!(refused["errors"][0]["pointer"], "/connection_config/region");
    let eu = connector(&world, "regions", &json!({"region": "eu"})).await;
    world.connect(&eu, "alice").await;
    assert_eq!(places(&world, "/token"), ["/eu"]);
    let token = world.token(&eu, "alice").await.expect(200);
    assert_eq!(token["connection_config"], json!({"region": "eu"}));
}

async fn connector_refused(world: &World, config: &Value) -> Value {
    let nobody = Connector {
        id: String::new(),
        redirect_uri: String::new(),
        client_id: "c".to_owned(),
        client_secret: "s".to_owned(),
    };
    world.admin("POST", "/connectors").json(&draft(&nobody, "regions", config)).send().await.expect(422)
}

#[tokio::test]
async fn a_provider_that_is_unavailable_takes_no_connector_and_says_why() {
    let world = World::new().await;
    let reason = "It hands out no codes to web apps.";
    let provider = json!({"id": "regions", "name": "Closed", "unavailable": reason});
    defined(&world, &provider).await;
    let shown = world.admin("GET", "/providers/regions").send().await.expect(200);
    assert_eq!(shown["unavailable"], reason);
    let refused = connector_refused(&world, &json!({})).await;
    assert_eq!(refused["errors"][0], json!({"pointer": "/integration_type", "detail": reason}));
}

#[tokio::test]
async fn nobody_is_sent_to_a_provider_that_has_become_unavailable() {
    let world = World::new().await;
    let provider = world.provider.registration("regions");
    defined(&world, &provider).await;
    let connector = connector(&world, "regions", &json!({})).await;
    world.connect(&connector, "alice").await;
    // The same connector, as if its provider had closed since.
    let rows = world.aws.items("TABLE_REGISTRY").await;
    let is_of_regions = |row: &HashMap<String, AttributeValue>| {
        row.get("provider_type").is_some_and(|id| *id == AttributeValue::S("regions".to_owned()))
    };
    let mut row = rows.into_iter().find(is_of_regions).unwrap();
    let reason = "It hands out no codes to web apps any more.";
    let AttributeValue::S(profile) = row["profile"].clone() else { panic!("a text") };
    let mut profile: Value = serde_json::from_str(&profile).unwrap();
    profile["unavailable"] = reason.into();
    row.insert("profile".to_owned(), AttributeValue::S(profile.to_string()));
    world.aws.put("TABLE_REGISTRY", row).await;

    let own = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    let link = json!({"user": {"sub": "bob"}, "connector_id": connector.id});
    let service = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key);
    for refused in [world.as_user("bob", "POST", &own).json(&json!({})).send().await, service.json(&link).send().await]
    {
        let problem = refused.expect(409);
        assert!(text(&problem["detail"]).contains(reason), "{problem}");
    }
    // Who is connected already stays so.
    world.token(&connector, "alice").await.expect(200);
}
