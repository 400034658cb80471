//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use std::time::Duration;

use axum::http::Method;
use connectors::{
    clock::Clock,
    config::Config,
    domain::{
        audit::Actor,
        ids::{ConnectorId, WorkspaceId},
    },
    journeys::manage::ConnectorChange,
    services::Services,
};
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

/// Makes the connector exportable, as an admin did two days ago.
#[expect(clippy::unwrap_used, reason = "a test's world: what fails here fails the test that asked for it")]
async fn allow_two_days_ago(deployment: &Deployment) {
    let environment = deployment.direct_environment();
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let config = Config::read(variable).unwrap();
    let then = Clock::system().now().checked_sub(Duration::from_hours(48)).unwrap();
    let connectors = Services::with_clock(&config, Clock::held_at(then)).unwrap().manage_connectors();
    let (workspace, id) = (&deployment.dev().workspace_id, &deployment.dev().connector_id);
    let (workspace, id) = (WorkspaceId::parse(workspace).unwrap(), ConnectorId::parse(id).unwrap());
    let change = ConnectorChange { exportable: Some(true), ..ConnectorChange::default() };
    Box::pin(connectors.change(&workspace, &id, change, Actor::System.into())).await.unwrap();
}

#[tokio::test]
async fn what_was_made_exportable_a_day_ago_goes_out_and_nothing_else() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("move-grants.export")).await;
    assert_eq!(function.answer().await.http().status, 409);
    allow_two_days_ago(&deployment).await;
    let page = function.invoke(deployment.event("move-grants.export")).await.http();
    assert_eq!((page.status, &page.body["exported"]), (200, &json!(1)), "{:?}", page.body);
    assert!(page.body["file"].as_str().unwrap().starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
    let asked = deployment.asked_by("move-grants");
    assert!(asked.contains(&(Target::ByConnectorIndex, "dynamodb:Query".to_owned())), "{asked:?}");
}
