//! A refresh that never came back: what it may have left is stored before anybody shows the provider the token before it.

use serde_json::{Value, json};

use crate::world::{Connector, Hold, Item, Rotate, World, text};

const HOUR: u64 = 3_600;

/// More writes than one attempt makes of its tokens.
const ALL_ITS_WRITES: usize = 60;

/// Longer than any lease, and than anybody's patience.
const LONG: u64 = 300;

/// Alice's access token has just ended, at a provider that ends the whole grant when a refresh token comes twice.
async fn expired() -> (World, Connector) {
    let world = World::new().await;
    let connector = world.connector("Calendar").await;
    world.provider.rotate(Rotate::StrictRevokeFamily);
    world.connect(&connector, "alice").await;
    world.advance(HOUR);
    (world, connector)
}

/// The table takes no tokens for a while.
fn takes_no_tokens(world: &World) {
    for _ in 0..ALL_ITS_WRITES {
        world.aws.refuse("UpdateItem", "last_commit", 0);
    }
}

/// The question what became of the attempt that this item names.
fn question(row: &Item) -> Value {
    let text = |name: &str| row[name].as_s().unwrap().clone();
    json!({
        "kind": "settle",
        "place": {
            "workspace": text("workspace_id"), "app": text("app_id"), "issuer": text("issuer"),
            "subject": text("subject"), "connector": text("connector_id"),
        },
        "attempt": text("intent"),
    })
}

/// However long its tokens wait in the queue, nobody asks the provider before they are stored.
#[tokio::test]
async fn tokens_that_wait_in_the_queue_come_before_the_next_refresh_however_long_they_wait() {
    let (world, connector) = expired().await;
    takes_no_tokens(&world);
    assert_eq!(world.token(&connector, "alice").await.status, 503);
    world.advance(LONG);
    world.aws.refuse_nothing();
    let token = world.while_settling(world.token(&connector, "alice")).await;
    assert!(world.provider.honours(&text(&token.expect(200)["access_token"])));
    assert_eq!(world.provider.refreshes().len(), 1, "what it had brought is what is served");
    assert_eq!(world.view(&connector, "alice").await["status"], "active");
}

/// Whoever asks while the lease lasts, because their clock is ahead, asks too early: the tokens come behind the question.
#[tokio::test]
async fn a_question_that_is_asked_during_the_lease_settles_nothing() {
    let (world, connector) = expired().await;
    let (mut hold, step) = Hold::new();
    world.provider.next(step);
    let asks_early = async {
        hold.arrived().await;
        let row = world.only_connection().await;
        let id = text(&world.view(&connector, "alice").await["connection_id"]);
        world.leave_for_salvage(&question(&row), &id);
        takes_no_tokens(&world);
        hold.release();
    };
    let (answer, ()) = futures::join!(world.token(&connector, "alice"), asks_early);
    assert_eq!(answer.status, 503);
    world.advance(LONG);
    world.aws.refuse_nothing();
    assert_eq!(world.deliver_all_refreshes().await, 0);
    assert!(world.provider.honours(&world.access_token(&connector, "alice").await));
    assert_eq!(world.provider.refreshes().len(), 1);
}
