//! Imports as strangers write them: with other tools, from other systems, by hand.

use serde_json::{Value, json};

use crate::world::{Answer, Connector, World};

async fn world() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    (world, connector)
}

async fn import_raw(world: &World, connector: &Connector, body: Vec<u8>) -> Answer {
    world.admin("POST", &format!("/connectors/{}/import", connector.id)).raw("application/json", body).send().await
}

async fn import_nango(world: &World, connector: &Connector, grants: &[Value]) -> Value {
    let mapping = json!({"app_id": world.app.id, "user": "end_user.id", "client_id": connector.client_id});
    let path = format!("/connectors/{}/import/nango", connector.id);
    let body = json!({"connections": grants, "mapping": mapping});
    world.admin("POST", &path).json(&body).send().await.expect(200)
}

/// A file is JSON, or it is said what is wrong with it; either way nobody gets to see a 500, and nothing of it is repeated.
#[tokio::test]
async fn a_file_that_is_not_json_is_refused_by_what_it_is() {
    let (world, connector) = world().await;
    let body = json!({"connections": [world.made_elsewhere(&connector, &world.app, "alice")]}).to_string();
    let utf16 = |order: fn(u16) -> [u8; 2], mark: &[u8]| {
        mark.iter().copied().chain(body.encode_utf16().flat_map(order)).collect::<Vec<u8>>()
    };
    let two_lines = format!("{body}\r\n{body}");
    for (what, bytes, says) in [
        ("a byte order mark", format!("\u{feff}{body}").into_bytes(), "byte order mark"),
        ("UTF-16, as Windows writes it", utf16(u16::to_le_bytes, &[0xff, 0xfe]), "UTF-8"),
        ("UTF-16, the other way round", utf16(u16::to_be_bytes, &[0xfe, 0xff]), "UTF-8"),
        ("UTF-16 without a mark", utf16(u16::to_le_bytes, &[]), "UTF-8"),
        (
            "Latin 1",
            body.replace("alice", "al\u{1}ice").into_bytes().iter().map(|b| if *b == 1 { 0xe9 } else { *b }).collect(),
            "UTF-8",
        ),
        ("a comma too many", body.replace("]}", "],}").into_bytes(), "line 1, column"),
        (
            "a key twice",
            body.replace("\"connections\"", "\"dry_run\":true,\"dry_run\":false,\"connections\"").into_bytes(),
            "key twice",
        ),
        ("several lines, each a body", two_lines.into_bytes(), "one line after the other"),
        ("cut off", body.as_bytes()[..body.len() - 9].to_vec(), "ends too early"),
    ] {
        let refused = import_raw(&world, &connector, bytes).await;
        assert_eq!(refused.status, 400, "{what}: {}", refused.text);
        assert!(refused.json()["detail"].as_str().unwrap().contains(says), "{what}: {}", refused.text);
        assert!(!refused.text.contains("at_"), "{what}");
    }
    assert!(world.aws.items("TABLE_CONNECTIONS").await.is_empty());
    let spread = serde_json::to_string_pretty(&serde_json::from_str::<Value>(&body).unwrap()).unwrap();
    let spread = spread.replace('\n', "\r\n");
    assert_eq!(import_raw(&world, &connector, spread.into_bytes()).await.expect(200)["imported"], 1);
}

/// Each is answered for itself, by its place, and keeps no other out.
#[tokio::test]
async fn what_is_wrong_with_one_grant_keeps_no_other_out() {
    let (world, connector) = world().await;
    let good = |user: &str| world.made_elsewhere(&connector, &world.app, user);
    let with = |name: &str, value: Value| {
        let mut grant = good(&format!("with {name}"));
        grant[name] = value;
        grant
    };
    let strange = [
        (json!(null), ""),
        (json!([]), ""),
        (json!("at"), ""),
        (json!({}), "/client_id"),
        (with("access_token", json!(7)), "/access_token"),
        (with("access_token", json!("a".repeat(64 * 1024))), "/access_token"),
        (with("refresh_token", json!({"token": "x"})), "/refresh_token"),
        (with("expires_at", json!(1_800_000_000)), "/expires_at"),
        (with("expires_at", json!("1800000000")), "/expires_at"),
        (with("expires_at", json!("2027-01-31 12:00")), "/expires_at"),
        (with("expires_at", json!("2027-01-31T12:00:00")), "/expires_at"),
        (with("expires_at", json!("2027-02-30T12:00:00Z")), "/expires_at"),
        (with("scopes", json!({"read": true})), "/scopes"),
        (with("account", json!("alice@example.com")), "/account"),
        (with("user", json!("alice")), "/user"),
        (with("connection_config", json!({"a": {"b": {"c": []}}})), "/connection_config/a"),
        (with("app_id", json!("another-app")), "/app_id"),
        (with("client_id", json!("another client")), "/client_id"),
        (with("clientId", json!("another client")), "/clientId"),
    ];
    let mut all: Vec<Value> = Vec::new();
    for (index, (grant, _)) in strange.iter().enumerate() {
        all.extend([grant.clone(), good(&format!("between {index}"))]);
    }
    let answer = world.import(&connector, &json!({"connections": all})).await.expect(200);
    assert_eq!((&answer["imported"], &answer["refused"]), (&json!(strange.len()), &json!(strange.len())), "{answer}");
    for (index, (grant, at)) in strange.iter().enumerate() {
        let (refused, between) = (&answer["results"][2 * index], &answer["results"][2 * index + 1]);
        let expected = format!("/connections/{}{at}", 2 * index);
        let pointers = refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap());
        assert!(pointers.into_iter().any(|pointer| pointer == expected), "{grant}: {refused}");
        assert_eq!(between["status"], "imported", "{between}");
    }
}

#[tokio::test]
async fn moments_are_read_in_every_form_that_rfc_3339_has() {
    let (world, connector) = world().await;
    for (number, at) in [
        "2026-11-22T12:30:00+02:00",
        "2026-11-22T05:30:00.123456789-05:00",
        "2026-11-22t10:30:00z",
        "2026-11-22 10:30:00Z",
        "2026-11-22T10:30:00-00:00",
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("user-{number}");
        let mut grant = world.made_elsewhere(&connector, &world.app, &user);
        grant["expires_at"] = json!(at);
        let answer = world.import(&connector, &json!({"connections": [grant]})).await.expect(200);
        assert_eq!(answer["imported"], 1, "{at}: {answer}");
        let issued = world.token(&connector, &user).await.expect(200);
        assert!(issued["expires_at"].as_str().unwrap().starts_with("2026-11-22T10:30:00"), "{at}: {issued}");
    }
    assert!(world.provider.refreshes().is_empty());
}

/// Two people with one refresh token: the first refresh of one would end the grant of both.
#[tokio::test]
async fn a_refresh_token_that_two_people_would_hold_comes_in_for_one_of_them() {
    let (world, connector) = world().await;
    let of = |user: &str| world.made_elsewhere(&connector, &world.app, user);
    let first = of("alice");
    let mut second = of("bob");
    second["refresh_token"] = first["refresh_token"].clone();
    for dry_run in [true, false] {
        let body = json!({"connections": [first, second, of("carol"), first], "dry_run": dry_run});
        let answer = world.import(&connector, &body).await.expect(200);
        let told = ["imported", "skipped", "refused"].map(|name| answer[name].clone());
        assert_eq!(told, [2, 1, 1].map(Value::from), "{answer}");
        assert_eq!(answer["results"][1]["errors"][0]["pointer"], "/connections/1/refresh_token");
        assert!(!answer.to_string().contains(first["refresh_token"].as_str().unwrap()));
    }
    world.advance(3_700);
    for user in ["alice", "carol"] {
        assert!(world.provider.honours(&world.access_token(&connector, user).await), "{user}");
    }
    world.token(&connector, "bob").await.expect(404);
}

/// What a Nango of any version may answer of a connection, and what of it counts.
#[tokio::test]
async fn what_nango_answers_is_read_as_it_is_and_refused_one_by_one() {
    let (world, connector) = world().await;
    let with = |user: &str, changes: &[(&str, Value)]| {
        let mut kept = world.kept_by_nango(&connector, user);
        for (pointer, value) in changes {
            let (at, name) = pointer.rsplit_once('/').unwrap();
            kept.pointer_mut(at).unwrap()[name] = value.clone();
        }
        kept
    };
    let oauth1 = json!({"type": "OAUTH1", "oauth_token": "canary", "oauth_token_secret": "canary", "raw": {}});
    let grants = [
        (with("a", &[("/end_user", json!({"id": "a", "display_name": null, "organization": null}))]), None),
        (
            with(
                "b",
                &[("/created_at", json!("Wed Jan 01 2025 10:00:00 GMT+0000")), ("/last_fetched_at", json!(null))],
            ),
            None,
        ),
        (with("c", &[("/credentials/raw", json!("text")), ("/metadata", json!(null)), ("/tags", json!({}))]), None),
        (with("d", &[("/credentials/expires_at", json!(null)), ("/credentials/refresh_token", json!(""))]), None),
        (with("e", &[("/connection_config", json!(null))]), None),
        (with("f", &[("/credentials", oauth1)]), Some("/credentials/type")),
        (with("g", &[("/credentials", json!({"type": "API_KEY", "apiKey": "canary"}))]), Some("/credentials/type")),
        (
            with("h", &[("/credentials", json!({"type": "BASIC", "username": "u", "password": "canary"}))]),
            Some("/credentials/type"),
        ),
        (with("i", &[("/credentials", json!({}))]), Some("/credentials/type")),
        (with("j", &[("/end_user", json!({"id": 7}))]), Some("/end_user/id")),
        (
            with("k", &[("/credentials/access_token", json!(null)), ("/credentials/refresh_token", json!(null))]),
            Some("/access_token"),
        ),
        (with("l", &[("/credentials/expires_at", json!("soon"))]), Some("/credentials/expires_at")),
        (json!({"error": {"code": "invalid_credentials", "message": "canary"}}), Some("/credentials/type")),
    ];
    let all: Vec<Value> = grants.iter().map(|(grant, _)| grant.clone()).collect();
    let answer = import_nango(&world, &connector, &all).await;
    for (index, (grant, refused_at)) in grants.iter().enumerate() {
        let result = &answer["results"][index];
        match refused_at {
            None => assert_eq!(result["status"], "imported", "{grant}: {result}"),
            Some(at) => {
                let pointer = format!("/connections/{index}{at}");
                assert!(
                    result["errors"].as_array().unwrap().iter().any(|error| error["pointer"] == pointer),
                    "{result}"
                );
            }
        }
    }
    assert!(!answer.to_string().contains("canary"));
    // What is off the record costs nobody the grant: it works, and is refreshed where that is possible.
    for user in ["a", "b", "c", "d", "e"] {
        assert!(world.provider.honours(&world.access_token(&connector, user).await), "{user}");
    }
}
