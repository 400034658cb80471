//! What AWS does between a queue, a schedule and a function.

use std::{cell::Cell, time::Duration};

use connectors::web::EventHandler;
use futures::join;
use local::aws::sqs::{Message, Queue, VISIBILITY_TIMEOUT};
use serde_json::{Value, json};

use super::World;

impl World {
    /// Fires the schedule, with the event that AWS sends.
    pub(crate) async fn fire_schedule(&self) -> Value {
        let event = connectors_tests::events::event("refresh.schedule", &[].into());
        (self.product.refresh)(event).await.unwrap()
    }

    /// Fires the schedule, and says why the round was not whole, if it was not.
    pub(crate) async fn try_fire_schedule(&self) -> Result<Value, String> {
        let event = connectors_tests::events::event("refresh.schedule", &[].into());
        (self.product.refresh)(event).await.map_err(|error| error.to_string())
    }

    /// Hands up to ten visible messages of the refresh queue over, and answers which must come again.
    pub(crate) async fn deliver_refreshes(&self) -> Option<Vec<String>> {
        self.deliver(Queue::Refresh, &self.product.refresh).await
    }

    /// The same with the queue of grants to revoke.
    pub(crate) async fn deliver_revocations(&self) -> Option<Vec<String>> {
        self.deliver(Queue::Revocation, &self.product.disconnect).await
    }

    /// Works the queue of events off, as far as it can be seen now.
    pub(crate) async fn deliver_events(&self) {
        while self.deliver(Queue::Events, &self.product.deliver_events).await.is_some() {}
    }

    /// Hands over what can be seen of it once, whatever becomes of it.
    pub(crate) async fn deliver_events_once(&self) {
        self.deliver(Queue::Events, &self.product.deliver_events).await;
    }

    /// Throws away every visible message of that queue, and answers how many there were.
    pub(crate) fn lose_events(&self) -> usize {
        let lost = self.aws.queues.receive(Queue::Events, 1_000, Duration::ZERO).unwrap();
        for message in &lost {
            self.aws.queues.delete(Queue::Events, &message.receipt).unwrap();
        }
        lost.len()
    }

    /// Fires the schedule, and answers how much was due. With no connection due it is what has ended.
    pub(crate) async fn remind_of_what_is_due(&self) -> usize {
        usize::try_from(self.fire_schedule().await["due"].as_u64().unwrap()).unwrap()
    }

    /// Throws away every message of the queue of what has ended, seen or not.
    pub(crate) fn lose_revocations(&self) {
        while self.waiting_revocations() > 0 {
            let lost = self.aws.queues.receive(Queue::Revocation, 1_000, Duration::ZERO).unwrap();
            assert!(!lost.is_empty(), "a message that is delayed can't be lost yet");
            for message in lost {
                self.aws.queues.delete(Queue::Revocation, &message.receipt).unwrap();
            }
        }
    }

    /// The same with the ordered queue of what could not be stored.
    pub(crate) async fn deliver_salvage(&self) -> Option<Vec<String>> {
        self.deliver(Queue::Salvage, &self.product.refresh).await
    }

    /// Works the queues of `refresh` off, as far as they can be seen now, and answers how many messages must come again.
    pub(crate) async fn deliver_all_refreshes(&self) -> usize {
        let mut failed = 0;
        loop {
            let again = match self.deliver_refreshes().await {
                Some(again) => again,
                None => match self.deliver_salvage().await {
                    Some(again) => again,
                    None => return failed,
                },
            };
            failed += again.len();
        }
    }

    /// Goes on with something while the ordered queue is worked off, as it always is at AWS. What was begun is finished.
    pub(crate) async fn while_settling<T>(&self, work: impl Future<Output = T>) -> T {
        let is_done = Cell::new(false);
        let settle = async {
            while !is_done.get() {
                if self.deliver_salvage().await.is_none() {
                    tokio::task::yield_now().await;
                }
            }
        };
        let work = async {
            let outcome = work.await;
            is_done.set(true);
            outcome
        };
        join!(work, settle).0
    }

    /// The bodies of all messages that can be seen now, which are hidden by that.
    pub(crate) fn bodies(&self) -> Vec<String> {
        let take = |queue| self.aws.queues.receive(queue, 1_000, VISIBILITY_TIMEOUT).unwrap();
        Queue::ALL.into_iter().flat_map(take).map(|message| message.body).collect()
    }

    /// Takes all messages of the refresh queue that can be seen out of it, and answers their bodies.
    pub(crate) fn take_all_refreshes(&self) -> Vec<String> {
        self.take_all(Queue::Refresh)
    }

    /// The same with the ordered queue of what could not be stored: the first message of each group.
    pub(crate) fn take_all_salvage(&self) -> Vec<String> {
        self.take_all(Queue::Salvage)
    }

    fn take_all(&self, queue: Queue) -> Vec<String> {
        let batch = self.aws.queues.receive(queue, 1_000, VISIBILITY_TIMEOUT).unwrap();
        for message in &batch {
            self.aws.queues.delete(queue, &message.receipt).unwrap();
        }
        batch.into_iter().map(|message| message.body).collect()
    }

    /// Leaves a message in the refresh queue, as whoever may write to it can.
    pub(crate) fn leave_for_refresh(&self, message: &Value) {
        self.aws.queues.send(Queue::Refresh, &message.to_string(), Duration::ZERO).unwrap();
    }

    /// Leaves a message in the ordered queue, in the group of a connection.
    pub(crate) fn leave_for_salvage(&self, message: &Value, connection: &str) {
        let name = self.clock.now().as_millisecond().to_string();
        self.aws.queues.send_to_group(Queue::Salvage, &message.to_string(), connection, &name).unwrap();
    }

    /// How many messages wait in the queue of grants to revoke: seen or not.
    pub(crate) fn waiting_revocations(&self) -> i64 {
        let depth = self.aws.queues.depth(Queue::Revocation).unwrap();
        depth.visible + depth.delayed + depth.in_flight
    }

    async fn deliver(&self, queue: Queue, function: &EventHandler) -> Option<Vec<String>> {
        let batch = self.aws.queues.receive(queue, 10, VISIBILITY_TIMEOUT).unwrap();
        if batch.is_empty() {
            return None;
        }
        let answer = function(event(&batch)).await.unwrap();
        let failures = answer["batchItemFailures"].as_array().unwrap().iter();
        let failed: Vec<String> =
            failures.map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect();
        for message in batch.iter().filter(|message| !failed.contains(&message.id)) {
            self.aws.queues.delete(queue, &message.receipt).unwrap();
        }
        Some(failed)
    }
}

fn event(batch: &[Message]) -> Value {
    let record = |message: &Message| {
        let attributes = json!({"SentTimestamp": message.sent_at.to_string()});
        json!({"messageId": message.id, "body": message.body, "attributes": attributes, "eventSource": "aws:sqs", "awsRegion": "eu-west-1"})
    };
    json!({"Records": batch.iter().map(record).collect::<Vec<_>>()})
}
