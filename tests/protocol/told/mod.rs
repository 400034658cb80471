//! Every way in which a connection or a connector comes to stand otherwise, and what others are told of it: on the bus and by
//! webhooks, once, with whose it is and why; also where everybody who was to tell of it has died.

mod happenings;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    webhooks::Receiver,
    world::{Connector, World, text},
};

/// What happens to a connector through which alice has connected, and what is told of it: kinds and reasons.
type Row = (&'static str, &'static [(&'static str, &'static str)]);

const TABLE: [Row; 33] = [
    ("a user connects", &[("connection.created", "")]),
    ("a user connects again", &[("connection.reconnected", "")]),
    ("a user comes back with another account", &[]),
    ("a user finishes elsewhere", &[("connection.created", "")]),
    ("a user declines", &[]),
    ("a grant is imported", &[("connection.created", "imported")]),
    ("a grant is imported over another", &[("connection.reconnected", "imported")]),
    ("an import is tried out", &[]),
    ("a user disconnects", &[("connection.disconnected", "")]),
    ("an admin disconnects a user", &[("connection.disconnected", "")]),
    ("a user is forgotten", &[("connection.disconnected", "")]),
    ("many are ended at once", &[("connection.disconnected", "")]),
    ("the app is deleted", &[("connection.disconnected", "")]),
    ("a token is refreshed", &[]),
    ("a refresh fails for now", &[]),
    (
        "the provider takes a grant back, and a token is asked for",
        &[("connection.reconnect_required", "refresh_rejected")],
    ),
    (
        "the provider takes a grant back, and the schedule finds it",
        &[("connection.reconnect_required", "refresh_rejected")],
    ),
    ("the provider narrows a grant", &[("connection.scopes_changed", "")]),
    (
        "the provider refuses to end a grant",
        &[("connection.disconnected", ""), ("connection.revocation_failed", "refused")],
    ),
    (
        "the provider ends a grant at no time",
        &[("connection.disconnected", ""), ("connection.revocation_failed", "given_up")],
    ),
    ("the provider refuses the client, twice", &[("connector.misconfigured", "")]),
    (
        "the provider refuses the client, and the next one",
        &[("connector.changed", ""), ("connector.misconfigured", ""), ("connector.misconfigured", "")],
    ),
    ("a connector is made", &[("connector.created", "")]),
    ("a connector is proposed, and confirmed", &[("connector.created", "")]),
    ("a connector is renamed", &[("connector.changed", "")]),
    ("a connector asks for more", &[("connector.changed", "")]),
    ("a connector is deleted", &[("connection.disconnected", ""), ("connector.deleted", "")]),
    ("a connector is deleted, and nothing revoked", &[("connection.disconnected", ""), ("connector.deleted", "")]),
    (
        "a shared account is connected and disconnected",
        &[("connection.created", ""), ("connection.disconnected", ""), ("connector.created", "")],
    ),
    ("the type is switched off and on", &[]),
    ("everything is sealed anew", &[]),
    ("a change is foreseen", &[]),
    ("the workspace is deleted", &[("connector.deleted", "")]),
];

/// A world in which all that was told before is over and done with.
struct Stage {
    world: World,
    connector: Connector,
    connection: String,
    receiver: Receiver,
    before: BTreeSet<String>,
}

impl Stage {
    async fn set() -> Self {
        let (world, receiver) = (World::new().await, Receiver::start().await);
        let made = world.admin("POST", "/webhooks").json(&json!({"url": receiver.url})).send().await.expect(201);
        world.keep_secret(&text(&made["secret"]));
        let connector = world.connector("Calendar").await;
        let connection = world.connect(&connector, "alice").await;
        world.access_token(&connector, "alice").await;
        world.deliver_events().await;
        world.advance(60);
        receiver.take();
        let before = world.aws.bus.events().into_iter().map(|event| text(&event.detail["id"])).collect();
        Self { world, connector, connection, receiver, before }
    }

    /// What was put on the bus since, in the order of kinds.
    fn told(&self) -> Vec<Value> {
        let events = self.world.aws.bus.events().into_iter();
        let mut news: Vec<Value> = events
            .inspect(|event| {
                let expected = ("connectors", event.detail["type"].clone());
                assert_eq!((event.source.as_str(), json!(event.detail_type)), expected);
            })
            .map(|event| event.detail)
            .filter(|event| !self.before.contains(event["id"].as_str().unwrap()))
            .collect();
        news.sort_by_key(|event| event["type"].to_string());
        news
    }

    /// That everything that is told says what it is about, and in the same words to everybody.
    fn assert_in_form(&self, what: &str, told: &[Value]) {
        let ids: BTreeSet<String> = told.iter().map(|event| text(&event["id"])).collect();
        assert_eq!(ids.len(), told.len(), "{what}: each has an id of its own");
        let secrets = self.world.secrets();
        for event in told {
            let kind = text(&event["type"]);
            let name = |field: &str| event[field].as_str().map(str::to_owned);
            assert_eq!((name("version").as_deref(), name("time")), (Some("1"), name("timestamp")), "{what}");
            assert_eq!(name("workspace").as_ref(), Some(&self.world.workspace.id), "{what}");
            assert!(name("connector_id").is_some(), "{what}");
            assert_eq!(name("connection_id").is_some(), kind.starts_with("connection."), "{what}");
            assert!(event.to_string().len() < 2_000, "{what}");
            assert!(secrets.iter().all(|secret| !event.to_string().contains(secret)), "{what}");
        }
        if what != "the workspace is deleted" {
            let received: BTreeSet<String> = self.receiver.take().into_iter().map(|request| request.body).collect();
            let bodies = received.iter().map(|body| serde_json::from_str::<Value>(body).unwrap());
            let bodies: BTreeSet<String> = bodies.map(|body| body.to_string()).collect();
            assert_eq!(bodies, told.iter().map(Value::to_string).collect(), "{what}: to webhooks");
        }
    }
}

/// What is told otherwise than it should be.
async fn amiss((what, expected): Row, everybody_dies: bool) -> Option<String> {
    let stage = Stage::set().await;
    let world = &stage.world;
    if everybody_dies {
        // Nobody who makes a change gets to note it.
        for _ in 0..30 {
            world.aws.refuse("GetItem", "AUDITKEY", 0);
        }
    }
    stage.happens(what).await;
    if everybody_dies {
        world.aws.refuse_nothing();
        world.lose_events();
    }
    for _ in 0..3 {
        world.deliver_events().await;
        world.advance(61);
        world.fire_schedule().await;
        world.deliver_events().await;
    }
    let told = stage.told();
    let kinds =
        told.iter().map(|event| (event["type"].as_str().unwrap(), event["reason"].as_str().unwrap_or_default()));
    let kinds = kinds.collect::<Vec<_>>();
    stage.assert_in_form(what, &told);
    (kinds != expected).then(|| format!("{what}: {kinds:?}"))
}

#[tokio::test]
async fn every_change_is_told_once_to_everybody_with_whose_it_is_and_why() {
    let mut wrong = Vec::new();
    for row in TABLE {
        wrong.extend(amiss(row, false).await);
    }
    assert_eq!(wrong, [""; 0]);
}

#[tokio::test]
async fn every_change_is_told_once_though_everybody_who_was_to_tell_has_died() {
    let mut wrong = Vec::new();
    for row in TABLE.into_iter().filter(|(_, told)| !told.is_empty()) {
        wrong.extend(amiss(row, true).await);
    }
    assert_eq!(wrong, [""; 0]);
}
