//! Users whose names look alike, or would flow into one another in a key, are different users.

use serde_json::json;

use crate::world::{World, jwks, text};

/// PUB-23: whoever may choose their own name at the issuer becomes nobody else by it.
#[tokio::test]
async fn users_whose_names_look_alike_are_different_users() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "josé#1").await;
    world.connect(&connector, "alice").await;
    let rest = format!("/app-user-auth/connectors/{}/token", connector.id);
    for lookalike in [
        "Alice",
        "ALICE",
        " alice",
        "alice ",
        "alice\u{200b}",
        "\u{430}lice",
        "alice#",
        "alice#CONN#x",
        "alice/",
        "alice%20",
        "first-app#alice",
        "jose\u{301}#1",
        "josé",
        "josé#1\u{fe0f}",
        "*",
    ] {
        let refused = world.on_behalf(&world.app, lookalike, "GET", &rest).send().await;
        assert!(matches!(refused.status, 404 | 401), "{lookalike}: {refused:?}");
        let ended = world.disconnect(&connector, lookalike).await;
        assert!(matches!(ended.status, 404 | 401), "{lookalike}: {ended:?}");
    }
    for user in ["alice", "josé#1"] {
        world.access_token(&connector, user).await;
    }
}

/// A gateway that decodes a path twice makes another user of some; a query comes as it was written, and tells.
#[tokio::test]
async fn a_name_that_became_anothers_on_its_way_is_refused_where_the_query_repeats_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let (key, _) = world.service_key(&world.workspace, &world.app.id, &["tokens:offline"]).await;
    let read = |repeated: &str| {
        let path = world.app.path(&format!("/users/alice/connectors/{}/token?sub={repeated}", connector.id));
        world.call("GET", &path).bearer(&key).send()
    };
    read("alice").await.expect(200);
    let refused = read("al%2569ce").await;
    assert_eq!(refused.expect(422)["errors"][0]["pointer"], "?sub");
    let path = format!("/api/workspace/{}/apps/{}/users/alice?sub=al%2569ce", world.workspace.id, world.app.id);
    world.call("DELETE", &path).bearer(&world.workspace.admin_key).send().await.expect(422);
    read("alice").await.expect(200);
}

/// A backend that reads by a user's id in the path reads that user's, however the id is written.
#[tokio::test]
async fn a_users_id_in_a_path_is_one_name_and_no_path() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.connect(&connector, "a/b c").await;
    let (key, _) = world.service_key(&world.workspace, &world.app.id, &["tokens:offline"]).await;
    let read = |sub: &str| {
        let path = world.app.path(&format!("/users/{sub}/connectors/{}/token", connector.id));
        world.call("GET", &path).bearer(&key).send()
    };
    let own = read("a%2Fb%20c").await.expect(200);
    assert_eq!(own["account"]["id"], "a/b c@provider");
    let others =
        ["a/b%20c", "a%252Fb%20c", "%2e%2e%2Fusers%2Falice", "x%2F..%2Falice", "alice%00", "alice%0a", "%ff", "."];
    for other in others {
        let answer = read(other).await;
        assert!(matches!(answer.status, 400 | 401 | 404), "{other}: {answer:?}");
        assert!(!answer.text.contains("access_token"), "{other}");
    }
}

/// The same person vouched for by another issuer is another person: an app that changes its issuer hands nothing over.
#[tokio::test]
async fn a_user_of_the_issuer_that_an_app_had_before_is_nobody_to_the_one_it_has_now() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let old = world.app.user(&world, "alice");
    let (key, _) = world.service_key(&world.workspace, &world.app.id, &["tokens:offline"]).await;
    let identity =
        json!({"issuer": "https://new.example", "audience": world.app.id, "jwks": jwks(&[&world.app.signer])});
    world.admin("PUT", "/apps/first-app/identity").json(&identity).send().await.expect(200);
    world.advance(61);
    let mut claims = world.app.claims(&world, "alice");
    claims["iss"] = json!("https://new.example");
    let new = world.app.signer.sign(&claims);
    let read = |user: &str| {
        let path = world.app.path(&format!("/app-user-auth/connectors/{}/token", connector.id));
        world.call("GET", &path).bearer(&world.app.service_key).on_behalf_of(user).send()
    };
    assert_eq!(read(&new).await.status, 404);
    assert_eq!(read(&old).await.status, 401);
    let offline = world.app.path(&format!("/users/alice/connectors/{}/token", connector.id));
    assert_eq!(world.call("GET", &offline).bearer(&key).send().await.status, 404);
    let listed = world.call("GET", &world.app.path("/connections")).bearer(&key).send().await.expect(200);
    assert_eq!(text(&listed["connections"][0]["user"]["issuer"]), world.app.issuer, "the app still sees whose it was");
}
