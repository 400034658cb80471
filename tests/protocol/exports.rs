//! Connections leave for whoever has the key that they are encrypted to, and for nobody else.

use age::x25519::Identity;
use serde_json::{Value, json};

use crate::world::{Connector, World, moving::opened, text};

const DAY: u64 = 86_400;

/// A connector whose connections may leave, and whose they are.
async fn exportable(count: usize) -> (World, Connector, Vec<String>) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let changed = world.change(&connector, &json!({"exportable": true})).await;
    assert_eq!(changed["exportable_from"], "2026-11-23T10:00:00Z");
    world.advance(DAY);
    let users: Vec<String> = (0..count).map(|number| format!("user-{number}")).collect();
    world.import_users(&connector, &world.app, &users).await;
    (world, connector, users)
}

/// All pages of an export, opened: the bodies of imports.
async fn all_lines(world: &World, connector: &Connector, key: &Identity) -> (Vec<Value>, usize) {
    let (mut lines, mut pages, mut cursor) = (Vec::new(), 0, Value::Null);
    loop {
        let body = json!({"recipient": key.to_public().to_string(), "cursor": cursor});
        let page = world.export(connector, &body).await.expect(200);
        let text = opened(&text(&page["file"]), key);
        lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        (pages, cursor) = (pages + 1, page["next_cursor"].clone());
        if cursor.is_null() {
            return (lines, pages);
        }
    }
}

#[tokio::test]
async fn a_thousand_connections_leave_one_deployment_and_work_in_an_empty_one() {
    let (world, connector, users) = exportable(1_000).await;
    let key = Identity::generate();
    let (lines, pages) = all_lines(&world, &connector, &key).await;
    assert!(pages >= 5, "two hundred connections leave at once, and no more");
    assert_eq!(world.deeds("connections.exported").await.len(), pages);

    let new_home = World::with_provider(world.provider.clone()).await;
    let moved = new_home.connector_with_client_of(&connector).await;
    let mut imported = 0;
    for line in &lines {
        assert!(line.to_string().len() < 128 * 1024);
        imported += new_home.import(&moved, line).await.expect(200)["imported"].as_u64().unwrap();
    }
    assert_eq!(imported, 1_000);
    for user in &users {
        assert!(new_home.provider.honours(&new_home.access_token(&moved, user).await), "{user}");
    }
    new_home.advance(DAY + 3_700);
    for user in users.iter().step_by(10) {
        assert!(new_home.provider.honours(&new_home.access_token(&moved, user).await), "{user}");
    }
    for place in [&world, &new_home] {
        place.assert_no_token_is_to_be_read().await;
    }
}

/// As much as a function may answer at once, in bytes.
const LARGEST_ANSWER: usize = 6 * 1024 * 1024;

#[tokio::test]
async fn the_longest_tokens_leave_in_pages_that_a_function_may_answer() {
    let (world, connector, _) = exportable(0).await;
    let grant = |number: usize| {
        let token = |kind: &str| format!("{kind}{number}{}", "x".repeat(16_000));
        json!({
            "app_id": world.app.id, "user": {"sub": format!("user-{number}")}, "client_id": connector.client_id,
            "access_token": token("at"), "refresh_token": token("rt"), "expires_at": "2027-01-01T00:00:00Z",
        })
    };
    for first in (0..180).step_by(3) {
        let grants: Vec<Value> = (first..first + 3).map(grant).collect();
        let answer = world.import(&connector, &json!({"connections": grants})).await.expect(200);
        assert_eq!(answer["imported"], 3, "{answer}");
    }
    let key = Identity::generate();
    let (mut cursor, mut exported) = (Value::Null, 0);
    loop {
        let body = json!({"recipient": key.to_public().to_string(), "cursor": cursor});
        let answer = world.export(&connector, &body).await;
        assert!(answer.text.len() < LARGEST_ANSWER, "{}", answer.text.len());
        let page = answer.expect(200);
        exported += page["exported"].as_u64().unwrap();
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(exported, 180);
}

#[tokio::test]
async fn nothing_leaves_before_somebody_has_had_a_day_to_notice() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let body = json!({"recipient": Identity::generate().to_public().to_string()});
    let refused = world.export(&connector, &body).await.expect(409);
    assert!(text(&refused["detail"]).contains("exportable"), "{refused}");
    world.change(&connector, &json!({"exportable": true})).await;
    world.advance(DAY - 1);
    // Saying it again does not begin the day anew, and taking it back does.
    world.change(&connector, &json!({"exportable": true})).await;
    world.export(&connector, &body).await.expect(409);
    world.advance(1);
    assert_eq!(world.export(&connector, &body).await.expect(200)["exported"], 1);
    world.change(&connector, &json!({"exportable": false})).await;
    world.change(&connector, &json!({"exportable": true})).await;
    world.export(&connector, &body).await.expect(409);
    assert_eq!(world.deeds("connections.exported").await.len(), 1);
    let trail = world.admin("GET", "/audit").send().await.expect(200);
    let changed =
        trail["events"].as_array().unwrap().iter().filter(|event| event["details"]["changed"] == "exportable");
    assert_eq!(changed.count(), 3);
}

#[tokio::test]
async fn an_export_is_for_its_recipient_and_what_has_ended_stays() {
    let (world, connector, _) = exportable(3).await;
    world.provider.take_back("user-1@provider");
    world.advance(3_700);
    world.token(&connector, "user-1").await.expect(404);
    let (key, other) = (Identity::generate(), Identity::generate());
    let page = world.export(&connector, &json!({"recipient": key.to_public().to_string()})).await.expect(200);
    assert_eq!((&page["exported"], &page["left_out"]), (&json!(2), &json!(1)));
    let file = text(&page["file"]);
    let for_other = age::Decryptor::new(age::armor::ArmoredReader::new(file.as_bytes())).unwrap();
    assert!(for_other.decrypt(std::iter::once(&other as _)).is_err());
    let users: Vec<String> = opened(&file, &key)
        .lines()
        .flat_map(|line| serde_json::from_str::<Value>(line).unwrap()["connections"].as_array().unwrap().clone())
        .map(|grant| text(&grant["user"]["sub"]))
        .collect();
    assert_eq!(users.len(), 2);
    assert!(!users.contains(&"user-1".to_owned()));
    for recipient in ["", "age1qqqq", "ssh-ed25519 AAAA", &key.to_public().to_string().to_uppercase()] {
        let refused = world.export(&connector, &json!({"recipient": recipient})).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/recipient");
    }
    let odd = json!({"recipient": key.to_public().to_string(), "cursor": "x"});
    assert_eq!(world.export(&connector, &odd).await.expect(422)["errors"][0]["pointer"], "/cursor");
}
