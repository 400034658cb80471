//! What a tenant gave back is not another's to use: a connector's redirect URI stays registered at the provider long
//! after the connector is gone.

use serde_json::json;

use crate::{
    doubles::Evil,
    world::{Connector, World},
};

/// Deletes a connector, and works until nothing is left of it.
async fn delete_for_good(world: &World, connector: &Connector) {
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    for _ in 0..4 {
        world.advance(900);
        world.fire_schedule().await;
        while world.deliver_revocations().await.is_some() {}
    }
}

/// A connector of that id would receive the codes that the provider still sends to that redirect URI, and take them to
/// whatever token endpoint its owner likes.
#[tokio::test]
async fn the_redirect_uri_of_a_deleted_connector_is_never_given_to_another_workspace() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let hostile = world.found("Hostile").await;
    let evil = Evil::start().await;
    hostile.admin(&world, "POST", "/providers").json(&evil.registration("evil")).send().await.expect(201);
    let body = |provider: &str| {
        json!({
            "id": connector.id, "integration_type": provider, "name": "Calendar", "client_id": connector.client_id,
            "client_secret": "s", "scopes": ["read"],
        })
    };
    let claim = || hostile.admin(&world, "POST", "/connectors").json(&body("evil")).send();
    claim().await.expect(409);
    delete_for_good(&world, &connector).await;
    claim().await.expect(409);
    let own = world.admin("POST", "/connectors").json(&body("fake")).send().await.expect(201);
    assert_eq!(own["redirect_uri"], connector.redirect_uri.as_str(), "its own workspace may have it again");
    claim().await.expect(409);
    world.admin("POST", "/connectors").json(&body("fake")).send().await.expect(409);
}

/// Nor when the whole workspace is gone.
#[tokio::test]
async fn the_redirect_uri_of_a_deleted_workspace_is_never_given_to_another() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let hostile = world.found("Hostile").await;
    world.define_provider(&hostile, "fake").await;
    let whole = format!("?confirm={}", world.workspace.id);
    world.admin("DELETE", &whole).send().await.expect(202);
    for _ in 0..4 {
        world.advance(900);
        world.fire_schedule().await;
        while world.deliver_revocations().await.is_some() {}
    }
    let body = json!({
        "id": connector.id, "integration_type": "fake", "name": "Calendar", "client_id": connector.client_id,
        "client_secret": "s",
    });
    hostile.admin(&world, "POST", "/connectors").json(&body).send().await.expect(409);
}
