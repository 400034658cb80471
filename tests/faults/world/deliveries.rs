//! What stands between queue, schedule and function at AWS: batches to real processes, delays honoured, what failed
//! comes again, and some messages come twice.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

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
        let function = processes_of(function, proxy);
        let mut tasks = Tasks::new();
        for _ in 0..AT_ONCE {
            let (queues, function) = (world.queues.clone(), function.clone());
            tasks.start(|stop| delivery::deliver(queues, queue, function, stop));
        }
        Self(tasks)
    }
}

/// A function in as many processes as are needed at once; one that is idle takes the next event, as a warm instance does.
pub(crate) fn processes_of(function: &str, proxy: &FaultProxy) -> EventHandler {
    let (program, environment) = (bootstraps::bootstrap(function), bootstraps::pairs(&environment(proxy)));
    let pool = Arc::new(Pool { program, environment, idle: Mutex::default() });
    Arc::new(move |event| {
        let pool = pool.clone();
        Box::pin(async move { pool.invoke(event).await })
    })
}

struct Pool {
    program: PathBuf,
    environment: Vec<(String, String)>,
    idle: Mutex<Vec<Instance>>,
}

impl Pool {
    async fn invoke(&self, event: Value) -> Result<Value, EventError> {
        let idle = self.idle.lock().unwrap().pop();
        let (instance, answer) = if let Some(mut instance) = idle {
            let answer = instance.invoke(event).await;
            (instance, answer)
        } else {
            let mut instance = Instance::start(&self.program, &self.environment, event).await;
            let answer = instance.answer().await;
            (instance, answer)
        };
        self.idle.lock().unwrap().push(instance);
        match answer.outcome {
            Outcome::Response(answer) => Ok(answer),
            Outcome::Error(error) => Err(EventError::Failed(error.to_string())),
        }
    }
}
