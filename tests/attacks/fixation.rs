//! Session fixation and account takeover (RFC 9700, section 4; `draft-ietf-oauth-security-topics-update`): whoever began
//! a session, came back from the provider and finishes it must be one and the same person.

use serde_json::{Value, json};

use crate::world::{
    App, Browser, Connector, World,
    journeys::{handle, parameter},
    jwks,
};

const EXPIRED: (u16, &str) = (400, "session_expired");
const MISMATCH: (u16, &str) = (400, "session_user_mismatch");

fn refusal(of: (u16, &str)) -> (u16, String) {
    (of.0, of.1.to_owned())
}

async fn assert_nobody_is_connected(world: &World, connector: &Connector) {
    for user in ["alice", "mallory"] {
        assert_eq!(world.token(connector, user).await.status, 404, "{user}");
    }
}

/// A browser that shows this value as the cookie of that other session.
async fn forge(world: &World, callback: &str, name: &str, values: &[&str]) -> (u16, String) {
    let path = callback.strip_prefix("https://connect.example").unwrap();
    let pairs: Vec<String> = values.iter().map(|value| format!("{name}={value}")).collect();
    world.call("GET", path).header("cookie", &pairs.join("; ")).send().await.refusal()
}

/// PUB-10: a code that was stolen on its way is bound to the session of whoever it was stolen from (RFC 7636).
#[tokio::test]
async fn a_stolen_code_is_worth_nothing_in_a_session_of_the_thiefs_own() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for is_finished_with_a_handle in [false, true] {
        let alices = world.begin(&connector, "alice").await;
        let stolen = parameter(&world.provider.approve(&alices.redirect_url, "alice@provider"), "code");
        let mut mallorys = world.begin(&connector, "mallory").await;
        let own = world.provider.approve(&mallorys.redirect_url, "mallory@provider");
        let injected = own.replace(&parameter(&own, "code"), &stolen);
        if is_finished_with_a_handle {
            let landed = Browser::default().open(&world, &injected).await;
            assert_eq!(world.finish(&mallorys.session, "mallory", &handle(&landed)).await.status, 502);
        } else {
            let landed = mallorys.browser.open(&world, &injected).await;
            assert_eq!(parameter(landed.location(), "status"), "failed");
        }
        assert_eq!(world.session(&mallorys.session, "mallory").await["reason"], "provider_refused");
        assert_nobody_is_connected(&world, &connector).await;
    }
}

/// Login CSRF (RFC 6749, section 10.12): mallory approves with her own account and has alice follow the way back.
#[tokio::test]
async fn an_address_to_come_back_to_that_somebody_else_made_connects_nobody_to_their_account() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut alices = world.begin(&connector, "alice").await;
    let mallorys = world.begin(&connector, "mallory").await;
    let planted = world.provider.approve(&mallorys.redirect_url, "mallory@provider");
    let landed = alices.browser.open(&world, &planted).await;
    // Alice's app does what it always does with what comes back.
    assert_eq!(world.finish(&mallorys.session, "alice", &handle(&landed)).await.status, 404);
    assert_nobody_is_connected(&world, &connector).await;
    assert!(world.provider.exchanges().is_empty());
    let own = world.provider.approve(&alices.redirect_url, "alice@provider");
    assert_eq!(parameter(alices.browser.open(&world, &own).await.location(), "status"), "completed");
    let token = world.token(&connector, "alice").await.expect(200);
    assert_eq!(token["account"]["id"], "alice@provider");
}

/// Cross-user session fixation: mallory begins, alice approves in her own browser, and the address leaks back to mallory.
#[tokio::test]
async fn a_consent_that_somebody_else_began_cannot_be_taken_home_by_them() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut mallorys = world.begin(&connector, "mallory").await;
    let callback = world.provider.approve(&mallorys.redirect_url, "alice@provider");
    let landed = Browser::default().open(&world, &callback).await;
    // The code was seen once: her browser, which has the cookie, comes too late with it, and she has no handle.
    assert_eq!(mallorys.browser.open(&world, &callback).await.refusal(), refusal(EXPIRED));
    let guessed = world.finish(&mallorys.session, "mallory", &"A".repeat(43)).await;
    assert_eq!(guessed.refusal(), (400, "state_mismatch".to_owned()));
    assert!(!landed.location().contains(&parameter(&callback, "code")), "the code does not go on to the app");
    // And alice's app ends it.
    assert_eq!(world.finish(&mallorys.session, "alice", &handle(&landed)).await.status, 404);
    assert_eq!(world.finish(&mallorys.session, "mallory", &handle(&landed)).await.status, 409);
    assert_nobody_is_connected(&world, &connector).await;
    assert!(world.provider.exchanges().is_empty());
}

/// PUB-07: a browser is known for one session, and what it holds for one proves nothing for another.
#[tokio::test]
async fn the_cookie_of_one_session_opens_no_other() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let answer = |user: &'static str| {
        let rest = format!("/app-user-auth/connectors/{}/initiate", connector.id);
        let world = &world;
        async move { world.as_user(user, "POST", &rest).json(&json!({})).send().await }
    };
    let (alices, mallorys) = (answer("alice").await, answer("mallory").await);
    let (name, right) = alices.cookies().remove(0);
    let (_, own) = mallorys.cookies().remove(0);
    let callback = world.provider.approve(alices.json()["redirect_url"].as_str().unwrap(), "mallory@provider");
    for values in [vec![own.as_str()], vec![""], vec![own.as_str(), right.as_str()], vec!["\"", right.as_str()]] {
        assert_eq!(forge(&world, &callback, &name, &values).await, refusal(MISMATCH), "{values:?}");
    }
    let path = callback.strip_prefix("https://connect.example").unwrap();
    let shouted = world.call("GET", path).header("cookie", &format!("{}={right}", name.to_uppercase())).send().await;
    assert_eq!(
        parameter(shouted.location(), "status"),
        "awaiting_finish",
        "that is another cookie, and proves nothing"
    );
    assert!(world.provider.exchanges().is_empty());
}

/// A second app of the workspace with the same users: same issuer, same keys, another audience.
async fn twin(world: &World) -> App {
    let mut twin = world.register_app(&world.workspace, "twin-app").await;
    let identity = json!({"issuer": world.app.issuer, "audience": twin.id, "jwks": jwks(&[&twin.signer])});
    world.admin("PUT", "/apps/twin-app/identity").json(&identity).send().await.expect(200);
    twin.issuer.clone_from(&world.app.issuer);
    world.advance(61);
    twin
}

/// PUB-08, PUB-24: a session is one user's of one app; the same person in another app is somebody else.
#[tokio::test]
async fn a_handle_finishes_its_own_session_in_its_own_app_and_no_other() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let twin = twin(&world).await;
    let park = async || {
        let begun = world.begin(&connector, "alice").await;
        let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
        let landed = Browser::default().open(&world, &callback).await;
        (begun.session, handle(&landed))
    };
    let (first, second) = (park().await, park().await);
    let crossed = world.finish(&first.0, "alice", &second.1).await;
    assert_eq!(crossed.refusal(), (400, "state_mismatch".to_owned()));
    let finish = format!("/app-user-auth/sessions/{}/finish", first.0);
    let body = json!({"handle": first.1});
    let elsewhere = world.on_behalf(&twin, "alice", "POST", &finish).json(&body).send().await;
    assert_eq!(elsewhere.refusal(), (404, "NOT_FOUND".to_owned()));
    let view = world.on_behalf(&twin, "alice", "GET", &format!("/app-user-auth/sessions/{}", second.0)).send().await;
    assert_eq!(view.status, 404);
    assert!(world.provider.exchanges().is_empty());
    world.finish(&second.0, "alice", &second.1).await.expect(200);
    let read = format!("/app-user-auth/connectors/{}/token", connector.id);
    assert_eq!(world.on_behalf(&twin, "alice", "GET", &read).send().await.status, 404);
}

/// A connection's id is no secret: it renews nobody else's connection.
#[tokio::test]
async fn nobody_begins_to_renew_the_connection_of_somebody_else() {
    let world = World::new().await;
    let (connector, other) = (world.connector("Calendar").await, world.connector("Mail").await);
    let alices = world.connect(&connector, "alice").await;
    world.connect(&other, "mallory").await;
    let initiate = |user: &'static str, connector: &Connector, connection: &str| {
        let rest = format!("/app-user-auth/connectors/{}/initiate", connector.id);
        world.as_user(user, "POST", &rest).json(&json!({"connection_id": connection})).send()
    };
    let never = format!("cnn_{}", "0".repeat(26));
    let (foreign, unknown) =
        (initiate("mallory", &connector, &alices).await, initiate("mallory", &connector, &never).await);
    assert_eq!(foreign.status, 404);
    assert_eq!(foreign.without_ids(), unknown.without_ids());
    assert_eq!(initiate("alice", &other, &alices).await.status, 404);
    initiate("alice", &connector, &alices).await.expect(200);
}

/// A link is for one user: whoever opens it finishes nothing in their own name.
#[tokio::test]
async fn a_link_that_was_made_for_another_gives_whoever_opens_it_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let (session, url) = world.link(&connector, "alice").await;
    let mut mallorys = Browser::default();
    let redirect_url = mallorys.open_link(&world, &url).await;
    let callback = world.provider.approve(&redirect_url, "mallory@provider");
    let landed = mallorys.open(&world, &callback).await;
    assert_eq!(world.finish(&session, "mallory", &handle(&landed)).await.status, 404);
    assert_eq!(world.finish(&session, "alice", &handle(&landed)).await.status, 409);
    assert_nobody_is_connected(&world, &connector).await;
    assert!(world.provider.exchanges().is_empty());
    let noted = world.admin("GET", "/audit").send().await.expect(200);
    let noted = noted["events"].as_array().unwrap();
    let who = |event: &&Value| event["action"] == "session.user_mismatch" && event["target"] == session.as_str();
    assert_eq!(noted.iter().find(who).unwrap()["actor"], "user:first-app:mallory");
}

/// PUB-08, PUB-25: whoever comes from another workspace is told of, and not named: neither learns the other's users.
#[tokio::test]
async fn somebody_of_another_workspace_finishes_nothing_and_stays_unnamed() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let hostile = world.found("Hostile").await;
    let theirs = world.register_app(&hostile, "their-app").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "mallory@provider");
    let handle = handle(&Browser::default().open(&world, &callback).await);
    let finish = format!("/app-user-auth/sessions/{}/finish", begun.session);
    let body = json!({"handle": handle});
    let refused = world.on_behalf(&theirs, "mallory", "POST", &finish).json(&body).send().await;
    assert_eq!(refused.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(world.finish(&begun.session, "alice", &handle).await.status, 409);
    let trail = world.admin("GET", "/audit").send().await;
    assert!(trail.text.contains(r#""actor":"stranger","action":"session.user_mismatch""#), "{}", trail.text);
    assert!(!trail.text.contains("mallory") && !trail.text.contains("their-app"), "{}", trail.text);
    let other = hostile.admin(&world, "GET", "/audit").send().await;
    assert!(!other.text.contains("alice") && !other.text.contains(&begun.session), "{}", other.text);
}

/// The identifier of a session is shown to the app and in addresses: it opens no link and finishes nothing.
#[tokio::test]
async fn knowing_a_sessions_id_is_not_having_its_state() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let page = format!("/connect/{}/open", begun.session);
    let opened = world.call("POST", &page).header("x-own-page", "1").send().await;
    assert_eq!((opened.status, opened.cookies().len()), (410, 0), "a session that no link began opens by none");
    let digest = begun.session.strip_prefix("ses_").unwrap();
    let path = connector.redirect_uri.strip_prefix("https://connect.example").unwrap();
    for state in [digest, begun.session.as_str()] {
        let answer = world.call("GET", &format!("{path}?code=x&state={state}")).send().await;
        assert_eq!(answer.refusal(), (400, "state_mismatch".to_owned()));
    }
}
