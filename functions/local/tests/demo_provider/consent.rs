//! What the user sees and decides.

use axum::http::{StatusCode, header};

use crate::world::{Page, REDIRECT_URI, VERIFIER, World, location, parameter};

#[tokio::test]
async fn a_scope_that_the_user_unticks_is_not_granted() {
    let world = World::new();
    let page = Page::of(world.authorize(&[]).await).await;
    let answer = world.decide(page, &[("account", "1001"), ("allow.profile", "on"), ("decision", "allow")]).await;
    let back = location(&answer);
    assert!(back.as_str().starts_with(REDIRECT_URI));
    assert_eq!(parameter(&back, "state").unwrap(), "the-state");
    assert_eq!(parameter(&back, "iss").unwrap(), "http://localhost:8787/demo-provider");
    let (_, tokens) = world.redeem(&parameter(&back, "code").unwrap(), VERIFIER).await;
    assert_eq!(tokens["scope"], "profile");
    assert_eq!(world.get("/userinfo", &tokens["access_token"]).await, StatusCode::OK);
    assert_eq!(world.get("/api/events", &tokens["access_token"]).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_user_who_denies_sends_the_app_away_without_a_code() {
    let world = World::new();
    for decision in
        [&[("account", "1001"), ("allow.profile", "on"), ("decision", "deny")][..], &[("decision", "allow")]]
    {
        let page = Page::of(world.authorize(&[]).await).await;
        let back = location(&world.decide(page, decision).await);
        assert_eq!(parameter(&back, "error").unwrap(), "access_denied");
        assert_eq!(parameter(&back, "state").unwrap(), "the-state");
        assert_eq!(parameter(&back, "code"), None);
    }
}

#[tokio::test]
async fn the_page_names_the_app_as_text_and_runs_no_script() {
    let world = World::new();
    let answer = world.authorize(&[]).await;
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"));
    let page = Page::of(answer).await;
    assert!(page.html.contains("Demo &lt;app&gt;") && !page.html.contains("<app>"));
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_clients() {
    let world = World::new();
    for redirect_uri in ["https://evil.example/", &format!("{REDIRECT_URI}/"), &format!("{REDIRECT_URI}?x=1"), ""] {
        let answer = world.authorize(&[("redirect_uri", redirect_uri)]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{redirect_uri}");
        assert!(!answer.headers().contains_key(header::LOCATION));
    }
    assert_eq!(world.authorize(&[("client_id", "nobody")]).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_request_without_pkce_or_state_or_with_an_unknown_scope_goes_back_as_an_error() {
    let world = World::new();
    for (changes, expected) in [
        ([("code_challenge", ""), ("a", "")], "invalid_request"),
        ([("code_challenge_method", "plain"), ("a", "")], "invalid_request"),
        ([("code_challenge", "short"), ("a", "")], "invalid_request"),
        ([("state", ""), ("a", "")], "invalid_request"),
        ([("scope", "everything"), ("a", "")], "invalid_scope"),
        ([("scope", ""), ("a", "")], "invalid_scope"),
        ([("response_type", "token"), ("a", "")], "unsupported_response_type"),
    ] {
        let back = location(&world.authorize(&changes).await);
        assert_eq!(parameter(&back, "error").as_deref(), Some(expected), "{changes:?}");
    }
}

#[tokio::test]
async fn only_the_browser_that_was_asked_can_answer_and_only_once() {
    let world = World::new();
    let allow = [("account", "1001"), ("allow.profile", "on"), ("decision", "allow")];
    let asked = Page::of(world.authorize(&[]).await).await;
    let other = Page::of(world.authorize(&[]).await).await;
    let stolen = Page { cookie: other.cookie, ..asked };
    assert_eq!(world.decide(stolen, &allow).await.status(), StatusCode::BAD_REQUEST);

    let page = Page::of(world.authorize(&[]).await).await;
    let again = page.clone();
    assert_eq!(world.decide(page, &allow).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(world.decide(again, &allow).await.status(), StatusCode::BAD_REQUEST);
}
