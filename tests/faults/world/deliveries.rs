//! What stands between queue, schedule and function at AWS: batches to real processes, delays honoured, what failed
//! comes again, and some messages come twice.

use std::{path::PathBuf, sync::Arc};

use ::local::{aws::sqs::Queue, delivery, tasks::Tasks};
use connectors::web::{EventError, EventHandler};
use connectors_tests::runtime_api::{Instance, Outcome};
use serde_json::Value;

use super::{World, bootstraps, environment};
use crate::proxy::FaultProxy;

/// How many batches are worked off at once, as in `template.yaml`.
const AT_ONCE: usize = 10;

/// Deliveries under way. Dropping them ends them.
pub(crate) struct Deliveries(#[expect(dead_code, reason = "held until the test ends")] Tasks);

impl Deliveries {
    /// Hands the messages of a queue to processes of a function, which reach their services through this proxy.
    pub(crate) fn start(world: &World, queue: Queue, function: &str, proxy: &FaultProxy) -> Self {
        let function = process_for_each(bootstraps::bootstrap(function), proxy);
        let mut tasks = Tasks::new();
        for _ in 0..AT_ONCE {
            let (queues, function) = (world.queues.clone(), function.clone());
            tasks.start(|stop| delivery::deliver(queues, queue, function, stop));
        }
        Self(tasks)
    }
}

/// A function that is started for each event, as when no instance is warm.
fn process_for_each(bootstrap: PathBuf, proxy: &FaultProxy) -> EventHandler {
    let environment = Arc::new(bootstraps::pairs(&environment(proxy)));
    Arc::new(move |event| {
        let (bootstrap, environment) = (bootstrap.clone(), environment.clone());
        Box::pin(async move {
            let mut instance = Instance::start(&bootstrap, &environment, event).await;
            match instance.answer().await.outcome {
                Outcome::Response(answer) => Ok(answer),
                Outcome::Error(error) => Err(EventError::Failed(error.to_string())),
            }
        })
    })
}

impl World {
    /// Fires the schedule once, at a process of its own.
    pub(crate) async fn fire_schedule_at_a_process(&self, proxy: &FaultProxy) -> Value {
        let function = process_for_each(bootstraps::bootstrap("refresh"), proxy);
        function(Self::schedule_event()).await.unwrap()
    }
}
