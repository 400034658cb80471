//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use std::{sync::Arc, time::Duration};

use axum::http::Method;
use connectors::{
    clock::Clock,
    config::Config,
    domain::{
        audit::Actor,
        ids::{ConnectorId, WorkspaceId},
    },
    services::Services,
};
use connectors_tests::{
    deployment::Deployment,
    events::{with_body, with_query},
    grants::Target,
};
use serde_json::{Value, json};

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_disconnect");

#[tokio::test]
async fn a_connection_ends_here_and_at_the_provider_and_only_once() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let event = deployment.event("disconnect.by-user");
    let mut function = deployment.launch(BOOTSTRAP, event.clone()).await;
    let first = function.answer().await.http();
    assert_eq!(first.status, 200);
    let connector = &deployment.dev().connector_id;
    assert_eq!(first.body, json!({ "status": "disconnected", "connector_id": connector, "revocation": "revoked" }));
    let again = function.invoke(event).await.http();
    assert_eq!(again.status, 404);
    assert_eq!(
        again.problem(),
        json!({
            "type": "about:blank", "title": "Not Found", "status": 404, "code": "NOT_FOUND",
            "detail": "No active connection found for this connector",
        })
    );
    deployment.asked_by("disconnect");
}

#[tokio::test]
async fn an_admin_ends_the_connection_that_the_listing_names_and_no_other() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let event = deployment.event("disconnect.by-admin");
    let mut function = deployment.launch(BOOTSTRAP, event.clone()).await;
    assert_eq!(function.answer().await.http().status, 404, "the example's id is nobody's");

    let listing = format!("/connectors/{}/connections", deployment.dev().connector_id);
    let (_, listed) = deployment.administer(Method::GET, &listing, json!(null)).await;
    let (connection, user) = (&listed["connections"][0], &listed["connections"][0]["user"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let named = text(&connection["connection_id"]);
    let query =
        format!("app_id={}&issuer={}&sub={}", text(&connection["app_id"]), text(&user["issuer"]), text(&user["sub"]));
    let mut event = with_query(event, &query);
    let path = text(&event["rawPath"]).replace(&text(&event["pathParameters"]["connection"]), &named);
    (event["rawPath"], event["pathParameters"]["connection"]) = (path.into(), named.into());
    let ended = function.invoke(event).await.http();
    assert_eq!((ended.status, &ended.body["revocation"]), (200, &json!("revoked")), "{:?}", ended.body);
    deployment.asked_by("disconnect");
}

#[tokio::test]
async fn a_reminder_of_what_is_done_long_since_costs_one_write_and_ends_no_connection() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("disconnect.batch")).await;
    assert_eq!(function.answer().await.value(), json!({ "batchItemFailures": [] }));
    assert_eq!(deployment.asked_by("disconnect"), [(Target::Connections, "dynamodb:UpdateItem".to_owned())]);

    let mut garbled = deployment.event("disconnect.batch");
    garbled["Records"][0]["body"] = "no message".into();
    let id = garbled["Records"][0]["messageId"].clone();
    assert_eq!(function.invoke(garbled).await.value(), json!({ "batchItemFailures": [{ "itemIdentifier": id }] }));
}

/// A process of a quarter of an hour ago: no session is waited for any more that began before what it deletes.
#[expect(clippy::unwrap_used, reason = "a test's world: what fails here fails the test that asked for it")]
fn earlier(deployment: &Deployment) -> Arc<Services> {
    let environment = deployment.direct_environment();
    let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let config = Config::read(variable).unwrap();
    let then = Clock::system().now().checked_sub(Duration::from_mins(15)).unwrap();
    Services::with_clock(&config, Clock::held_at(then)).unwrap()
}

fn reminder(deployment: &Deployment, pk: &str, sk: &str) -> Value {
    let mut event = deployment.event("disconnect.batch");
    event["Records"][0]["body"] = json!({ "kind": "due", "pk": pk, "sk": sk }).to_string().into();
    event
}

#[tokio::test]
async fn a_sweep_asks_for_nothing_that_the_role_does_not_grant() {
    let mut deployment = Deployment::start().await;
    deployment.connect().await;
    deployment.step_back().await;
    let dev = deployment.dev();
    let workspace = WorkspaceId::parse(&dev.workspace_id).unwrap();
    let connector = ConnectorId::parse(&dev.connector_id).unwrap();
    let connectors = earlier(&deployment).manage_connectors();
    connectors.delete(&workspace, &connector, true, Actor::System.into()).await.unwrap();
    let sweep = reminder(&deployment, &format!("SWEEP#{connector}"), "ENDED#SWEEP#");
    let mut function = deployment.launch(BOOTSTRAP, sweep).await;
    assert_eq!(function.answer().await.value(), json!({ "batchItemFailures": [] }));
    let asked = deployment.asked_by("disconnect");
    for (target, action) in [
        (Target::Connections, "dynamodb:PutItem"),
        (Target::Connections, "dynamodb:DeleteItem"),
        (Target::Connections, "dynamodb:UpdateItem"),
        (Target::Key, "kms:Decrypt"),
        (Target::RevocationQueue, "sqs:SendMessage"),
    ] {
        assert!(asked.contains(&(target, action.to_owned())), "{action} on {target:?}: {asked:?}");
    }
    assert_eq!(function.invoke(deployment.event("disconnect.by-user")).await.http().status, 404);
}

#[tokio::test]
async fn a_purge_asks_for_nothing_that_the_role_does_not_grant() {
    let mut deployment = Deployment::start().await;
    deployment.step_back().await;
    let workspace = WorkspaceId::parse(&deployment.dev().workspace_id).unwrap();
    earlier(&deployment).delete_workspace().delete(&workspace, Actor::System).await.unwrap();
    let purge = reminder(&deployment, &format!("WS#{workspace}"), "ENDED#WORKSPACE");
    let mut function = deployment.launch(BOOTSTRAP, purge).await;
    assert_eq!(function.answer().await.value(), json!({ "batchItemFailures": [] }));
    let asked = deployment.asked_by("disconnect");
    assert!(asked.contains(&(Target::Registry, "dynamodb:Query".to_owned())), "{asked:?}");
    assert!(asked.contains(&(Target::Registry, "dynamodb:DeleteItem".to_owned())), "{asked:?}");
    assert_eq!(function.invoke(deployment.event("disconnect.by-user")).await.http().status, 401);
}

#[tokio::test]
async fn an_admin_does_not_end_a_users_connection_as_if_it_were_shared() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("disconnect.shared")).await;
    assert_eq!(function.answer().await.http().status, 404);
    assert_eq!(function.invoke(deployment.event("disconnect.by-user")).await.http().status, 200, "it was still there");
    deployment.asked_by("disconnect");
}

#[tokio::test]
async fn many_connections_are_looked_at_and_ended_with_what_the_role_grants() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let event = deployment.event("disconnect.revocations");
    let mut function = deployment.launch(BOOTSTRAP, event.clone()).await;
    let look = function.answer().await.http();
    assert_eq!((look.status, &look.body["matches"]), (200, &json!(1)), "{:?}", look.body);
    let criteria = json!({ "connector_id": deployment.dev().connector_id });
    let mut begin = criteria;
    (begin["dry_run"], begin["confirm"]) = (json!(false), look.body["confirm"].clone());
    let started = function.invoke(with_body(event, &begin)).await.http();
    assert_eq!((started.status, &started.body["status"]), (202, &json!("running")), "{:?}", started.body);
    let unknown = function.invoke(deployment.event("disconnect.revocation")).await.http();
    assert_eq!(unknown.status, 404);
    let listed = function.invoke(deployment.event("disconnect.revocation-list")).await.http();
    let newest = &listed.body["revocations"][0]["revocation_id"];
    assert_eq!((listed.status, newest), (200, &started.body["revocation_id"]), "{:?}", listed.body);
    let stop = deployment.event("disconnect.revocation-stop").to_string();
    let stop = stop.replace("rev_01KAMXJ5E0REV0CAT10N000000", newest.as_str().unwrap());
    let stopped = function.invoke(serde_json::from_str(&stop).unwrap()).await.http();
    assert_eq!((stopped.status, &stopped.body["status"]), (200, &json!("stopped")), "{:?}", stopped.body);
    deployment.asked_by("disconnect");
}
