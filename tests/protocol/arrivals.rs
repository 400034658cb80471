//! What arrives at a callback and must go nowhere.

use serde_json::json;

use crate::world::{Browser, FakeProvider, World, journeys::parameter};

const MISMATCH: (u16, &str) = (400, "state_mismatch");

/// PUB-02, PUB-03.
#[tokio::test]
async fn a_missing_or_guessed_state_is_refused_and_does_not_burn_the_session() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let state = parameter(&callback, "state");
    let code = parameter(&callback, "code");
    let flipped = format!("{}{}", if state.starts_with('A') { 'B' } else { 'A' }, &state[1..]);
    let path = callback.split('?').next().unwrap();
    for query in [
        format!("code={code}"),
        format!("code={code}&state="),
        format!("code={code}&state={flipped}"),
        format!("code={code}&state={}", "x".repeat(43)),
        format!("code={code}&state={state}&state={state}"),
    ] {
        let (status, shown) = begun.browser.open(&world, &format!("{path}?{query}")).await.refusal();
        assert_eq!((status, shown.as_str()), MISMATCH, "{query}");
    }
    assert!(world.provider.exchanges().is_empty());
    let landed = begun.browser.open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "completed");
}

#[tokio::test]
async fn whoever_arrives_at_an_address_that_is_no_connectors_reads_a_page() {
    let world = World::new().await;
    for path in ["%ff", "con_%c3%28", "con_", "%00"] {
        let answer = world.call("GET", &format!("/api/external-auth/callback/{path}?code=a&state=b")).send().await;
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        assert_eq!(answer.refusal(), (MISMATCH.0, MISMATCH.1.to_owned()), "{path}");
    }
}

/// PUB-05.
#[tokio::test]
async fn a_session_lives_ten_minutes_by_the_clock_and_not_by_the_tables_cleaning() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let (_, link) = world.link(&connector, "alice").await;
    let mut begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    world.advance(600);
    assert_eq!(Browser::default().on_page(&world, &link, "open").await.refusal(), (410, "session_expired".to_owned()));
    assert_eq!(begun.browser.open(&world, &callback).await.refusal(), (400, "session_expired".to_owned()));
    let session = world.session(&begun.session, "alice").await;
    assert_eq!((&session["status"], &session["reason"]), (&json!("failed"), &json!("session_expired")));
    assert!(world.provider.exchanges().is_empty());
}

/// PUB-12 (mix-up, RFC 9700, section 4.4).
#[tokio::test]
async fn the_code_of_one_connector_goes_nowhere_at_the_callback_of_another() {
    let world = World::new().await;
    let (one, two) = (world.connector("One").await, world.connector("Two").await);
    let mut first = world.begin(&one, "alice").await;
    let second = world.begin(&two, "alice").await;
    let callback = world.provider.approve(&second.redirect_url, "alice@provider");
    let misdirected = callback.replace(&two.id, &one.id);
    let (status, code) = first.browser.open(&world, &misdirected).await.refusal();
    assert_eq!((status, code.as_str()), MISMATCH);
    assert!(world.provider.exchanges().is_empty());
    for (connector, session) in [(&one, &first.session), (&two, &second.session)] {
        world.token(connector, "alice").await.expect(404);
        assert_eq!(world.session(session, "alice").await["status"], "pending");
    }
}

/// PUB-13 (RFC 9207, section 2.4).
#[tokio::test]
async fn an_answer_of_another_issuer_is_refused_and_so_is_one_that_names_none() {
    let world = World::with_provider(FakeProvider::start(true).await).await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let bare = callback.split("&iss=").next().unwrap();
    for forged in [format!("{bare}&iss=https%3A%2F%2Fevil.example"), bare.to_owned(), format!("{callback}%2F")] {
        let landed = begun.browser.open(&world, &forged).await;
        assert_eq!(landed.refusal(), (400, "issuer_mismatch".to_owned()), "{forged}");
    }
    assert!(world.provider.exchanges().is_empty());
    assert_eq!(parameter(begun.browser.open(&world, &callback).await.location(), "status"), "completed");
}

/// PUB-14.
#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for tricked in [
        "https://evil.example/",
        "https://app.example.evil.example/done",
        "https://app.example/done/../evil",
        "https://app.example/done#fragment",
        "https://app.example/done?next=https://evil.example",
        "https://app.example:8443/done",
        "https://user@app.example/done",
        "http://app.example/done",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "https://app.example/done\u{0}",
        "",
    ] {
        let begun = world.as_user("alice", "POST", &format!("/app-user-auth/connectors/{}/initiate", connector.id));
        let refused = begun.json(&json!({"return_to": tricked})).send().await;
        assert_eq!(refused.expect(422)["errors"][0]["pointer"], "/return_to", "{tricked}");
        let link = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key);
        let body = json!({
            "user": {"issuer": world.app.issuer, "sub": "alice"}, "connector_id": connector.id, "return_to": tricked,
        });
        assert_eq!(link.json(&body).send().await.status, 422, "{tricked}");
    }
}

/// The client may be replaced while a user is at the provider: their code then goes to nobody.
#[tokio::test]
async fn a_connector_that_was_changed_or_deleted_in_the_meantime_takes_no_code() {
    let world = World::new().await;
    let changed = world.connector("Changed").await;
    let deleted = world.connector("Deleted").await;
    let mut of_changed = world.begin(&changed, "alice").await;
    let mut of_deleted = world.begin(&deleted, "alice").await;
    world.change(&changed, &json!({"client_id": "another-client"})).await;
    world.admin("DELETE", &format!("/connectors/{}", deleted.id)).send().await.expect(202);
    let callback = world.provider.approve(&of_changed.redirect_url, "alice@provider");
    let landed = of_changed.browser.open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "failed");
    assert_eq!(world.session(&of_changed.session, "alice").await["reason"], "connector_changed");
    let callback = world.provider.approve(&of_deleted.redirect_url, "alice@provider");
    assert_eq!(of_deleted.browser.open(&world, &callback).await.status, 400);
    assert!(world.provider.exchanges().is_empty());
}
