//! Disconnected is unusable here at once, and ended at the provider as soon as it lets us.

use futures::{future::join_all, join};
use serde_json::json;

use crate::world::{Connector, Hold, Revocation, World};

async fn connected() -> (World, Connector, String) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let token = world.access_token(&connector, "alice").await;
    (world, connector, token)
}

/// PUB-46 (RFC 7009, section 2.1).
#[tokio::test]
async fn disconnecting_revokes_the_refresh_token_and_leaves_nothing_behind() {
    let (world, connector, token) = connected().await;
    let gone = world.disconnect(&connector, "alice").await.expect(200);
    assert_eq!(gone, json!({"status": "disconnected", "connector_id": connector.id, "revocation": "revoked"}));
    let revoked = world.provider.journal("/revoke");
    assert_eq!(revoked.len(), 1);
    assert!(revoked[0].get("token").unwrap().starts_with("rt_"));
    assert_eq!(revoked[0].get("token_type_hint"), Some("refresh_token"));
    assert_eq!(revoked[0].client, Some((connector.client_id.clone(), connector.client_secret.clone())));
    assert!(!world.provider.honours(&token));
    let refused = world.token(&connector, "alice").await;
    assert_eq!(refused.expect(404)["detail"], "No active connection found for this connector");
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

/// PUB-47.
#[tokio::test]
async fn a_revocation_that_fails_for_now_is_tried_again_until_it_is_done() {
    let (world, connector, token) = connected().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "pending");
    world.token(&connector, "alice").await.expect(404);
    assert_eq!(world.deliver_revocations().await, None, "before its delay");
    for delay in [15, 30] {
        world.advance(delay - 1);
        assert_eq!(world.deliver_revocations().await, None);
        world.advance(1);
        assert_eq!(world.deliver_revocations().await, Some(Vec::new()));
        assert!(world.provider.honours(&token));
    }
    world.provider.answer_revocations_with(Revocation::Done);
    world.advance(60);
    assert_eq!(world.deliver_revocations().await, Some(Vec::new()));
    assert!(!world.provider.honours(&token));
    assert_eq!(world.waiting_revocations(), 0);
    assert_eq!(world.provider.journal("/revoke").len(), 4);
}

/// PUB-47: what never succeeds ends, and the log says so, because nobody else would.
#[tokio::test]
async fn a_revocation_that_never_succeeds_is_given_up_aloud() {
    let (world, connector, _) = connected().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    world.disconnect(&connector, "alice").await.expect(200);
    for _ in 0..150 {
        world.advance(900);
        world.deliver_revocations().await;
    }
    assert_eq!(world.waiting_revocations(), 0);
    assert_eq!(world.provider.journal("/revoke").len(), 100);
    assert!(world.log.text().contains("gave up revoking a grant"));
}

#[tokio::test]
async fn a_revocation_that_is_refused_for_good_is_told_as_failed() {
    let (world, connector, _) = connected().await;
    world.provider.answer_revocations_with(Revocation::Refused);
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "failed");
    world.token(&connector, "alice").await.expect(404);
    assert_eq!(world.waiting_revocations(), 0);
}

/// PUB-48.
#[tokio::test]
async fn disconnecting_again_or_without_a_connection_finds_nothing() {
    let (world, connector, _) = connected().await;
    let outcomes = join_all((0..8).map(|_| world.disconnect(&connector, "alice"))).await;
    let mut statuses: Vec<u16> = outcomes.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404, 404, 404]);
    assert_eq!(world.disconnect(&connector, "alice").await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(world.disconnect(&connector, "bob").await.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(world.provider.journal("/revoke").len(), 1);
}

/// Connecting again after a disconnect is a connection like the first.
#[tokio::test]
async fn a_user_can_come_back() {
    let (world, connector, _) = connected().await;
    world.disconnect(&connector, "alice").await.expect(200);
    world.connect(&connector, "alice").await;
    world.advance(3_600);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// What is left of a connector in the registry.
async fn remains(world: &World, connector: &Connector) -> bool {
    let items = world.aws.items("TABLE_REGISTRY").await;
    items.iter().any(|item| {
        item["pk"].as_s().unwrap().contains(&connector.id) || item["sk"].as_s().unwrap().contains(&connector.id)
    })
}

/// PUB-49.
#[tokio::test]
async fn a_deleted_connector_ends_all_its_grants_and_then_its_secret() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let users: Vec<String> = (0..30).map(|number| format!("user-{number}")).collect();
    let mut tokens = Vec::new();
    for user in &users {
        world.connect(&connector, user).await;
        tokens.push(world.access_token(&connector, user).await);
    }
    let path = format!("/connectors/{}", connector.id);
    world.admin("DELETE", &path).send().await.expect(202);
    for user in &users {
        assert_eq!(world.token(&connector, user).await.status, 404, "{user}");
    }
    world.admin("GET", &path).send().await.expect(404);
    assert_eq!(world.admin("GET", "/connectors").send().await.expect(200), json!({"connectors": []}));
    assert_eq!(world.deliver_revocations().await, Some(Vec::new()));
    assert!(tokens.iter().all(|token| !world.provider.honours(token)));
    assert_eq!(world.provider.journal("/revoke").len(), 30);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    // A session that began before the deletion may still end in a grant to be ended: the secret waits for that.
    world.advance(719);
    world.deliver_revocations().await;
    assert!(remains(&world, &connector).await);
    world.advance(1);
    world.deliver_revocations().await;
    assert!(!remains(&world, &connector).await);
    assert_eq!(world.waiting_revocations(), 0);
    // Its name is free at once, and so is deleting it again.
    world.connector("Calendar").await;
    world.admin("DELETE", &path).send().await.expect(404);
}

/// The secret of a deleted connector is gone before the provider answers: the order to revoke has it, sealed.
#[tokio::test]
async fn a_grant_is_revoked_even_when_its_connector_is_long_gone() {
    let (world, connector, token) = connected().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    for _ in 0..5 {
        world.deliver_revocations().await;
        world.advance(900);
    }
    assert!(!remains(&world, &connector).await);
    world.provider.answer_revocations_with(Revocation::Done);
    world.deliver_revocations().await;
    assert!(!world.provider.honours(&token));
    assert_eq!(world.waiting_revocations(), 0);
}

/// The code was on its way when the connector was deleted: the grant that came of it is ended with the others.
#[tokio::test]
async fn a_connection_that_was_made_while_its_connector_was_deleted_is_ended_too() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let deletes = async {
        hold.arrived().await;
        world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
        world.deliver_revocations().await;
        hold.release();
    };
    join!(begun.browser.open(&world, &callback), deletes);
    world.token(&connector, "alice").await.expect(404);
    world.advance(720);
    world.deliver_revocations().await;
    assert_eq!(world.provider.journal("/revoke").len(), 1);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    assert!(!remains(&world, &connector).await);
}

#[tokio::test]
async fn an_admin_may_delete_a_connector_and_leave_its_grants_to_the_provider() {
    let (world, connector, token) = connected().await;
    world.admin("DELETE", &format!("/connectors/{}?revoke=false", connector.id)).send().await.expect(202);
    world.deliver_revocations().await;
    world.token(&connector, "alice").await.expect(404);
    assert!(world.provider.honours(&token));
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

/// A deleted app takes the connections of its users with it, and nobody else's.
#[tokio::test]
async fn a_deleted_app_ends_the_grants_of_its_users_only() {
    let (world, connector, token) = connected().await;
    let second = world.register_app(&world.workspace, "second-app").await;
    let rest = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    let begun = world.on_behalf(&second, "alice", "POST", &rest).send().await;
    let mut browser = crate::world::Browser::default();
    browser.remember(&begun);
    let callback = world.provider.approve(begun.json()["redirect_url"].as_str().unwrap(), "second@provider");
    browser.open(&world, &callback).await.location();
    world.admin("DELETE", "/apps/second-app").send().await.expect(202);
    world.deliver_revocations().await;
    assert_eq!(world.provider.journal("/revoke").len(), 1);
    assert_eq!(world.access_token(&connector, "alice").await, token);
    assert!(world.provider.honours(&token));
    assert_eq!(world.aws.items("TABLE_CONNECTIONS").await.len(), 1);
}

/// A user may be at the provider while their app is deleted: what they come back with is ended, too.
#[tokio::test]
async fn a_session_that_ends_after_its_app_was_deleted_leaves_no_grant_behind() {
    let (world, connector, _) = connected().await;
    let mut begun = world.begin(&connector, "bob").await;
    world.admin("DELETE", "/apps/first-app").send().await.expect(202);
    world.deliver_revocations().await;
    let callback = world.provider.approve(&begun.redirect_url, "bob@provider");
    begun.browser.open(&world, &callback).await;
    world.advance(720);
    world.deliver_revocations().await;
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    assert_eq!(world.provider.journal("/revoke").len(), 2);
}
