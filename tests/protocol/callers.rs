//! Who is calling: API keys.

use serde_json::json;

use crate::world::{Call, World};

/// PUB-15.
#[tokio::test]
async fn whatever_is_wrong_with_a_service_key_the_answer_is_the_same() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/token", connector.id));
    let user = world.app.user(&world, "alice");
    let key = &world.app.service_key;
    let changed = |at: usize| {
        let mut bytes = key.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).unwrap()
    };
    let read = || world.call("GET", &path).on_behalf_of(&user);
    let refused = [
        read(),
        read().header("authorization", "Bearer "),
        read().header("authorization", key),
        read().header("authorization", &format!("Basic {key}")),
        read().bearer("uck_app_random"),
        read().bearer(&changed(12)),
        read().bearer(&changed(key.len() - 20)),
        read().bearer(&changed(key.len() - 1)),
        read().bearer(&key.to_uppercase()),
        read().bearer(&format!("{key} ")).bearer(key),
        read().bearer(&world.workspace.admin_key),
    ];
    let before = world.aws.count("BatchGetItem");
    let mut answers = Vec::new();
    for call in refused {
        answers.push(call.send().await);
    }
    for answer in &answers {
        assert_eq!(answer.refusal(), (401, "unauthorized".to_owned()));
        assert_eq!(answer.without_ids(), answers[0].without_ids());
    }
    assert_eq!(world.aws.count("BatchGetItem"), before);
    read().bearer(key).send().await.expect(200);
}

/// PUB-16.
#[tokio::test]
async fn a_service_key_is_not_a_user_and_nothing_but_a_token_makes_it_one() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/token", connector.id));
    let with_key = |query: &str| world.call("GET", &format!("{path}{query}")).bearer(&world.app.service_key);
    for call in [
        with_key(""),
        with_key("?user_id=alice"),
        with_key("").header("x-user-id", "alice"),
        with_key("").header("on-behalf-of", "alice"),
        with_key("").header("on-behalf-of", "Bearer alice"),
        with_key("").on_behalf_of(&world.app.service_key),
        with_key("").json(&json!({"user_id": "alice"})),
    ] {
        assert_eq!(call.send().await.refusal(), (401, "unauthorized".to_owned()));
    }
}

/// A user's own token is no service key: their browser could fetch raw tokens.
#[tokio::test]
async fn a_user_is_told_that_raw_tokens_are_for_the_backend() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let refused =
        world.as_user("alice", "GET", &format!("/app-user-auth/connectors/{}/token", connector.id)).send().await;
    assert_eq!(refused.refusal(), (403, "service_only".to_owned()));
}

/// PUB-21.
#[tokio::test]
async fn a_revoked_key_is_refused_everywhere_after_a_minute_and_its_successor_works_at_once() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let other = world.another_instance().await;
    let path = world.app.path(&format!("/app-user-auth/connectors/{}/token", connector.id));
    let read = |key: String| {
        let user = world.app.user(&world, "alice");
        [world.call("GET", &path), Call::new(other.routes.clone(), "GET", &path)]
            .map(|call| call.bearer(&key).on_behalf_of(&user))
    };
    for call in read(world.app.service_key.clone()) {
        call.send().await.expect(200);
    }
    let key = format!("/apps/{}/keys/{}", world.app.id, world.app.service_key_id);
    world.admin("DELETE", &key).send().await.expect(204);
    let (successor, _) = world.service_key(&world.workspace, &world.app.id, &[]).await;
    for call in read(successor) {
        call.send().await.expect(200);
    }
    world.advance(60);
    for call in read(world.app.service_key.clone()) {
        call.send().await.expect(401);
    }
}

/// A key that nobody uses any more is found by its day of last use, and noting that costs one write a day.
#[tokio::test]
async fn the_listing_of_keys_tells_the_day_of_their_last_use() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.service_key(&world.workspace, &world.app.id, &[]).await;
    let days = async || {
        let listing = world.admin("GET", &format!("/apps/{}/keys", world.app.id)).send().await.expect(200);
        let keys = listing["keys"].as_array().unwrap();
        keys.iter().map(|key| key["last_used_on"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    world.token(&connector, "alice").await.expect(200);
    let first_day = days().await;
    let today = first_day.iter().flatten().next().expect("a day of use").clone();
    assert_eq!(first_day.iter().flatten().count(), 1, "the other one was never used");
    let before = world.aws.count("UpdateItem");
    world.advance(120);
    world.token(&connector, "alice").await.expect(200);
    assert_eq!(world.aws.count("UpdateItem"), before, "the same day is noted once");
    world.advance(24 * 3_600);
    world.token(&connector, "alice").await.expect(200);
    assert!(days().await.iter().flatten().all(|day| *day > today));
}

/// A key that may only look changes nothing, whatever it tries.
#[tokio::test]
async fn a_reading_key_reads_and_changes_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let made = world.admin("POST", "/keys").json(&json!({"name": "audit", "role": "read"})).send().await.expect(201);
    let reader = made["key"].as_str().unwrap();
    let one = format!("/connectors/{}", connector.id);
    let call = |method, rest: &str| world.call(method, &world.workspace.path(rest)).bearer(reader);
    for rest in ["/connectors", one.as_str(), "/apps", "/keys", "/providers", "/audit"] {
        call("GET", rest).send().await.expect(200);
    }
    for (method, rest) in [
        ("POST", "/connectors"),
        ("PUT", one.as_str()),
        ("DELETE", one.as_str()),
        ("POST", "/apps"),
        ("PUT", "/apps/first-app"),
        ("DELETE", "/apps/first-app"),
        ("PUT", "/apps/first-app/identity"),
        ("DELETE", "/apps/first-app/identity"),
        ("POST", "/apps/first-app/keys"),
        ("POST", "/keys"),
        ("POST", "/providers"),
        ("DELETE", "/providers/fake"),
    ] {
        let refused = call(method, rest).json(&json!({})).send().await;
        assert_eq!(refused.refusal(), (403, "forbidden".to_owned()), "{method} {rest}");
    }
    world.admin("GET", &one).send().await.expect(200);
}

#[tokio::test]
async fn the_log_says_which_key_read_a_token_and_of_whom_nothing() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let read_by = || {
        let log = world.log.text();
        log.lines().filter(|line| line.contains("handed out a token")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(read_by(), [] as [String; 0]);
    let token = world.access_token(&connector, "alice").await;
    let lines = read_by();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(&world.app.service_key_id) && lines[0].contains(&connector.id));
    assert!(!lines[0].contains("alice") && !lines[0].contains(&token));
}
