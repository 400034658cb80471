//! What fits: connectors, whose account, and the code for it.

use super::*;
use crate::world::Step;

#[tokio::test]
async fn the_code_is_for_the_connector_and_has_no_secret_in_it() {
    let assisted = Assisted::new().await;
    let connector = assisted.world.connector("Calendar").await;
    let shared = assisted.world.shared_connector("Office").await;
    for (id, side, style, part) in [
        (&connector.id, "frontend", "connect.js", "<connect-button"),
        (&connector.id, "frontend", "sdk", "connectAppUser"),
        (&connector.id, "backend", "sdk", "getCurrentAppUserConnection"),
        (&connector.id, "backend", "http", "on-behalf-of"),
        (&shared.id, "backend", "sdk", "getWorkspaceConnection('con_"),
        (&shared.id, "backend", "http", "/connectors/fake/call"),
    ] {
        let written = assisted.builds("code_for", json!({"connector_id": id, "for": side, "style": style})).await;
        let code = text(&written["code"]);
        assert!(code.contains(part) && code.contains(BASE), "{side} {style}: {code}");
        assert!(!code.contains(&connector.client_secret) && !code.contains("{base}"), "{code}");
    }
    let page = assisted.builds("code_for", json!({"connector_id": shared.id, "for": "frontend", "style": "sdk"})).await;
    assert_eq!(page["code"], json!(null));
}

#[tokio::test]
async fn what_people_call_a_provider_is_understood_or_asked_about() {
    let assisted = Assisted::new().await;
    for (said, id) in
        [("gcal", "googlecalendar"), ("Google Calender", "googlecalendar"), ("MS Teams", "microsoft_teams")]
    {
        let found = assisted.builds("find_connector", json!({"integration_type": said})).await;
        assert_eq!((&found["understood"], &found["fits"]), (&json!(id), &json!(false)), "{found}");
        assert!(text(&found["next_step"]).contains("add_connector"), "{found}");
    }
    let unclear = assisted.builds("find_connector", json!({"integration_type": "zen"})).await;
    assert_eq!((&unclear["understood"], &unclear["fits"]), (&json!(null), &json!(false)));
    assert!(
        unclear["providers"].as_array().unwrap().len() > 1
            && text(&unclear["next_step"]).contains("ask the person which")
    );
    let (path, token) = (assisted.builder_path(), assisted.admin());
    let none = assisted.call((&path, &token), "find_connector", json!({"integration_type": "zzzz"})).await;
    assert_eq!(refused(&none), "invalid_request");
    let slip =
        assisted.call((&path, &token), "connector_setup_guide", json!({"integration_type": "gogglecalendar"})).await;
    assert!(slip["content"][0]["text"].as_str().unwrap().contains("`googlecalendar` may be meant"), "{slip}");
}

#[tokio::test]
async fn a_connector_fits_by_purpose_and_by_the_end_of_a_scope() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let read = "https://www.googleapis.com/auth/calendar.readonly";
    let wide = "https://www.googleapis.com/auth/calendar";
    let make = async |integration_type: &str, name: &str, scope: &str| {
        let body = json!({
            "integration_type": integration_type, "name": name, "client_id": "c", "client_secret": "s", "scopes": [scope],
        });
        world.admin("POST", "/connectors").json(&body).send().await.expect(201)["id"].clone()
    };
    let drive = make("googledrive", "Files", "https://www.googleapis.com/auth/drive.readonly").await;
    let purpose = json!({"purpose": "read someone's meetings in Google calendar"});
    let nothing = assisted.builds("find_connector", purpose.clone()).await;
    assert_eq!(nothing["fits"], false, "another product of the same brand: {nothing}");
    let calendar = make("googlecalendar", "Times", wide).await;
    let found = assisted.builds("find_connector", purpose).await;
    assert_eq!((&found["fits"], &found["connectors"][0]["connector_id"]), (&json!(true), &calendar), "{found}");
    assert_eq!((&found["suggested_kind"], &found["evidence"]), (&json!("per_user"), &json!("purpose_of_users")));
    assert!(
        found["connectors"]
            .as_array()
            .unwrap()
            .iter()
            .all(|found| found["connector_id"] != drive || found["fits"] == false)
    );
    for (scope, missing) in
        [("calendar.readonly", json!([])), (read, json!([])), ("calendar.acls", json!(["calendar.acls"]))]
    {
        let found = assisted.builds("find_connector", json!({"integration_type": "gcal", "scopes": [scope]})).await;
        assert_eq!(found["connectors"][0]["missing_scopes"], missing, "{scope}: {found}");
        assert_eq!(found["fits"], missing == json!([]));
    }
}

#[tokio::test]
async fn policy_and_plan_are_told_before_anything_is_proposed() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let off = |per_user: bool, shared: bool| json!({"integration_type": "fake", "per_user_connection_enabled": per_user, "builder_connection_enabled": shared});
    let connector = world.connector("Calendar").await;
    let ask = || assisted.builds("find_connector", json!({"integration_type": "fake", "purpose": "their calendars"}));
    assert_eq!(ask().await["fits"], true);
    world.admin("PUT", "/connector-governance").json(&off(false, true)).send().await.expect(200);
    let found = ask().await;
    assert_eq!((&found["fits"], &found["connectors"][0]["allowed"]), (&json!(false), &json!(false)));
    assert_eq!((&found["suggested_kind"], &found["evidence"]), (&json!("shared"), &json!("policy")));
    assert_eq!(found["may_add"], json!({"per_user": false, "shared": true}));
    assert!(text(&found["next_step"]).contains("policy"), "{found}");
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    world.admin("PUT", "/connector-governance").json(&off(false, false)).send().await.expect(200);
    let found = ask().await;
    assert_eq!((&found["connectors"], &found["may_add"]), (&json!([]), &json!({"per_user": false, "shared": false})));
    assert!(text(&found["why_not"]).contains("policy") && text(&found["next_step"]).contains("nothing can be added"));
    world.admin("PUT", "/connector-governance").json(&off(true, true)).send().await.expect(200);
    world.give_plan(&world.workspace, &json!("three")).await.unwrap();
    for name in ["One", "Two", "Three"] {
        let body = json!({"integration_type": "github", "name": name, "client_id": "c", "client_secret": "s"});
        world.admin("POST", "/connectors").json(&body).send().await.expect(201);
    }
    let full = ask().await;
    assert_eq!(full["may_add"], json!({"per_user": false, "shared": false}));
    assert!(text(&full["why_not"]).contains("three"), "{full}");
    let (path, token) = (assisted.builder_path(), assisted.admin());
    let wanted = json!({"integration_type": "fake", "name": "Four", "client_id": "c"});
    assert_eq!(refused(&assisted.call((&path, &token), "add_connector", wanted).await), "plan_required");
}

/// Also where nobody named the provider: what is switched off is not suggested, and who can change it is said in fields.
#[tokio::test]
async fn what_stands_in_the_way_is_told_for_a_purpose_and_by_the_guide_too() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let off = |id: &str| json!({"integration_type": id, "per_user_connection_enabled": false, "builder_connection_enabled": false});
    world.admin("PUT", "/connector-governance").json(&off("googlecalendar")).send().await.expect(200);
    let ask = || assisted.builds("find_connector", json!({"purpose": "put meetings into their Google calendar"}));
    let found = ask().await;
    let of = |found: &Value, id: &str| {
        found["providers"].as_array().unwrap().iter().find(|one| one["integration_type"] == id).unwrap()["may_add"]
            .clone()
    };
    let (none, both) = (json!({"per_user": false, "shared": false}), json!({"per_user": true, "shared": true}));
    assert_eq!((&found["may_add"], of(&found, "googlecalendar")), (&none, none.clone()), "{found}");
    assert_eq!(of(&found, "googledrive"), both);
    let obstacle = &found["obstacles"][0];
    assert_eq!((&obstacle["what"], &obstacle["integration_type"]), (&json!("policy"), &json!("googlecalendar")));
    assert_eq!(
        (&obstacle["kinds"], &obstacle["who_can_change"]),
        (&json!(["per_user", "shared"]), &json!("workspace_admin"))
    );
    assert!(!text(&found["next_step"]).contains("add_connector"), "{found}");
    let guide = assisted.builds("connector_setup_guide", json!({"integration_type": "googlecalendar"})).await;
    assert_eq!((&guide["may_add"], &guide["obstacles"][0]["code"]), (&none, &json!("blocked_by_policy")));
    world.give_plan(&world.workspace, &json!("own-only")).await.unwrap();
    let team = json!({"integration_type": "fake", "purpose": "post to the company account"});
    let found = assisted.builds("find_connector", team).await;
    assert_eq!(
        (&found["suggested_kind"], &found["may_add"]),
        (&json!("shared"), &json!({"per_user": true, "shared": false}))
    );
    let obstacle = &found["obstacles"][0];
    assert_eq!((&obstacle["what"], &obstacle["kinds"]), (&json!("plan"), &json!(["shared"])), "{found}");
    assert_eq!(
        (&obstacle["plan"]["limit"], &obstacle["who_can_change"]),
        (&json!("shared"), &json!("deployment_operator"))
    );
    assert!(text(&found["next_step"]).contains("whether the other kind will do"), "{found}");
}

/// One account for all shows its data to everybody: it is not to be used for people's own because it is there.
#[tokio::test]
async fn a_connector_for_the_other_kind_of_account_is_not_used_before_the_person_was_asked() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let own = world.connector_of(&world.workspace, "Own", &["read"]).await;
    let office = world.shared_connector("Office").await;
    world.connect_shared(&office, "office").await;
    let ask = |more: Value| {
        let mut arguments = json!({"integration_type": "fake"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assisted.builds("find_connector", arguments)
    };
    let users = "write into each user's own calendar";
    let found = ask(json!({"purpose": users, "scopes": ["read"]})).await;
    assert_eq!((&found["fits"], &found["connectors"][0]["connector_id"]), (&json!(true), &json!(own.id)), "{found}");
    // What would fit is the company's: the users' own lacks a scope.
    let found = ask(json!({"purpose": users, "scopes": ["write"]})).await;
    assert_eq!((&found["fits"], &found["suggested_kind"]), (&json!(false), &json!("per_user")), "{found}");
    assert_eq!(found["connectors"][0]["missing_scopes"], json!(["write"]));
    assert!(text(&found["next_step"]).contains("update_connector"), "{found}");
    world.admin("DELETE", &format!("/connectors/{}", own.id)).send().await.expect(202);
    let found = ask(json!({"purpose": users})).await;
    assert_eq!((&found["fits"], &found["connectors"][0]["fits"]), (&json!(false), &json!(false)), "{found}");
    assert!(text(&found["next_step"]).contains("Do not use") && text(&found["next_step"]).contains("`kind`"));
    // What the person says counts, and nothing else: for it and against it.
    let found = ask(json!({"purpose": users, "kind": "shared"})).await;
    assert_eq!((&found["fits"], &found["evidence"]), (&json!(true), &json!("person")), "{found}");
    let found = ask(json!({"kind": "per_user"})).await;
    assert_eq!((&found["fits"], &found["suggested_kind"]), (&json!(false), &json!("per_user")), "{found}");
    assert!(text(&found["next_step"]).contains("add_connector"), "{found}");
    // A policy that leaves one kind makes it no more fitting.
    let off = json!({"integration_type": "fake", "per_user_connection_enabled": false});
    world.admin("PUT", "/connector-governance").json(&off).send().await.expect(200);
    let found = ask(json!({"purpose": users})).await;
    assert_eq!((&found["fits"], &found["evidence"]), (&json!(false), &json!("policy")), "{found}");
}

#[tokio::test]
async fn where_both_kinds_fit_the_person_chooses_and_of_one_kind_the_one_that_asks_for_least() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let wide = world.connector_of(&world.workspace, "Wide", &["read", "write"]).await;
    let narrow = world.connector_of(&world.workspace, "Narrow", &["read"]).await;
    let found = assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["read"]})).await;
    let ids: Vec<&Value> = found["connectors"].as_array().unwrap().iter().map(|one| &one["connector_id"]).collect();
    assert_eq!(ids, [&json!(narrow.id), &json!(wide.id)], "{found}");
    let office = world.shared_connector("Office").await;
    world.connect_shared(&office, "office").await;
    let found = assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["read"]})).await;
    assert!(found["fits"] == true && text(&found["next_step"]).contains("both kinds"), "{found}");
}

/// A purpose in another language, or about something that nobody knows, must not end in a proposal for nothing.
#[tokio::test]
async fn a_purpose_that_names_nothing_known_is_asked_about_and_any_text_is_read() {
    let assisted = Assisted::new().await;
    let ask = |purpose: &str| assisted.builds("find_connector", json!({"purpose": purpose}));
    for purpose in ["Termine unserer Nutzer eintragen", "予定表に書き込む", "do something with quux"] {
        let found = ask(purpose).await;
        assert_eq!((&found["fits"], &found["providers"]), (&json!(false), &json!([])), "{found}");
        let next = text(&found["next_step"]);
        assert!(next.contains("which product") && !next.contains("add_connector"), "{purpose}: {next}");
    }
    let lines = ask("First line.\r\n\tPut meetings into their Google calendar\u{202e}\0").await;
    assert_eq!(
        (&lines["providers"][0]["integration_type"], &lines["evidence"]),
        (&json!("googlecalendar"), &json!("purpose_of_users"))
    );
    let empty = assisted
        .builds("find_connector", json!({"purpose": " ", "integration_type": "", "scopes": [], "kind": null}))
        .await;
    assert!(text(&empty["next_step"]).contains("Ask again"), "{empty}");
    let (path, token) = (assisted.builder_path(), assisted.admin());
    let long = json!({"purpose": "x".repeat(4_001)});
    assert_eq!(refused(&assisted.call((&path, &token), "find_connector", long).await), "invalid_request");
    let kind = json!({"kind": "everybody"});
    assert_eq!(refused(&assisted.call((&path, &token), "find_connector", kind).await), "invalid_request");
}

#[tokio::test]
async fn the_code_of_one_of_several_shared_connectors_means_that_one() {
    let assisted = Assisted::new().await;
    let office = assisted.world.shared_connector("Office").await;
    let code = async |id: &str, style: &str| {
        text(&assisted.builds("code_for", json!({"connector_id": id, "for": "backend", "style": style})).await["code"])
    };
    assert!(code(&office.id, "http").await.contains("/connectors/fake/call"));
    let warehouse = assisted.world.shared_connector("Warehouse").await;
    for id in [&office.id, &warehouse.id] {
        for style in ["http", "sdk"] {
            assert!(code(id, style).await.contains(id.as_str()), "{style}");
        }
    }
}

#[tokio::test]
async fn a_shared_connector_fits_while_its_account_can_be_used() {
    let assisted = Assisted::new().await;
    let shared = assisted.world.shared_connector("Office").await;
    let ask = || assisted.builds("find_connector", json!({"integration_type": "fake"}));
    let before = ask().await;
    assert_eq!((&before["fits"], &before["connectors"][0]["connected"]), (&json!(false), &json!(false)));
    assert_eq!((&before["suggested_kind"], &before["evidence"]), (&json!("shared"), &json!("connectors")));
    assisted.world.connect_shared(&shared, "office").await;
    let after = ask().await;
    assert_eq!((&after["fits"], &after["connectors"][0]["connected"]), (&json!(true), &json!(true)));
    assert!(text(&after["question"]).ends_with('?'));
}

/// A connector whose client the provider does not accept connects nobody: it is mended, and no other is proposed beside it.
#[tokio::test]
async fn a_connector_in_trouble_does_not_fit_and_it_is_told_who_can_mend_it() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    let ask = || assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["read"]}));
    let found = ask().await;
    assert_eq!((&found["fits"], &found["connectors"][0]["accepted"]), (&json!(true), &json!(true)), "{found}");
    world.advance(3_700);
    world.provider.next(Step::answer(401, &[], &json!({"error": "invalid_client"}).to_string()));
    assert!(world.token(&connector, "alice").await.status >= 400);
    let found = ask().await;
    assert_eq!((&found["fits"], &found["connectors"][0]["accepted"]), (&json!(false), &json!(false)), "{found}");
    let next = text(&found["next_step"]);
    assert!(next.contains("new client secret") && !next.contains("add_connector"), "{next}");
    world.change(&connector, &json!({"client_secret": connector.client_secret})).await;
    assert_eq!(ask().await["fits"], true, "an admin has entered it anew");
}
