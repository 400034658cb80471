//! Ends that meet other ends, or something that was on its way: no grant is left alive, and nothing of others is taken.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::join;
use serde_json::json;

use crate::{
    deletions::{LINGER, connected, left, let_pass},
    world::{Hold, Revocation, World},
};

const HOUR: u64 = 3_600;

/// The names of connectors are free when their connectors are gone, and of no other.
#[tokio::test]
async fn a_connector_that_is_renamed_while_it_is_deleted_holds_no_name_and_takes_none_away() {
    let (world, connector, _) = connected(0).await;
    let path = format!("/connectors/{}", connector.id);
    let mut held = world.aws.hold("TransactWriteItems", "deleting");
    let renames = async {
        held.arrived().await;
        world.change(&connector, &json!({"name": "Renamed"})).await;
        let heir = world.connector("Calendar").await;
        held.release();
        heir
    };
    let (deleted, _heir) = join!(world.admin("DELETE", &path).send(), renames);
    deleted.expect(202);
    world.connector("Renamed").await;
    let body = json!({"integration_type": "fake", "name": "Calendar", "client_id": "c", "client_secret": "s"});
    assert_eq!(world.admin("POST", "/connectors").json(&body).send().await.status, 409, "it is the heir's");
}

/// The schedule comes by in the moment between what is written down and what it is written down for.
#[tokio::test]
async fn a_sweep_that_the_schedule_finds_before_its_connector_is_deleted_is_not_over() {
    let (world, connector, tokens) = connected(2).await;
    let path = format!("/connectors/{}", connector.id);
    let mut held = world.aws.hold("TransactWriteItems", "deleting");
    let comes_by = async {
        held.arrived().await;
        world.remind_of_what_is_due().await;
        while world.deliver_revocations().await.is_some() {}
        held.release();
    };
    join!(world.admin("DELETE", &path).send(), comes_by).0.expect(202);
    let_pass(&world, 2).await;
    assert!(tokens.iter().all(|token| !world.provider.honours(token)));
}

#[tokio::test]
async fn a_sweep_that_the_schedule_finds_before_its_app_is_deleted_is_not_over() {
    let (world, _connector, tokens) = connected(2).await;
    let mut held = world.aws.hold("TransactWriteItems", "APP#first-app");
    let comes_by = async {
        held.arrived().await;
        world.remind_of_what_is_due().await;
        while world.deliver_revocations().await.is_some() {}
        held.release();
    };
    join!(world.admin("DELETE", "/apps/first-app").send(), comes_by).0.expect(202);
    let_pass(&world, 2).await;
    assert!(tokens.iter().all(|token| !world.provider.honours(token)));
}

#[tokio::test]
async fn a_purge_that_the_schedule_finds_before_its_workspace_is_marked_is_not_over() {
    let (world, _connector, _) = connected(2).await;
    let mut held = world.aws.hold("TransactWriteItems", "workspace.deleted");
    let comes_by = async {
        held.arrived().await;
        world.remind_of_what_is_due().await;
        while world.deliver_revocations().await.is_some() {}
        held.release();
    };
    let confirmed = format!("?confirm={}", world.workspace.id);
    join!(world.admin("DELETE", &confirmed).send(), comes_by).0.expect(202);
    let_pass(&world, 2).await;
    world.advance(LINGER);
    let_pass(&world, 1).await;
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

/// A connector's mark is refused: the keys go all the same.
#[tokio::test]
async fn the_keys_of_a_deleted_workspace_go_whatever_becomes_of_the_rest() {
    let (world, connector, _) = connected(1).await;
    world.aws.refuse("TransactWriteItems", "deleting", 0);
    let confirmed = format!("?confirm={}", world.workspace.id);
    let answer = world.admin("DELETE", &confirmed).send().await;
    assert!(answer.status >= 500, "{answer:?}");
    let registry = world.aws.items("TABLE_REGISTRY").await;
    assert!(!registry.iter().any(|item| item["sk"].as_s().unwrap().starts_with("KEY#")));
    world.advance(60);
    world.remind_of_what_is_due().await;
    let_pass(&world, 2).await;
    assert_eq!(left(&world).await, (0, 0));
    drop(connector);
}

/// Makes the item of one user unreadable, as a later version of the code might.
pub(crate) async fn make_unreadable(world: &World, subject: &str, sk: &str) {
    let items = world.aws.items("TABLE_CONNECTIONS").await;
    let is_theirs = |item: &&crate::world::Item| {
        item.get("subject").is_some_and(|of| of.as_s().unwrap() == subject) && item["sk"].as_s().unwrap().ends_with(sk)
    };
    let mut item = items.iter().find(is_theirs).unwrap().clone();
    item.insert("v".to_owned(), AttributeValue::N("99".to_owned()));
    world.aws.put("TABLE_CONNECTIONS", item).await;
}

#[tokio::test]
async fn a_connection_that_can_not_be_read_holds_up_no_others_end_and_is_left_as_it_is() {
    let (world, connector, tokens) = connected(25).await;
    make_unreadable(&world, "user-7", &connector.id).await;
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    world.deliver_revocations().await;
    let_pass(&world, 5).await;
    let alive: Vec<usize> = (0..25).filter(|number| world.provider.honours(&tokens[*number])).collect();
    assert_eq!(alive, [7]);
    assert_eq!(left(&world).await, (1, 0));
}

#[tokio::test]
async fn a_connection_that_can_not_be_read_keeps_no_other_of_a_forgotten_user() {
    let world = World::new().await;
    let connectors = [world.connector("Calendar").await, world.connector("Mail").await];
    let mut tokens = Vec::new();
    for connector in &connectors {
        world.connect(connector, "alice").await;
        tokens.push(world.access_token(connector, "alice").await);
    }
    make_unreadable(&world, "alice", &connectors[0].id).await;
    let answer = world.admin("DELETE", "/apps/first-app/users/alice").send().await;
    assert_eq!(answer.status, 500, "not all of alice is gone, and nobody says so: {answer:?}");
    while world.deliver_revocations().await.is_some() {}
    let honoured: Vec<bool> = tokens.iter().map(|token| world.provider.honours(token)).collect();
    assert_eq!(honoured, [true, false]);
}

/// What a code brought and nobody keeps is given back, later if the provider fails now.
#[tokio::test]
async fn a_grant_that_came_too_late_for_a_forgotten_user_is_ended_although_the_provider_fails_now() {
    let (world, connector, _) = connected(0).await;
    let mut begun = world.begin(&connector, "alice").await;
    world.advance(1);
    world.admin("DELETE", "/apps/first-app/users/alice").send().await.expect(202);
    world.provider.answer_revocations_with(Revocation::Failing);
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    assert_eq!(begun.browser.open(&world, &callback).await.status, 400);
    assert_eq!(left(&world).await, (0, 1));
    world.provider.answer_revocations_with(Revocation::Done);
    world.advance(60);
    world.remind_of_what_is_due().await;
    while world.deliver_revocations().await.is_some() {}
    assert_eq!(world.provider.journal("/revoke").last().unwrap().status, 200);
    assert_eq!(left(&world).await, (0, 0));
}

/// The same with the account that was not the one to be connected again. The one that is connected stays.
#[tokio::test]
async fn a_grant_of_another_account_than_the_connected_one_is_ended_although_the_provider_fails_now() {
    let (world, connector, tokens) = connected(1).await;
    let mut begun = world.begin(&connector, "user-0").await;
    world.provider.answer_revocations_with(Revocation::Failing);
    let callback = world.provider.approve(&begun.redirect_url, "another@provider");
    begun.browser.open(&world, &callback).await;
    world.provider.answer_revocations_with(Revocation::EndsTheAccountsGrants);
    world.advance(60);
    world.remind_of_what_is_due().await;
    while world.deliver_revocations().await.is_some() {}
    assert_eq!(world.provider.journal("/revoke").last().unwrap().status, 200);
    assert!(world.provider.honours(&tokens[0]));
    assert_eq!(left(&world).await, (1, 0));
}

/// A refresh is at the provider, the user disconnects and connects another account: what the refresh brings belongs to
/// nobody.
#[tokio::test]
async fn tokens_of_an_account_that_was_replaced_while_it_was_refreshed_are_ended() {
    let (world, connector, _) = connected(1).await;
    world.advance(HOUR);
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let starts_over = async {
        hold.arrived().await;
        world.disconnect(&connector, "user-0").await.expect(200);
        let mut begun = world.begin(&connector, "user-0").await;
        let callback = world.provider.approve(&begun.redirect_url, "another@provider");
        begun.browser.open(&world, &callback).await.location();
        hold.release();
    };
    join!(world.token(&connector, "user-0"), starts_over);
    let asked = world.provider.journal("/revoke");
    assert_eq!(asked.len(), 2, "the refresh token before, and the one that came late");
    assert_ne!(asked[0].get("token"), asked[1].get("token"));
    assert!(world.provider.honours(&world.access_token(&connector, "user-0").await));
    assert_eq!(left(&world).await, (1, 0));
}

/// The message of a refresh whose tokens the table did not take; they are those of this row.
fn salvaged(row: &crate::world::Item, with: &serde_json::Value) -> serde_json::Value {
    let text = |name: &str| row[name].as_s().unwrap().clone();
    let sealed = |name: &str| BASE64_STANDARD.encode(row[name].as_b().unwrap().as_ref());
    let mut message = json!({
        "kind": "salvage",
        "place": {
            "workspace": text("workspace_id"), "app": text("app_id"), "issuer": text("issuer"),
            "subject": text("subject"), "connector": text("connector_id"),
        },
        "version": 1,
        "attempt": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "tokens": {
            "access": {"token": sealed("access_token"), "token_type": "Bearer", "issued_at": "2026-11-22T10:00:00Z"},
            "refresh": sealed("refresh_token"),
        },
    });
    message.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    message
}

/// Tokens waited in the queue while the user disconnected: nobody else knows them, so they are ended from there.
#[tokio::test]
async fn tokens_that_waited_in_the_queue_are_ended_if_their_connection_is_gone() {
    let (world, connector, tokens) = connected(1).await;
    let row = world.only_connection().await;
    world.provider.answer_revocations_with(Revocation::Refused);
    world.disconnect(&connector, "user-0").await.expect(200);
    assert!(world.provider.honours(&tokens[0]));
    world.provider.answer_revocations_with(Revocation::Done);
    let grant = json!({"grant": {"client_id": connector.client_id, "account_id": "user-0@provider"}});
    for _ in 0..2 {
        world.leave_for_refresh(&salvaged(&row, &grant));
    }
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(left(&world).await, (0, 1), "the message came twice, and it is one grant");
    world.remind_of_what_is_due().await;
    while world.deliver_revocations().await.is_some() {}
    assert!(!world.provider.honours(&tokens[0]));
    assert_eq!(left(&world).await, (0, 0));
    assert!(world.deeds("connection.revoked").await.len() == 1);
}

/// The same if another account was connected in the meantime; if it is the same account, its newer grant stays.
#[tokio::test]
async fn tokens_that_waited_in_the_queue_are_ended_if_another_account_is_connected_by_then() {
    for (account, ended) in [("another@provider", true), ("user-0@provider", false)] {
        let (world, connector, tokens) = connected(1).await;
        let row = world.only_connection().await;
        world.provider.answer_revocations_with(Revocation::Refused);
        world.disconnect(&connector, "user-0").await.expect(200);
        let mut begun = world.begin(&connector, "user-0").await;
        let callback = world.provider.approve(&begun.redirect_url, account);
        begun.browser.open(&world, &callback).await.location();
        world.provider.answer_revocations_with(Revocation::Done);
        let grant = json!({"grant": {"client_id": connector.client_id, "account_id": "user-0@provider"}});
        world.leave_for_refresh(&salvaged(&row, &grant));
        assert_eq!(world.deliver_all_refreshes().await, 0);
        world.remind_of_what_is_due().await;
        while world.deliver_revocations().await.is_some() {}
        assert_eq!(world.provider.honours(&tokens[0]), !ended, "{account}");
        assert!(world.provider.honours(&world.access_token(&connector, "user-0").await));
        assert_eq!(left(&world).await, (1, 0));
    }
}
