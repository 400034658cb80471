//! A decision and what comes of it are one: whoever dies, is late, or meets somebody else leaves both or neither.

use futures::{future::join_all, join};
use serde_json::{Value, json};

use crate::{
    proposals::{Office, add},
    world::{Answer, PROVIDER, text},
};

const TRANSACTION: &str = "TransactWriteItems";

fn about(kind: &str, connector: &str, change: &Value) -> Value {
    json!({"kind": kind, "connector_id": connector, "connector": change})
}

async fn switch(office: &Office, switch: &str, is_on: bool) {
    let change = json!({"integration_type": PROVIDER, switch: is_on});
    office.world.admin("PUT", "/connector-governance").json(&change).send().await.expect(200);
}

/// The process that carries it out is gone at the worst moment: when everything is ready to be written.
#[tokio::test]
async fn a_process_that_dies_while_it_confirms_leaves_the_proposal_open_and_the_next_one_does_it() {
    let office = Office::open().await;
    let connector = office.world.connector("Calendar").await;
    let proposals = [
        (add("New", "id"), json!({"client_secret": "s"})),
        (about("update", &connector.id, &json!({"scopes": ["read"]})), json!({})),
        (about("delete", &connector.id, &json!({})), json!({})),
    ];
    for (body, confirmation) in proposals {
        let proposal = office.proposed(&body).await;
        let mut held = office.world.aws.hold(TRANSACTION, "PROPOSALS#");
        {
            let dies = office.decide(&proposal, "confirm", &confirmation);
            tokio::select! {
                biased;
                () = held.arrived() => {}
                answer = dies => panic!("it was not held: {answer:?}"),
            }
        }
        assert_eq!(office.look(&proposal).await["status"], "proposed", "{body}");
        let before = office.connectors().await.len();
        assert_eq!(office.decide(&proposal, "confirm", &confirmation).await.expect(200)["status"], "confirmed");
        let after = office.connectors().await.len();
        match body["kind"].as_str().unwrap() {
            "add" => assert_eq!(after, before + 1),
            "update" => assert_eq!(after, before),
            _ => assert_eq!(after, before - 1),
        }
        // What was on its way arrives after all, and finds it decided.
        held.release();
        assert_eq!(office.connectors().await.len(), after);
    }
}

#[tokio::test]
async fn a_table_that_refuses_leaves_the_proposal_open_too() {
    let office = Office::open().await;
    let proposal = office.proposed(&add("New", "id")).await;
    office.world.aws.refuse(TRANSACTION, "PROPOSALS#", 0);
    let secret = json!({"client_secret": "s"});
    assert!(office.decide(&proposal, "confirm", &secret).await.status >= 500);
    assert_eq!(office.look(&proposal).await["status"], "proposed");
    assert!(office.connectors().await.is_empty());
    office.decide(&proposal, "confirm", &secret).await.expect(200);
}

/// It was done, and nobody heard of it but who looks.
#[tokio::test]
async fn what_was_done_although_the_answer_was_lost_is_told_as_done() {
    let office = Office::open().await;
    let proposal = office.proposed(&add("New", "id")).await;
    office.world.aws.lose_answer(TRANSACTION, "PROPOSALS#");
    let secret = json!({"client_secret": "s"});
    let told = office.decide(&proposal, "confirm", &secret).await.expect(200);
    assert_eq!((&told["status"], &told["result"]["name"]), (&json!("confirmed"), &json!("New")));
    let delete = office.proposed(&about("delete", &text(&told["result"]["id"]), &json!({}))).await;
    office.world.aws.lose_answer(TRANSACTION, "PROPOSALS#");
    assert_eq!(office.decide(&delete, "confirm", &json!({})).await.expect(200)["result"], Value::Null);
    assert!(office.connectors().await.is_empty());
    assert_eq!(office.world.deeds("proposal.confirmed").await.len(), 2);
}

/// The secret of the client before is of no use to the one that is proposed, and no assistant may bring its own.
#[tokio::test]
async fn another_client_is_confirmed_with_its_secret_by_whoever_knows_it() {
    let office = Office::open().await;
    let world = &office.world;
    let connector = world.connector("Calendar").await;
    world.provider.register_client("another", "its-secret");
    world.keep_secret("its-secret");
    let proposal = office.proposed(&about("update", &connector.id, &json!({"client_id": "another"}))).await;
    assert_eq!(proposal["needs_client_secret"], true);
    let missing = office.decide(&proposal, "confirm", &json!({})).await.expect(422);
    assert_eq!(missing["errors"][0]["pointer"], "/client_secret");
    let renamed = json!({"client_secret": "its-secret", "name": "Agenda"});
    assert_eq!(office.decide(&proposal, "confirm", &renamed).await.expect(422)["errors"][0]["pointer"], "/name");
    office.decide(&proposal, "confirm", &json!({"client_secret": "its-secret"})).await.expect(200);
    assert_eq!(office.connectors().await[0]["name"], "Calendar");
    world.connect(&connector, "alice").await;
    world.advance(3_600);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await), "id and secret fit each other");
    let other = office.proposed(&about("update", &connector.id, &json!({"name": "Agenda"}))).await;
    assert_eq!(other["needs_client_secret"], false);
    let delete = office.proposed(&about("delete", &connector.id, &json!({}))).await;
    let refused = office.decide(&delete, "confirm", &json!({"client_secret": "s"})).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/client_secret");
}

/// Nothing that a person did not read is done, and nothing that they send is left out without a word.
#[tokio::test]
async fn rules_and_switches_are_shown_as_they_are_and_would_be_and_cannot_be_slipped_in() {
    let office = Office::open().await;
    let connector = office.world.connector("Calendar").await;
    let rules = json!({"methods": ["GET"]});
    office.world.change(&connector, &json!({"call_rules": rules, "offline_use": false})).await;
    let loosened = json!({"call_rules": {}, "offline_use": true});
    let proposal = office.proposed(&about("update", &connector.id, &loosened)).await;
    let change = |field: &str, from: Value, to: Value| json!({"field": field, "from": from, "to": to});
    let expected = [change("call_rules", rules.clone(), json!({})), change("offline_use", json!(false), json!(true))];
    assert_eq!(proposal["changes"], json!(expected));
    let same = about("update", &connector.id, &json!({"call_rules": rules, "offline_use": false}));
    assert_eq!(office.propose(&same).await.status, 422, "that changes nothing");
    for field in ["client_id", "client_secret_expires_on", "scopes", "connection_config", "call_rules", "offline_use"] {
        let refused = office.decide(&proposal, "confirm", &json!({field: null})).await;
        assert_eq!(refused.status, 422, "{field}");
    }
    assert_eq!(office.connectors().await[0]["call_rules"], rules);
}

/// Both were looked at, and in the moment in which the one is carried out somebody changes the connector.
#[tokio::test]
async fn a_connector_that_is_changed_in_the_moment_of_the_confirmation_is_neither_changed_nor_deleted() {
    for kind in ["update", "delete"] {
        let office = Office::open().await;
        let connector = office.world.connector("Calendar").await;
        office.world.connect(&connector, "alice").await;
        let change = if kind == "update" { json!({"scopes": ["read"]}) } else { json!({}) };
        let proposal = office.proposed(&about(kind, &connector.id, &change)).await;
        let mut held = office.world.aws.hold(TRANSACTION, "PROPOSALS#");
        let nothing = json!({});
        let meanwhile = async {
            held.arrived().await;
            office.world.change(&connector, &json!({"client_secret_expires_on": "2027-01-01"})).await;
            held.release();
        };
        let refused = join!(office.decide(&proposal, "confirm", &nothing), meanwhile).0;
        assert_eq!(refused.refusal(), (409, "outdated".to_owned()), "{kind}");
        let shown = office.look(&proposal).await;
        assert_eq!((&shown["status"], &shown["outdated"]), (&json!("proposed"), &json!(true)), "{kind}");
        let now = &office.connectors().await[0];
        assert_eq!((&now["status"], &now["scopes"]), (&json!("active"), &json!(["read", "write"])), "{kind}");
        while office.world.deliver_revocations().await.is_some() {}
        office.world.advance(600);
        office.world.remind_of_what_is_due().await;
        while office.world.deliver_revocations().await.is_some() {}
        assert!(office.world.provider.honours(&office.world.access_token(&connector, "alice").await), "{kind}");
    }
}

#[tokio::test]
async fn of_many_admins_who_confirm_a_deletion_or_a_change_at_once_one_does_it() {
    for (kind, change) in [("delete", json!({})), ("update", json!({"name": "Agenda"}))] {
        let office = Office::open().await;
        let connector = office.world.connector("Calendar").await;
        let proposal = office.proposed(&about(kind, &connector.id, &change)).await;
        let nothing = json!({});
        let answers: Vec<Answer> = join_all((0..8).map(|_| office.decide(&proposal, "confirm", &nothing))).await;
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{kind}");
        for other in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(other.refusal(), (409, "conflict".to_owned()), "{kind}: it is told that it was decided");
            assert!(other.json()["detail"].as_str().unwrap().contains("confirmed before"), "{other:?}");
        }
        assert_eq!(office.world.deeds("proposal.confirmed").await.len(), 1, "{kind}");
        assert_eq!(office.world.deeds("connector.").await.len(), 2, "{kind}: created, and that");
    }
}

/// It was confirmed in time, and was late when it came to be written.
#[tokio::test]
async fn a_confirmation_that_takes_until_the_proposal_is_over_does_nothing() {
    let office = Office::open().await;
    let proposal = office.proposed(&add("New", "id")).await;
    office.world.advance(24 * 3_600 - 1);
    let mut held = office.world.aws.hold("GetItem", "POLICY");
    let meanwhile = async {
        held.arrived().await;
        office.world.advance(2);
        held.release();
    };
    let secret = json!({"client_secret": "s"});
    let late = join!(office.decide(&proposal, "confirm", &secret), meanwhile).0;
    assert_eq!(late.refusal(), (409, "conflict".to_owned()));
    assert!(late.json()["detail"].as_str().unwrap().contains("older than a day"));
    assert!(office.connectors().await.is_empty());
}

#[tokio::test]
async fn what_is_switched_off_meanwhile_is_not_added_until_it_is_on_again() {
    let office = Office::open().await;
    let secret = json!({"client_secret": "s"});
    let proposal = office.proposed(&add("New", "id")).await;
    switch(&office, "per_user_connection_enabled", false).await;
    assert_eq!(office.decide(&proposal, "confirm", &secret).await.refusal(), (403, "blocked_by_policy".to_owned()));
    assert_eq!(office.propose(&add("Other", "id")).await.refusal(), (403, "blocked_by_policy".to_owned()));
    let shown = office.look(&proposal).await;
    assert_eq!(shown["status"], "proposed");
    assert_eq!(shown["changes"].as_array().unwrap().len(), 4, "a person still sees what it was about");
    switch(&office, "per_user_connection_enabled", true).await;
    office.decide(&proposal, "confirm", &secret).await.expect(200);
}

#[tokio::test]
async fn what_the_plan_has_no_room_for_is_not_added_until_it_has() {
    let office = Office::open().await;
    let world = &office.world;
    let secret = json!({"client_secret": "s"});
    let mut proposals = Vec::new();
    for name in ["One", "Two", "Three", "Four"] {
        proposals.push(office.proposed(&add(name, "id")).await);
    }
    world.give_plan(&world.workspace, &json!("three")).await.unwrap();
    let answers = join_all(proposals.iter().map(|proposal| office.decide(proposal, "confirm", &secret))).await;
    let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status != 200).collect();
    let [refused] = refused.as_slice() else { panic!("{refused:?}") };
    assert_eq!(refused.refusal(), (402, "plan_required".to_owned()));
    assert_eq!(refused.json()["plan"], json!({"name": "three", "limit": "connectors", "most": 3, "used": 3}));
    let last = proposals.iter().zip(&answers).find(|(_, answer)| answer.status != 200).unwrap().0;
    assert_eq!(office.look(last).await["status"], "proposed");
    assert_eq!(office.propose(&add("Five", "id")).await.refusal(), (402, "plan_required".to_owned()));
    let one = text(&office.connectors().await[0]["id"]);
    world.admin("DELETE", &format!("/connectors/{one}")).send().await.expect(202);
    office.decide(last, "confirm", &secret).await.expect(200);
}

#[tokio::test]
async fn more_than_fifty_never_wait_however_many_are_proposed_at_once() {
    let office = Office::open().await;
    let bodies: Vec<Value> = (0..70).map(|number| add(&format!("Number {number}"), "id")).collect();
    for body in &bodies[..45] {
        office.proposed(body).await;
    }
    let answers = join_all(bodies[45..].iter().map(|body| office.propose(body))).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 409)));
    let listed = office.assistant("GET", "/proposals").send().await.expect(200);
    let listed = listed["proposals"].as_array().unwrap();
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(listed.len() <= 50 && listed.len() == 45 + made, "{}", listed.len());
    while office.propose(&add(&format!("More {}", office.world.clock.now().as_second()), "id")).await.status == 201 {
        office.world.advance(1);
    }
    let first = office.assistant("GET", "/proposals").send().await.expect(200)["proposals"][0].clone();
    assert_eq!(office.propose(&add("One too many", "id")).await.refusal(), (409, "conflict".to_owned()));
    office.decide(&first, "decline", &json!({})).await.expect(200);
    office.proposed(&add("There is room", "id")).await;
}

/// The assistant's key was taken away: whoever did it trusts nothing that it asked for, and a colleague must not confirm it a
/// minute later. What others propose is not touched, and the place of what went with the key is free.
#[tokio::test]
async fn what_a_revoked_key_had_proposed_goes_with_it() {
    let office = Office::open().await;
    let proposal = office.proposed(&add("New", "id")).await;
    for number in 1..50 {
        office.proposed(&add(&format!("Flood {number}"), "id")).await;
    }
    assert_eq!(office.propose(&add("One too many", "id")).await.refusal(), (409, "conflict".to_owned()));
    let keys = office.world.admin("GET", "/keys").send().await.expect(200);
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["role"] == "builder").unwrap();
    let id = text(&key["key_id"]);
    office.world.admin("DELETE", &format!("/keys/{id}")).send().await.expect(204);
    office.world.advance(61);
    assert_eq!(office.propose(&add("Other", "id")).await.status, 401);
    assert_eq!(proposal["proposed_by"], format!("key:{id}"));
    let shown = async || {
        let path = format!("/proposals/{}", text(&proposal["proposal_id"]));
        office.world.admin("GET", &path).send().await.expect(200)
    };
    assert_eq!((&shown().await["status"], &shown().await["obstacle"]), (&json!("withdrawn"), &json!(null)));
    for (verb, body) in [("confirm", json!({"client_secret": "s"})), ("decline", json!({}))] {
        let refused = office.decide(&proposal, verb, &body).await;
        assert_eq!(refused.refusal(), (409, "conflict".to_owned()), "{verb}");
        assert!(refused.json()["detail"].as_str().unwrap().contains("revoked"), "{refused:?}");
    }
    let connectors = office.world.admin("GET", "/connectors").send().await.expect(200);
    assert_eq!(connectors["connectors"], json!([]));
    let own = office.world.admin("POST", "/proposals").json(&add("Mine", "id")).send().await.expect(201);
    office.decide(&own, "confirm", &json!({"client_secret": "s"})).await.expect(200);
}

#[tokio::test]
async fn a_proposal_says_what_would_keep_it_from_being_confirmed() {
    let office = Office::open().await;
    let connector = office.world.connector("Calendar").await;
    let new = office.proposed(&add("New", "id")).await;
    let change = office.proposed(&about("update", &connector.id, &json!({"name": "Agenda"}))).await;
    assert_eq!((&new["obstacle"], &change["obstacle"]), (&json!(null), &json!(null)));
    switch(&office, "per_user_connection_enabled", false).await;
    let off = office.look(&new).await["obstacle"].clone();
    assert_eq!((&off["code"], &off["pointer"]), (&json!("blocked_by_policy"), &json!(null)));
    switch(&office, "per_user_connection_enabled", true).await;
    assert_eq!(office.look(&new).await["obstacle"], json!(null));
    office.world.connector("New").await;
    let named_alike = office.look(&new).await;
    assert_eq!(
        (&named_alike["obstacle"]["code"], &named_alike["obstacle"]["pointer"]),
        (&json!("conflict"), &json!("/name"))
    );
    assert_eq!(
        named_alike["needs_client_secret"], true,
        "another name is enough, and the secret is asked for as before"
    );
    office.world.change(&connector, &json!({"scopes": ["read"]})).await;
    let overtaken = office.look(&change).await;
    assert_eq!((&overtaken["obstacle"]["code"], &overtaken["outdated"]), (&json!("outdated"), &json!(true)));
    office.world.admin("DELETE", &format!("/connectors/{}", connector.id)).send().await.expect(202);
    assert_eq!(office.look(&change).await["obstacle"]["code"], "NOT_FOUND");
    office.decide(&change, "decline", &json!({})).await.expect(200);
    assert_eq!(office.look(&change).await["obstacle"], json!(null), "what was decided has nothing in its way");
}

/// A person confirms what they read: nothing in it turns the direction of a line, or is there and not seen.
#[tokio::test]
async fn what_would_be_read_as_something_else_is_not_proposed() {
    let office = Office::open().await;
    for name in ["Calendar \u{202e}evil", "Calendar\u{200b}", "\u{2066}Calendar"] {
        let refused = office.propose(&add(name, "id")).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/connector/name", "{name:?}");
    }
    office.proposed(&add("مرحبا 👩‍💻", "id")).await;
}

#[tokio::test]
async fn who_may_only_look_decides_nothing() {
    let office = Office::open().await;
    let world = &office.world;
    let proposal = office.proposed(&add("New", "id")).await;
    let key = json!({"name": "reader", "role": "read"});
    let reader = text(&world.admin("POST", "/keys").json(&key).send().await.expect(201)["key"]);
    world.keep_secret(&reader);
    let path = format!("/proposals/{}", text(&proposal["proposal_id"]));
    let ask = |method: &str, rest: &str| {
        world.call(method, &world.workspace.path(&format!("{path}{rest}"))).bearer(&reader).json(&json!({})).send()
    };
    ask("GET", "").await.expect(200);
    for verb in ["/confirm", "/decline"] {
        assert_eq!(ask("POST", verb).await.refusal(), (403, "forbidden".to_owned()), "{verb}");
    }
    assert_eq!(office.look(&proposal).await["status"], "proposed");
}

#[tokio::test]
async fn an_id_that_is_in_use_is_not_proposed() {
    let office = Office::open().await;
    let connector = office.world.connector("Calendar").await;
    let mut taken = add("New", "id");
    taken["connector"]["id"] = json!(connector.id);
    assert_eq!(office.propose(&taken).await.refusal(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn a_deleted_workspace_takes_its_proposals_along() {
    let office = Office::open().await;
    let world = &office.world;
    office.proposed(&add("New", "id")).await;
    world.admin("DELETE", &format!("?confirm={}", world.workspace.id)).send().await.expect(202);
    crate::deletions::let_pass(world, 3).await;
    world.advance(crate::deletions::LINGER);
    while world.deliver_revocations().await.is_some() {}
    crate::deletions::let_pass(world, 3).await;
    let left = world.aws.items("TABLE_REGISTRY").await;
    let of_workspace = |item: &&crate::world::Item| item["pk"].as_s().unwrap().contains(&world.workspace.id);
    assert_eq!(left.iter().filter(of_workspace).count(), 0);
}
