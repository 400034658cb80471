//! The function `refresh`, in this process or in ones of its own, and what AWS does around it.

use std::{path::Path, time::Duration};

use connectors::web::EventHandler;
use local::aws::sqs::{Message, Queue, VISIBILITY_TIMEOUT};
use serde_json::{Value, json};

use super::Fleet;
use crate::{
    events,
    runtime_api::{Instance, Outcome},
};

/// How many messages one event brings, as in the template.
const BATCH: usize = 10;

/// A message about a connection that is gone.
const NOBODY: &str = r#"{"kind": "due", "pk": "USER#nobody", "sk": "CONN#none"}"#;

/// How long nobody asks a queue whose messages are all delayed.
const PAUSE: Duration = Duration::from_millis(100);

/// Who refreshes.
pub enum Functions {
    /// The function in this process.
    Here(EventHandler),
    /// A process of its own.
    Process(Box<Instance>),
}

/// What became of a queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Worked {
    /// How many messages were delivered.
    pub messages: usize,
    /// How many of them must come again.
    pub failed: usize,
}

impl Functions {
    /// Starts the bootstrap at this path. It comes up with a message about a connection that is gone.
    pub async fn process(bootstrap: &Path, fleet: &Fleet) -> Self {
        let environment = fleet.environment();
        let mut instance = Instance::start(bootstrap, &environment, event(&[(NOBODY, NOBODY)])).await;
        let first = instance.answer().await;
        assert!(matches!(first.outcome, Outcome::Response(_)), "{first:?}");
        Self::Process(Box::new(instance))
    }

    /// Fires the schedule: how many messages it left.
    pub async fn sweep(&mut self) -> u64 {
        let answer = self.invoke(events::event("refresh.schedule", &[].into())).await;
        answer["due"].as_u64().unwrap()
    }

    /// Hands over what can be seen of the queue, until `most` messages were or nothing can be seen for now.
    pub async fn work(&mut self, fleet: &Fleet, most: usize) -> Worked {
        let mut worked = Worked::default();
        while worked.messages < most {
            let batch = fleet.queues.receive(Queue::Refresh, BATCH, VISIBILITY_TIMEOUT).unwrap();
            if batch.is_empty() {
                break;
            }
            let answer = self.invoke(event(&batch.iter().map(named).collect::<Vec<_>>())).await;
            let failed = answer["batchItemFailures"].as_array().unwrap();
            let is_done = |message: &&Message| !failed.iter().any(|one| one["itemIdentifier"] == message.id.as_str());
            for message in batch.iter().filter(is_done) {
                fleet.queues.delete(Queue::Refresh, &message.receipt).unwrap();
            }
            worked.messages += batch.len();
            worked.failed += failed.len();
        }
        worked
    }

    /// Works until the queue is empty, delayed messages included.
    pub async fn work_off(&mut self, fleet: &Fleet) -> Worked {
        let mut all = Worked::default();
        loop {
            let worked = self.work(fleet, usize::MAX).await;
            all = Worked { messages: all.messages + worked.messages, failed: all.failed + worked.failed };
            let depth = fleet.queues.depth(Queue::Refresh).unwrap();
            if depth.visible + depth.delayed + depth.in_flight == 0 {
                return all;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The most memory that the function's process had, in bytes; nothing if it is this one.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        match self {
            Self::Here(_) => None,
            Self::Process(instance) => Some(instance.peak_memory()),
        }
    }

    async fn invoke(&mut self, event: Value) -> Value {
        match self {
            Self::Here(function) => function(event).await.unwrap(),
            Self::Process(instance) => match instance.invoke(event).await.outcome {
                Outcome::Response(answer) => answer,
                Outcome::Error(error) => panic!("{error}\n{}", instance.log()),
            },
        }
    }
}

fn named(message: &Message) -> (&str, &str) {
    (&message.id, &message.body)
}

/// An event with these messages, by id and body.
fn event(batch: &[(&str, &str)]) -> Value {
    let record = |(id, body): &(&str, &str)| json!({"messageId": id, "body": body, "eventSource": "aws:sqs", "awsRegion": "eu-west-1"});
    json!({"Records": batch.iter().map(record).collect::<Vec<_>>()})
}
