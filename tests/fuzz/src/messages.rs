//! What a queue delivers. Input: `refresh|disconnect SENT-AT`, in milliseconds since 1970, and the body of a message; or
//! `event`, and an event. Names in braces stand for what an input cannot know: `{pk}`, `{sk}`, `{place}`, `{workspace}`.
//!
//! A message is carried out, or comes again. It breaks nothing.

use connectors::web::{EventError, EventHandler};
use serde_json::{Value, json};

use crate::{
    text::{choose, first_line},
    world::World,
};

#[derive(Debug, Clone, Copy)]
enum Worker {
    Refresh,
    Disconnect,
}

const WORKERS: [(&str, (Worker, bool)); 4] = [
    ("refresh", (Worker::Refresh, true)),
    ("disconnect", (Worker::Disconnect, true)),
    ("refresh-event", (Worker::Refresh, false)),
    ("disconnect-event", (Worker::Disconnect, false)),
];

/// Takes an input.
pub fn run(input: &[u8]) {
    let (is_body, outcome) = worked_off(&World::get(), input);
    assert!(!is_body || outcome.is_ok(), "a batch is refused as a whole: {outcome:?}");
}

/// Whether it was the body of a message, and what became of it.
fn worked_off(world: &World, input: &[u8]) -> (bool, Result<Value, EventError>) {
    let (first, body) = first_line(input);
    let (worker, sent_at) = first.split_once(' ').unwrap_or((&first, ""));
    let (worker, is_body) = *choose(&WORKERS, worker);
    let body = world.filled(&String::from_utf8_lossy(body));
    let event = if is_body { batch(&body, sent_at) } else { serde_json::from_str(&body).unwrap_or_default() };
    let product = &world.product;
    let handler: &EventHandler = match worker {
        Worker::Refresh => &product.refresh,
        Worker::Disconnect => &product.disconnect,
    };
    (is_body, world.run(handler(event)))
}

/// A batch of one message, as Lambda hands it over.
fn batch(body: &str, sent_at: &str) -> Value {
    json!({"Records": [{
        "messageId": "message-1",
        "eventSource": "aws:sqs",
        "body": body,
        "attributes": {"SentTimestamp": sent_at},
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;

    #[test]
    fn every_kind_of_message_is_carried_out() {
        let (world, seeds) = (World::get(), Target::named("messages").seeds());
        for name in ["due", "ending", "keys", "look", "reseal", "reseal-rest", "salvage", "settle"] {
            let (_, seed) = seeds.iter().find(|(file, _)| file == name).expect("a seed");
            let (_, outcome) = worked_off(&world, seed);
            assert_eq!(outcome.expect("an answer"), json!({"batchItemFailures": []}), "{name}");
        }
    }
}
