//! The page of a link: what it may know and do, and in which browser.

use serde_json::{Value, json};

use crate::world::{Browser, Connector, World, text};

/// A link that the app trusts with its user's connection.
async fn trusted_link(world: &World, connector: &Connector, user: &str) -> (String, String) {
    let body = json!({"user": {"sub": user}, "connector_id": connector.id, "manage": true});
    let call = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key);
    let link = call.json(&body).send().await.expect(201);
    (text(&link["session_id"]), text(&link["connect_url"]))
}

#[tokio::test]
async fn the_page_says_who_asks_for_what_and_nothing_of_the_users_account() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let (session, url) = world.link(&connector, "alice").await;
    let mut browser = Browser::default();
    let answer = browser.on_page(&world, &url, "open").await;
    let shown = answer.expect(200);
    assert_eq!((&shown["connector"], &shown["session_id"]), (&json!("Calendar"), &json!(session)));
    assert_eq!((&shown["connection"], &shown["may_disconnect"]), (&Value::Null, &json!(false)));
    assert_eq!(shown["origins"], json!(["https://app.example"]));
    assert!(shown["permissions"].as_array().unwrap().iter().all(|permission| permission["scope"].is_string()));
    assert!(!answer.text.contains("alice"), "{}", answer.text);

    let refused = browser.on_page(&world, &url, "disconnect").await;
    assert_eq!(refused.refusal(), (410, "session_expired".to_owned()));
    world.token(&connector, "alice").await.expect(200);
}

#[tokio::test]
async fn a_link_that_the_app_trusts_shows_the_account_and_ends_the_connection_in_the_browser_that_came_first() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let (session, url) = trusted_link(&world, &connector, "alice").await;
    let mut alices = Browser::default();
    let shown = alices.on_page(&world, &url, "open").await.expect(200);
    assert_eq!((&shown["connection"]["status"], &shown["may_disconnect"]), (&json!("active"), &json!(true)));

    for what in ["open", "continue", "disconnect", "decline"] {
        let refused = Browser::default().on_page(&world, &url, what).await;
        assert_eq!(refused.refusal(), (410, "session_user_mismatch".to_owned()), "{what}");
        assert!(!refused.text.contains("alice@"), "{what}");
    }
    world.token(&connector, "alice").await.expect(200);

    let ended = alices.on_page(&world, &url, "disconnect").await.expect(200);
    assert_eq!((&ended["status"], &ended["revocation"]), (&json!("disconnected"), &json!("revoked")));
    world.token(&connector, "alice").await.expect(404);
    assert_eq!(world.deeds("connection.deleted").await.len(), 1);
    let seen = world.session(&session, "alice").await;
    assert_eq!((&seen["status"], &seen["reason"]), (&json!("failed"), &json!("disconnected")));
    assert_eq!(alices.on_page(&world, &url, "open").await.refusal(), (410, "session_expired".to_owned()));
}

/// A link ends one user's connection through one connector, whoever else is connected.
#[tokio::test]
async fn a_link_ends_nobody_elses_connection() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob"] {
        world.connect(&connector, user).await;
    }
    let (_, url) = trusted_link(&world, &connector, "alice").await;
    let mut browser = Browser::default();
    browser.open_link(&world, &url).await;
    browser.on_page(&world, &url, "disconnect").await.expect(200);
    world.token(&connector, "bob").await.expect(200);
}

#[tokio::test]
async fn whoever_declines_connects_nothing_and_the_app_hears_of_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let (session, url) = world.link(&connector, "alice").await;
    let mut browser = Browser::default();
    let redirect_url = browser.open_link(&world, &url).await;
    assert_eq!(browser.on_page(&world, &url, "decline").await.status, 204);
    let seen = world.session(&session, "alice").await;
    assert_eq!((&seen["status"], &seen["reason"]), (&json!("failed"), &json!("denied")));
    let callback = world.provider.approve(&redirect_url, "alice@provider");
    assert_eq!(browser.open(&world, &callback).await.refusal(), (400, "session_expired".to_owned()));
    assert!(world.provider.exchanges().is_empty());
}

/// A page of somebody else has its visitor's browser ask: it sends the cookie along, and cannot send the mark.
#[tokio::test]
async fn no_other_page_opens_declines_or_disconnects() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let (session, url) = trusted_link(&world, &connector, "alice").await;
    let mut alices = Browser::default();
    alices.open_link(&world, &url).await;
    for what in ["open", "continue", "decline", "disconnect"] {
        let path = format!("/connect/{session}/{what}");
        let form = world.call("POST", &path).raw("text/plain", Vec::new()).header("sec-fetch-site", "cross-site");
        assert_eq!(form.send().await.refusal(), (403, "forbidden".to_owned()), "{what}");
        let marked = world.call("POST", &path).header("x-own-page", "1").header("sec-fetch-site", "same-site");
        assert_eq!(marked.send().await.refusal(), (403, "forbidden".to_owned()), "{what}");
        let asking = world.call("OPTIONS", &path).header("origin", "https://app.example");
        let asking = asking.header("access-control-request-method", "POST");
        assert_eq!(asking.send().await.header("access-control-allow-origin"), None, "{what}");
    }
    world.token(&connector, "alice").await.expect(200);
    assert_eq!(world.session(&session, "alice").await["status"], "pending");
}
