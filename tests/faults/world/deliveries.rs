//! What stands between queue, schedule and function at AWS: batches to real processes, delays honoured, what failed
//! comes again, and some messages come twice.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use ::local::{aws::sqs::Queue, delivery, product::Product, tasks::Tasks};
use connectors::web::{EventError, EventHandler};
use connectors_tests::runtime_api::{Instance, Outcome};
use serde_json::Value;

use super::{World, bootstraps, environment};
use crate::proxy::FaultProxy;

/// How many batches of a queue are worked off at once; in `template.yaml` at least as many.
const AT_ONCE: usize = 10;

/// Deliveries under way. Dropping them ends them.
pub(crate) struct Deliveries(#[expect(dead_code, reason = "held until the test ends")] Tasks);

impl Deliveries {
    /// Hands what is to be refreshed, and what could not be stored, to processes of `refresh`, which reach their services
    /// through this proxy.
    pub(crate) fn to_refresh(world: &World, proxy: &FaultProxy) -> Self {
        Self::start(world, &[Queue::Salvage, Queue::Refresh], &processes_of("refresh", proxy))
    }

    /// Hands them to an instance of this process.
    pub(crate) fn within(world: &World, product: &Product) -> Self {
        Self::start(world, &[Queue::Salvage, Queue::Refresh], &product.refresh)
    }

    /// Hands what has ended to processes of `disconnect`.
    pub(crate) fn to_disconnect(world: &World, proxy: &FaultProxy) -> Self {
        Self::start(world, &[Queue::Revocation], &processes_of("disconnect", proxy))
    }

    fn start(world: &World, of: &[Queue], function: &EventHandler) -> Self {
        let mut tasks = Tasks::new();
        for queue in of.iter().flat_map(|queue| [*queue; AT_ONCE]) {
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
