//! What is switched off while something is under way: a sign-in connects nothing, a wait for a refresh ends without a token,
//! and whatever was connected before is there when it is switched on again.

use futures::join;
use serde_json::{Value, json};

use crate::world::{
    Browser, Connector, Hold, PROVIDER, World,
    journeys::{Begun, handle, parameter},
};

const HOUR: u64 = 3_600;

async fn switch(world: &World, switch: &str, is_on: bool) {
    let change = json!({"integration_type": PROVIDER, switch: is_on});
    world.admin("PUT", "/connector-governance").json(&change).send().await.expect(200);
}

async fn off(world: &World) {
    switch(world, "per_user_connection_enabled", false).await;
}

async fn on(world: &World) {
    switch(world, "per_user_connection_enabled", true).await;
}

/// Switches it off while the provider is asked for something.
async fn off_during(world: &World, mut hold: Hold) {
    hold.arrived().await;
    off(world).await;
    hold.release();
}

/// A user who is at the provider, and whether they come back in the browser in which they began.
async fn at_provider() -> (World, Connector, Begun) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    (world, connector, begun)
}

/// The session failed for the policy, nothing is connected, and the same user connects as if nothing had been once it is on.
async fn ends_blocked(world: &World, connector: &Connector, session: &str) {
    let shown = world.session(session, "alice").await;
    assert_eq!((&shown["status"], &shown["reason"]), (&json!("failed"), &json!("blocked_by_policy")));
    on(world).await;
    assert_eq!(world.token(connector, "alice").await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(world.session(session, "alice").await["status"], "failed", "it does not come back to life");
    world.connect(connector, "alice").await;
    assert!(world.provider.honours(&world.access_token(connector, "alice").await));
}

#[tokio::test]
async fn whoever_comes_back_after_it_was_switched_off_connects_nothing_and_the_code_goes_nowhere() {
    let (world, connector, mut begun) = at_provider().await;
    off(&world).await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let landed = begun.browser.open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "failed");
    assert!(world.provider.exchanges().is_empty());
    ends_blocked(&world, &connector, &begun.session).await;
    let again = begun.browser.open(&world, &callback).await;
    assert_eq!(again.refusal(), (400, "session_expired".to_owned()), "not even once it is on again");
}

#[tokio::test]
async fn nor_is_a_code_kept_for_an_app_that_would_have_to_finish() {
    let (world, connector, begun) = at_provider().await;
    off(&world).await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let landed = Browser::default().open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "failed");
    assert!(!landed.location().contains("handle"));
    assert!(world.provider.exchanges().is_empty());
    ends_blocked(&world, &connector, &begun.session).await;
}

#[tokio::test]
async fn an_app_that_finishes_after_it_was_switched_off_is_told_so_and_the_code_goes_nowhere() {
    let (world, connector, begun) = at_provider().await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let handle = handle(&Browser::default().open(&world, &callback).await);
    off(&world).await;
    let refused = world.finish(&begun.session, "alice", &handle).await;
    assert_eq!(refused.refusal(), (403, "blocked_by_policy".to_owned()));
    assert!(world.provider.exchanges().is_empty());
    on(&world).await;
    assert_eq!(world.finish(&begun.session, "alice", &handle).await.status, 409, "the handle was for once");
    ends_blocked(&world, &connector, &begun.session).await;
}

#[tokio::test]
async fn what_is_switched_off_while_the_code_is_exchanged_is_given_back_to_the_provider() {
    let (world, connector, mut begun) = at_provider().await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let (hold, step) = Hold::new();
    world.provider.next(step);
    let meanwhile = off_during(&world, hold);
    let landed = join!(begun.browser.open(&world, &callback), meanwhile).0;
    assert_eq!(parameter(landed.location(), "status"), "failed");
    assert_eq!(world.provider.exchanges().len(), 1);
    assert_eq!(world.provider.journal("/revoke").len(), 1, "nobody has a grant that nobody knows of");
    ends_blocked(&world, &connector, &begun.session).await;
}

/// At each of the three moments.
#[tokio::test]
async fn whoever_was_connecting_again_keeps_the_connection_that_they_had() {
    for moment in ["before the callback", "before the finish", "during the exchange"] {
        let world = World::new().await;
        let connector = world.connector("Calendar").await;
        world.connect(&connector, "alice").await;
        let token = world.access_token(&connector, "alice").await;
        let mut begun = world.begin(&connector, "alice").await;
        let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
        match moment {
            "before the callback" => {
                off(&world).await;
                begun.browser.open(&world, &callback).await;
            }
            "before the finish" => {
                let handle = handle(&Browser::default().open(&world, &callback).await);
                off(&world).await;
                assert_eq!(world.finish(&begun.session, "alice", &handle).await.status, 403);
            }
            _ => {
                let (hold, step) = Hold::new();
                world.provider.next(step);
                let meanwhile = off_during(&world, hold);
                join!(begun.browser.open(&world, &callback), meanwhile);
            }
        }
        assert_eq!(world.session(&begun.session, "alice").await["reason"], "blocked_by_policy", "{moment}");
        assert_eq!(world.view(&connector, "alice").await["status"], "disabled", "{moment}");
        on(&world).await;
        assert_eq!(world.access_token(&connector, "alice").await, token, "{moment}");
        assert!(world.provider.honours(&token), "{moment}");
        world.advance(HOUR);
        assert!(world.provider.honours(&world.access_token(&connector, "alice").await), "{moment}: it is refreshed");
    }
}

#[tokio::test]
async fn another_types_switch_is_nothing_to_a_sign_in_that_is_under_way() {
    let (world, connector, mut begun) = at_provider().await;
    let shared_off = json!([
        {"integration_type": PROVIDER, "builder_connection_enabled": false},
        {"integration_type": "slack", "per_user_connection_enabled": false},
    ]);
    world.admin("PUT", "/connector-governance/bulk").json(&shared_off).send().await.expect(200);
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    assert_eq!(parameter(begun.browser.open(&world, &callback).await.location(), "status"), "completed");
    world.access_token(&connector, "alice").await;
}

#[tokio::test]
async fn an_admin_connects_no_account_for_all_while_that_is_switched_off() {
    let world = World::new().await;
    let connector = world.shared_connector("Office").await;
    let (mut browser, redirect_url) = world.begin_shared(&world.workspace, &connector).await;
    switch(&world, "builder_connection_enabled", false).await;
    let path = format!("/connectors/{}/connect", connector.id);
    let refused = world.admin("POST", &path).json(&json!({})).send().await;
    assert_eq!(refused.refusal(), (403, "blocked_by_policy".to_owned()), "nobody is sent to the provider");
    let callback = world.provider.approve(&redirect_url, "office@provider");
    assert_eq!(parameter(browser.open(&world, &callback).await.location(), "status"), "failed");
    assert!(world.provider.exchanges().is_empty());
    assert_eq!(world.shared_view(&connector).await["connection"], Value::Null);
    switch(&world, "builder_connection_enabled", true).await;
    assert_eq!(world.connect_shared(&connector, "office@provider").await, "completed");
}

#[tokio::test]
async fn a_shared_account_that_is_switched_off_says_so_and_comes_back_to_every_app() {
    let world = World::new().await;
    let second = world.register_app(&world.workspace, "second-app").await;
    let connector = world.shared_connector("Office").await;
    world.connect_shared(&connector, "office@provider").await;
    let token = world.shared_token(&world.app, "fake").await.expect(200)["access_token"].clone();
    switch(&world, "builder_connection_enabled", false).await;
    let shown = world.shared_view(&connector).await["connection"].take();
    assert_eq!((&shown["status"], &shown["reconnect_required"]), (&json!("disabled"), &json!(false)));
    for app in [&world.app, &second] {
        for by in ["fake".to_owned(), connector.by_id()] {
            assert_eq!(world.shared_token(app, &by).await.refusal(), (403, "blocked_by_policy".to_owned()));
        }
        let call = world.call("POST", &app.path("/connectors/fake/call")).bearer(&app.service_key);
        let call = call.json(&json!({"method": "GET", "path": "/"})).send().await;
        assert_eq!(call.refusal(), (403, "blocked_by_policy".to_owned()));
    }
    switch(&world, "builder_connection_enabled", true).await;
    assert_eq!(world.shared_token(&second, "fake").await.expect(200)["access_token"], token);
    assert_eq!(world.shared_view(&connector).await["connection"]["status"], "active");
}

/// Whoever waits for a refresh has asked before the switch, and would be answered after it.
#[tokio::test]
async fn whoever_waits_for_a_refresh_when_it_is_switched_off_gets_no_token_and_what_it_brought_is_kept() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.advance(HOUR);
    let (hold, step) = Hold::new();
    world.provider.next(step);
    let meanwhile = off_during(&world, hold);
    let (first, second, ()) = join!(world.token(&connector, "alice"), world.token(&connector, "alice"), meanwhile);
    for answer in [first, second] {
        assert_eq!(answer.refusal(), (403, "blocked_by_policy".to_owned()));
        assert!(!answer.text.contains("access_token"));
    }
    on(&world).await;
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.provider.refreshes().len(), 1);
}

/// A warm instance remembers keys and identities for a minute, and of the policy nothing.
#[tokio::test]
async fn a_switch_holds_at_once_in_instances_that_did_not_see_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let other = world.another_instance().await;
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/token", connector.id));
    let ask = || {
        let call = crate::world::Call::new(other.routes.clone(), "GET", &path).bearer(&world.app.service_key);
        call.on_behalf_of(&world.app.user(&world, "alice")).send()
    };
    ask().await.expect(200);
    off(&world).await;
    assert_eq!(ask().await.refusal(), (403, "blocked_by_policy".to_owned()));
    on(&world).await;
    ask().await.expect(200);
}

/// The stored token would still work for a while, and the refresh comes to nothing: that is no reason to hand it out.
#[tokio::test]
async fn whoever_waits_in_vain_for_a_refresh_when_it_is_switched_off_gets_no_token_either() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.advance(HOUR - 30);
    let (hold, step) = Hold::without(&["access_token"]);
    world.provider.next(step);
    let meanwhile = off_during(&world, hold);
    let answer = join!(world.token(&connector, "alice"), meanwhile).0;
    assert_eq!(answer.refusal(), (403, "blocked_by_policy".to_owned()));
    on(&world).await;
    world.access_token(&connector, "alice").await;
}

/// Between the last look at the policy and the write there are milliseconds. What slips through is as off as all the rest,
/// and nothing of it is lost.
#[tokio::test]
async fn a_sign_in_that_slips_through_is_off_like_every_other_connection_and_there_when_it_is_on() {
    let (world, connector, mut begun) = at_provider().await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let mut write = world.aws.hold("TransactWriteItems", &begun.connection_id);
    let meanwhile = async {
        write.arrived().await;
        off(&world).await;
        write.release();
    };
    let landed = join!(begun.browser.open(&world, &callback), meanwhile).0;
    assert_eq!(parameter(landed.location(), "status"), "completed", "it was stored, and says so");
    assert_eq!(world.token(&connector, "alice").await.refusal(), (403, "blocked_by_policy".to_owned()));
    assert_eq!(world.view(&connector, "alice").await["status"], "disabled");
    world.advance(HOUR);
    on(&world).await;
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert!(world.provider.journal("/revoke").is_empty(), "the grant was kept");
}
