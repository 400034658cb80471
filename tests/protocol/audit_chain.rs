//! The audit trail as a chain: what is missing, changed or moved shows, whoever did it.

use aws_sdk_dynamodb::types::AttributeValue;
use connectors::{
    config::Config,
    domain::{audit::Actor, ids::WorkspaceId},
    services::Services,
};
use futures::future::join_all;
use serde_json::Value;

use crate::world::{Item, World};

/// A world with some events, and the items of its trail in the order in which they happened.
async fn told() -> (World, Vec<Item>) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for user in ["alice", "bob", "carol"] {
        world.connect(&connector, user).await;
        world.advance(1);
    }
    world.disconnect(&connector, "bob").await.expect(200);
    let events = trail(&world).await;
    (world, events)
}

async fn trail(world: &World) -> Vec<Item> {
    let items = world.aws.items("TABLE_AUDIT").await;
    let mut events: Vec<Item> = items.into_iter().filter(|item| item.contains_key("event_id")).collect();
    events.sort_by_key(|item| item["sk"].as_s().unwrap().clone());
    events
}

async fn verified(world: &World) -> Value {
    world.admin("GET", "/audit/verify").send().await.expect(200)
}

/// The flaw that is told of, and of which event.
async fn flaw(world: &World) -> (String, Value) {
    let verified = verified(world).await;
    assert_eq!(verified["intact"], false, "{verified}");
    (verified["flaw"]["what"].as_str().unwrap().to_owned(), verified["flaw"]["event_id"].clone())
}

fn id(event: &Item) -> &str {
    event["event_id"].as_s().unwrap()
}

/// Two events of one lane that follow each other.
fn neighbours(events: &[Item]) -> (&Item, &Item) {
    let lane = |event: &Item| event["lane"].clone();
    let pair = |first: &'_ Item| events.iter().find(|next| lane(next) == lane(first) && id(next) > id(first)).cloned();
    let first = events.iter().find(|event| pair(event).is_some()).unwrap();
    let next = pair(first).unwrap();
    (first, events.iter().find(|event| id(event) == id(&next)).unwrap())
}

#[tokio::test]
async fn a_trail_that_nobody_touched_is_intact() {
    let (world, events) = told().await;
    let verified = verified(&world).await;
    assert_eq!((&verified["intact"], &verified["next_cursor"]), (&true.into(), &Value::Null), "{verified}");
    assert_eq!(verified["looked_at"], events.len());
    assert_eq!(world.deeds("connection.").await.len(), 4);
}

#[tokio::test]
async fn an_event_that_was_changed_is_named() {
    let (world, events) = told().await;
    let mut changed = events[3].clone();
    changed.insert("actor".to_owned(), AttributeValue::S("key:somebody-else".to_owned()));
    world.aws.put("TABLE_AUDIT", changed).await;
    assert_eq!(flaw(&world).await, ("altered".to_owned(), id(&events[3]).into()));
}

#[tokio::test]
async fn an_event_that_can_be_read_no_more_is_named_and_hides_no_other() {
    let (world, events) = told().await;
    let mut garbled = events[3].clone();
    garbled.insert("actor".to_owned(), AttributeValue::N("7".to_owned()));
    garbled.remove("seq");
    world.aws.put("TABLE_AUDIT", garbled).await;
    assert_eq!(flaw(&world).await, ("altered".to_owned(), id(&events[3]).into()));
    let shown = world.admin("GET", "/audit").send().await.expect(200);
    assert_eq!(shown["events"].as_array().unwrap().len(), events.len() - 1);
}

#[tokio::test]
async fn an_event_that_was_removed_shows_at_the_next_of_its_lane_or_at_the_end() {
    let (world, events) = told().await;
    for gone in &events {
        world.aws.remove("TABLE_AUDIT", gone).await;
        let (what, shown_at) = flaw(&world).await;
        match what.as_str() {
            "missing" => assert!(shown_at.as_str().unwrap() > id(gone)),
            "cut_off" => assert_eq!(shown_at, Value::Null),
            other => panic!("{other}"),
        }
        world.aws.put("TABLE_AUDIT", gone.clone()).await;
    }
    assert_eq!(verified(&world).await["intact"], true);
}

#[tokio::test]
async fn events_that_change_places_show() {
    let (world, mut events) = told().await;
    // With so many in eight lanes, two of them share one.
    while events.len() < 9 {
        world.connector(&format!("More {}", events.len())).await;
        events = trail(&world).await;
    }
    let (first, second) = neighbours(&events);
    for (event, other) in [(first, second), (second, first)] {
        let mut moved = event.clone();
        for name in ["pk", "sk", "event_id", "created_at"] {
            moved.insert(name.to_owned(), other[name].clone());
        }
        world.aws.put("TABLE_AUDIT", moved).await;
    }
    assert_eq!(flaw(&world).await.0, "altered");
}

#[tokio::test]
async fn an_event_that_was_slipped_in_without_a_place_shows() {
    let (world, events) = told().await;
    let mut slipped_in = events.last().unwrap().clone();
    let forged = format!("{}Z", &id(&slipped_in)[..25]);
    for name in ["lane", "seq", "chain_hash", "chain_previous"] {
        slipped_in.remove(name);
    }
    for name in ["sk", "event_id"] {
        slipped_in.insert(name.to_owned(), AttributeValue::S(forged.clone()));
    }
    world.aws.put("TABLE_AUDIT", slipped_in).await;
    assert_eq!(flaw(&world).await, ("unlinked".to_owned(), forged.into()));
}

/// Users of one workspace connect at the same moment.
#[tokio::test]
async fn fifty_events_of_the_same_moment_are_all_written() {
    let world = World::new().await;
    let before = trail(&world).await.len();
    let config = Config::read(|name| world.aws.environment.get(name).map(str::to_owned)).unwrap();
    let keys = Services::with_clock(&config, world.clock.clone()).unwrap().manage_keys();
    let workspace = WorkspaceId::parse(&world.workspace.id).unwrap();
    let made = (0..50).map(|number| {
        let (keys, workspace) = (keys.clone(), workspace.clone());
        async move {
            use connectors::{
                domain::api_key::{Holder, WorkspaceRole},
                journeys::manage::KeyDraft,
            };
            let holder = Holder::Workspace { workspace, role: WorkspaceRole::Reader };
            keys.create(KeyDraft { name: format!("key {number}"), holder }, Actor::System).await.unwrap();
        }
    });
    join_all(made).await;
    assert_eq!(trail(&world).await.len(), before + 50);
    assert_eq!(verified(&world).await["intact"], true);
}

#[tokio::test]
async fn a_long_trail_is_followed_a_piece_at_a_time_and_from_any_day() {
    let (world, _) = told().await;
    world.advance(90 * 24 * 3_600);
    world.connector("Later").await;
    let mut looked_at = 0;
    let mut path = "/audit/verify".to_owned();
    let pages = loop {
        let page = world.admin("GET", &path).send().await.expect(200);
        assert_eq!(page["intact"], true, "{page}");
        looked_at += page["looked_at"].as_u64().unwrap();
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/audit/verify?cursor={cursor}"),
            None => break looked_at,
        }
    };
    assert_eq!(usize::try_from(pages).unwrap(), trail(&world).await.len());
    let late = world.admin("GET", "/audit/verify?since=2027-02-01T00:00:00Z").send().await.expect(200);
    assert_eq!((&late["intact"], &late["looked_at"]), (&true.into(), &1.into()), "{late}");
}

/// All that the trail's table holds of events and heads.
async fn whole_trail(world: &World) -> Vec<Item> {
    let is_trail = |item: &Item| ["AUDIT#", "CHAIN#"].iter().any(|start| item["pk"].as_s().unwrap().starts_with(start));
    world.aws.items("TABLE_AUDIT").await.into_iter().filter(is_trail).collect()
}

fn lane(item: &Item) -> String {
    match item.get("lane") {
        Some(lane) => lane.as_n().unwrap().clone(),
        None => item["sk"].as_s().unwrap().clone(),
    }
}

#[tokio::test]
async fn a_lane_that_is_gone_as_a_whole_shows_with_its_head_and_without() {
    let (world, events) = told().await;
    let gone = lane(&events[2]);
    let items: Vec<Item> = whole_trail(&world).await.into_iter().filter(|item| lane(item) == gone).collect();
    for item in &items {
        world.aws.remove("TABLE_AUDIT", item).await;
    }
    assert_eq!(flaw(&world).await, ("cut_off".to_owned(), Value::Null));
    // Nor does it begin anew: what is written there later stands behind a gap.
    for number in 0..24 {
        world.connector(&format!("Later {number}")).await;
    }
    let (what, _) = flaw(&world).await;
    assert!(["missing", "cut_off"].contains(&what.as_str()), "{what}");
}

#[tokio::test]
async fn a_trail_that_is_gone_as_a_whole_shows() {
    let (world, _) = told().await;
    for item in whole_trail(&world).await {
        world.aws.remove("TABLE_AUDIT", &item).await;
    }
    assert_eq!(flaw(&world).await, ("cut_off".to_owned(), Value::Null));
    world.connector("Later").await;
    assert_eq!(verified(&world).await["intact"], false);
}

/// Everything that it takes is known but the key.
#[tokio::test]
async fn an_end_that_was_cut_off_with_care_shows() {
    let (world, events) = told().await;
    let (first, second) = neighbours(&events);
    let last = events.iter().rfind(|event| lane(event) == lane(first)).unwrap();
    let before = events.iter().rfind(|event| lane(event) == lane(first) && id(event) < id(last)).unwrap_or(second);
    let head = whole_trail(&world).await.into_iter();
    let mut head =
        head.filter(|item| item["pk"].as_s().unwrap().starts_with("CHAIN#")).find(|item| lane(item) == lane(first));
    let head = head.as_mut().unwrap();
    for name in ["seq", "chain_hash", "created_at"] {
        head.insert(name.to_owned(), before[name].clone());
    }
    world.aws.remove("TABLE_AUDIT", last).await;
    world.aws.put("TABLE_AUDIT", head.clone()).await;
    assert_eq!(flaw(&world).await, ("altered".to_owned(), Value::Null));
    // Whatever is written afterwards does not heal it.
    for number in 0..24 {
        world.connector(&format!("Later {number}")).await;
    }
    assert_eq!(verified(&world).await["intact"], false);
}

#[tokio::test]
async fn a_trail_without_its_key_is_not_called_intact() {
    let (world, _) = told().await;
    let items = world.aws.items("TABLE_REGISTRY").await;
    let key = items.into_iter().find(|item| item["sk"].as_s().unwrap() == "AUDITKEY").unwrap();
    world.aws.remove("TABLE_REGISTRY", &key).await;
    assert_eq!(flaw(&world).await, ("key_gone".to_owned(), Value::Null));
}

#[tokio::test]
async fn what_is_kept_no_longer_is_not_missed_and_what_is_to_be_kept_is() {
    let (world, early) = told().await;
    world.advance(200 * 24 * 3_600);
    for number in 0..12 {
        world.connector(&format!("Later {number}")).await;
    }
    let late = trail(&world).await.len() - early.len();
    world.advance(201 * 24 * 3_600);
    for event in &early {
        world.aws.remove("TABLE_AUDIT", event).await;
    }
    assert_eq!(all_intact(&world, "").await, Ok(late));
    let second = &trail(&world).await[0];
    let follows = trail(&world).await.into_iter().filter(|event| lane(event) == lane(second)).count() > 1;
    world.aws.remove("TABLE_AUDIT", second).await;
    let expected = if follows { "missing" } else { "cut_off" };
    assert_eq!(all_intact(&world, "").await, Err(expected.to_owned()));
}

#[tokio::test]
async fn what_is_missing_since_a_day_shows_to_who_looks_from_that_day() {
    let (world, _) = told().await;
    world.advance(3 * 24 * 3_600);
    let since = world.clock.now();
    let before = trail(&world).await.len();
    world.connector("Later").await;
    let later = trail(&world).await;
    assert_eq!(later.len(), before + 1);
    assert_eq!(all_intact(&world, &format!("since={since}")).await, Ok(1));
    world.aws.remove("TABLE_AUDIT", later.last().unwrap()).await;
    assert_eq!(all_intact(&world, &format!("since={since}")).await, Err("cut_off".to_owned()));
}

#[tokio::test]
async fn who_keeps_the_witness_finds_out_that_everything_was_put_back() {
    let (world, _) = told().await;
    let earlier = whole_trail(&world).await;
    world.connector("Later").await;
    let witness = verified(&world).await["witness"].as_str().unwrap().to_owned();
    for item in whole_trail(&world).await {
        world.aws.remove("TABLE_AUDIT", &item).await;
    }
    for item in earlier {
        world.aws.put("TABLE_AUDIT", item).await;
    }
    assert_eq!(verified(&world).await["intact"], true, "nothing in the table tells");
    assert_eq!(all_intact(&world, &format!("witness={witness}")).await, Err("cut_off".to_owned()));
    world.connector("Another").await;
    world.connector("And another").await;
    assert!(all_intact(&world, &format!("witness={witness}")).await.is_err(), "another in its place is another");
    assert_eq!(world.admin("GET", "/audit/verify?witness=x").send().await.status, 422);
}

#[tokio::test]
async fn a_trail_stays_intact_when_its_key_is_sealed_anew() {
    let (world, _) = told().await;
    world.admin("POST", "/encryption-keys").json(&serde_json::json!({})).send().await.expect(202);
    let key = async || {
        let items = world.aws.items("TABLE_REGISTRY").await;
        items.into_iter().find(|item| item["sk"].as_s().unwrap() == "AUDITKEY").unwrap()["audit_key"].clone()
    };
    let before = key().await;
    for _ in 0..12 {
        world.deliver_all_refreshes().await;
        world.advance(120);
    }
    assert_ne!(key().await, before);
    world.connector("Later").await;
    assert_eq!(verified(&world).await["intact"], true);
}

/// Follows the whole trail: how many events there were, or what is wrong.
async fn all_intact(world: &World, query: &str) -> Result<usize, String> {
    let (mut looked_at, mut cursor) = (0, String::new());
    loop {
        let page = world.admin("GET", &format!("/audit/verify?{query}{cursor}")).send().await.expect(200);
        looked_at += usize::try_from(page["looked_at"].as_u64().unwrap()).unwrap();
        if page["intact"] != true {
            return Err(page["flaw"]["what"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            None => return Ok(looked_at),
            Some(next) => cursor = format!("&cursor={next}"),
        }
    }
}
