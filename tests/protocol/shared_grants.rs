//! Where a provider ends everything that an account granted a client by any token of it.

use serde_json::json;

use crate::world::{Connector, World, text};

/// Two connectors of one client at a provider whose revocations are wider than their token.
async fn two_of_one_client(world: &World) -> [Connector; 2] {
    let mut registration = world.provider.registration("wide");
    registration["revoke"]["wider_than_token"] = json!(true);
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let first = world.connector_at(&world.workspace, "wide", "Calendar", &["read"]).await;
    let body = json!({
        "integration_type": "wide", "name": "Mail", "client_id": first.client_id, "client_secret": first.client_secret,
        "scopes": ["write"],
    });
    let created = world.admin("POST", "/connectors").json(&body).send().await.expect(201);
    let (id, redirect_uri) = (text(&created["id"]), text(&created["redirect_uri"]));
    let (client_id, client_secret) = (first.client_id.clone(), first.client_secret.clone());
    [first, Connector { id, redirect_uri, client_id, client_secret }]
}

#[tokio::test]
async fn disconnecting_one_of_two_connections_that_share_a_grant_leaves_the_other_alone() {
    let world = World::new().await;
    let [calendar, mail] = two_of_one_client(&world).await;
    world.connect(&calendar, "alice").await;
    world.connect(&mail, "alice").await;
    let gone = world.disconnect(&calendar, "alice").await.expect(200);
    assert_eq!(gone["revocation"], "unsupported");
    assert!(world.provider.journal("/revoke").is_empty());
    world.token(&calendar, "alice").await.expect(404);
    assert!(world.provider.honours(&world.access_token(&mail, "alice").await));

    assert_eq!(world.disconnect(&mail, "alice").await.expect(200)["revocation"], "revoked");
    assert_eq!(world.provider.journal("/revoke").len(), 1, "the last of them ends the grant");
}

#[tokio::test]
async fn a_grant_is_ended_although_others_connected_through_the_same_client() {
    let world = World::new().await;
    let [calendar, mail] = two_of_one_client(&world).await;
    world.connect(&calendar, "alice").await;
    world.connect(&mail, "bob").await;
    assert_eq!(world.disconnect(&calendar, "alice").await.expect(200)["revocation"], "revoked");
    assert!(world.provider.honours(&world.access_token(&mail, "bob").await));
}
