//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors_tests::{
    deployment::{Begun, Deployment},
    events::with_query,
    grants::Target,
};
use serde_json::Value;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_callback");

fn arrival(deployment: &Deployment, callback: &str, cookie: Option<&Begun>) -> Value {
    let mut event = with_query(deployment.event("callback.code"), callback.split_once('?').unwrap_or_default().1);
    event["cookies"] = cookie.map(|begun| begun.cookie.clone()).into_iter().collect();
    event
}

#[tokio::test]
async fn the_browser_that_began_is_connected_and_sent_home_once() {
    let deployment = Deployment::start().await;
    let begun = deployment.begin().await;
    let event = arrival(&deployment, &deployment.allow(&begun).await, Some(&begun));
    let mut function = deployment.launch(BOOTSTRAP, event.clone()).await;
    let first = function.answer().await.http();
    assert_eq!(first.status, 303, "{:?}", first.body);
    let home = format!("{}/?session_id={}&status=completed", deployment.dev().base_url, begun.session_id);
    assert_eq!(first.headers["location"], home);
    assert!(first.cookies[0].contains("Max-Age=0"), "{}", first.cookies[0]);
    let asked = deployment.asked_by("callback");
    assert!(asked.contains(&(Target::Connections, "dynamodb:UpdateItem".to_owned())));

    let again = function.invoke(event).await.http();
    assert_eq!(again.status, 400);
    assert_eq!(again.headers["x-base44-connector-error"], "session_expired");
}

#[tokio::test]
async fn another_browser_is_sent_home_with_a_handle_and_nothing_connected() {
    let deployment = Deployment::start().await;
    let begun = deployment.begin().await;
    let event = arrival(&deployment, &deployment.allow(&begun).await, None);
    let mut function = deployment.launch(BOOTSTRAP, event).await;
    let answer = function.answer().await.http();
    assert_eq!(answer.status, 303, "{:?}", answer.body);
    let (query, fragment) = answer.headers["location"].split_once('#').unwrap();
    assert!(query.contains("status=awaiting_finish") && fragment.contains("handle="), "{query}");
    let asked = deployment.asked_by("callback");
    assert!(!asked.iter().any(|(target, _)| *target == Target::Connections));
}

#[tokio::test]
async fn an_answer_to_nobodys_question_is_refused_on_a_page() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("callback.code")).await;
    let code = function.answer().await.http();
    let error = function.invoke(deployment.event("callback.error")).await.http();
    for answer in [code, error] {
        assert_eq!(answer.status, 400);
        assert_eq!(answer.headers["x-base44-connector-error"], "state_mismatch");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
    }
    assert!(!function.log().contains("SplxlOBeZQQYbYS6WxSbIA"), "the code was logged");
    deployment.asked_by("callback");
}
