//! Disconnected is unusable here at once, and ended at the provider as soon as it lets us.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use crate::world::{Connector, Revocation, World};

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
async fn a_revocation_that_fails_for_now_is_tried_again_later_and_later_until_it_is_done() {
    let (world, connector, token) = connected().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "pending");
    world.token(&connector, "alice").await.expect(404);
    assert_eq!(world.view(&connector, "alice").await["status"], "disconnected");
    let listed = world.admin("GET", &format!("/connectors/{}/connections", connector.id)).send().await.expect(200);
    assert_eq!(listed, json!({"connections": [], "next_cursor": null}));
    for (tries, longest_wait) in [(2, 15), (3, 30), (4, 60)] {
        world.advance(longest_wait);
        assert_eq!(world.deliver_revocations().await, Some(Vec::new()));
        assert_eq!(world.provider.journal("/revoke").len(), tries);
        assert!(world.provider.honours(&token));
    }
    world.provider.answer_revocations_with(Revocation::Done);
    world.advance(120);
    assert_eq!(world.deliver_revocations().await, Some(Vec::new()));
    assert!(!world.provider.honours(&token));
    assert_eq!(world.waiting_revocations(), 0);
    assert_eq!(world.provider.journal("/revoke").len(), 5);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    assert_eq!(world.deeds("connection.").await[0], "connection.revoked");
}

/// PUB-47: the user does not wait for a provider that does not answer.
#[tokio::test]
async fn a_provider_that_hangs_keeps_nobody_waiting_and_is_asked_again() {
    let (world, connector, token) = connected().await;
    world.provider.answer_revocations_with(Revocation::Hanging);
    let answer = tokio::time::timeout(Duration::from_secs(9), world.disconnect(&connector, "alice")).await;
    assert_eq!(answer.expect("an answer in time").expect(200)["revocation"], "pending");
    world.token(&connector, "alice").await.expect(404);
    world.provider.answer_revocations_with(Revocation::Done);
    world.advance(15);
    world.deliver_revocations().await;
    assert!(!world.provider.honours(&token));
}

/// PUB-47: what never succeeds ends, and somebody is told, because nobody else would know.
#[tokio::test]
async fn a_revocation_that_never_succeeds_is_given_up_after_a_day_and_raises_the_alarm() {
    let (world, connector, _) = connected().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    world.disconnect(&connector, "alice").await.expect(200);
    for _ in 0..95 {
        world.advance(900);
        world.deliver_revocations().await;
    }
    assert!(!world.log.text().contains("revocations_given_up"));
    world.advance(900);
    world.deliver_revocations().await;
    assert_eq!(world.waiting_revocations(), 0);
    assert_eq!(world.provider.journal("/revoke").len(), 97);
    assert!(world.log.text().contains("revocations_given_up"));
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty(), "its tokens are destroyed");
    assert_eq!(world.deeds("connection.").await[0], "connection.revocation_given_up");
}

#[tokio::test]
async fn a_provider_that_asks_for_time_is_given_it() {
    let (world, connector, token) = connected().await;
    world.provider.answer_revocations_with(Revocation::Busy(3_600));
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "pending");
    world.provider.answer_revocations_with(Revocation::Done);
    world.advance(3_599);
    assert_eq!((world.deliver_revocations().await, world.remind_of_what_is_due().await), (None, 0));
    world.advance(1);
    assert_eq!(world.remind_of_what_is_due().await, 1);
    world.deliver_revocations().await;
    assert!(!world.provider.honours(&token));
}

/// An admin can correct a secret: until they do, nothing is said to be refused for good.
#[tokio::test]
async fn a_client_that_is_not_accepted_ends_the_grant_when_its_secret_is_corrected() {
    let (world, connector, token) = connected().await;
    world.provider.register_client(&connector.client_id, "rotated");
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "pending");
    world.change(&connector, &json!({"client_secret": "rotated"})).await;
    world.advance(15);
    world.deliver_revocations().await;
    assert!(!world.provider.honours(&token));
    assert_eq!(world.provider.journal("/revoke")[1].client, Some((connector.client_id.clone(), "rotated".to_owned())));
}

/// The secret of the client before is not kept, and the new client is not shown to the provider for the grant of another.
#[tokio::test]
async fn a_grant_to_a_client_that_is_gone_is_told_as_failed_and_nobody_is_asked() {
    let (world, connector, _) = connected().await;
    world.change(&connector, &json!({"client_id": "another", "client_secret": "its-secret"})).await;
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "failed");
    assert!(world.provider.journal("/revoke").is_empty());
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

#[tokio::test]
async fn a_provider_that_can_not_revoke_is_told_as_such_and_the_tokens_are_destroyed() {
    let world = World::new().await;
    let mut registration = world.provider.registration("lasting");
    drop(registration.as_object_mut().unwrap().remove("revoke"));
    world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "lasting", "Lasting", &["read"]).await;
    world.connect(&connector, "alice").await;
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "unsupported");
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

/// Whoever disconnected died before asking the provider: nothing was in any queue, and the grant is ended nevertheless.
#[tokio::test]
async fn a_grant_whose_disconnecter_died_is_found_when_it_is_due() {
    let (world, connector, token) = connected().await;
    world.provider.answer_revocations_with(Revocation::Hanging);
    world.disconnect_and_die(&connector, "alice").await;
    assert_eq!(world.waiting_revocations(), 0);
    world.token(&connector, "alice").await.expect(404);
    world.provider.answer_revocations_with(Revocation::Done);
    world.advance(59);
    assert_eq!(world.remind_of_what_is_due().await, 0, "it might still be at it");
    world.advance(1);
    assert_eq!(world.remind_of_what_is_due().await, 1);
    world.deliver_revocations().await;
    assert!(!world.provider.honours(&token));
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

#[tokio::test]
async fn a_reminder_that_is_lost_is_found_when_it_is_due_and_one_that_comes_twice_does_nothing() {
    let (world, connector, token) = connected().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    world.disconnect(&connector, "alice").await.expect(200);
    world.advance(15);
    world.lose_revocations();
    assert_eq!((world.remind_of_what_is_due().await, world.remind_of_what_is_due().await), (1, 1));
    world.provider.answer_revocations_with(Revocation::Done);
    assert_eq!(world.deliver_revocations().await, Some(Vec::new()));
    assert!(!world.provider.honours(&token));
    assert_eq!(world.provider.journal("/revoke").len(), 2);
}

/// Some providers end every grant of an account by any token of it: the older grant is left alone for the newer one.
#[tokio::test]
async fn a_pending_revocation_does_not_end_the_connection_that_the_same_account_made_since() {
    let (world, connector, _) = connected().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    world.disconnect(&connector, "alice").await.expect(200);
    world.connect(&connector, "alice").await;
    let fresh = world.access_token(&connector, "alice").await;
    world.provider.answer_revocations_with(Revocation::EndsTheAccountsGrants);
    world.advance(15);
    assert_eq!(world.deliver_revocations().await, Some(Vec::new()));
    assert_eq!(world.provider.journal("/revoke").len(), 1);
    assert!(world.provider.honours(&fresh));
    assert_eq!(world.deeds("connection.").await[0], "connection.revocation_superseded");
    assert_eq!(world.aws.items("TABLE_CONNECTIONS").await.len(), 1);
}

#[tokio::test]
async fn a_pending_revocation_is_carried_out_when_another_account_was_connected_since() {
    let (world, connector, token) = connected().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    world.disconnect(&connector, "alice").await.expect(200);
    let mut begun = world.begin(&connector, "alice").await;
    let callback = world.provider.approve(&begun.redirect_url, "another@provider");
    begun.browser.open(&world, &callback).await.location();
    let fresh = world.access_token(&connector, "alice").await;
    world.provider.answer_revocations_with(Revocation::EndsTheAccountsGrants);
    world.advance(15);
    world.deliver_revocations().await;
    assert!(!world.provider.honours(&token));
    assert!(world.provider.honours(&fresh));
}

#[tokio::test]
async fn a_revocation_that_is_refused_for_good_is_told_as_failed() {
    let (world, connector, _) = connected().await;
    world.provider.answer_revocations_with(Revocation::Refused);
    assert_eq!(world.disconnect(&connector, "alice").await.expect(200)["revocation"], "failed");
    world.token(&connector, "alice").await.expect(404);
    assert_eq!(world.waiting_revocations(), 0);
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
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

/// An admin takes one person's connection away, as the listing names it.
#[tokio::test]
async fn an_admin_disconnects_the_one_user_that_id_and_query_agree_on() {
    let (world, connector, token) = connected().await;
    world.connect(&connector, "bob").await;
    let listing = format!("/connectors/{}/connections", connector.id);
    let listed = world.admin("GET", &listing).send().await.expect(200);
    let of = |sub: &str| {
        let all = listed["connections"].as_array().unwrap();
        all.iter().find(|one| one["user"]["sub"] == sub).unwrap()["connection_id"].as_str().unwrap().to_owned()
    };
    let (app, issuer) = (&world.app.id, &world.app.issuer);
    let who = |sub: &str| format!("app_id={app}&issuer={issuer}&sub={sub}");
    let end = async |id: &str, query: &str| world.admin("DELETE", &format!("{listing}/{id}?{query}")).send().await;

    end(&of("alice"), &who("bob")).await.expect(404);
    end("nonsense", &who("alice")).await.expect(404);
    end(&of("alice"), &format!("app_id={app}&issuer={issuer}")).await.expect(422);
    assert!(world.provider.honours(&token), "what does not agree ends nothing");

    let gone = end(&of("alice"), &who("alice")).await.expect(200);
    assert_eq!(gone, json!({"status": "disconnected", "connector_id": connector.id, "revocation": "revoked"}));
    assert!(!world.provider.honours(&token));
    world.token(&connector, "alice").await.expect(404);
    world.token(&connector, "bob").await.expect(200);
    assert!(world.deeds("connection.").await.contains(&"connection.deleted".to_owned()));
    end(&of("alice"), &who("alice")).await.expect(404);
}
