//! Grants as somebody writes them who means harm, or was careless; and clients of every kind that grants are of.

use age::x25519::Identity;
use serde_json::{Value, json};

use crate::world::{Connector, Step, World, moving::opened, text};

pub(crate) const DAY: u64 = 86_400;

async fn import_one(world: &World, connector: &Connector, grant: &Value) -> Value {
    let answer = world.import(connector, &json!({"connections": [grant]})).await.expect(200);
    answer["results"][0].clone()
}

pub(crate) async fn exportable(world: &World, connector: &Connector) {
    world.change(connector, &json!({"exportable": true})).await;
    world.advance(DAY);
}

/// What an export has of a connector, opened.
async fn exported(world: &World, connector: &Connector) -> Vec<Value> {
    let key = Identity::generate();
    let page = world.export(connector, &json!({"recipient": key.to_public().to_string()})).await.expect(200);
    let text = opened(&text(&page["file"]), &key);
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.flat_map(|line| line["connections"].as_array().unwrap().clone()).collect()
}

#[tokio::test]
async fn everything_that_a_connection_has_arrives_where_it_goes() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    exportable(&world, &connector).await;
    let mut grant = world.made_elsewhere(&connector, &world.app, "alice");
    for (name, value) in [
        ("issued_at", json!("2026-11-23T09:30:00Z")),
        ("refresh_expires_at", json!("2027-05-01T00:00:00Z")),
        ("scopes", json!(["read"])),
        ("token_type", json!("bearer")),
        ("label", json!("Mine, at \"work\" — 日本")),
        ("account", json!({"id": "7", "name": "Alice", "email": "alice@example.com"})),
        ("connection_config", json!({"region": "eu"})),
        ("connected_at", json!("2025-01-02T03:04:05Z")),
        ("last_used_on", json!("2026-11-20")),
    ] {
        grant[name] = value;
    }
    assert_eq!(import_one(&world, &connector, &grant).await["status"], "imported");
    let [left] = exported(&world, &connector).await.try_into().unwrap();
    let mut expected = grant.clone();
    expected["user"]["issuer"] = left["user"]["issuer"].clone();
    expected["expires_at"] = left["expires_at"].clone();
    assert_eq!(left, expected);

    let new_home = World::with_provider(world.provider.clone()).await;
    let moved = new_home.connector_with_client_of(&connector).await;
    exportable(&new_home, &moved).await;
    assert_eq!(import_one(&new_home, &moved, &left).await["status"], "imported");
    let [again] = exported(&new_home, &moved).await.try_into().unwrap();
    assert_eq!(again, left);
    let listed = new_home.admin("GET", &format!("/connectors/{}/connections", moved.id)).send().await.expect(200);
    assert_eq!(listed["connections"][0]["connected_at"], "2025-01-02T03:04:05Z");
}

#[tokio::test]
async fn a_shared_connection_arrives_as_one() {
    let world = World::new().await;
    let connector = world.shared_connector("Team").await;
    assert_eq!(world.connect_shared(&connector, "team@provider").await, "completed");
    exportable(&world, &connector).await;
    let [grant] = exported(&world, &connector).await.try_into().unwrap();
    assert!(grant.get("user").is_none() && grant.get("app_id").is_none(), "it is no user's");
    world.disconnect_shared(&connector).await.expect(200);
    let tokens = world.provider.grant(&connector.client_id, "team@provider", "read write");
    let mut anew = grant;
    (anew["access_token"], anew["refresh_token"]) = (tokens["access_token"].clone(), tokens["refresh_token"].clone());
    anew["expires_at"] = json!(null);
    anew.as_object_mut().unwrap().remove("expires_at");
    assert_eq!(import_one(&world, &connector, &anew).await["status"], "imported");
    let token = world.shared_token(&world.app, &connector.by_id()).await.expect(200);
    assert!(world.provider.honours(token["access_token"].as_str().unwrap()));
}

/// What somebody looked at and had ended was here then: a grant that came since is none of it, however old it says it is.
#[tokio::test]
async fn a_grant_that_came_after_the_look_stays_however_old_it_is() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    world.advance(60);
    let criteria = json!({"connected_before": "2027-01-01T00:00:00Z"});
    let look = world.revoke_matching(&world.workspace, &criteria).await.expect(200);
    assert_eq!(look["matches"], 1);
    let mut old = world.made_elsewhere(&connector, &world.app, "bob");
    old["connected_at"] = json!("2020-01-01T00:00:00Z");
    world.advance(1);
    import_one(&world, &connector, &old).await;
    let mut body = criteria;
    (body["dry_run"], body["confirm"]) = (json!(false), look["confirm"].clone());
    world.revoke_matching(&world.workspace, &body).await.expect(202);
    crate::deletions::let_pass(&world, 6).await;
    world.token(&connector, "alice").await.expect(404);
    world.token(&connector, "bob").await.expect(200);
}

#[tokio::test]
async fn moments_are_moments_and_far_ones_are_borne() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    let with = |name: &str, value: Value| {
        let mut grant = grant.clone();
        grant[name] = value;
        grant
    };
    for (name, value) in [
        ("expires_at", json!(1_795_345_200_000_u64)),
        ("expires_at", json!("1795345200000")),
        ("expires_at", json!("10000-01-01T00:00:00Z")),
        ("expires_at", json!("2026-11-22")),
        ("expires_at", json!("2026-13-40T25:61:61Z")),
        ("issued_at", json!("yesterday")),
        ("refresh_expires_at", json!({"at": 1})),
        ("connected_at", json!(true)),
        ("last_used_on", json!("2026-02-30")),
        ("token_type", json!("DPoP")),
        ("token_type", json!("dpop")),
        ("token_type", json!("Bearer\r\nx: y")),
        ("label", json!("a\u{0}b")),
        ("label", json!("x".repeat(100_000))),
        ("client_id", json!("another")),
        ("user", json!({"sub": "a\nb"})),
        ("user", json!({"sub": "x".repeat(256)})),
        ("user", json!("alice")),
        ("scopes", json!("read write")),
        ("scopes", json!(["re\"ad"])),
        ("connection_config", json!(["a"])),
    ] {
        let refused = import_one(&world, &connector, &with(name, value.clone())).await;
        assert_eq!((&refused["status"], &refused["reason"]), (&json!("refused"), &json!("invalid")), "{name} {value}");
        let pointer = refused["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with(&format!("/connections/0/{name}")), "{name} {value}: {pointer}");
    }
    for grant in [json!(null), json!([]), json!("x"), json!({})] {
        assert_eq!(import_one(&world, &connector, &grant).await["status"], "refused", "{grant}");
    }
    assert_eq!(crate::deletions::left(&world).await, (0, 0));

    // As late and as early as can be written.
    for (user, name, value) in [
        ("late", "expires_at", "9999-12-30T21:59:59Z"),
        ("never", "expires_at", "9999-12-31T23:59:59Z"),
        ("last", "expires_at", "9999-12-30T22:00:00.999999Z"),
        ("never-there", "expires_at", "9999-12-31T23:59:59.999+00:00"),
        ("early", "issued_at", "-009999-01-02T01:59:59Z"),
        ("old", "connected_at", "-009999-01-02T01:59:59Z"),
        ("new", "connected_at", "9999-12-30T21:59:59Z"),
        ("used", "last_used_on", "9999-12-31"),
        ("ended", "expires_at", "-009999-01-02T01:59:59Z"),
    ] {
        let mut grant = world.made_elsewhere(&connector, &world.app, user);
        grant[name] = json!(value);
        assert_eq!(import_one(&world, &connector, &grant).await["status"], "imported", "{user}");
        let token = world.token(&connector, user).await;
        assert_eq!(token.status, 200, "{user}: {}", token.text);
        assert!(world.provider.honours(token.json()["access_token"].as_str().unwrap()), "{user}");
    }
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
    let listed = world.admin("GET", &format!("/connectors/{}/connections", connector.id)).send().await.expect(200);
    assert_eq!(listed["connections"].as_array().unwrap().len(), 9);
}

#[tokio::test]
async fn what_nothing_can_renew_and_has_ended_is_refused() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let grant = world.made_elsewhere(&connector, &world.app, "alice");
    let with = |changes: &[(&str, Value)]| {
        let mut grant = grant.clone();
        for (name, value) in changes {
            grant[*name] = value.clone();
        }
        grant
    };
    let past = json!("2026-11-22T09:59:59Z");
    let dead = with(&[("expires_at", past.clone()), ("refresh_expires_at", past.clone())]);
    let refused = import_one(&world, &connector, &dead).await;
    assert_eq!(refused["errors"][0]["pointer"], "/connections/0/expires_at", "{refused}");
    let mut without = with(&[("refresh_expires_at", past.clone())]);
    without.as_object_mut().unwrap().remove("access_token");
    let refused = import_one(&world, &connector, &without).await;
    assert_eq!(refused["errors"][0]["pointer"], "/connections/0/refresh_expires_at", "{refused}");
    // The access token works on.
    assert_eq!(import_one(&world, &connector, &with(&[("refresh_expires_at", past)])).await["status"], "imported");
}

#[tokio::test]
async fn a_grant_of_fewer_scopes_or_others_is_what_it_is() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let mut grant = world.made_elsewhere(&connector, &world.app, "alice");
    grant["scopes"] = json!(["read", "never.asked.for"]);
    import_one(&world, &connector, &grant).await;
    let token = world.token(&connector, "alice").await.expect(200);
    assert_eq!((&token["granted_scopes"], &token["missing_scopes"]), (&grant["scopes"], &json!(["write"])));
    let asked = world.token_with(&connector, "alice", "?required_scopes=write").await;
    assert_eq!(asked.refusal(), (409, "missing_scopes".to_owned()));
}

#[tokio::test]
async fn a_hundred_grants_come_in_a_body_that_is_just_small_enough_and_none_in_a_larger_one() {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    let users: Vec<String> = (0..100).map(|number| format!("user-{number}")).collect();
    let mut grants: Vec<Value> = users.iter().map(|user| world.made_elsewhere(&connector, &world.app, user)).collect();
    let limit = 1024 * 1024;
    let body = |grants: &[Value]| json!({"connections": grants}).to_string();
    let room = limit - body(&grants).len();
    let filled = "x".repeat((room / 100 - 200) / 8);
    let details: serde_json::Map<String, Value> =
        (0..8).map(|number| (format!("filling{number}"), json!(filled))).collect();
    for grant in &mut grants {
        grant["connection_config"] = json!(details);
    }
    let left = limit - body(&grants).len();
    let exact = format!("{}{}", body(&grants), " ".repeat(left));
    let path = format!("/connectors/{}/import", connector.id);
    let send = |body: String| world.admin("POST", &path).raw("application/json", body.into_bytes()).send();
    let refused = send(format!("{exact} ")).await;
    assert_eq!(refused.status, 413, "{}", refused.text);
    let taken = send(exact).await.expect(200);
    assert_eq!(taken["imported"], 100, "{taken}");
}

#[tokio::test]
async fn a_client_that_signs_and_one_without_a_secret_go_on_with_what_they_were_granted() {
    let world = World::new().await;
    for (id, client_auth) in [("signed", "private_key_jwt"), ("public", "none")] {
        let mut registration = world.provider.registration(id);
        registration["token"]["client_auth"] = json!(client_auth);
        for table in ["revoke", "identity"] {
            registration.as_object_mut().unwrap().remove(table);
        }
        world.admin("POST", "/providers").json(&registration).send().await.expect(201);
        let body = json!({"integration_type": id, "name": id, "client_id": "the-client", "scopes": ["read"]});
        let made = world.admin("POST", "/connectors").json(&body).send().await.expect(201);
        let connector = Connector {
            id: text(&made["id"]),
            redirect_uri: text(&made["redirect_uri"]),
            client_id: "the-client".to_owned(),
            client_secret: String::new(),
        };
        let mut grant = world.made_elsewhere(&connector, &world.app, id);
        grant.as_object_mut().unwrap().remove("expires_at");
        assert_eq!(import_one(&world, &connector, &grant).await["status"], "imported", "{id}");
        let fresh = json!({"access_token": "at_fresh", "refresh_token": "rt_fresh", "token_type": "Bearer"});
        world.provider.next(Step::answer(200, &[("content-type", "application/json")], &fresh.to_string()));
        assert_eq!(world.access_token(&connector, id).await, "at_fresh");
        let asked = world.provider.refreshes();
        let asked = asked.last().unwrap();
        assert_eq!(asked.get("refresh_token"), grant["refresh_token"].as_str());
        let is_signed = asked.get("client_assertion").is_some();
        assert_eq!((is_signed, asked.get("client_secret")), (id == "signed", None));
    }
}

/// What is bound to the connector's key is of no use anywhere else, and what is bound to another's is of none here.
#[tokio::test]
async fn bound_tokens_neither_come_nor_go() {
    let world = World::new().await;
    let mut metadata = world.provider.metadata();
    metadata["dpop_signing_alg_values_supported"] = json!(["ES256"]);
    world.provider.publish(metadata);
    let body = json!({"id": "issued", "name": "Issued", "issuer": world.provider.issuer()});
    world.admin("POST", "/providers").json(&body).send().await.expect(201);
    let connector = world.connector_at(&world.workspace, "issued", "Issued", &["read", "write"]).await;
    world.provider.demand_proofs("invalid_grant");
    world.connect(&connector, "alice").await;
    exportable(&world, &connector).await;
    let key = Identity::generate();
    let page = world.export(&connector, &json!({"recipient": key.to_public().to_string()})).await.expect(200);
    assert_eq!((&page["exported"], &page["left_out"]), (&json!(0), &json!(1)), "nobody said so, and it is found out");
    assert_eq!(opened(&text(&page["file"]), &key), "");

    let mut registration = world.provider.registration("bound");
    registration["token"]["dpop"] = json!("required");
    let defined = world.admin("POST", "/providers").json(&registration).send().await;
    assert_eq!(defined.status, 201, "{}", defined.text);
    let bound = world.connector_at(&world.workspace, "bound", "Bound", &["read"]).await;
    let grant = world.made_elsewhere(&bound, &world.app, "alice");
    for dry_run in [true, false] {
        let refused = world.import(&bound, &json!({"connections": [grant], "dry_run": dry_run})).await;
        assert_eq!(refused.refusal(), (409, "conflict".to_owned()));
    }
    exportable(&world, &bound).await;
    let refused = world.export(&bound, &json!({"recipient": key.to_public().to_string()})).await;
    assert_eq!(refused.refusal(), (409, "conflict".to_owned()));
}
