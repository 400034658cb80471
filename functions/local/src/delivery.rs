//! What AWS does between queue and function, and between clock and function.
//!
//! Due messages become a Lambda event; what the function does not name in `batchItemFailures` is deleted, the rest becomes
//! visible again after a pause that doubles.

use std::{sync::Arc, time::Duration};

use connectors::{
    clock::Clock,
    web::{EventError, EventHandler},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    aws::{
        ACCOUNT,
        sqs::{Message, Queue, QueueError, Queues, VISIBILITY_TIMEOUT, attributes_of, md5_of},
    },
    tasks::Stop,
};

/// How many messages one event carries at most; as in `template.yaml`.
const BATCH: usize = 10;

/// How many it carries from a FIFO queue; as in `template.yaml`. No message waits for the function to be done with those of
/// other groups.
const FIFO_BATCH: usize = 1;

/// The pause before a second attempt. It doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(5);

/// How long a queue rests at most before it is looked at again: delayed messages become due without a word.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often the schedule fires; as in `template.yaml`.
const SCHEDULE: Duration = Duration::from_mins(1);

/// The part of a function's answer that counts: which messages of the batch are not done.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct BatchAnswer {
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

/// Hands the queue's messages to the function until told to stop. A batch that was begun is finished. Several of these may
/// work one queue beside each other; of a FIFO queue each has another group then.
pub async fn deliver(queues: Arc<Queues>, queue: Queue, function: EventHandler, mut stop: Stop) {
    loop {
        let pause = match deliver_due(&queues, queue, &function).await {
            Ok(0) => LOOK_AGAIN,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::error!(queue = queue.name(), %error, "queue `{}` can't be delivered", queue.name());
                FIRST_BACKOFF
            }
        };
        tokio::select! {
            () = stop.told() => return,
            () = queues.wait(pause) => {}
        }
    }
}

/// Hands one batch to the function. Answers how many messages were in it.
///
/// # Errors
/// The queue can't be read or written.
pub async fn deliver_due(queues: &Queues, queue: Queue, function: &EventHandler) -> Result<usize, QueueError> {
    let limit = if queue.is_fifo() { FIFO_BATCH } else { BATCH };
    let batch = queues.receive(queue, limit, VISIBILITY_TIMEOUT)?;
    if batch.is_empty() {
        return Ok(0);
    }
    let outcome = function(event(queues, queue, &batch)).await;
    if let Err(error) = &outcome {
        tracing::warn!(queue = queue.name(), %error, "a batch of queue `{}` failed as a whole", queue.name());
    }
    let is_unfinished = unfinished(outcome);
    for message in &batch {
        let done = if is_unfinished(&message.id) {
            queues.hide(queue, &message.receipt, backoff(message.receives))
        } else {
            queues.delete(queue, &message.receipt)
        };
        match done {
            // The visibility timeout passed before the function was done: the message is in other hands.
            Ok(()) | Err(QueueError::NotInFlight | QueueError::Expired | QueueError::Receipt) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(batch.len())
}

/// Which messages the function leaves undone. One that fails as a whole, or names a message by an empty id, has done none.
fn unfinished(outcome: Result<Value, EventError>) -> impl Fn(&str) -> bool {
    let failures = outcome.ok().map(|answer| match answer {
        Value::Null => Some(BatchAnswer::default()),
        answer => serde_json::from_value::<BatchAnswer>(answer).ok(),
    });
    let failures = failures.flatten().map(|answer| answer.batch_item_failures);
    let all =
        failures.as_ref().is_none_or(|failures| failures.iter().any(|failure| failure.item_identifier.is_empty()));
    move |id| all || failures.iter().flatten().any(|failure| failure.item_identifier == id)
}

fn backoff(receives: i64) -> Duration {
    let doublings = u32::try_from(receives.saturating_sub(1)).unwrap_or(0).min(6);
    FIRST_BACKOFF.saturating_mul(1 << doublings)
}

/// The event that Lambda is handed for a batch of SQS messages.
fn event(queues: &Queues, queue: Queue, batch: &[Message]) -> Value {
    let record = |message: &Message| {
        json!({
            "messageId": message.id,
            "receiptHandle": message.receipt,
            "body": message.body,
            "attributes": attributes_of(message),
            "messageAttributes": {},
            "md5OfBody": md5_of(&message.body),
            "eventSource": "aws:sqs",
            "eventSourceARN": queues.arn(queue),
            "awsRegion": queues.region(),
        })
    };
    json!({"Records": batch.iter().map(record).collect::<Vec<_>>()})
}

/// Hands the function the event of the schedule now, and again every minute.
pub async fn fire_schedule(function: EventHandler, region: String, clock: Clock, mut stop: Stop) {
    let mut minute = tokio::time::interval(SCHEDULE);
    minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.told() => return,
            _ = minute.tick() => {}
        }
        if let Err(error) = function(scheduled_event(&region, clock.now())).await {
            tracing::warn!(%error, "the scheduled refresh failed; it is tried again in a minute");
        }
    }
}

/// The event that `EventBridge` Scheduler sends when its target names no input of its own.
#[must_use]
pub fn scheduled_event(region: &str, now: Timestamp) -> Value {
    let schedule = format!("arn:aws:scheduler:{region}:{ACCOUNT}:schedule/default/refresh");
    json!({
        "version": "0",
        "id": format!("local-{}", now.as_millisecond()),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [schedule],
        "detail": "{}",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A queue file, a clock that stands still, and a function that remembers its events and answers as told.
    struct World {
        _folder: tempfile::TempDir,
        clock: Clock,
        queues: Queues,
        events: Arc<Mutex<Vec<Value>>>,
        function: EventHandler,
    }

    fn world(answer: impl Fn(&Value) -> Result<Value, EventError> + Send + Sync + 'static) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::held_at("2026-11-22T10:00:00Z".parse().unwrap());
        let queues = Queues::open(&folder.path().join("sqs.sqlite"), "eu-west-1", clock.clone()).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = events.clone();
        let function: EventHandler = Arc::new(move |event: Value| {
            let outcome = answer(&event);
            seen.lock().unwrap().push(event);
            Box::pin(async { outcome })
        });
        World { _folder: folder, clock, queues, events, function }
    }

    impl World {
        async fn deliver(&self) -> usize {
            deliver_due(&self.queues, Queue::Refresh, &self.function).await.unwrap()
        }

        fn bodies(&self) -> Vec<Vec<String>> {
            let bodies = |event: &Value| {
                let records = event["Records"].as_array().unwrap();
                records.iter().map(|record| record["body"].as_str().unwrap().to_owned()).collect()
            };
            self.events.lock().unwrap().iter().map(bodies).collect()
        }
    }

    #[tokio::test]
    async fn only_the_messages_a_function_names_come_again_and_not_before_their_pause() {
        let world = world(|event| {
            let records = event["Records"].as_array().unwrap();
            let failed = records.iter().filter(|record| record["body"] == "bad");
            let failures: Vec<_> = failed.map(|record| json!({"itemIdentifier": record["messageId"]})).collect();
            Ok(json!({"batchItemFailures": failures}))
        });
        for body in ["good", "bad"] {
            world.queues.send(Queue::Refresh, body, Duration::ZERO).unwrap();
        }
        assert_eq!(world.deliver().await, 2);
        world.clock.advance(Duration::from_millis(4_999));
        assert_eq!(world.deliver().await, 0);
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(world.deliver().await, 1);
        assert_eq!(world.bodies()[1], ["bad"]);
        let again = world.events.lock().unwrap()[1]["Records"][0].clone();
        assert_eq!(again["attributes"]["ApproximateReceiveCount"], "2");
        assert_eq!(again["eventSourceARN"], "arn:aws:sqs:eu-west-1:000000000000:refresh");
    }

    #[tokio::test]
    async fn a_message_that_fails_five_times_becomes_a_dead_letter() {
        let world = world(|_| Err(EventError::Unknown));
        world.queues.send(Queue::Refresh, "poison", Duration::ZERO).unwrap();
        for _ in 0..8 {
            world.deliver().await;
            world.clock.advance(Duration::from_mins(10));
        }
        assert_eq!(world.bodies().len(), 5);
        let buried = world.queues.receive(Queue::RefreshDeadLetters, 10, Duration::ZERO).unwrap();
        assert_eq!(buried.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["poison"]);
    }

    #[tokio::test]
    async fn an_event_carries_ten_messages_at_most() {
        let world = world(|_| Ok(Value::Null));
        for number in 0..12 {
            world.queues.send(Queue::Refresh, &number.to_string(), Duration::ZERO).unwrap();
        }
        assert_eq!((world.deliver().await, world.deliver().await, world.deliver().await), (10, 2, 0));
    }

    #[tokio::test]
    async fn an_event_of_the_salvage_queue_carries_one_message_and_its_place_in_the_order() {
        let world = world(|_| Ok(Value::Null));
        for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
            world.queues.send_to_group(Queue::Salvage, body, group, body).unwrap();
        }
        while deliver_due(&world.queues, Queue::Salvage, &world.function).await.unwrap() > 0 {}
        assert_eq!(world.bodies(), [["a1"], ["a2"], ["b1"]]);
        let attributes = world.events.lock().unwrap()[1]["Records"][0]["attributes"].clone();
        assert_eq!((&attributes["MessageGroupId"], &attributes["MessageDeduplicationId"]), (&json!("a"), &json!("a2")));
        assert_eq!(attributes["SequenceNumber"], "00000000000000000002");
    }

    #[tokio::test]
    async fn a_salvage_that_fails_holds_up_its_group_for_its_pause_and_no_other() {
        let world = world(|event| match event["Records"][0]["attributes"]["ApproximateReceiveCount"].as_str() {
            Some("1") if event["Records"][0]["body"] == "a1" => Err(EventError::Unknown),
            _ => Ok(Value::Null),
        });
        for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
            world.queues.send_to_group(Queue::Salvage, body, group, body).unwrap();
        }
        let deliver_all =
            async || while deliver_due(&world.queues, Queue::Salvage, &world.function).await.unwrap() > 0 {};
        deliver_all().await;
        world.clock.advance(Duration::from_millis(4_999));
        deliver_all().await;
        assert_eq!(world.bodies(), [["a1"], ["b1"]]);
        world.clock.advance(Duration::from_millis(1));
        deliver_all().await;
        assert_eq!(world.bodies()[2..], [["a1"], ["a2"]]);
    }

    #[tokio::test]
    async fn other_groups_are_worked_off_while_one_takes_its_time() {
        let world = world(|_| Ok(Value::Null));
        for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
            world.queues.send_to_group(Queue::Salvage, body, group, body).unwrap();
        }
        let (go_on, at_work) = (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
        let (gate, started) = (go_on.clone(), at_work.clone());
        let slow: EventHandler = Arc::new(move |_| {
            let (gate, started) = (gate.clone(), started.clone());
            Box::pin(async move {
                started.add_permits(1);
                gate.acquire().await.unwrap().forget();
                Ok(Value::Null)
            })
        });
        let meanwhile = async {
            at_work.acquire().await.unwrap().forget();
            let other = deliver_due(&world.queues, Queue::Salvage, &world.function).await.unwrap();
            let held_up = deliver_due(&world.queues, Queue::Salvage, &world.function).await.unwrap();
            go_on.add_permits(1);
            (other, held_up)
        };
        let (first, meanwhile) = tokio::join!(deliver_due(&world.queues, Queue::Salvage, &slow), meanwhile);
        assert_eq!((first.unwrap(), meanwhile), (1, (1, 0)));
        assert_eq!(world.bodies(), [["b1"]]);
        assert_eq!(deliver_due(&world.queues, Queue::Salvage, &world.function).await.unwrap(), 1);
        assert_eq!(world.bodies()[1], ["a2"]);
    }

    #[tokio::test]
    async fn an_answer_that_names_nothing_readable_has_finished_nothing() {
        for answer in
            [json!({"batchItemFailures": [{"itemIdentifier": ""}]}), json!({"batchItemFailures": "x"}), json!(7)]
        {
            let world = world(move |_| Ok(answer.clone()));
            world.queues.send(Queue::Refresh, "kept", Duration::ZERO).unwrap();
            world.deliver().await;
            world.clock.advance(Duration::from_secs(5));
            assert_eq!(world.deliver().await, 1);
        }
    }

    #[test]
    fn what_is_queued_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sqs.sqlite");
        let open = || Queues::open(&file, "eu-west-1", Clock::system()).unwrap();
        open().send(Queue::Revocation, "revoke me", Duration::ZERO).unwrap();
        assert_eq!(open().receive(Queue::Revocation, 10, Duration::ZERO).unwrap()[0].body, "revoke me");
    }
}
