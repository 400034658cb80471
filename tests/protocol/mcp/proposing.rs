//! What a builder's assistant proposes, and how a person is asked.

use super::*;

#[tokio::test]
async fn a_connector_is_proposed_once_confirmed_by_a_person_and_found() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let nothing = assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["read"]})).await;
    assert_eq!((&nothing["fits"], &nothing["connectors"]), (&json!(false), &json!([])));
    let guide = assisted.builds("connector_setup_guide", json!({"integration_type": "fake"})).await;
    let wanted = json!({
        "integration_type": "fake", "name": "Calendar", "client_id": "c", "scopes": ["read"], "connector_id": guide["connector_id"],
    });
    let proposed = assisted.builds("add_connector", wanted.clone()).await;
    assert_eq!((&proposed["status"], &proposed["redirect_uri"]), (&json!("proposed"), &guide["redirect_uri"]));
    assert_eq!(assisted.builds("add_connector", wanted.clone()).await["proposal_id"], proposed["proposal_id"]);
    let id = text(&proposed["proposal_id"]);
    assert_eq!(proposed["open_url"], format!("{BASE}/console/{}/proposals/{id}", world.workspace.id));
    let confirm = world.admin("POST", &format!("/proposals/{id}/confirm")).json(&json!({"client_secret": "s-canary"}));
    world.keep_secret("s-canary");
    confirm.send().await.expect(200);
    let stands = assisted.builds("add_connector", wanted).await;
    assert_eq!((&stands["status"], &stands["open_url"]), (&json!("confirmed"), &json!(null)));
    assert!(text(&stands["next_step"]).contains("code_for"), "{stands}");
    let found = assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["read"]})).await;
    assert_eq!((&found["fits"], &found["connectors"][0]["connector_id"]), (&json!(true), &guide["connector_id"]));
    let lacking = assisted.builds("find_connector", json!({"integration_type": "fake", "scopes": ["write"]})).await;
    assert_eq!((&lacking["fits"], &lacking["connectors"][0]["missing_scopes"]), (&json!(false), &json!(["write"])));
    let audit = world.admin("GET", "/audit").send().await.expect(200)["events"].clone();
    let event = audit.as_array().unwrap().iter().find(|event| event["action"] == "proposal.created").unwrap();
    assert_eq!((&event["actor"], &event["details"]["through"]), (&json!("person:ada"), &json!("assistant")));
}

#[tokio::test]
async fn changes_and_deletions_are_proposed_and_nothing_happens_before_a_person_confirms() {
    let assisted = Assisted::new().await;
    let connector = assisted.world.connector("Calendar").await;
    assisted.world.connect(&connector, "alice").await;
    let change = json!({"connector_id": connector.id, "scopes": ["read", "write", "admin"]});
    let proposed = assisted.builds("update_connector", change).await;
    assert_eq!((&proposed["status"], &proposed["people"]["number"]), (&json!("proposed"), &json!(1)));
    let proposed = assisted.builds("delete_connector", json!({"connector_id": connector.id})).await;
    assert_eq!((&proposed["status"], &proposed["people"]["number"]), (&json!("proposed"), &json!(1)));
    let found = assisted.builds("find_connector", json!({"integration_type": "fake"})).await;
    assert_eq!(found["connectors"][0]["scopes"], json!(["read", "write"]));
}

/// PUB-57: a secret has no way through the chat, and is not repeated.
#[tokio::test]
async fn a_secret_in_the_chat_is_refused_and_kept_nowhere() {
    let assisted = Assisted::new().await;
    assisted.world.keep_secret("canary-in-the-chat");
    let at = (assisted.builder_path(), assisted.admin());
    for more in [
        json!({"client_secret": "canary-in-the-chat"}),
        json!({"connection_config": {"api_token": "canary-in-the-chat"}}),
    ] {
        let mut arguments = json!({"integration_type": "fake", "name": "Calendar", "client_id": "c"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let result = assisted.call((&at.0, &at.1), "add_connector", arguments).await;
        assert_eq!(refused(&result), "invalid_request");
        assert!(!result.to_string().contains("canary-in-the-chat"), "{result}");
    }
    assert!(!assisted.world.aws.dump().await.contains("canary-in-the-chat"));
    let tools = assisted.post(&at.0, &at.1, OLD, &[], &list()).await;
    assert!(!tools.text.contains("\"client_secret\""), "a tool takes a secret");
}

#[tokio::test]
async fn a_reader_looks_and_proposes_nothing() {
    let assisted = Assisted::new().await;
    let (path, reader) =
        (assisted.builder_path(), assisted.person("rita", &format!("{BASE}{}", assisted.builder_path())));
    told(&assisted.call((&path, &reader), "find_connector", json!({})).await);
    let wanted = json!({"integration_type": "fake", "name": "Calendar", "client_id": "c"});
    assert_eq!(refused(&assisted.call((&path, &reader), "add_connector", wanted).await), "forbidden");
}

#[tokio::test]
async fn a_page_is_asked_for_as_the_client_can_and_said() {
    let assisted = Assisted::new().await;
    let (path, token) = (assisted.builder_path(), assisted.admin());
    let at = (path.as_str(), token.as_str());
    let wanted = json!({"integration_type": "fake", "name": "Calendar", "client_id": "c"});
    let params = json!({"name": "add_connector", "arguments": wanted});
    let asked = assisted.request(at, NEWEST, &params, "").await.expect(200)["result"].clone();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let request = &asked["inputRequests"]["page"]["params"];
    assert_eq!(request["mode"], "url");
    assert!(text(&request["url"]).starts_with(&format!("{BASE}/console/")), "{asked}");
    let mut answered = params.clone();
    answered["inputResponses"] = json!({"page": {"action": "decline"}});
    let told = assisted.request(at, NEWEST, &answered, "").await.expect(200)["result"]["structuredContent"].clone();
    assert_eq!((&told["status"], &told["person"]), (&json!("proposed"), &json!("decline")));

    let initialize = |capabilities: Value| {
        let params = json!({"protocolVersion": EARLIER, "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}});
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
    };
    let opens = assisted.post(&path, &token, EARLIER, &[], &initialize(json!({"elicitation": {"url": {}}}))).await;
    let session = opens.header("mcp-session-id").unwrap().to_owned();
    let error = assisted.request(at, EARLIER, &params, &session).await.expect(200)["error"].clone();
    assert_eq!((&error["code"], &error["data"]["elicitations"][0]["mode"]), (&json!(-32042), &json!("url")));
    let bare = assisted.post(&path, &token, EARLIER, &[], &initialize(json!({}))).await;
    assert_eq!(bare.header("mcp-session-id"), None);
    for version in [EARLIER, OLD] {
        let result = assisted.request(at, version, &params, "").await.expect(200)["result"].clone();
        assert_eq!(result["structuredContent"]["open_url"], request["url"], "{result}");
    }
}

/// What was proposed and cannot be confirmed any more is not shown again for a day as if it could be.
#[tokio::test]
async fn what_somebody_did_by_hand_meanwhile_is_not_asked_for_again() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let (path, token) = (assisted.builder_path(), assisted.admin());
    let connector = world.connector("Calendar").await;
    let rename = json!({"connector_id": connector.id, "name": "Agenda"});
    let first = assisted.builds("update_connector", rename.clone()).await;
    assert_eq!(assisted.builds("update_connector", rename.clone()).await["proposal_id"], first["proposal_id"]);
    world.change(&connector, &json!({"scopes": ["read"]})).await;
    let anew = assisted.builds("update_connector", rename.clone()).await;
    assert_ne!(anew["proposal_id"], first["proposal_id"], "the first can't be confirmed any more");
    let confirm = format!("/proposals/{}/confirm", text(&anew["proposal_id"]));
    world.admin("POST", &confirm).json(&json!({})).send().await.expect(200);
    assert_eq!(assisted.builds("update_connector", rename.clone()).await["status"], "confirmed");
    world.change(&connector, &json!({"name": "Calendar"})).await;
    let again = assisted.builds("update_connector", rename.clone()).await;
    assert_eq!(again["status"], "proposed", "what was confirmed was undone since: {again}");
    let delete = json!({"connector_id": connector.id});
    assert_eq!(assisted.builds("delete_connector", delete.clone()).await["status"], "proposed");
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    for (tool, arguments) in [("delete_connector", delete), ("update_connector", rename)] {
        assert_eq!(refused(&assisted.call((&path, &token), tool, arguments).await), "NOT_FOUND", "{tool}");
    }
}

/// What policy or plan do not allow is refused before there is a proposal, and again while one waits that nobody could confirm.
#[tokio::test]
async fn what_policy_or_plan_do_not_allow_is_refused_with_who_can_change_it() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let (path, token) = (assisted.builder_path(), assisted.admin());
    let wanted = |name: &str| json!({"integration_type": "fake", "name": name, "client_id": "c", "scopes": ["read"]});
    let refusal = async |name: &str| {
        let result = assisted.call((&path, &token), "add_connector", wanted(name)).await;
        assert_eq!(result["isError"], true, "{result}");
        serde_json::from_str::<Value>(result["content"][0]["text"].as_str().unwrap()).unwrap()
    };
    assisted.builds("add_connector", wanted("Waiting")).await;
    let off = json!({"integration_type": "fake", "per_user_connection_enabled": false});
    world.admin("PUT", "/connector-governance").json(&off).send().await.expect(200);
    for name in ["New", "Waiting"] {
        let said = refusal(name).await;
        assert_eq!(
            (&said["code"], &said["who_can_change"]),
            (&json!("blocked_by_policy"), &json!("workspace_admin")),
            "{name}"
        );
    }
    let on = json!({"integration_type": "fake", "per_user_connection_enabled": true});
    world.admin("PUT", "/connector-governance").json(&on).send().await.expect(200);
    assert_eq!(assisted.builds("add_connector", wanted("Waiting")).await["status"], "proposed");
    world.give_plan(&world.workspace, &json!("three")).await.unwrap();
    for name in ["One", "Two", "Three"] {
        let body = json!({"integration_type": "github", "name": name, "client_id": "c", "client_secret": "s"});
        world.admin("POST", "/connectors").json(&body).send().await.expect(201);
    }
    for name in ["New", "Waiting"] {
        let said = refusal(name).await;
        assert_eq!(
            (&said["code"], &said["who_can_change"]),
            (&json!("plan_required"), &json!("deployment_operator")),
            "{name}"
        );
        assert_eq!(said["plan"], json!({"name": "three", "limit": "connectors", "most": 3, "used": 3}));
    }
    let proposals = world.admin("GET", "/proposals").send().await.expect(200);
    assert_eq!(proposals["proposals"].as_array().unwrap().len(), 1);
}

/// A detail that the guide asks for is taken, whatever it is called; one that nobody asked for is not.
#[tokio::test]
async fn a_detail_that_the_guide_asks_for_is_no_secret() {
    let assisted = Assisted::new().await;
    let mut registration = assisted.world.provider.registration("keyed");
    registration["vars"] = json!({"api_key": {"from": "app", "label": "API key"}});
    assisted.world.admin("POST", "/providers").json(&registration).send().await.expect(201);
    let guide = assisted.builds("connector_setup_guide", json!({"integration_type": "keyed"})).await;
    assert_eq!(guide["connection_config"][0]["name"], "api_key");
    let with = |name: &str| {
        let mut wanted = json!({"integration_type": "keyed", "name": "Keyed", "client_id": "c", "connection_config": {"api_key": "k"}});
        wanted["connection_config"][name] = json!("k");
        wanted
    };
    assert_eq!(assisted.builds("add_connector", with("api_key")).await["status"], "proposed");
    let (path, token) = (assisted.builder_path(), assisted.admin());
    for name in ["clientSecret", "API-Key", "access_token"] {
        let result = assisted.call((&path, &token), "add_connector", with(name)).await;
        assert!(
            refused(&result) == "invalid_request" && result.to_string().contains("seen in the chat"),
            "{name}: {result}"
        );
    }
}

/// What a person has declined is told as that, and whoever asks again does not ask them again.
#[tokio::test]
async fn what_was_declined_is_told_and_not_proposed_again_at_once() {
    let assisted = Assisted::new().await;
    let world = &assisted.world;
    let connector = world.connector("Calendar").await;
    let wanted = json!({"connector_id": connector.id, "name": "Agenda"});
    let proposed = assisted.builds("update_connector", wanted.clone()).await;
    let decline = format!("/proposals/{}/decline", text(&proposed["proposal_id"]));
    world.admin("POST", &decline).json(&json!({})).send().await.expect(200);
    for _ in 0..2 {
        let told = assisted.builds("update_connector", wanted.clone()).await;
        assert_eq!((&told["status"], &told["open_url"]), (&json!("declined"), &json!(null)), "{told}");
        assert!(text(&told["next_step"]).contains("declined"), "{told}");
    }
    let all = world.admin("GET", "/proposals").send().await.expect(200);
    assert_eq!(all["proposals"].as_array().unwrap().len(), 1);
    // An hour later it may be asked for once more; the day of the first is over then.
    world.advance(3_700);
    assert_eq!(assisted.builds("update_connector", wanted.clone()).await["status"], "proposed");
    world.advance(24 * 3_600 + 1);
    let anew = assisted.builds("update_connector", wanted).await;
    assert_eq!(anew["status"], "proposed", "what nobody has decided in time is proposed anew: {anew}");
}
