//! The function as Lambda runs it: a process of its own, the events that AWS sends, and what it asks of AWS in turn.

use connectors_tests::{
    deployment::Deployment,
    events::{example, with_body, with_query},
    runtime_api::HttpAnswer,
};
use serde_json::json;

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_manage-connector");

#[tokio::test]
async fn the_first_workspace_comes_with_a_key_that_works() {
    let deployment = Deployment::start().await;
    let mut function = deployment.launch(BOOTSTRAP, deployment.event("manage-connector.bootstrap")).await;
    let founded = function.answer().await.value();
    assert_eq!(founded["workspace_name"], "Example workspace");
    let (workspace, key) = (founded["workspace_id"].as_str().unwrap(), founded["admin_key"].as_str().unwrap());
    let list = deployment.event("manage-connector.list").to_string();
    let list = list.replace(&deployment.dev().workspace_id, workspace).replace(&deployment.dev().admin_key, key);
    let listed = function.invoke(serde_json::from_str(&list).unwrap()).await.http();
    assert_eq!((listed.status, listed.body), (200, json!({ "connectors": [] })));
    assert!(!function.log().contains(key));
    let mut set_plan = deployment.event("manage-connector.set-plan");
    assert_eq!(function.invoke(set_plan.clone()).await.value()["plan"], json!(null));
    set_plan["set_plan"]["plan"] = "nobody-has-it".into();
    let unknown = function.invoke(set_plan).await.error();
    assert!(unknown["errorMessage"].as_str().unwrap().contains("set_plan.plan"));
    deployment.asked_by("manage-connector");

    let nameless = function.invoke(json!({ "bootstrap": { "workspace_name": "" } })).await.error();
    assert!(nameless["errorMessage"].as_str().unwrap().contains("workspace_name"));
}

#[tokio::test]
async fn a_connector_is_made_named_shown_and_deleted_and_its_secret_never_shown() {
    let deployment = Deployment::start().await;
    let create = deployment.event("manage-connector.create");
    let mut function = deployment.launch(BOOTSTRAP, create.clone()).await;
    let taken = function.answer().await.http();
    assert_eq!((taken.status, &taken.body["code"]), (409, &json!("conflict")), "the id is the demo connector's");

    let mut body: serde_json::Value = serde_json::from_str(create["body"].as_str().unwrap()).unwrap();
    body["id"] = example::CONNECTOR.into();
    let made = function.invoke(with_body(create, &body)).await.http();
    assert_eq!(made.status, 201, "{:?}", made.body);
    let redirect = format!("{}/api/external-auth/callback/{}", deployment.dev().base_url, example::CONNECTOR);
    assert_eq!((&made.body["redirect_uri"], &made.body["has_client_secret"]), (&json!(redirect), &json!(true)));

    let renamed = function.invoke(deployment.event("manage-connector.edit")).await.http();
    assert_eq!((renamed.status, &renamed.body["name"]), (200, &json!("Team calendar")));
    let users = function.invoke(deployment.event("manage-connector.connections")).await.http();
    assert_eq!((users.status, &users.body["connections"]), (200, &json!([])), "{:?}", users.body);
    let deleted = function.invoke(deployment.event("manage-connector.delete")).await.http();
    assert_eq!((deleted.status, &deleted.body["status"]), (202, &json!("deleting")), "{:?}", deleted.body);
    for answer in [&made.body, &renamed.body, &deleted.body] {
        assert!(!answer.to_string().contains("not-a-real-secret"));
    }
    assert!(!function.log().contains("not-a-real-secret"));
    deployment.asked_by("manage-connector");
}

#[tokio::test]
async fn everything_else_that_a_workspace_owns_is_managed_here() {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let mut plain = deployment.event("manage-connector.providers");
    plain["headers"]["accept-encoding"] = "identity".into();
    let mut function = deployment.launch(BOOTSTRAP, plain.clone()).await;
    let catalogue = function.answer().await.http();
    assert_eq!(catalogue.status, 200);
    let compressed = function.invoke(deployment.event("manage-connector.providers")).await.http();
    assert_eq!(compressed.headers["content-encoding"], "gzip");
    let length = |answer: &HttpAnswer| answer.body.to_string().len();
    assert!(length(&compressed) < length(&catalogue) / 3, "in base64, as functions answer it");
    let providers = catalogue.body["providers"].as_array().unwrap();
    assert!(providers.len() >= 6);
    let summary = with_query(plain, "summary=true");
    let short = function.invoke(summary).await.http();
    let short = short.body["providers"].as_array().unwrap().clone();
    assert_eq!(short.len(), providers.len());
    let has_only_names = |one: &serde_json::Value| one["name"].is_string() && one["token"].is_null();
    assert!(short.iter().all(has_only_names), "what pages choose by: {}", short[0]);
    // Whoever works the queue beside this may have examined the new connector a moment ago.
    let examined = function.invoke(deployment.event("manage-connector.doctor")).await.http();
    assert!(matches!(examined.status, 200 | 429), "{:?}", examined.body);
    for (event, status) in [
        ("manage-connector.create-app", 201),
        ("manage-connector.identify", 200),
        ("manage-connector.check-identity", 200),
        ("manage-connector.identify-people", 200),
        // The issuer signs users in, but names no place where people could: tokens only, by the API.
        ("manage-connector.sign-in", 404),
        ("manage-connector.create-key", 201),
        ("manage-connector.define-provider", 201),
        ("manage-connector.rotate-encryption-key", 202),
        ("manage-connector.wrap-encryption-key", 200),
        ("manage-connector.encryption-keys", 200),
        ("manage-connector.redirect-uris", 200),
        ("manage-connector.workspace", 200),
        ("manage-connector.switch", 200),
        ("manage-connector.governance", 200),
        ("manage-connector.propose", 201),
        ("manage-connector.audit", 200),
        ("manage-connector.verify-audit", 200),
        ("manage-connector.foresee", 200),
        ("manage-connector.health", 200),
        ("manage-connector.user-connections", 200),
        ("manage-connector.forget-user", 202),
        ("manage-connector.delete-workspace", 202),
    ] {
        let answer = function.invoke(deployment.event(event)).await.http();
        assert_eq!(answer.status, status, "{event}: {:?}", answer.body);
    }
    deployment.asked_by("manage-connector");
}
