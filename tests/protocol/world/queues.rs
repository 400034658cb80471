//! What AWS does between a queue, a schedule and a function.

use connectors::web::EventHandler;
use local::aws::sqs::{Message, Queue, VISIBILITY_TIMEOUT};
use serde_json::{Value, json};

use super::World;

impl World {
    /// Fires the schedule, with the event that AWS sends.
    pub(crate) async fn fire_schedule(&self) -> Value {
        let event = connectors_tests::events::event("refresh.schedule", &[].into());
        (self.product.refresh)(event).await.unwrap()
    }

    /// Hands up to ten visible messages of the refresh queue over, and answers which must come again.
    pub(crate) async fn deliver_refreshes(&self) -> Option<Vec<String>> {
        self.deliver(Queue::Refresh, &self.product.refresh).await
    }

    /// The same with the queue of grants to revoke.
    pub(crate) async fn deliver_revocations(&self) -> Option<Vec<String>> {
        self.deliver(Queue::Revocation, &self.product.disconnect).await
    }

    /// How many messages of the refresh queue can be seen now.
    pub(crate) fn visible_refreshes(&self) -> i64 {
        self.aws.queues.depth(Queue::Refresh).unwrap().visible
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
    let record = |message: &Message| json!({"messageId": message.id, "body": message.body, "eventSource": "aws:sqs", "awsRegion": "eu-west-1"});
    json!({"Records": batch.iter().map(record).collect::<Vec<_>>()})
}
