//! Who may finish a session: the user who began it, in the browser that came back, and nobody else.

use serde_json::json;

use crate::world::{
    Browser, World,
    journeys::{handle, parameter},
};

/// PUB-07: the session belongs to the browser that opened the link.
#[tokio::test]
async fn a_link_opened_in_one_browser_ends_nowhere_in_another() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let (session, url) = world.link(&connector, "alice").await;
    let mut alices = Browser::default();
    let redirect_url = alices.open_link(&world, &url).await;
    let callback = world.provider.approve(&redirect_url, "mallory@provider");
    let landed = Browser::default().open(&world, &callback).await;
    assert_eq!(landed.refusal(), (400, "session_user_mismatch".to_owned()));
    assert!(world.provider.exchanges().is_empty());
    assert_eq!(world.session(&session, "alice").await["status"], "pending");
}

/// A scanner that looks at every link in a mail must not use it up.
#[tokio::test]
async fn whoever_only_looks_at_a_link_does_not_open_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let (session, url) = world.link(&connector, "alice").await;
    for (method, status) in [("HEAD", 405), ("GET", 200), ("POST", 405)] {
        let looked = world.call(method, &format!("/connect/{session}")).send().await;
        assert_eq!((looked.status, looked.cookies().len()), (status, 0), "{method}");
    }
    assert!(Browser::default().open_link(&world, &url).await.contains("/authorize?"));
}

/// PUB-07: nor can a second browser open a link that was opened before.
#[tokio::test]
async fn a_link_opens_in_one_browser_only_as_often_as_that_one_likes() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let (session, url) = world.link(&connector, "alice").await;
    let mut alices = Browser::default();
    let first = alices.open_link(&world, &url).await;
    let again = alices.open_link(&world, &url).await;
    assert_eq!(parameter(&first, "state"), parameter(&again, "state"));
    for what in ["open", "continue", "decline", "disconnect"] {
        let others = Browser::default().on_page(&world, &url, what).await;
        assert_eq!(others.refusal(), (410, "session_user_mismatch".to_owned()), "{what}");
    }
    assert_eq!(world.session(&session, "alice").await["status"], "pending");
}

/// A link is sent on to somebody else, who connects their own account with it: that account must not become alice's
/// without her own word.
#[tokio::test]
async fn a_forwarded_link_connects_nobody_until_its_own_user_finishes() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let (session, url) = world.link(&connector, "alice").await;
    let mut browser = Browser::default();
    let redirect_url = browser.open_link(&world, &url).await;
    let callback = world.provider.approve(&redirect_url, "alice@provider");
    let landed = browser.open(&world, &callback).await;
    let handle = handle(&landed);
    assert!(world.provider.exchanges().is_empty());
    world.token(&connector, "alice").await.expect(404);
    world.finish(&session, "alice", &handle).await.expect(200);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// PUB-08.
#[tokio::test]
async fn nobody_gets_connected_when_another_user_finishes_with_the_right_handle() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "bob@provider");
    let handle = handle(&Browser::default().open(&world, &callback).await);

    let refused = world.finish(&begun.session, "bob", &handle).await;
    let unknown = world.finish(&format!("ses_{}", "A".repeat(43)), "bob", &handle).await;
    assert_eq!(refused.without_ids(), unknown.without_ids());
    assert_eq!(refused.status, 404);
    // The browser that came back was bob's: alice cannot finish with it any more either.
    assert_eq!(world.finish(&begun.session, "alice", &handle).await.status, 409);
    assert_eq!(world.session(&begun.session, "alice").await["reason"], "session_user_mismatch");
    for user in ["alice", "bob"] {
        world.token(&connector, user).await.expect(404);
    }
    assert!(world.provider.exchanges().is_empty());
    let audit = world.admin("GET", "/audit").send().await.expect(200);
    let events = audit["events"].as_array().unwrap();
    assert!(
        events
            .iter()
            .any(|event| event["action"] == "session.user_mismatch" && event["target"] == begun.session.as_str())
    );
}

/// PUB-08: guessing costs the user nothing.
#[tokio::test]
async fn a_stranger_without_the_handle_cannot_spoil_the_session() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let handle = handle(&Browser::default().open(&world, &callback).await);
    world.finish(&begun.session, "mallory", "guessed").await.expect(404);
    assert_eq!(world.finish(&begun.session, "alice", "guessed").await.refusal(), (400, "state_mismatch".to_owned()));
    world.finish(&begun.session, "alice", &handle).await.expect(200);
}

/// PUB-09.
#[tokio::test]
async fn a_session_that_nobody_finishes_gives_no_token_and_ends_with_its_handle() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let handle = handle(&Browser::default().open(&world, &callback).await);
    world.token(&connector, "alice").await.expect(404);
    world.advance(119);
    assert_eq!(world.session(&begun.session, "alice").await["status"], "awaiting_finish");
    world.advance(1);
    assert_eq!(world.finish(&begun.session, "alice", &handle).await.refusal(), (400, "session_expired".to_owned()));
    assert_eq!(world.session(&begun.session, "alice").await["reason"], "session_expired");
    world.token(&connector, "alice").await.expect(404);
    assert!(world.provider.exchanges().is_empty());
}

/// PUB-04.
#[tokio::test]
async fn a_callback_works_once_whichever_browser_repeats_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    let mut copy = Browser::default();
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    begun.browser.open(&world, &callback).await.location();
    let token = world.access_token(&connector, "alice").await;
    for browser in [&mut begun.browser, &mut copy] {
        let again = browser.open(&world, &callback).await;
        assert_eq!(again.refusal(), (400, "session_expired".to_owned()));
    }
    assert_eq!(world.provider.exchanges().len(), 1);
    assert_eq!(world.access_token(&connector, "alice").await, token);
}

/// PUB-04: nor does a handle work twice, not even at the same moment.
#[tokio::test]
async fn a_handle_works_once_however_many_use_it_at_once() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let handle = handle(&Browser::default().open(&world, &callback).await);
    let finishes = (0..8).map(|_| world.finish(&begun.session, "alice", &handle));
    let mut outcomes: Vec<u16> = futures::future::join_all(finishes).await.iter().map(|answer| answer.status).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [200, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(world.provider.exchanges().len(), 1);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// An app in migration may choose to be warned only; then, and only then, any browser completes.
#[tokio::test]
async fn an_app_that_asked_for_it_is_completed_in_an_unbound_browser_and_the_log_says_so() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.admin("PUT", "/apps/first-app").json(&json!({"session_binding": "warn"})).send().await.expect(200);
    world.advance(61);
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let landed = Browser::default().open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "completed");
    assert!(world.log.text().contains("not bound"));
}

/// An app may finish on its server, with its own key beside its user's token; not with the key alone, nor for another.
#[tokio::test]
async fn the_apps_backend_finishes_in_the_name_of_the_user_who_began() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let handle = handle(&Browser::default().open(&world, &callback).await);
    let rest = format!("/app-user-auth/sessions/{}/finish", begun.session);
    let body = json!({"handle": handle});
    let alone = world.call("POST", &world.app.path(&rest)).bearer(&world.app.service_key).json(&body).send().await;
    assert_eq!(alone.status, 401);
    let finished = world.on_behalf(&world.app, "alice", "POST", &rest).json(&body).send().await;
    assert_eq!(finished.expect(200)["status"], "completed");
}

/// A browser may deliver a callback twice at once: a reload, a prefetch.
#[tokio::test]
async fn a_callback_that_arrives_twice_at_once_is_exchanged_once() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let arrivals = (0..4).map(|_| {
        let mut browser = begun.browser.clone();
        let (world, callback) = (&world, &callback);
        async move { browser.open(world, callback).await.status }
    });
    let mut statuses = futures::future::join_all(arrivals).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 400, 400, 400]);
    assert_eq!(world.provider.exchanges().len(), 1);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}
