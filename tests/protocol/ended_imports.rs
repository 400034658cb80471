//! Grants that came from elsewhere and ended here: whoever brings in the same file again does not bring them back.

use serde_json::{Value, json};

use crate::{
    deletions::let_pass,
    world::{Connector, Revocation, World},
};

const DAY: u64 = 86_400;

fn body(grants: &[Value], mode: &str, dry_run: bool) -> Value {
    json!({"connections": grants, "on_conflict": mode, "dry_run": dry_run})
}

/// What becomes of one grant, looked at first: the dry run says the same.
async fn brought(world: &World, connector: &Connector, grant: &Value, mode: &str) -> Value {
    let looked = world.import(connector, &body(std::slice::from_ref(grant), mode, true)).await.expect(200);
    let done = world.import(connector, &body(std::slice::from_ref(grant), mode, false)).await.expect(200);
    assert_eq!(looked["results"], done["results"], "{mode}");
    let result = done["results"][0].clone();
    if result["status"] == "imported" { result["status"].clone() } else { result["reason"].clone() }
}

/// Where the provider can't end a grant, its tokens work on: the file would connect again whoever has disconnected.
#[tokio::test]
async fn who_has_disconnected_stays_so_when_the_same_file_comes_again() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.provider.answer_revocations_with(Revocation::Failing);
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    assert_eq!(brought(&world, &connector, &grant, "skip").await, "imported");
    world.disconnect(&connector, "alice").await.expect(200);
    for mode in ["skip", "replace"] {
        assert_eq!(brought(&world, &connector, &grant, mode).await, "ended_before", "{mode}");
        world.token(&connector, "alice").await.expect(404);
    }
    // Another grant of theirs may come, and they may connect again; the old one does not come over it.
    let newer = world.made_elsewhere(&connector, &world.app, "alice");
    assert_eq!(brought(&world, &connector, &newer, "skip").await, "imported");
    assert_eq!(brought(&world, &connector, &grant, "replace").await, "ended_before");
    assert_eq!(world.access_token(&connector, "alice").await, newer["access_token"].as_str().unwrap());
    world.assert_no_token_is_to_be_read().await;
}

#[tokio::test]
async fn nor_does_it_come_again_once_it_was_refreshed_or_its_user_had_connected_anew() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let [refreshed, renewed] = ["alice", "bob"].map(|user| world.made_elsewhere(&connector, &world.app, user));
    world.import(&connector, &body(&[refreshed.clone(), renewed.clone()], "skip", false)).await.expect(200);
    world.advance(3_700);
    world.access_token(&connector, "alice").await;
    world.connect(&connector, "bob").await;
    let own = world.access_token(&connector, "bob").await;
    assert_eq!(brought(&world, &connector, &renewed, "replace").await, "imported_before");
    assert_eq!(world.access_token(&connector, "bob").await, own, "what they granted since stays");
    for (user, grant) in [("alice", &refreshed), ("bob", &renewed)] {
        world.disconnect(&connector, user).await.expect(200);
        assert_eq!(brought(&world, &connector, grant, "replace").await, "ended_before", "{user}");
    }
}

#[tokio::test]
async fn whoever_ended_it_and_the_note_of_it_goes_after_a_year() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let users = ["admin", "forgotten", "many"];
    let grants = users.map(|user| world.made_elsewhere(&connector, &world.app, user));
    let told = world.import(&connector, &body(&grants, "skip", false)).await.expect(200);
    let id = told["results"][0]["connection_id"].as_str().unwrap();
    let app = &world.app.id;
    let issuer = &world.app.issuer;
    let of_admin = format!("/connectors/{}/connections/{id}?app_id={app}&issuer={issuer}&sub=admin", connector.id);
    world.admin("DELETE", &of_admin).send().await.expect(200);
    world.admin("DELETE", &format!("/apps/{app}/users/forgotten?sub=forgotten")).send().await.expect(202);
    let criteria = json!({"user": {"app_id": app, "sub": "many"}});
    world.advance(1);
    let look = world.revoke_matching(&world.workspace, &criteria).await.expect(200);
    let mut begin = criteria.clone();
    (begin["dry_run"], begin["confirm"]) = (json!(false), look["confirm"].clone());
    world.revoke_matching(&world.workspace, &begin).await.expect(202);
    let_pass(&world, 5).await;
    for grant in &grants {
        assert_eq!(brought(&world, &connector, grant, "replace").await, "ended_before", "{}", grant["user"]["sub"]);
    }
    let notes = async || {
        let items = world.aws.items("TABLE_CONNECTIONS").await;
        items.iter().filter(|item| item["sk"].as_s().unwrap() == "ENDED#IMPORT").count()
    };
    assert_eq!(notes().await, 3);
    for _ in 0..2 {
        world.advance(183 * DAY);
        world.remind_of_what_is_due().await;
        while world.deliver_revocations().await.is_some() {}
    }
    assert_eq!(notes().await, 0);
}

#[tokio::test]
async fn what_was_granted_here_leaves_no_note() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.disconnect(&connector, "alice").await.expect(200);
    let items = world.aws.items("TABLE_CONNECTIONS").await;
    assert!(!items.iter().any(|item| item["sk"].as_s().unwrap() == "ENDED#IMPORT"));
}
