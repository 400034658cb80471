//! An assistant proposes, a person confirms: once, while nothing has changed since, and with a secret that only the person
//! has ever seen.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::world::{Answer, Call, Connector, PROVIDER, World, text};

const HOUR: u64 = 3_600;

/// A workspace with an assistant that has a key of its own.
pub(crate) struct Office {
    pub(crate) world: World,
    assistant: String,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let world = World::new().await;
        let key = json!({"name": "assistant", "role": "builder"});
        let key = world.admin("POST", "/keys").json(&key).send().await.expect(201);
        let assistant = text(&key["key"]);
        assert!(assistant.starts_with("uck_build_"));
        world.keep_secret(&assistant);
        Self { world, assistant }
    }

    pub(crate) fn assistant(&self, method: &str, rest: &str) -> Call {
        self.world.call(method, &self.world.workspace.path(rest)).bearer(&self.assistant)
    }

    pub(crate) async fn propose(&self, body: &Value) -> Answer {
        self.assistant("POST", "/proposals").json(body).send().await
    }

    pub(crate) async fn proposed(&self, body: &Value) -> Value {
        self.propose(body).await.expect(201)
    }

    pub(crate) async fn decide(&self, proposal: &Value, verb: &str, body: &Value) -> Answer {
        let path = format!("/proposals/{}/{verb}", text(&proposal["proposal_id"]));
        self.world.admin("POST", &path).json(body).send().await
    }

    pub(crate) async fn look(&self, proposal: &Value) -> Value {
        let path = format!("/proposals/{}", text(&proposal["proposal_id"]));
        self.assistant("GET", &path).send().await.expect(200)
    }

    pub(crate) async fn connectors(&self) -> Vec<Value> {
        let listed = self.assistant("GET", "/connectors").send().await.expect(200);
        listed["connectors"].as_array().unwrap().clone()
    }
}

pub(crate) fn add(name: &str, client_id: &str) -> Value {
    let connector = json!({"integration_type": PROVIDER, "name": name, "client_id": client_id, "scopes": ["read"]});
    json!({"kind": "add", "connector": connector})
}

#[tokio::test]
async fn what_an_assistant_proposes_is_there_once_a_person_has_entered_the_secret() {
    let office = Office::open().await;
    let world = &office.world;
    world.provider.register_client("proposed-client", "secret-of-the-person");
    world.keep_secret("secret-of-the-person");
    let proposal = office.proposed(&add("Calendar", "proposed-client")).await;
    assert_eq!((&proposal["status"], &proposal["needs_client_secret"]), (&json!("proposed"), &json!(true)));
    let id = text(&proposal["proposal_id"]);
    let confirm_url = format!("https://connect.example/console/{}/proposals/{id}", world.workspace.id);
    assert_eq!(proposal["confirm_url"], confirm_url);
    assert!(office.connectors().await.is_empty(), "nothing comes of a proposal alone");
    let missing = office.decide(&proposal, "confirm", &json!({})).await.expect(422);
    assert_eq!(missing["errors"][0]["pointer"], "/client_secret");
    let secret = json!({"client_secret": "secret-of-the-person", "name": "Agenda"});
    let confirmed = office.decide(&proposal, "confirm", &secret).await.expect(200);
    assert_eq!((&confirmed["status"], &confirmed["result"]["name"]), (&json!("confirmed"), &json!("Agenda")));
    assert_eq!(confirmed["result"]["redirect_uri"], proposal["redirect_uri"], "what could be registered before");
    let connector = Connector {
        id: text(&confirmed["result"]["id"]),
        redirect_uri: text(&confirmed["result"]["redirect_uri"]),
        client_id: "proposed-client".to_owned(),
        client_secret: "secret-of-the-person".to_owned(),
    };
    world.connect(&connector, "alice").await;
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    let shown = office.look(&proposal).await.to_string();
    assert!(!shown.contains("secret-of-the-person") && !world.aws.dump().await.contains("secret-of-the-person"));
    let trail = world.admin("GET", "/audit").send().await.expect(200);
    let by = |deed: &str| {
        let event = trail["events"].as_array().unwrap().iter().find(|event| event["action"] == deed).unwrap();
        (text(&event["actor"]), event["details"].clone())
    };
    let (proposer, _) = by("proposal.created");
    let (person, details) = by("proposal.confirmed");
    assert_ne!(proposer, person);
    assert_eq!(details["proposed_by"], proposer);
    assert_eq!(by("connector.created").0, person, "a person has added it");
}

#[tokio::test]
async fn of_ten_who_confirm_and_ten_who_decline_at_once_one_decides() {
    let office = Office::open().await;
    let proposal = office.proposed(&add("Calendar", "id")).await;
    let secret = json!({"client_secret": "s"});
    let nothing = json!({});
    let confirm = (0..10).map(|_| office.decide(&proposal, "confirm", &secret));
    let decline = (0..10).map(|_| office.decide(&proposal, "decline", &nothing));
    let (confirmed, declined) = futures::join!(join_all(confirm), join_all(decline));
    let done = |answers: &[Answer]| answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done(&confirmed) + done(&declined), 1);
    assert!(confirmed.iter().chain(&declined).all(|answer| matches!(answer.status, 200 | 409)));
    assert_eq!(office.connectors().await.len(), done(&confirmed), "and only that was done");
    assert_eq!(office.decide(&proposal, "confirm", &secret).await.refusal(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn a_proposal_about_a_connector_that_has_changed_since_is_refused() {
    let office = Office::open().await;
    let connector = office.world.connector("Calendar").await;
    let about = |kind: &str, change: Value| json!({"kind": kind, "connector_id": connector.id, "connector": change});
    let update = office.proposed(&about("update", json!({"scopes": ["read"]}))).await;
    let delete = office.proposed(&about("delete", json!({}))).await;
    office.world.change(&connector, &json!({"name": "Agenda"})).await;
    for proposal in [&update, &delete] {
        assert_eq!(office.look(proposal).await["outdated"], true);
        assert_eq!(office.decide(proposal, "confirm", &json!({})).await.refusal(), (409, "outdated".to_owned()));
        office.decide(proposal, "decline", &json!({})).await.expect(200);
    }
    let now = &office.connectors().await[0];
    assert_eq!((&now["name"], &now["scopes"]), (&json!("Agenda"), &json!(["read", "write"])));
}

#[tokio::test]
async fn a_proposal_that_nobody_decides_within_a_day_is_over() {
    let office = Office::open().await;
    let proposal = office.proposed(&add("Calendar", "id")).await;
    office.world.advance(24 * HOUR - 1);
    assert_eq!(office.look(&proposal).await["status"], "proposed");
    office.world.advance(1);
    assert_eq!(office.look(&proposal).await["status"], "expired");
    for (verb, body) in [("confirm", json!({"client_secret": "s"})), ("decline", json!({}))] {
        assert_eq!(office.decide(&proposal, verb, &body).await.refusal(), (409, "conflict".to_owned()), "{verb}");
    }
    assert!(office.connectors().await.is_empty());
    office.world.advance(8 * 24 * HOUR);
    office.proposed(&add("Another", "id")).await;
    let listed = office.assistant("GET", "/proposals").send().await.expect(200);
    assert_eq!(listed["proposals"].as_array().unwrap().len(), 1, "what is long over is gone");
}

#[tokio::test]
async fn a_person_reads_what_would_change_and_whom_it_concerns() {
    let office = Office::open().await;
    let world = &office.world;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob"] {
        world.connect(&connector, user).await;
    }
    let about = |kind: &str, change: Value| json!({"kind": kind, "connector_id": connector.id, "connector": change});
    let more = json!({"scopes": ["read", "write", "admin"], "name": "Calendar"});
    let update = office.proposed(&about("update", more)).await;
    let change = json!({"field": "scopes", "from": ["read", "write"], "to": ["read", "write", "admin"]});
    assert_eq!(update["changes"], json!([change]), "what stays as it is does not change");
    assert_eq!(update["people"], json!({"number": 2, "more": false}));
    let fewer = office.proposed(&about("update", json!({"scopes": ["read"]}))).await;
    assert_eq!(fewer["people"]["number"], 0);
    let delete = office.proposed(&about("delete", json!({}))).await;
    assert_eq!((&delete["people"]["number"], &delete["name"]), (&json!(2), &json!("Calendar")));
    office.decide(&update, "confirm", &json!({})).await.expect(200);
    assert_eq!(world.view(&connector, "alice").await["reason"], "scopes_changed");
    let again = office.proposed(&about("delete", json!({}))).await;
    assert_eq!(office.decide(&again, "confirm", &json!({})).await.expect(200)["result"], Value::Null);
    assert_eq!(world.token(&connector, "alice").await.status, 404);
    assert_eq!(office.look(&again).await["status"], "confirmed");
}

#[tokio::test]
async fn what_could_not_be_done_is_not_proposed_and_every_mistake_is_named() {
    let office = Office::open().await;
    let connector = office.world.connector("Calendar").await;
    let odd = json!({
        "integration_type": PROVIDER, "name": "", "client_secret": "must-not-travel", "scopes": ["\""], "kind": "odd",
    });
    let refused = office.propose(&json!({"kind": "add", "connector": odd})).await;
    assert!(!refused.text.contains("must-not-travel"));
    let mut pointers: Vec<String> =
        refused.expect(422)["errors"].as_array().unwrap().iter().map(|error| text(&error["pointer"])).collect();
    pointers.sort();
    let expected =
        ["client_id", "client_secret", "kind", "name", "scopes/0"].map(|field| format!("/connector/{field}"));
    assert_eq!(pointers, expected);
    let update = |change: Value| json!({"kind": "update", "connector_id": connector.id, "connector": change});
    let unknown = json!({"kind": "delete", "connector_id": "con_01ARZ3NDEKTSV4RRFFQ69G5FAV"});
    for (body, status) in [
        (json!({}), 422),
        (json!({"kind": "delete"}), 422),
        (update(json!({})), 422),
        (update(json!({"name": "Calendar"})), 422),
        (update(json!({"rotate_key": true})), 422),
        (add("calendar", "id"), 409),
        (unknown, 404),
    ] {
        assert_eq!(office.propose(&body).await.status, status, "{body}");
    }
    let listed = office.assistant("GET", "/proposals").send().await.expect(200);
    assert_eq!(listed["proposals"], json!([]));
}

#[tokio::test]
async fn a_confirmation_that_fails_leaves_the_proposal_as_it_was() {
    let office = Office::open().await;
    let proposal = office.proposed(&add("Calendar", "id")).await;
    office.world.connector("Calendar").await;
    let secret = json!({"client_secret": "s"});
    assert_eq!(office.decide(&proposal, "confirm", &secret).await.refusal(), (409, "conflict".to_owned()));
    assert_eq!(office.look(&proposal).await["status"], "proposed");
    let renamed = json!({"client_secret": "s", "name": "Another"});
    office.decide(&proposal, "confirm", &renamed).await.expect(200);
    let swapped = office.proposed(&add("Third", "id")).await;
    let other = json!({"client_secret": "s", "client_id": "evil"});
    office.decide(&swapped, "confirm", &other).await.expect(422);
}

#[tokio::test]
async fn an_assistants_key_looks_at_connectors_and_proposes_and_opens_nothing_else() {
    let office = Office::open().await;
    let connector = office.world.connector("Calendar").await;
    let proposal = office.proposed(&add("Another", "id")).await;
    let id = text(&proposal["proposal_id"]);
    let open = ["/connectors", "/providers", "/proposals"];
    for path in open {
        office.assistant("GET", path).send().await.expect(200);
    }
    office.assistant("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    for (method, rest) in [
        ("GET", String::new()),
        ("GET", "/apps".to_owned()),
        ("GET", "/keys".to_owned()),
        ("GET", "/audit".to_owned()),
        ("GET", "/encryption-keys".to_owned()),
        ("GET", "/connector-governance".to_owned()),
        ("GET", format!("/connectors/{}/connections", connector.id)),
        ("POST", "/connectors".to_owned()),
        ("PUT", format!("/connectors/{}", connector.id)),
        ("DELETE", format!("/connectors/{}", connector.id)),
        ("POST", "/keys".to_owned()),
        ("POST", format!("/proposals/{id}/confirm")),
        ("POST", format!("/proposals/{id}/decline")),
    ] {
        let refused = office.assistant(method, &rest).json(&json!({})).send().await;
        assert_eq!(refused.refusal(), (403, "forbidden".to_owned()), "{method} {rest}");
    }
    let uris = office.world.app.path("/oauth-redirect-uris");
    assert_eq!(office.world.call("GET", &uris).bearer(&office.assistant).send().await.status, 404);
    let other = office.world.found("Second").await;
    let elsewhere = office.world.call("GET", &other.path("/connectors")).bearer(&office.assistant);
    assert_eq!(elsewhere.send().await.status, 404);
    let own = other.admin(&office.world, "GET", &format!("/proposals/{id}")).send().await;
    assert_eq!(own.status, 404, "a proposal is another workspace's secret");
}
