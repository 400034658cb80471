//! What becomes of connections when their connector is changed.

use serde_json::json;

use crate::world::{Connector, FakeProvider, PROVIDER, Step, World, text};

const HOUR: u64 = 3_600;

async fn connected() -> (World, Connector, String) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let connection = world.connect(&connector, "alice").await;
    (world, connector, connection)
}

#[tokio::test]
async fn a_new_scope_asks_every_user_to_reconnect_and_takes_no_working_token_away() {
    let (world, connector, connection) = connected().await;
    world.change(&connector, &json!({"scopes": ["read", "write", "admin"]})).await;
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("scopes_changed")));
    assert_eq!(view["missing_scopes"], json!(["admin"]));
    let listed = world.admin("GET", &format!("/connectors/{}/connections", connector.id)).send().await.expect(200);
    assert_eq!(listed["connections"][0]["status"], "reconnect_required");
    for _ in 0..2 {
        let token = world.token(&connector, "alice").await.expect(200);
        assert!(world.provider.honours(token["access_token"].as_str().unwrap()));
        assert_eq!((&token["reconnect_required"], &token["missing_scopes"]), (&json!(true), &json!(["admin"])));
        world.advance(HOUR);
    }
    let refused = world.token_with(&connector, "alice", "?required_scopes=admin").await;
    assert_eq!(refused.refusal(), (409, "missing_scopes".to_owned()));
    assert_eq!(world.connect(&connector, "alice").await, connection);
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
    world.token_with(&connector, "alice", "?required_scopes=admin").await.expect(200);
}

#[tokio::test]
async fn one_scope_less_asks_nobody_for_anything() {
    let (world, connector, _) = connected().await;
    world.change(&connector, &json!({"scopes": ["read"]})).await;
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["missing_scopes"]), (&json!("active"), &json!([])));
}

#[tokio::test]
async fn a_grant_to_one_client_is_never_shown_by_another() {
    let (world, connector, connection) = connected().await;
    world.provider.register_client("another", "its-secret");
    world.change(&connector, &json!({"client_id": "another", "client_secret": "its-secret"})).await;
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("client_changed")));
    assert_eq!(world.token(&connector, "alice").await.expect(200)["reconnect_required"], true);
    world.advance(HOUR);
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
    assert!(world.provider.refreshes().is_empty());
    assert_eq!(world.connect(&connector, "alice").await, connection);
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

#[tokio::test]
async fn nobody_notices_that_a_client_secret_was_rotated() {
    let (world, connector, _) = connected().await;
    world.provider.register_client(&connector.client_id, "rotated");
    world.change(&connector, &json!({"client_secret": "rotated"})).await;
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

#[tokio::test]
async fn two_connectors_of_a_workspace_never_have_names_that_look_alike() {
    let world = World::new().await;
    let calendar = world.connector("Google Calendar").await;
    let mail = world.connector("Mail").await;
    let create = |name: &str| {
        let body = json!({"integration_type": PROVIDER, "name": name, "client_id": "id", "client_secret": "s"});
        world.admin("POST", "/connectors").json(&body).send()
    };
    for name in ["Google Calendar", "google calendar", " GOOGLE   CALENDAR "] {
        assert_eq!(create(name).await.refusal(), (409, "conflict".to_owned()), "{name}");
    }
    let rename =
        world.admin("PUT", &format!("/connectors/{}", mail.id)).json(&json!({"name": "google calendar"})).send().await;
    assert_eq!(rename.refusal(), (409, "conflict".to_owned()));
    assert_eq!(world.change(&calendar, &json!({"name": "GOOGLE Calendar"})).await["name"], "GOOGLE Calendar");
    world.change(&calendar, &json!({"name": "Agenda"})).await;
    create("Google Calendar").await.expect(201);
    // In another workspace the name was free all the time.
    let other = world.found("Second").await;
    world.define_provider(&other, PROVIDER).await;
    world.connector_of(&other, "Agenda", &["read"]).await;
}

#[tokio::test]
async fn connectors_of_one_provider_keep_their_grants_apart() {
    let world = World::new().await;
    let reading = world.connector_of(&world.workspace, "Reading", &["read"]).await;
    let writing = world.connector_of(&world.workspace, "Writing", &["read", "write"]).await;
    let ids = [world.connect(&reading, "alice").await, world.connect(&writing, "alice").await];
    assert_ne!(ids[0], ids[1]);
    let granted = |token: serde_json::Value| token["granted_scopes"].clone();
    assert_eq!(granted(world.token(&reading, "alice").await.expect(200)), json!(["read"]));
    assert_eq!(granted(world.token(&writing, "alice").await.expect(200)), json!(["read", "write"]));
    world.disconnect(&reading, "alice").await.expect(200);
    assert!(world.provider.honours(&world.access_token(&writing, "alice").await));
}

#[tokio::test]
async fn a_connector_may_have_the_id_that_its_redirect_uri_was_registered_with() {
    let world = World::new().await;
    let id = "con_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let create = |id: &str, name: &str| {
        let body =
            json!({"id": id, "integration_type": PROVIDER, "name": name, "client_id": "id", "client_secret": "s"});
        world.admin("POST", "/connectors").json(&body).send()
    };
    let made = create(id, "Mine").await.expect(201);
    assert_eq!(text(&made["redirect_uri"]), format!("https://connect.example/api/external-auth/callback/{id}"));
    assert_eq!(create(id, "Again").await.refusal(), (409, "conflict".to_owned()));
    for malformed in ["con_1", "mine", "con_01ARZ3NDEKTSV4RRFFQ69G5FAV/../x", "con_81ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        assert_eq!(create(malformed, "Odd").await.expect(422)["errors"][0]["pointer"], "/id", "{malformed}");
    }
}

#[tokio::test]
async fn a_kind_of_connector_is_one_of_two_and_never_changes() {
    let world = World::new().await;
    let body = json!({
        "integration_type": PROVIDER, "name": "Team", "client_id": "id", "client_secret": "s", "kind": "team",
    });
    let refused = world.admin("POST", "/connectors").json(&body).send().await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/kind");
    let shared = world.shared_connector("Office").await;
    let change = world.admin("PUT", &format!("/connectors/{}", shared.id)).json(&json!({"kind": "per_user"}));
    assert_eq!(change.send().await.expect(422)["errors"][0]["pointer"], "/kind");
    assert_eq!(world.shared_view(&shared).await["kind"], "shared");
}

/// A connector keeps the endpoints it was made with: its secret never goes to others under the same name.
#[tokio::test]
async fn a_provider_that_is_deleted_or_defined_anew_leaves_its_connectors_as_they_were() {
    let (world, connector, _) = connected().await;
    world.admin("DELETE", &format!("/providers/{PROVIDER}")).send().await.expect(204);
    let body = json!({"integration_type": PROVIDER, "name": "New", "client_id": "id", "client_secret": "s"});
    let refused = world.admin("POST", "/connectors").json(&body).send().await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/integration_type");
    let evil = FakeProvider::start(false).await;
    world.admin("POST", "/providers").json(&evil.registration(PROVIDER)).send().await.expect(201);
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    world.connect(&connector, "bob").await;
    world.disconnect(&connector, "bob").await.expect(200);
    assert!(evil.journal("/token").is_empty() && evil.journal("/revoke").is_empty());
}

/// A provider that tells nobody whose account it is, and gives a refresh token at the first consent only: nobody knows
/// whether the second consent was the same person's, so no token of the first is mixed into it.
#[tokio::test]
async fn the_refresh_token_of_one_account_is_never_kept_for_another() {
    let world = World::new().await;
    let mut anonymous = world.provider.registration("anonymous");
    drop(anonymous.as_object_mut().unwrap().remove("identity"));
    drop(anonymous.as_object_mut().unwrap().remove("oidc"));
    world.admin("POST", "/providers").json(&anonymous).send().await.expect(201);
    let body = json!({
        "integration_type": "anonymous", "name": "Anonymous", "client_id": "anonymous", "client_secret": "s",
        "scopes": ["read"],
    });
    world.provider.register_client("anonymous", "s");
    let made = world.admin("POST", "/connectors").json(&body).send().await.expect(201);
    let connector = Connector {
        id: text(&made["id"]),
        redirect_uri: text(&made["redirect_uri"]),
        client_id: "anonymous".to_owned(),
        client_secret: "s".to_owned(),
    };
    world.connect(&connector, "alice").await;
    let mut begun = world.begin(&connector, "alice").await;
    world.provider.next(Step::Without(&["refresh_token"]));
    let callback = world.provider.approve(&begun.redirect_url, "another@provider");
    begun.browser.open(&world, &callback).await.location();
    world.advance(HOUR);
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
    assert!(world.provider.refreshes().is_empty());
}

/// Where the account is known to be the same, the refresh token that the provider does not repeat is kept, and is used
/// ahead of time like any other.
#[tokio::test]
async fn a_reconnect_that_brings_no_refresh_token_keeps_the_one_of_the_same_account() {
    let (world, connector, _) = connected().await;
    world.provider.next(Step::Without(&["refresh_token"]));
    world.connect(&connector, "alice").await;
    world.advance(HOUR - 360);
    assert_eq!(world.fire_schedule().await, json!({"due": 1}));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 1);
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}
