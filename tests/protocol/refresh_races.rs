//! Many callers, holders that come back late, users who disconnect in the middle: no token is lost, none is mixed up.

use std::collections::HashSet;

use futures::{future::join_all, join};
use serde_json::json;

use crate::world::{Answer, Call, Connector, Hold, Revocation, Rotate, Step, World, text};

const HOUR: u64 = 3_600;

/// A little more than a refresh may hold its lease, in seconds.
const LEASE_AND_MORE: u64 = 25;

async fn expired() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.advance(HOUR);
    (world, connector)
}

/// Lets a read come to the provider and hold its answer there while something else happens; answers what the read got.
async fn meanwhile<T>(world: &World, connector: &Connector, happens: impl Future<Output = T>) -> (Answer, T) {
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let other = async {
        hold.arrived().await;
        let outcome = happens.await;
        hold.release();
        outcome
    };
    join!(world.token(connector, "alice"), other)
}

/// PUB-33, with two instances of the function.
#[tokio::test]
async fn a_hundred_callers_of_one_expired_connection_cause_one_refresh() {
    let (world, connector) = expired().await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    let other = world.another_instance().await;
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let before = world.aws.count("BatchGetItem");
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/token", connector.id));
    let user = world.app.user(&world, "alice");
    let reads = join_all((0..100).map(|number| {
        let call =
            if number % 2 == 0 { world.call("GET", &path) } else { Call::new(other.routes.clone(), "GET", &path) };
        call.bearer(&world.app.service_key).on_behalf_of(&user).send()
    }));
    let provider = async {
        hold.arrived().await;
        while world.aws.count("BatchGetItem") < before + 100 {
            tokio::task::yield_now().await;
        }
        hold.release();
    };
    let (answers, ()) = join!(reads, provider);
    assert_eq!(world.provider.refreshes().len(), 1);
    let mut tokens: Vec<String> = answers.iter().map(|answer| text(&answer.expect(200)["access_token"])).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert!(world.provider.honours(&tokens[0]));
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// Whoever waits for another's refresh is not handed the token that both of them found too old.
#[tokio::test]
async fn nobody_is_handed_the_expired_token_when_the_answer_brought_a_refresh_token_only() {
    let (world, connector) = expired().await;
    let (mut hold, step) = Hold::without(&["access_token"]);
    world.provider.next(step);
    let before = world.aws.count("BatchGetItem");
    let reads = join_all((0..5).map(|_| world.token(&connector, "alice")));
    let provider = async {
        hold.arrived().await;
        while world.aws.count("BatchGetItem") < before + 5 {
            tokio::task::yield_now().await;
        }
        hold.release();
    };
    let (answers, ()) = join!(reads, provider);
    for answer in answers {
        assert_eq!(answer.refusal(), (503, "refresh_unavailable".to_owned()));
    }
    assert_eq!(world.provider.refreshes().len(), 1);
    world.advance(2);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// Somebody else took over and was done first: what comes late is dropped.
#[tokio::test]
async fn a_holder_that_comes_back_late_answers_with_what_was_stored_since() {
    let (world, connector) = expired().await;
    world.provider.rotate(Rotate::Grace);
    let takes_over = async {
        world.advance(LEASE_AND_MORE);
        world.while_settling(world.token(&connector, "alice")).await
    };
    let (late, other) = meanwhile(&world, &connector, takes_over).await;
    assert_eq!(late.expect(200)["access_token"], other.expect(200)["access_token"]);
    assert_eq!(world.token(&connector, "alice").await.expect(200)["access_token"], other.json()["access_token"]);
    assert_eq!(world.provider.refreshes().len(), 2);
}

/// Nobody else got anything: what comes late is all there is, and is stored.
#[tokio::test]
async fn a_holder_that_comes_back_late_with_the_only_tokens_stores_them() {
    let (world, connector) = expired().await;
    let fails = async {
        world.advance(LEASE_AND_MORE);
        world.provider.next(Step::answer(500, &[], ""));
        world.while_settling(world.token(&connector, "alice")).await
    };
    let (late, other) = meanwhile(&world, &connector, fails).await;
    assert_eq!(other.status, 503);
    assert!(world.provider.honours(late.expect(200)["access_token"].as_str().unwrap()));
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// Whoever took over was refused, because the late one had rotated: the connection is declared over, and is not.
#[tokio::test]
async fn a_grant_that_was_declared_over_too_early_comes_back_with_the_late_tokens() {
    let (world, connector) = expired().await;
    let is_refused = async {
        world.advance(LEASE_AND_MORE);
        world.while_settling(world.token(&connector, "alice")).await
    };
    let (late, other) = meanwhile(&world, &connector, is_refused).await;
    assert_eq!(other.refusal(), (404, "reconnect_required".to_owned()));
    assert!(world.provider.honours(late.expect(200)["access_token"].as_str().unwrap()));
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// What the provider gave for a connection that is gone belongs to nobody, and does not stay valid.
#[tokio::test]
async fn tokens_that_arrive_after_a_disconnect_are_revoked_and_not_handed_out() {
    let (world, connector) = expired().await;
    let (late, gone) = meanwhile(&world, &connector, world.disconnect(&connector, "alice")).await;
    gone.expect(200);
    assert_eq!(late.status, 404);
    assert!(!late.text.contains("at_"));
    let refreshed = world.provider.refreshes().pop().unwrap();
    let revoked = world.provider.journal("/revoke");
    assert_eq!(revoked.len(), 2);
    assert_ne!(revoked[1].get("token"), refreshed.get("refresh_token"));
    world.token(&connector, "alice").await.expect(404);
}

/// The same while the provider takes no revocations: what came late is kept, sealed, until it does.
#[tokio::test]
async fn tokens_that_arrive_after_a_disconnect_are_revoked_later_if_the_provider_fails_now() {
    let (world, connector) = expired().await;
    world.provider.answer_revocations_with(Revocation::Failing);
    let (late, gone) = meanwhile(&world, &connector, world.disconnect(&connector, "alice")).await;
    assert_eq!(gone.expect(200)["revocation"], "pending");
    assert_eq!(late.status, 404);
    assert_eq!(world.aws.items("TABLE_CONNECTIONS").await.len(), 2, "the grant that ended, and what came late");
    world.provider.answer_revocations_with(Revocation::Done);
    world.advance(60);
    world.fire_schedule().await;
    while world.deliver_revocations().await.is_some() {}
    let asked: HashSet<String> =
        world.provider.journal("/revoke").iter().map(|entry| entry.get("token").unwrap().to_owned()).collect();
    assert_eq!(asked.len(), 2, "the refresh token before and the one that came late");
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

/// The user connects anew while an old refresh is under way: the new grant stands.
#[tokio::test]
async fn a_reconnect_is_not_overwritten_by_a_refresh_of_the_grant_before() {
    let (world, connector) = expired().await;
    let reconnects = async {
        world.connect(&connector, "alice").await;
        world.access_token(&connector, "alice").await
    };
    let (late, fresh) = meanwhile(&world, &connector, reconnects).await;
    assert_eq!(late.expect(200)["access_token"], fresh.as_str());
    assert_eq!(world.access_token(&connector, "alice").await, fresh);
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
}

/// The user takes the old grant back and connects anew while an old refresh is under way: its refusal says nothing of the
/// new grant.
#[tokio::test]
async fn a_refusal_of_the_grant_before_does_not_touch_what_the_user_has_connected_since() {
    let (world, connector) = expired().await;
    world.provider.take_back("alice@provider");
    let reconnects = async {
        world.provider.next(Step::Without(&["refresh_token"]));
        world.connect(&connector, "alice").await;
        world.access_token(&connector, "alice").await
    };
    let (late, fresh) = meanwhile(&world, &connector, reconnects).await;
    assert_eq!(late.expect(200)["access_token"], fresh.as_str());
    assert_eq!(world.access_token(&connector, "alice").await, fresh);
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
}

/// The user disconnects, and connects another account, while an old refresh is under way: nothing of the first account
/// ends up in the connection of the second.
#[tokio::test]
async fn a_connection_made_anew_is_not_overwritten_by_a_refresh_of_the_one_before() {
    let (world, connector) = expired().await;
    let starts_over = async {
        world.disconnect(&connector, "alice").await.expect(200);
        let mut begun = world.begin(&connector, "alice").await;
        let callback = world.provider.approve(&begun.redirect_url, "another@provider");
        begun.browser.open(&world, &callback).await.location();
        world.access_token(&connector, "alice").await
    };
    let (late, fresh) = meanwhile(&world, &connector, starts_over).await;
    assert_eq!(world.access_token(&connector, "alice").await, fresh);
    assert!(world.provider.honours(&fresh));
    assert!(late.status == 404 || late.json()["access_token"] == fresh.as_str(), "{late:?}");
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(
        world.view(&connector, "alice").await["account"],
        json!({
            "id": "another@provider", "label": "another@provider", "email": null, "avatar_url": null,
        })
    );
}

/// Two holders, because the first one's answer came after its lease: a provider that takes the second use of the token for
/// theft has ended what the first one stored. Nobody is left with tokens that open nothing, and the loss has its name.
#[tokio::test]
async fn tokens_that_a_later_holder_may_have_ended_are_verified_before_anybody_relies_on_them() {
    let (world, connector) = expired().await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    let (mut first, step) = Hold::new();
    world.provider.next(step);
    let (mut second, step) = Hold::new();
    world.provider.next(step);
    let late = async {
        first.arrived().await;
        world.advance(LEASE_AND_MORE);
        let later = async {
            second.arrived().await;
            first.release();
            let stores = || world.aws.count("UpdateItem");
            let before = stores();
            // The commit that the lease no longer lets in, and the one that only the version is asked for.
            while stores() < before + 2 {
                tokio::task::yield_now().await;
            }
            second.release();
        };
        let (later, ()) = join!(world.while_settling(world.token(&connector, "alice")), later);
        later
    };
    let answers = join!(world.token(&connector, "alice"), late);
    for answer in [answers.0, answers.1] {
        assert!(answer.status == 200 || answer.status == 503 || answer.refusal().0 == 404, "{answer:?}");
    }
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("rotation_lost")));
}
