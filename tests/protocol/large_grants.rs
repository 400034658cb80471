//! The largest grants that there can be, and requests that are as large as they may be.

use age::x25519::Identity;
use serde_json::{Map, Value, json};

use crate::{
    odd_grants::exportable,
    world::{Connector, World, moving::opened, text},
};

/// How large an answer of a function may be at most, as a text in the event that has it.
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

async fn import_one(world: &World, connector: &Connector, grant: &Value) -> Value {
    let answer = world.import(connector, &json!({"connections": [grant]})).await.expect(200);
    answer["results"][0].clone()
}

/// A grant that has as much of everything as a connection keeps, in characters that need twice the room in JSON.
fn largest(world: &World, connector: &Connector) -> Value {
    let mut grant = world.made_elsewhere(connector, &world.app, "alice");
    let of = |prefix: &str, length: usize| format!("{prefix}{}", "\\".repeat(length - prefix.len()));
    let details: Map<String, Value> =
        (0..64).map(|number| (of(&format!("detail{number}"), 128), json!("\"".repeat(2_048)))).collect();
    let scopes: Vec<String> = (0..200).map(|number| format!("{number}{}", "s".repeat(250))).collect();
    grant["access_token"] = json!(of("at", 16 * 1024));
    grant["refresh_token"] = json!(of("rt", 16 * 1024));
    grant["connection_config"] = json!(details);
    grant["scopes"] = json!(scopes);
    grant["label"] = json!("\"".repeat(1_024));
    grant["account"] = json!({
        "id": "\\".repeat(256), "name": "😀".repeat(256), "email": "😀".repeat(256),
        "avatar_url": format!("https://{}", "a".repeat(1_016)),
    });
    grant
}

#[tokio::test]
async fn the_largest_connection_that_there_can_be_leaves_and_comes_in_elsewhere() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    exportable(&world, &connector).await;
    let grant = largest(&world, &connector);
    assert_eq!(import_one(&world, &connector, &grant).await["status"], "imported");
    let key = Identity::generate();
    let page = world.export(&connector, &json!({"recipient": key.to_public().to_string()})).await.expect(200);
    let file = opened(&text(&page["file"]), &key);
    let [line] = file.lines().collect::<Vec<_>>().try_into().unwrap();
    assert!(line.len() > 128 * 1024, "{}", line.len());

    let new_home = World::with_provider(world.provider.clone()).await;
    let moved = new_home.connector_with_client_of(&connector).await;
    let path = format!("/connectors/{}/import", moved.id);
    let answer = new_home.admin("POST", &path).raw("application/json", line.into()).send().await.expect(200);
    assert_eq!(answer["imported"], 1, "{answer}");
    let token = new_home.token(&moved, "alice").await.expect(200);
    for name in ["access_token", "connection_config"] {
        assert_eq!(token[name], grant[name], "{name}");
    }
    assert_eq!(token["granted_scopes"], grant["scopes"]);
}

/// Fifteen of them are more than a function may answer at once.
#[tokio::test]
async fn many_of_the_largest_connections_leave_in_pages_that_a_function_may_answer() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    exportable(&world, &connector).await;
    let mut users: Vec<String> = (0..15).map(|number| format!("user-{number}")).collect();
    for user in &users {
        let mut grant = largest(&world, &connector);
        grant["user"]["sub"] = json!(user);
        assert_eq!(import_one(&world, &connector, &grant).await["status"], "imported");
    }
    world.import_users(&connector, &world.app, &["small".to_owned()]).await;
    users.push("small".to_owned());
    let key = Identity::generate();
    let (mut cursor, mut pages, mut left) = (Value::Null, 0, Vec::new());
    loop {
        let body = json!({"recipient": key.to_public().to_string(), "cursor": cursor});
        let answer = world.export(&connector, &body).await;
        assert!(json!(answer.text).to_string().len() < LARGEST_ANSWER, "{}", answer.text.len());
        let page = answer.expect(200);
        for line in opened(&text(&page["file"]), &key).lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            left.extend(line["connections"].as_array().unwrap().iter().map(|grant| text(&grant["user"]["sub"])));
        }
        (pages, cursor) = (pages + 1, page["next_cursor"].clone());
        if cursor.is_null() {
            break;
        }
    }
    left.sort();
    users.sort();
    assert_eq!(left, users, "each once");
    assert!((2..=5).contains(&pages), "{pages}");
}

#[tokio::test]
async fn what_a_connection_would_not_keep_is_refused_and_not_left_out() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let many: Map<String, Value> = (0..65).map(|number| (format!("n{number}"), json!("x"))).collect();
    for (details, pointer) in [
        (json!(many), "/connections/0/connection_config".to_owned()),
        (json!({"n".repeat(129): "x"}), format!("/connections/0/connection_config/{}", "n".repeat(129))),
        (json!({"n": "x".repeat(2_049)}), "/connections/0/connection_config/n".to_owned()),
        (json!({"n": ""}), "/connections/0/connection_config/n".to_owned()),
        (json!({"n": "a\u{0}"}), "/connections/0/connection_config/n".to_owned()),
        (json!({"n": 7}), "/connections/0/connection_config/n".to_owned()),
    ] {
        let mut grant = world.made_elsewhere(&connector, &world.app, "alice");
        grant["connection_config"] = details;
        let refused = import_one(&world, &connector, &grant).await;
        assert_eq!((&refused["status"], &refused["errors"][0]["pointer"]), (&json!("refused"), &json!(pointer)));
    }
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
}

/// However much is wrong, the answer is one that a function may give.
#[tokio::test]
async fn as_many_mistakes_as_fit_into_a_request_are_answered() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let path = format!("/connectors/{}/import", connector.id);
    let send = async |body: &Value| {
        let answer = world.admin("POST", &path).json(body).send().await;
        assert!(json!(answer.text).to_string().len() < LARGEST_ANSWER, "{}", answer.text.len());
        answer
    };
    let fields: Map<String, Value> = (0..90_000).map(|number| (number.to_string(), json!(1))).collect();
    send(&json!(fields)).await.expect(422);
    let told = send(&json!({"connections": [fields]})).await.expect(200);
    assert_eq!((&told["refused"], &told["results"][0]["reason"]), (&json!(1), &json!("invalid")));
    let of_each: Map<String, Value> = (0..900).map(|number| (number.to_string(), json!(1))).collect();
    let told = send(&json!({"connections": vec![of_each; 100]})).await.expect(200);
    assert_eq!(told["refused"], 100);
    let long: Map<String, Value> = (0..50).map(|number| (format!("{number}{}", "\"".repeat(60)), json!(1))).collect();
    send(&json!({"connections": vec![long; 100]})).await.expect(200);
    let deep = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
    let answer = world.admin("POST", &path).raw("application/json", deep.into_bytes()).send().await;
    assert_eq!(answer.status, 400);
    let numbers = json!({"connections": vec![0; 500_000]});
    send(&numbers).await.expect(422);
}

/// A larger body is for those alone who may import, or call an API.
#[tokio::test]
async fn a_large_body_is_read_from_nobody_else_and_nowhere_else() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let body = vec![b' '; 200 * 1024];
    let path = format!("/connectors/{}/import", connector.id);
    let at = |path: &str| world.admin("POST", path).raw("application/json", body.clone());
    assert_eq!(at(&path).send().await.status, 400);
    for elsewhere in ["/connectors".to_owned(), format!("/connectors/{}/export", connector.id)] {
        assert_eq!(at(&elsewhere).send().await.status, 413, "{elsewhere}");
    }
    let import = format!("/api/workspace/{}{path}", world.workspace.id);
    for path in [import, world.app.path("/connectors/calendar/call")] {
        let stranger = world.call("POST", &path).raw("application/json", body.clone());
        assert_eq!(stranger.send().await.status, 401, "{path}");
    }
}

/// What would be of no use where it goes stays.
#[tokio::test]
async fn a_token_that_has_ended_and_that_nothing_renews_does_not_leave() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    exportable(&world, &connector).await;
    let mut grant = world.made_elsewhere(&connector, &world.app, "alice");
    grant.as_object_mut().unwrap().remove("refresh_token");
    assert_eq!(import_one(&world, &connector, &grant).await["status"], "imported");
    let key = Identity::generate();
    let body = json!({"recipient": key.to_public().to_string()});
    let counts = |page: &Value| [page["exported"].clone(), page["left_out"].clone()];
    assert_eq!(counts(&world.export(&connector, &body).await.expect(200)), [json!(1), json!(0)]);
    world.advance(3_600);
    assert_eq!(counts(&world.export(&connector, &body).await.expect(200)), [json!(0), json!(1)]);
}

/// Files of other systems end their lines as they like, and begin with what JSON has not.
#[tokio::test]
async fn a_file_of_another_system_is_read_or_it_is_said_what_is_wrong_with_it() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    let path = format!("/connectors/{}/import", connector.id);
    let send = |body: String| world.admin("POST", &path).raw("application/json", body.into_bytes()).send();
    let body = serde_json::to_string_pretty(&json!({"connections": [grant], "dry_run": true})).unwrap();
    let marked = send(format!("\u{feff}{body}")).await.expect(400);
    assert!(text(&marked["detail"]).contains("byte order mark"), "{marked}");
    assert_eq!(send(body.replace('\n', "\r\n")).await.expect(200)["imported"], 1);
}
