//! A provider that fails for everybody, a client that it does not accept, a pace that it likes: matters of the connector,
//! and of nobody's connection.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use crate::world::{Connector, Item, Step, World};

const HOUR: u64 = 3_600;

/// A world in which this many users were connected, and their access tokens have just ended.
async fn expired(users: usize) -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for number in 0..users {
        world.connect(&connector, &format!("user-{number}")).await;
    }
    world.advance(HOUR);
    (world, connector)
}

fn unavailable() -> (u16, String) {
    (503, "refresh_unavailable".to_owned())
}

#[tokio::test]
async fn a_provider_that_fails_for_everybody_is_left_alone_and_one_finds_out_when_it_is_back() {
    let (world, connector) = expired(12).await;
    let read = async |number: usize| world.token(&connector, &format!("user-{number}")).await;
    world.provider.fail_with(500, &[], "");
    for number in 0..8 {
        assert_eq!(read(number).await.refusal(), unavailable());
    }
    assert_eq!(world.provider.refreshes().len(), 8);
    for number in 8..12 {
        let refused = read(number).await;
        assert_eq!(refused.refusal(), unavailable());
        assert!((5..=8).contains(&refused.header("retry-after").unwrap().parse().unwrap()));
        // Nothing was tried with it, and nothing of it is in question.
        assert_eq!(world.view(&connector, &format!("user-{number}")).await["status"], "active");
    }
    assert_eq!(world.provider.refreshes().len(), 8);
    world.advance(8);
    // Still down: one is enough to know.
    assert_eq!(read(8).await.refusal(), unavailable());
    assert_eq!(read(9).await.refusal(), unavailable());
    assert_eq!(world.provider.refreshes().len(), 9);
    world.provider.heal();
    world.advance(16);
    for number in 0..12 {
        read(number).await.expect(200);
    }
    assert_eq!(world.provider.refreshes().len(), 21);
}

#[tokio::test]
async fn a_few_who_fail_do_not_hold_up_the_others() {
    let (world, connector) = expired(10).await;
    for number in 0..7 {
        world.provider.next(Step::answer(500, &[], ""));
        assert_eq!(world.token(&connector, &format!("user-{number}")).await.refusal(), unavailable());
    }
    // The same one failing over and over is one.
    for _ in 0..5 {
        world.advance(60);
        world.provider.next(Step::answer(500, &[], ""));
        assert_eq!(world.token(&connector, "user-0").await.refusal(), unavailable());
    }
    for number in 7..10 {
        world.token(&connector, &format!("user-{number}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_client_that_is_not_accepted_is_noted_once_on_the_connector_and_on_no_connection() {
    let (world, connector) = expired(6).await;
    world.change(&connector, &json!({"client_secret": "wrong"})).await;
    for number in 0..6 {
        let user = format!("user-{number}");
        let refused = world.token(&connector, &user).await;
        assert_eq!(refused.refusal(), (502, "connector_misconfigured".to_owned()));
        assert_eq!(refused.json()["upstream"], json!({"error": "invalid_client", "status": 401}));
        assert_eq!(world.view(&connector, &user).await["status"], "active");
    }
    assert_eq!(world.provider.refreshes().len(), 1);
    let shown = world.admin("GET", &format!("/connectors/{}", connector.id)).send().await.expect(200);
    assert_eq!(shown["health"]["status"], "misconfigured");
    assert_eq!(shown["health"]["error"], "invalid_client");
    // The right secret heals all at once: nobody waits for anything.
    let healed = world.change(&connector, &json!({"client_secret": connector.client_secret})).await;
    assert_eq!(healed["health"]["status"], "ok");
    for number in 0..6 {
        world.token(&connector, &format!("user-{number}")).await.expect(200);
    }
}

/// The schedule asks no faster than the provider's data says, leaves the rest where it is, and readers go first.
#[tokio::test]
async fn refreshes_ahead_of_time_keep_the_pace_of_their_provider() {
    let world = World::new().await;
    let connector = world.connector_that_refreshes("slow", &json!({"per_second": 2})).await;
    for number in 0..20 {
        world.connect(&connector, &format!("user-{number}")).await;
    }
    world.advance(HOUR - 360);
    assert_eq!(world.fire_schedule().await, json!({"due": 20}));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    // Two seconds of pause are made up for, and moments are drawn for two seconds ahead.
    let first = world.provider.refreshes().len();
    assert!((8..=10).contains(&first), "{first}");
    world.token_with(&connector, "user-19", "?min_ttl=3000").await.expect(200);
    world.advance(60);
    assert_eq!(world.fire_schedule().await["due"], 20 - world.provider.refreshes().len());
}

/// A world whose provider rested after eight failures, and is back; of the users beside them, one was given no refresh
/// token, and the tokens of one do not open.
async fn rested() -> (World, Connector) {
    let (world, connector) = {
        let world = World::new().await;
        let connector = world.connector("Calendar").await;
        for number in 0..9 {
            world.connect(&connector, &format!("user-{number}")).await;
        }
        world.connect(&connector, "tampered").await;
        world.provider.next(Step::Without(&["refresh_token"]));
        world.connect(&connector, "bare").await;
        (world, connector)
    };
    let row = async |user: &str| {
        let of_user = |item: &Item| item.get("subject").is_some_and(|subject| subject.as_s().unwrap() == user);
        world.aws.items("TABLE_CONNECTIONS").await.into_iter().find(of_user).unwrap()
    };
    world.aws.overwrite("refresh_token", &row("user-8").await, &row("tampered").await).await;
    world.advance(HOUR);
    world.provider.fail_with(500, &[], "");
    for number in 0..8 {
        assert_eq!(world.token(&connector, &format!("user-{number}")).await.refusal(), unavailable());
    }
    (world, connector)
}

/// Who cannot be refreshed at all hears so, and is not the one that finds out for everybody whether the provider is back.
#[tokio::test]
async fn whoever_can_not_be_refreshed_does_not_keep_a_resting_provider_from_being_asked() {
    let (world, connector) = rested().await;
    let ended = (404, "reconnect_required".to_owned());
    assert_eq!(world.token(&connector, "bare").await.refusal(), ended);
    world.provider.heal();
    for hopeless in ["bare", "tampered"] {
        world.advance(8);
        assert_eq!(world.token(&connector, hopeless).await.refusal(), ended, "{hopeless}");
    }
    world.token(&connector, "user-0").await.expect(200);
}

/// The provider rests for everybody, and the one who is to find out that it is back dies: another does.
#[tokio::test]
async fn a_try_that_never_came_back_is_followed_by_another() {
    let (world, connector) = rested().await;
    world.advance(8);
    world.provider.heal();
    world.aws.refuse("UpdateItem", "leased_until", 0);
    assert_eq!(world.token(&connector, "user-0").await.status, 500);
    world.advance(20);
    world.token(&connector, "user-1").await.expect(200);
    world.token(&connector, "user-2").await.expect(200);
}

/// A clock that went wrong once must not keep a connector's refreshes waiting until it is right.
#[tokio::test]
async fn a_pace_that_was_drawn_by_a_clock_that_is_ahead_is_let_go_of() {
    let (world, connector) = due_at_a_pace().await;
    let ahead = world.clock.now().as_millisecond() + 6 * 3_600_000;
    let pace = [
        ("pk", AttributeValue::S(format!("CONNECTOR#{}", connector.id))),
        ("sk", AttributeValue::S("PACE".to_owned())),
        ("v", AttributeValue::N("1".to_owned())),
        ("next_at", AttributeValue::N(ahead.to_string())),
    ];
    let pace = pace.map(|(name, value)| (name.to_owned(), value));
    world.aws.put("TABLE_CONNECTIONS", pace.into()).await;
    assert_eq!(world.fire_schedule().await, json!({"due": 5}));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 5);
}

async fn due_at_a_pace() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    for number in 0..5 {
        world.connect(&connector, &format!("user-{number}")).await;
    }
    world.advance(HOUR - 360);
    (world, connector)
}

/// A client secret that does not open is the connector's matter, like one that the provider refuses.
#[tokio::test]
async fn a_client_secret_that_does_not_open_is_held_against_no_connection() {
    let (world, connector) = due_at_a_pace().await;
    let other = world.connector("Another").await;
    let registry = world.aws.items("TABLE_REGISTRY").await;
    let item =
        |id: &str| registry.iter().find(|item| item["sk"].as_s().unwrap() == &format!("CONNECTOR#{id}")).unwrap();
    let mut swapped = item(&connector.id).clone();
    swapped.insert("client_secret".to_owned(), item(&other.id)["client_secret"].clone());
    world.aws.put("TABLE_REGISTRY", swapped).await;
    world.fire_schedule().await;
    world.deliver_all_refreshes().await;
    world.advance(360);
    assert_eq!(world.token(&connector, "user-0").await.refusal(), (502, "connector_misconfigured".to_owned()));
    for number in 0..5 {
        assert_eq!(world.view(&connector, &format!("user-{number}")).await["status"], "active", "user-{number}");
    }
    world.change(&connector, &json!({"client_secret": connector.client_secret})).await;
    world.advance(3_600);
    assert_eq!(world.fire_schedule().await, json!({"due": 5}));
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert_eq!(world.provider.refreshes().len(), 5);
}
