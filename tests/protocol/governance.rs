//! What a workspace switches off stops at once, and goes on where it was when it is switched on again.

use serde_json::{Value, json};

use crate::world::{Browser, Connector, PROVIDER, World};

const HOUR: u64 = 3_600;

async fn switch(world: &World, per_user: bool) -> Value {
    let change = json!({"integration_type": PROVIDER, "per_user_connection_enabled": per_user});
    world.admin("PUT", "/connector-governance").json(&change).send().await.expect(200)
}

async fn connected() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.connect(&connector, "alice").await;
    (world, connector)
}

async fn status(world: &World, connector: &Connector) -> Value {
    world.view(connector, "alice").await["status"].clone()
}

#[tokio::test]
async fn what_is_switched_off_stops_at_once_and_comes_back_as_it_was() {
    let (world, connector) = connected().await;
    let token = world.access_token(&connector, "alice").await;
    // Of the same second, in an instance that has just answered: nothing is remembered from before.
    switch(&world, false).await;
    assert_eq!(world.token(&connector, "alice").await.refusal(), (403, "blocked_by_policy".to_owned()));
    assert_eq!(status(&world, &connector).await, "disabled");
    let listed = world.admin("GET", &format!("/connectors/{}/connections", connector.id)).send().await.expect(200);
    let listed = &listed["connections"][0];
    assert_eq!((&listed["status"], &listed["reconnect_required"]), (&json!("disabled"), &json!(false)));
    let all = world.as_user("alice", "GET", "/app-user-auth/connectors").send().await.expect(200);
    assert_eq!(all["connectors"][0]["status"], "disabled");
    assert_eq!(world.view(&connector, "nobody yet").await["status"], "disabled", "a button has nothing to offer");
    switch(&world, true).await;
    assert_eq!(world.access_token(&connector, "alice").await, token, "nothing was touched");
    assert_eq!(status(&world, &connector).await, "active");
    assert_eq!(world.deeds("governance.").await, ["governance.changed", "governance.changed"]);
}

#[tokio::test]
async fn nobody_begins_to_connect_what_is_switched_off() {
    let (world, connector) = connected().await;
    let (_, url) = world.link(&connector, "bob").await;
    switch(&world, false).await;
    let path = format!("/app-user-auth/connectors/{}/initiate", connector.id);
    let refused = world.as_user("bob", "POST", &path).json(&json!({})).send().await;
    assert_eq!(refused.refusal(), (403, "blocked_by_policy".to_owned()));
    let body = json!({"user": {"sub": "bob"}, "connector_id": connector.id});
    let link = world.call("POST", &world.app.path("/connect-sessions")).bearer(&world.app.service_key).json(&body);
    assert_eq!(link.send().await.refusal(), (403, "blocked_by_policy".to_owned()));
    // A link that was made before: it opens, and leads nowhere for as long as that holds.
    let mut bobs = Browser::default();
    bobs.on_page(&world, &url, "open").await.expect(200);
    assert_eq!(bobs.on_page(&world, &url, "continue").await.refusal(), (403, "blocked_by_policy".to_owned()));
    switch(&world, true).await;
    bobs.on_page(&world, &url, "continue").await.expect(200);
}

/// Refreshing goes on: a refresh token that is not used for a while ends at some providers, and then the switch would have
/// cost people their connection.
#[tokio::test]
async fn tokens_are_refreshed_while_their_type_is_off_so_that_nothing_is_lost() {
    let (world, connector) = connected().await;
    switch(&world, false).await;
    world.advance(HOUR - 300);
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
    assert_eq!(world.provider.refreshes().len(), 1);
    world.advance(600);
    switch(&world, true).await;
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.provider.refreshes().len(), 1, "nobody had to wait for another one");
}

#[tokio::test]
async fn people_may_disconnect_what_is_switched_off() {
    let (world, connector) = connected().await;
    let token = world.access_token(&connector, "alice").await;
    switch(&world, false).await;
    world.disconnect(&connector, "alice").await.expect(200);
    assert!(!world.provider.honours(&token));
    switch(&world, true).await;
    assert_eq!(world.token(&connector, "alice").await.refusal(), (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn types_in_use_and_those_that_are_switched_are_listed_and_no_others() {
    let (world, _) = connected().await;
    let off = json!([
        {"integration_type": "slack", "builder_connection_enabled": false},
        {"integration_type": "notion", "builder_connection_enabled": false, "per_user_connection_enabled": false},
        {"integration_type": "hubspot", "per_user_connection_enabled": true},
    ]);
    world.admin("PUT", "/connector-governance/bulk").json(&off).send().await.expect(200);
    let listed = world.admin("GET", "/connector-governance").send().await.expect(200);
    let of = |name: &str, builder: bool, per_user: bool, connectors: usize| {
        json!({
            "integration_type": name, "builder_connection_enabled": builder, "per_user_connection_enabled": per_user,
            "connectors": connectors,
        })
    };
    let expected = [of(PROVIDER, true, true, 1), of("notion", false, false, 0), of("slack", false, true, 0)];
    assert_eq!(listed["governance"], json!(expected));
    assert_eq!(world.deeds("governance.").await.len(), 2, "what stayed as it was is no event");
    let other = world.found("Second").await;
    let listed = other.admin(&world, "GET", "/connector-governance").send().await.expect(200);
    assert_eq!(listed["governance"], json!([]), "another workspace is another one's business");
}

#[tokio::test]
async fn a_list_with_one_mistake_changes_nothing_and_names_each() {
    let (world, connector) = connected().await;
    let put = |body: &Value| world.admin("PUT", "/connector-governance/bulk").json(body).send();
    let off = json!({"integration_type": PROVIDER, "per_user_connection_enabled": false});
    let wrong = json!({"integration_type": "SLACK", "per_user_connection_enabled": "no", "more": 1});
    let refused = put(&json!({"governance": [off, wrong]})).await.expect(422);
    let mut pointers: Vec<&str> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    let expected =
        ["/governance/1/integration_type", "/governance/1/more", "/governance/1/per_user_connection_enabled"];
    assert_eq!(pointers, expected);
    let unknown = put(&json!([off, {"integration_type": "nobody-has-it"}])).await.expect(422);
    assert_eq!(unknown["errors"][0]["pointer"], "/1/integration_type");
    let on = json!({"integration_type": PROVIDER, "per_user_connection_enabled": true});
    let torn = put(&json!([on, off])).await.expect(422);
    assert_eq!(torn["errors"][0]["pointer"], "/1/per_user_connection_enabled", "nobody knows which is meant");
    for body in [json!([]), json!({}), json!(vec![off.clone(); 301])] {
        assert_eq!(put(&body).await.status, 422);
    }
    let surplus = put(&json!({"governance": [off], "dry_run": true})).await.expect(422);
    assert_eq!(surplus["errors"][0]["pointer"], "/dry_run", "whoever asks for more than there is does not get less");
    world.token(&connector, "alice").await.expect(200);
    put(&json!(vec![off; 300])).await.expect(200);
    assert_eq!(world.token(&connector, "alice").await.status, 403);
}

#[tokio::test]
async fn the_listing_can_be_sent_back_with_a_switch_thrown() {
    let (world, connector) = connected().await;
    let path = "/connector-governance/bulk";
    let mut listed = world.admin("GET", path).send().await.expect(200);
    assert_eq!(listed, world.admin("GET", "/connector-governance").send().await.expect(200));
    listed["governance"][0]["per_user_connection_enabled"] = json!(false);
    assert_eq!(world.admin("PUT", path).json(&listed).send().await.expect(200), listed);
    assert_eq!(world.token(&connector, "alice").await.status, 403);
    listed["governance"][0]["connectors"] = json!(7);
    let told = world.admin("PUT", path).json(&listed).send().await.expect(200);
    assert_eq!(told["governance"][0]["connectors"], 1, "it is counted, whatever somebody says");
}

/// Admins at the same time: nobody loses what another has switched, and nobody is sent away.
#[tokio::test]
async fn of_twenty_switches_at_the_same_time_none_is_lost() {
    let world = World::new().await;
    let catalogue = world.call("GET", "/api/providers?summary=true").send().await.expect(200);
    let types: Vec<Value> =
        catalogue["providers"].as_array().unwrap().iter().take(20).map(|one| one["integration_type"].clone()).collect();
    let switched = types.iter().map(|name| {
        let change = json!({"integration_type": name, "per_user_connection_enabled": false});
        world.admin("PUT", "/connector-governance").json(&change).send()
    });
    for answer in futures::future::join_all(switched).await {
        answer.expect(200);
    }
    let listed = world.admin("GET", "/connector-governance").send().await.expect(200);
    let off: Vec<&Value> =
        listed["governance"].as_array().unwrap().iter().map(|one| &one["integration_type"]).collect();
    assert!(types.iter().all(|name| off.contains(&name)) && off.len() == 20, "{off:?}");
}

/// The catalogue has a type no more, or the workspace has deleted its own: only its switch is left, and can be found.
#[tokio::test]
async fn a_type_that_is_gone_while_it_is_off_can_still_be_switched_on() {
    let world = World::new().await;
    world.define_provider(&world.workspace, "ours").await;
    let change = |is_on: bool| {
        let change = json!({"integration_type": "ours", "per_user_connection_enabled": is_on});
        world.admin("PUT", "/connector-governance").json(&change).send()
    };
    change(false).await.expect(200);
    world.admin("DELETE", "/providers/ours").send().await;
    let listed = world.admin("GET", "/connector-governance").send().await.expect(200);
    assert_eq!(listed["governance"][0]["integration_type"], "ours");
    change(true).await.expect(200);
    assert_eq!(change(true).await.status, 422, "nothing is left of it");
}

#[tokio::test]
async fn no_connector_of_a_type_that_is_off_is_added_and_those_that_there_are_can_be_changed_and_deleted() {
    let (world, connector) = connected().await;
    switch(&world, false).await;
    let add = |name: &str, kind: &str| {
        let body =
            json!({"integration_type": PROVIDER, "name": name, "client_id": "c", "client_secret": "s", "kind": kind});
        world.admin("POST", "/connectors").json(&body).send()
    };
    assert_eq!(add("Another", "per_user").await.refusal(), (403, "blocked_by_policy".to_owned()));
    add("Office", "shared").await.expect(201);
    world.change(&connector, &json!({"name": "Agenda"})).await;
    world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    switch(&world, true).await;
    add("Another", "per_user").await.expect(201);
}

/// One account for all does not stand in for people's own while those are off.
#[tokio::test]
async fn a_user_whose_own_connection_is_off_is_not_answered_with_the_shared_account() {
    let (world, _) = connected().await;
    let shared = world.shared_connector("Office").await;
    world.connect_shared(&shared, "office@provider").await;
    switch(&world, false).await;
    let call = json!({"method": "GET", "path": "/"});
    let answer = world.on_behalf(&world.app, "alice", "POST", "/connectors/fake/call").json(&call).send().await;
    assert_eq!(answer.refusal(), (403, "blocked_by_policy".to_owned()));
    world.shared_token(&world.app, "fake").await.expect(200);
}
