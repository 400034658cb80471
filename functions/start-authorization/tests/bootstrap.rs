//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors_tests::{deployment::Deployment, events::example};

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_start-authorization");

#[tokio::test]
async fn a_session_begins_at_the_provider_with_a_cookie_of_its_own() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("start-authorization.initiate")).await;
    let first = function.answer().await.http();
    let second = function.invoke(deployment.event("start-authorization.initiate-with-options")).await.http();
    for answer in [&first, &second] {
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let redirect = answer.body["redirect_url"].as_str().unwrap();
        assert!(redirect.starts_with(&format!("{}/demo-provider/authorize?", deployment.dev().base_url)), "{redirect}");
        assert!(redirect.contains("code_challenge_method=S256"), "{redirect}");
        assert_eq!(answer.body["already_authorized"], false);
        assert_eq!(answer.headers["access-control-allow-origin"], deployment.dev().base_url);
        assert_eq!(answer.cookies.len(), 1);
        let session = answer.body["session_id"].as_str().unwrap();
        assert!(answer.cookies[0].starts_with(&format!("__Host-connect-{}=", &session[4..20])));
    }
    assert_ne!(first.body["session_id"], second.body["session_id"]);
    deployment.asked_by("start-authorization");
}

#[tokio::test]
async fn a_link_leads_its_first_visitor_to_the_provider_and_nobody_else() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("start-authorization.connect-session")).await;
    let link = function.answer().await.http();
    assert_eq!(link.status, 201, "{:?}", link.body);
    let session = link.body["session_id"].as_str().unwrap();
    assert_eq!(link.body["connect_url"], format!("{}/connect/{session}", deployment.dev().base_url));

    let visit = deployment.event("start-authorization.link").to_string().replace(example::SESSION, session);
    let visit: serde_json::Value = serde_json::from_str(&visit).unwrap();
    let first = function.invoke(visit.clone()).await.http();
    assert_eq!((first.status, first.cookies.len()), (200, 1), "{:?}", first.body);
    assert_eq!(first.body["app"], "Planner");
    let go_on = deployment.event("start-authorization.link-continue").to_string().replace(example::SESSION, session);
    let mut go_on: serde_json::Value = serde_json::from_str(&go_on).unwrap();
    go_on["cookies"][0] = first.cookies[0].split(';').next().unwrap().into();
    let led = function.invoke(go_on).await.http();
    let redirect = led.body["redirect_url"].as_str().unwrap();
    assert!(redirect.starts_with(&format!("{}/demo-provider/", deployment.dev().base_url)), "{redirect}");
    let another = function.invoke(visit).await.http();
    assert_eq!((another.status, another.cookies.len()), (410, 0));
    assert_eq!(another.headers["x-base44-connector-error"], "session_user_mismatch");
    deployment.asked_by("start-authorization");
}

#[tokio::test]
async fn an_admin_begins_to_connect_what_all_apps_share_and_not_what_users_connect() {
    let deployment = Deployment::start().await;
    let shared = deployment.share().await;
    let event = deployment.event("start-authorization.connect-shared");
    let of_shared = event.to_string().replace(&deployment.dev().connector_id, &shared);
    let mut function = deployment.launch(BOOTSTRAP, serde_json::from_str(&of_shared).unwrap()).await;
    let begun = function.answer().await.http();
    assert_eq!(begun.status, 200, "{:?}", begun.body);
    let redirect = begun.body["redirect_url"].as_str().unwrap();
    assert!(redirect.starts_with(&format!("{}/demo-provider/authorize?", deployment.dev().base_url)), "{redirect}");
    let session = begun.body["session_id"].as_str().unwrap();
    assert!(begun.cookies[0].starts_with(&format!("__Host-connect-{}=", &session[4..20])));
    let of_users = function.invoke(event).await.http();
    assert_eq!((of_users.status, of_users.cookies.len()), (404, 0));
    deployment.asked_by("start-authorization");
}
