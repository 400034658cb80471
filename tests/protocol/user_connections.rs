//! Everything that one person has connected, as an admin looks it up.

use serde_json::{Value, json};

use crate::{
    deletions::let_pass,
    end_races::make_unreadable,
    world::{PROVIDER, World},
};

const OF_ALICE: &str = "/apps/first-app/users/alice/connections";

fn through(found: &Value) -> Vec<&str> {
    found["connections"].as_array().unwrap().iter().map(|one| one["connector_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_admin_sees_what_a_person_connected_through_every_connector_and_nothing_of_anybody_else() {
    let world = World::new().await;
    let mut connectors = Vec::new();
    for name in ["Calendar", "Mail", "Files"] {
        connectors.push(world.connector(name).await);
        world.advance(1);
    }
    let [calendar, mail, files] = &connectors[..] else { panic!("there are three") };
    let shared = world.shared_connector("Office").await;
    world.connect_shared(&shared, "office").await;
    world.connect(mail, "alice").await;
    world.connect(calendar, "alice").await;
    world.connect(files, "bob").await;
    let found = world.admin("GET", OF_ALICE).send().await.expect(200);
    assert_eq!(through(&found), [&calendar.id, &mail.id], "in the order in which connectors were made");
    assert_eq!((&found["app_id"], &found["sub"]), (&json!("first-app"), &json!("alice")));
    assert_eq!(found["unreadable"], 0);
    let listed = world.admin("GET", &format!("/connectors/{}/connections", mail.id)).send().await.expect(200);
    assert_eq!(found["connections"][1], listed["connections"][0], "each as the connector's own listing has it");
    let nobody = world.admin("GET", "/apps/first-app/users/carol/connections").send().await.expect(200);
    assert_eq!(nobody["connections"], json!([]));

    // What an admin does with it: one is disconnected by what was listed of it.
    let one = &found["connections"][0];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("app_id", &one["app_id"]), ("issuer", &one["user"]["issuer"]), ("sub", &one["user"]["sub"])]
    {
        query.append_pair(name, value.as_str().unwrap());
    }
    let query = query.finish();
    let rest = format!("/connectors/{}/connections/{}?{query}", calendar.id, one["connection_id"].as_str().unwrap());
    world.admin("DELETE", &rest).send().await.expect(200);
    let left = world.admin("GET", OF_ALICE).send().await.expect(200);
    assert_eq!(through(&left), [&mail.id]);
    let off = json!({"integration_type": PROVIDER, "per_user_connection_enabled": false});
    world.admin("PUT", "/connector-governance").json(&off).send().await.expect(200);
    let off = world.admin("GET", OF_ALICE).send().await.expect(200);
    assert_eq!(off["connections"][0]["status"], "disabled");
    world.admin("DELETE", &format!("/connectors/{}", mail.id)).send().await.expect(202);
    let gone = world.admin("GET", OF_ALICE).send().await.expect(200);
    assert_eq!(gone["connections"], json!([]), "what is being deleted is no connection any more");
}

#[tokio::test]
async fn a_person_is_looked_up_by_whoever_may_look_at_the_workspace_and_in_their_app_only() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let path = world.workspace.path(OF_ALICE);
    for (role, status) in [("read", 200), ("builder", 403)] {
        let key = world.admin("POST", "/keys").json(&json!({"name": role, "role": role})).send().await.expect(201);
        let key = key["key"].as_str().unwrap();
        world.keep_secret(key);
        assert_eq!(world.call("GET", &path).bearer(key).send().await.status, status, "{role}");
    }
    assert_eq!(world.call("GET", &path).bearer(&world.app.service_key).send().await.status, 401);
    let other = world.found("Second").await;
    other.admin(&world, "GET", OF_ALICE).send().await.expect(404);
    world.admin("GET", "/apps/no-app/users/alice/connections").send().await.expect(404);

    let refused = world.admin("GET", &format!("{OF_ALICE}?sub=bob")).send().await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "?sub");
    world.admin("GET", &format!("{OF_ALICE}?sub=alice")).send().await.expect(200);
    let elsewhere = format!("{OF_ALICE}?issuer=https%3A%2F%2Fanother.example");
    let namesake = world.admin("GET", &elsewhere).send().await.expect(200);
    assert_eq!(namesake["connections"], json!([]), "the same name at another issuer is somebody else");
    assert_eq!(namesake["issuer"], "https://another.example");
    let nonsense = world.admin("GET", &format!("{OF_ALICE}?issuer=%00")).send().await.expect(422);
    assert_eq!(nonsense["errors"][0]["pointer"], "?issuer");
    world.admin("DELETE", "/apps/first-app/identity").send().await.expect(204);
    let refused = world.admin("GET", OF_ALICE).send().await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "?issuer");
}

#[tokio::test]
async fn a_connection_that_cannot_be_read_hides_no_other_and_is_told() {
    let world = World::new().await;
    let connectors = [world.connector("Calendar").await, world.connector("Mail").await];
    for connector in &connectors {
        world.connect(connector, "alice").await;
    }
    make_unreadable(&world, "alice", &connectors[0].id).await;
    let found = world.admin("GET", OF_ALICE).send().await.expect(200);
    assert_eq!(found["connections"].as_array().unwrap().len(), 1);
    assert_eq!(found["connections"][0]["connector_id"], connectors[1].id.as_str());
    assert_eq!(found["unreadable"], 1);
}

/// Whoever must be disconnected is, as far as what is stored lets anybody say.
#[tokio::test]
async fn a_person_whose_one_connection_cannot_be_read_loses_all_others_with_the_kill_switch() {
    let world = World::new().await;
    let connectors = [world.connector("Calendar").await, world.connector("Mail").await];
    for connector in &connectors {
        world.connect(connector, "alice").await;
    }
    make_unreadable(&world, "alice", &connectors[0].id).await;
    world.advance(1);
    let wish = |more: Value| {
        let mut wish = json!({"user": {"app_id": "first-app", "sub": "alice"}});
        wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wish
    };
    let look = world.revoke_matching(&world.workspace, &wish(json!({}))).await.expect(200);
    assert_eq!(look["matches"], 1);
    world.advance(3);
    let order = wish(json!({"dry_run": false, "confirm": look["confirm"]}));
    let begun = world.revoke_matching(&world.workspace, &order).await.expect(202);
    let_pass(&world, 5).await;
    world.token(&connectors[1], "alice").await.expect(404);
    let rest = format!("/revocations/{}", begun["revocation_id"].as_str().unwrap());
    let report = world.admin("GET", &rest).send().await.expect(200);
    assert_eq!((&report["status"], &report["ended"], &report["failed"]), (&json!("finished"), &json!(1), &json!(1)));
}
