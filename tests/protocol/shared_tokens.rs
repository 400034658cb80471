//! The token of an account that all apps of a workspace share: by connector, by type of provider, and always fresh.

use futures::future::join_all;
use serde_json::json;

use crate::world::{App, Connector, Rotate, World};

const HOUR: u64 = 3_600;

/// A workspace with two apps and a shared connection.
async fn shared() -> (World, Connector, App) {
    let world = World::new().await;
    let second = world.register_app(&world.workspace, "second-app").await;
    let connector = world.shared_connector("Office").await;
    assert_eq!(world.connect_shared(&connector, "office@provider").await, "completed");
    (world, connector, second)
}

fn nowhere() -> (u16, String) {
    (404, "NOT_FOUND".to_owned())
}

#[tokio::test]
async fn every_app_of_the_workspace_is_handed_the_same_token_by_connector_and_by_type() {
    let (world, connector, second) = shared().await;
    let issued = world.shared_token(&world.app, &connector.by_id()).await.expect(200);
    for (app, by) in [(&world.app, "fake"), (&second, "fake"), (&second, &connector.by_id())] {
        assert_eq!(world.shared_token(app, by).await.expect(200), issued);
    }
    assert!(world.provider.honours(issued["access_token"].as_str().unwrap()));
    assert_eq!(issued["integration_type"], "fake");
    assert_eq!(issued["granted_scopes"], json!(["read", "write"]));
    let own = world.connector("Calendar").await;
    world.connect(&own, "alice").await;
    let users = world.token(&own, "alice").await.expect(200);
    let members = |answer: &serde_json::Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&issued), members(&users), "it looks as a user's token does");
}

#[tokio::test]
async fn however_many_apps_ask_it_is_refreshed_once() {
    let (world, connector, second) = shared().await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    let before = world.shared_token(&world.app, "fake").await.expect(200);
    world.advance(HOUR);
    let asks = (0..20).map(|number| {
        let (app, by) = if number % 2 == 0 { (&world.app, "fake".to_owned()) } else { (&second, connector.by_id()) };
        let world = &world;
        async move { world.shared_token(app, &by).await.expect(200)["access_token"].clone() }
    });
    let tokens = join_all(asks).await;
    assert_eq!(world.provider.refreshes().len(), 1);
    assert!(tokens.iter().all(|token| *token == tokens[0] && *token != before["access_token"]));
}

#[tokio::test]
async fn it_is_refreshed_ahead_of_its_end_and_sealed_anew_as_any_other() {
    let (world, connector, second) = shared().await;
    assert_eq!(world.deliver_all_refreshes().await, 0);
    world.rotate().await;
    world.seal_anew().await;
    assert_eq!(world.sealed_by().await.0, [2].into());
    world.shared_token(&second, "fake").await.expect(200);
    world.advance(HOUR - 360);
    assert_eq!(world.fire_schedule().await["due"], 1);
    world.deliver_all_refreshes().await;
    assert_eq!(world.provider.refreshes().len(), 1);
    world.advance(360);
    world.shared_token(&world.app, &connector.by_id()).await.expect(200);
    assert_eq!(world.provider.refreshes().len(), 1, "nobody had to wait");
}

#[tokio::test]
async fn tokens_that_the_table_did_not_take_are_salvaged_for_the_workspace() {
    let (world, connector, _) = shared().await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    world.advance(HOUR);
    for _ in 0..1_000 {
        world.aws.refuse("UpdateItem", "last_commit", 0);
    }
    assert_eq!(world.shared_token(&world.app, &connector.by_id()).await.status, 503);
    world.aws.refuse_nothing();
    assert_eq!(world.deliver_salvage().await, Some(Vec::new()));
    let token = world.shared_token(&world.app, "fake").await.expect(200)["access_token"].clone();
    assert!(world.provider.honours(token.as_str().unwrap()));
    assert_eq!(world.provider.refreshes().len(), 1);
}

#[tokio::test]
async fn by_type_the_oldest_that_is_connected_is_meant_even_if_its_grant_has_ended() {
    let (world, first, _) = shared().await;
    world.advance(1);
    let second = world.shared_connector("Warehouse").await;
    let account = |answer: serde_json::Value| answer["account"].to_string();
    assert_eq!(world.connect_shared(&second, "warehouse@provider").await, "completed");
    assert!(account(world.shared_token(&world.app, "fake").await.expect(200)).contains("office@"));
    world.provider.take_back("office@provider");
    world.advance(HOUR);
    let ended = (404, "reconnect_required".to_owned());
    assert_eq!(world.shared_token(&world.app, "fake").await.refusal(), ended, "no other account in its place");
    assert_eq!(world.shared_token(&world.app, &first.by_id()).await.refusal(), ended);
    assert_eq!(world.shared_view(&first).await["connection"]["status"], "reconnect_required");
    world.disconnect_shared(&first).await.expect(200);
    assert!(account(world.shared_token(&world.app, "fake").await.expect(200)).contains("warehouse@"));
    world.disconnect_shared(&second).await.expect(200);
    assert_eq!(world.shared_token(&world.app, "fake").await.refusal(), nowhere());
}

#[tokio::test]
async fn another_workspaces_app_is_answered_as_if_there_were_none() {
    let (world, connector, _) = shared().await;
    let hostile = world.found("Hostile").await;
    let theirs = world.register_app(&hostile, "their-app").await;
    let never = "connectors/con_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let nobodys = world.shared_token(&theirs, never).await;
    assert_eq!(nobodys.refusal(), nowhere());
    for by in [connector.by_id().as_str(), "fake", "not-a-type", "NOT A TYPE".replace(' ', "%20").as_str()] {
        assert_eq!(world.shared_token(&theirs, by).await.without_ids(), nobodys.without_ids(), "{by}");
    }
    for (method, rest) in [("POST", "connect"), ("DELETE", "connection")] {
        let path = format!("/connectors/{}/{rest}", connector.id);
        assert_eq!(hostile.admin(&world, method, &path).json(&json!({})).send().await.status, 404, "{method} {rest}");
    }
    world.shared_token(&world.app, "fake").await.expect(200);
}

#[tokio::test]
async fn a_users_own_token_opens_no_shared_account() {
    let (world, connector, second) = shared().await;
    for by in ["fake".to_owned(), connector.by_id()] {
        let path = world.app.path(&format!("/external-auth/tokens/{by}"));
        let call = world.call("GET", &path).bearer(&world.app.user(&world, "alice"));
        assert_eq!(call.send().await.refusal(), (403, "service_only".to_owned()));
        assert_eq!(world.call("GET", &path).send().await.refusal().0, 401);
        assert_eq!(world.call("GET", &path).bearer(&second.service_key).send().await.refusal().0, 404);
    }
}

#[tokio::test]
async fn asking_by_type_reads_no_connectors_but_the_one() {
    let (world, _, _) = shared().await;
    for number in 0..3 {
        world.connector(&format!("Other {number}")).await;
    }
    world.shared_token(&world.app, "fake").await.expect(200);
    let counted = |operation| world.aws.count(operation);
    let before = [counted("Query"), counted("GetItem"), counted("BatchGetItem")];
    world.shared_token(&world.app, "fake").await.expect(200);
    let after = [counted("Query"), counted("GetItem"), counted("BatchGetItem")];
    assert_eq!([after[0] - before[0], after[1] - before[1], after[2] - before[2]], [1, 0, 1]);
}
