//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use axum::http::Method;
use connectors_tests::{deployment::Deployment, events::with_body, grants::Target};
use serde_json::{Value, json};

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_move-grants");

/// The event with the client of the deployment's connector in its body.
#[expect(clippy::unwrap_used, reason = "a test's world: what fails here fails the test that asked for it")]
async fn of_its_client(deployment: &Deployment, event: &str) -> Value {
    let path = format!("/connectors/{}", deployment.dev().connector_id);
    let (_, connector) = deployment.administer(Method::GET, &path, json!(null)).await;
    let event = deployment.event(event);
    let body = event["body"].as_str().unwrap().replace("example-client", connector["client_id"].as_str().unwrap());
    with_body(event, &serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn a_grant_comes_in_once_and_its_token_is_in_no_answer() {
    let deployment = Deployment::start().await;
    let event = of_its_client(&deployment, "move-grants.import").await;
    let mut function = deployment.launch(BOOTSTRAP, event.clone()).await;
    let first = function.answer().await.http();
    assert_eq!((first.status, &first.body["imported"]), (200, &json!(1)), "{:?}", first.body);
    let again = function.invoke(event).await.http();
    assert_eq!(again.body["results"][0]["reason"], "imported_before", "{:?}", again.body);
    let nango = function.invoke(of_its_client(&deployment, "move-grants.import-nango").await).await.http();
    assert_eq!(nango.status, 200, "{:?}", nango.body);
    for answer in [first, again, nango] {
        assert!(!answer.body.to_string().contains("not-a-real-token"));
    }
    let asked = deployment.asked_by("move-grants");
    for expected in [
        (Target::Connections, "dynamodb:UpdateItem"),
        (Target::Connections, "dynamodb:ConditionCheckItem"),
        (Target::Audit, "dynamodb:PutItem"),
        (Target::Key, "kms:Decrypt"),
    ] {
        assert!(asked.contains(&(expected.0, expected.1.to_owned())), "{expected:?}: {asked:?}");
    }
}

#[tokio::test]
async fn nothing_goes_out_that_was_not_made_exportable_a_day_ago() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("move-grants.export")).await;
    assert_eq!(function.answer().await.http().status, 409);
    let path = format!("/connectors/{}", deployment.dev().connector_id);
    deployment.administer(Method::PUT, &path, json!({"exportable": true})).await;
    let refused = function.invoke(deployment.event("move-grants.export")).await.http();
    assert_eq!(refused.status, 409, "{:?}", refused.body);
    deployment.asked_by("move-grants");
}
