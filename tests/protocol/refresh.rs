//! Tokens stay fresh: one refresh where one is needed, none where none is.

use connectors::domain::digest::{hex, sha256};
use serde_json::json;

use crate::world::{Connector, Rotate, Step, World, text};

const HOUR: u64 = 3_600;

/// A world in which alice is connected.
async fn connected() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    (world, connector)
}

/// PUB-31. And nothing is opened at the key service, nothing written, but the day of the first use.
#[tokio::test]
async fn a_fresh_token_costs_one_read_and_asks_nobody() {
    let (world, connector) = connected().await;
    world.access_token(&connector, "alice").await;
    let counts = || {
        ["BatchGetItem", "GetItem", "UpdateItem", "PutItem", "Decrypt", "GenerateDataKey"]
            .map(|name| world.aws.count(name))
    };
    let before = counts();
    for _ in 0..20 {
        world.access_token(&connector, "alice").await;
    }
    assert!(world.provider.refreshes().is_empty());
    let asked: Vec<usize> = counts().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(asked, [20, 0, 0, 0, 0, 0]);
}

/// PUB-32.
#[tokio::test]
async fn an_expired_token_is_refreshed_once() {
    let (world, connector) = connected().await;
    let old = world.access_token(&connector, "alice").await;
    world.advance(HOUR);
    let new = world.access_token(&connector, "alice").await;
    assert_ne!(new, old);
    assert_eq!(world.access_token(&connector, "alice").await, new);
    assert_eq!(world.provider.refreshes().len(), 1);
    assert!(world.provider.honours(&new));
}

/// PUB-34.
#[tokio::test]
async fn every_rotated_refresh_token_is_kept_for_the_next_refresh() {
    let (world, connector) = connected().await;
    for _ in 0..3 {
        world.advance(HOUR);
        let token = world.access_token(&connector, "alice").await;
        assert!(world.provider.honours(&token));
    }
    let refreshes = world.provider.refreshes();
    let mut presented: Vec<_> = refreshes.iter().map(|entry| entry.get("refresh_token").unwrap()).collect();
    presented.dedup();
    assert_eq!(presented.len(), 3);
    assert!(refreshes.iter().all(|entry| entry.status == 200));
}

/// PUB-35.
#[tokio::test]
async fn a_refresh_token_that_is_not_given_again_stays() {
    let (world, connector) = connected().await;
    world.provider.rotate(Rotate::None);
    world.advance(HOUR);
    world.access_token(&connector, "alice").await;
    for nothing in [r#""refresh_token":"","#, r#""refresh_token":null,"#] {
        world.provider.next(Step::answer(
            200,
            &[],
            &format!(r#"{{{nothing}"access_token":"at_odd","expires_in":"3600"}}"#),
        ));
        world.advance(HOUR);
        assert_eq!(world.access_token(&connector, "alice").await, "at_odd");
    }
    world.advance(HOUR);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    let refreshes = world.provider.refreshes();
    assert_eq!(refreshes.len(), 4);
    assert!(refreshes.iter().all(|entry| entry.get("refresh_token") == refreshes[0].get("refresh_token")));
}

/// A rotated refresh token may come in an answer that is of no other use. It is the only one that works from then on.
#[tokio::test]
async fn a_new_refresh_token_is_kept_even_when_no_access_token_came_with_it() {
    let (world, connector) = connected().await;
    world.provider.next(Step::Without(&["access_token"]));
    world.advance(HOUR);
    assert_eq!(world.token(&connector, "alice").await.refusal(), (503, "refresh_unavailable".to_owned()));
    world.advance(2);
    let token = world.access_token(&connector, "alice").await;
    assert!(world.provider.honours(&token));
    let refreshes = world.provider.refreshes();
    assert_ne!(refreshes[0].get("refresh_token"), refreshes[1].get("refresh_token"));
}

/// A provider that says no end gives a token without one: there is nothing to come ahead of.
#[tokio::test]
async fn a_token_without_an_end_is_never_refreshed_by_itself() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.provider.give_life(None);
    world.connect(&connector, "alice").await;
    world.advance(400 * 24 * HOUR);
    let token = world.token(&connector, "alice").await.expect(200);
    assert_eq!(token["expires_at"], json!(null));
    assert!(world.provider.refreshes().is_empty());
}

/// A provider may end a token before its time; the caller that was refused says so, and a hundred callers may say so.
#[tokio::test]
async fn a_token_that_the_provider_refused_is_replaced_once() {
    let (world, connector) = connected().await;
    let refused = world.access_token(&connector, "alice").await;
    let digest = hex(&sha256(refused.as_bytes()));
    let query = format!("?rejected_token_sha256={digest}");
    let told = futures::future::join_all((0..10).map(|_| world.token_with(&connector, "alice", &query))).await;
    let mut tokens: Vec<String> = told.iter().map(|answer| text(&answer.expect(200)["access_token"])).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_ne!(tokens[0], refused);
    assert_eq!(text(&world.token_with(&connector, "alice", &query).await.expect(200)["access_token"]), tokens[0]);
    assert_eq!(world.provider.refreshes().len(), 1);
}

/// While the provider is down, the refused token is no answer; the one that was stored since is.
#[tokio::test]
async fn a_refused_token_is_never_handed_out_again() {
    let (world, connector) = connected().await;
    let refused = world.access_token(&connector, "alice").await;
    let digest = hex(&sha256(refused.as_bytes()));
    world.provider.fail_with(500, &[], "");
    let answer = world.token_with(&connector, "alice", &format!("?rejected_token_sha256={digest}")).await;
    assert_eq!(answer.refusal(), (503, "refresh_unavailable".to_owned()));
    world.token(&connector, "alice").await.expect(200);
}

#[tokio::test]
async fn a_caller_gets_the_life_it_asks_for() {
    let (world, connector) = connected().await;
    world.advance(600);
    for (min_ttl, refreshes) in [(2_999, 0), (3_000, 1), (3_600, 1)] {
        world.token_with(&connector, "alice", &format!("?min_ttl={min_ttl}")).await.expect(200);
        assert_eq!(world.provider.refreshes().len(), refreshes, "{min_ttl}");
    }
    let refused = world.token_with(&connector, "alice", "?min_ttl=3601").await;
    assert_eq!(refused.expect(422)["errors"][0]["pointer"], "?min_ttl");
}

#[tokio::test]
async fn a_token_that_lacks_a_required_scope_is_not_handed_out() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut begun = world.begin_with(&connector, "alice", &json!({"scopes": ["read"]})).await;
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    begun.browser.open(&world, &callback).await.location();
    let refused = world.token_with(&connector, "alice", "?required_scopes=read%20write").await;
    assert_eq!(refused.refusal(), (409, "missing_scopes".to_owned()));
    let token = world.token_with(&connector, "alice", "?required_scopes=read").await.expect(200);
    assert_eq!((&token["granted_scopes"], &token["missing_scopes"]), (&json!(["read"]), &json!(["write"])));
}

/// A key may be allowed to fetch tokens while the user is away; another may not.
#[tokio::test]
async fn a_token_is_had_without_the_user_only_by_a_key_that_is_allowed_to() {
    let (world, connector) = connected().await;
    let (offline, _) = world.service_key(&world.workspace, &world.app.id, &["tokens:offline"]).await;
    let path = world.app.path(&format!("/users/alice/connectors/{}/token", connector.id));
    world.call("GET", &path).bearer(&offline).send().await.expect(200);
    let refused = world.call("GET", &path).bearer(&world.app.service_key).send().await;
    assert_eq!(refused.refusal(), (403, "forbidden".to_owned()));
    world.provider.take_back("alice@provider");
    world.advance(HOUR);
    let ended = world.call("GET", &path).bearer(&offline).send().await;
    assert_eq!(ended.refusal().1, "reconnect_required");
}

/// A provider may narrow a grant at any refresh: what was enough for the stored token says nothing of the new one.
#[tokio::test]
async fn a_token_that_a_refresh_narrowed_is_not_handed_out_to_whom_it_is_not_enough() {
    let (world, connector) = connected().await;
    world.advance(HOUR);
    let narrowed = r#"{"access_token":"at_narrow","refresh_token":"rt_narrow","expires_in":3600,"scope":"read"}"#;
    world.provider.next(Step::answer(200, &[], narrowed));
    let refused = world.token_with(&connector, "alice", "?required_scopes=read%20write").await;
    assert_eq!(refused.refusal(), (409, "missing_scopes".to_owned()));
    assert!(!refused.text.contains("at_narrow"));
    assert_eq!(world.access_token(&connector, "alice").await, "at_narrow");
    assert_eq!(world.provider.refreshes().len(), 1);
}

/// Some providers give a refresh token that is of no use, and no way to refresh: the user alone can help.
#[tokio::test]
async fn a_provider_without_refreshes_is_never_asked_for_one() {
    let world = World::new().await;
    let connector = world.connector_that_refreshes("short", &json!({"grant": "none"})).await;
    world.connect(&connector, "alice").await;
    world.advance(HOUR);
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "reconnect_required".to_owned()));
    assert!(world.provider.refreshes().is_empty());
    let view = world.view(&connector, "alice").await;
    assert_eq!((&view["status"], &view["reason"]), (&json!("reconnect_required"), &json!("expired")));
}
