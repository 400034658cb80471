//! Connections on their way to another deployment: of two that refresh one grant the second would end it, so the first one stops.

use age::x25519::Identity;
use serde_json::{Value, json};

use crate::{
    deletions::let_pass,
    odd_grants::{DAY, exportable},
    world::{Browser, Connector, Rotate, World, journeys::parameter, moving::opened, text},
};

const HOUR: u64 = 3_600;

async fn moving_out(world: &World, connector: &Connector, is_moving: bool) -> Value {
    world.change(connector, &json!({"moving_out": is_moving})).await
}

async fn connected() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    (world, connector)
}

/// What the schedule finds, and what comes of it.
async fn refresh_what_is_due(world: &World) {
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
}

#[tokio::test]
async fn what_moves_out_is_refreshed_no_more_and_serves_its_tokens_while_they_work() {
    let (world, connector) = connected().await;
    let told = moving_out(&world, &connector, true).await;
    assert_eq!(told["moving_out_since"], "2026-11-22T10:00:00Z");
    world.advance(HOUR - 120);
    refresh_what_is_due(&world).await;
    let token = world.access_token(&connector, "alice").await;
    assert!(world.provider.honours(&token));
    // Saying it again does not begin it anew.
    assert_eq!(moving_out(&world, &connector, true).await["moving_out_since"], told["moving_out_since"]);
    world.advance(600);
    refresh_what_is_due(&world).await;
    let refused = world.token(&connector, "alice").await;
    assert_eq!(refused.refusal(), (503, "refresh_unavailable".to_owned()));
    assert_eq!(refused.headers["retry-after"], "60");
    assert!(text(&refused.json()["detail"]).contains("another deployment"));
    assert!(world.provider.refreshes().is_empty());
    // If it stays after all, nothing was lost, and nobody has to ask.
    assert_eq!(moving_out(&world, &connector, false).await["moving_out_since"], Value::Null);
    world.advance(600);
    refresh_what_is_due(&world).await;
    assert_eq!(world.provider.refreshes().len(), 1);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    let trail = world.admin("GET", "/audit?action=connector.changed").send().await.expect(200);
    let changed = trail["events"].as_array().unwrap().iter().filter(|one| one["details"]["changed"] == "moving_out");
    assert_eq!(changed.count(), 2);
}

/// It would be left behind, or end what has left.
#[tokio::test]
async fn nothing_is_added_to_what_moves_out() {
    let (world, connector) = connected().await;
    let token = world.access_token(&connector, "alice").await;
    let (_, url) = world.link(&connector, "bob").await;
    let mut begun = world.begin(&connector, "alice").await;
    moving_out(&world, &connector, true).await;
    let path = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    let refused = world.as_user("bob", "POST", &path).json(&json!({})).send().await;
    assert_eq!(refused.refusal(), (409, "conflict".to_owned()));
    let mut bobs = Browser::default();
    bobs.on_page(&world, &url, "open").await.expect(200);
    assert_eq!(bobs.on_page(&world, &url, "continue").await.refusal(), (409, "conflict".to_owned()));
    let grant = world.made_elsewhere(&connector, &world.app, "carol");
    let import = world.import(&connector, &json!({"connections": [grant]})).await;
    assert_eq!(import.refusal(), (409, "conflict".to_owned()));
    let callback = world.provider.approve(&begun.redirect_url, "alice@provider");
    let landed = begun.browser.open(&world, &callback).await;
    assert_eq!(parameter(landed.location(), "status"), "failed");
    assert_eq!(world.session(&begun.session, "alice").await["reason"], "connector_changed");
    assert_eq!(world.access_token(&connector, "alice").await, token, "what there was has stayed");
    // Whoever wants to leave may.
    world.disconnect(&connector, "alice").await.expect(200);
    moving_out(&world, &connector, false).await;
    world.connect(&connector, "bob").await;
}

#[tokio::test]
async fn what_moves_out_leaves_once_nothing_that_was_under_way_can_change_it() {
    let (world, connector) = connected().await;
    exportable(&world, &connector).await;
    moving_out(&world, &connector, true).await;
    let body = json!({"recipient": Identity::generate().to_public().to_string()});
    let early = world.export(&connector, &body).await;
    assert_eq!(early.refusal(), (409, "conflict".to_owned()));
    assert!(text(&early.json()["detail"]).contains("2026-11-23T10:01:00Z"), "{}", early.text);
    world.advance(60);
    assert_eq!(world.export(&connector, &body).await.expect(200)["exported"], 1);
}

/// At a provider that ends a grant whose refresh token comes a second time.
#[tokio::test]
async fn everybody_works_in_the_new_deployment_however_long_the_move_takes() {
    let world = World::new().await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    let connector = world.connector("Calendar").await;
    exportable(&world, &connector).await;
    let users = ["alice", "bob", "carol"];
    for user in users {
        world.connect(&connector, user).await;
    }
    moving_out(&world, &connector, true).await;
    world.advance(60);
    let key = Identity::generate();
    let page = world.export(&connector, &json!({"recipient": key.to_public().to_string()})).await.expect(200);
    let lines = opened(&text(&page["file"]), &key);
    // The tokens end while the files are on their way, and people, schedule and apps go on asking the old deployment.
    for _ in 0..3 {
        world.advance(HOUR);
        refresh_what_is_due(&world).await;
        for user in users {
            assert_eq!(world.token(&connector, user).await.status, 503);
        }
    }
    assert!(world.provider.refreshes().is_empty());
    let new_home = World::with_provider(world.provider.clone()).await;
    let moved = new_home.connector_with_client_of(&connector).await;
    new_home.advance(DAY + 4 * HOUR);
    for line in lines.lines() {
        let imported = new_home.import(&moved, &serde_json::from_str(line).unwrap()).await.expect(200);
        assert_eq!(imported["imported"], 3, "{imported}");
    }
    world.admin("DELETE", &format!("/connectors/{}?revoke=false", connector.id)).send().await.expect(202);
    let_pass(&world, 3).await;
    for _ in 0..2 {
        for user in users {
            assert!(new_home.provider.honours(&new_home.access_token(&moved, user).await), "{user}");
        }
        new_home.advance(HOUR + 100);
    }
    assert!(world.provider.journal("/revoke").is_empty());
}
