//! Queues and schedule, at work while everything else happens: as many at once as Lambda would start, and now and
//! then the same batch twice.

use std::{sync::Arc, time::Duration};

use connectors::web::EventHandler;
use futures::{future::join_all, join};
use local::{aws::sqs::Queue, delivery::deliver_due, product::Product};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use crate::{dice::Dice, world::World};

/// How many batches of a queue are worked off at once; in `template.yaml` at least as many.
const AT_ONCE: usize = 10;

const QUEUES: [Queue; 2] = [Queue::Refresh, Queue::Salvage];

/// How often a queue is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often in a hundred a batch comes twice.
const TWICE: usize = 10;

/// How often in a hundred the schedule fires in a round.
const SCHEDULE: usize = 35;

/// Delivers until told to stop; what was begun is finished.
pub(super) fn start(world: &Arc<World>, product: &Product, dice: &mut Dice) -> Postmen {
    let (mut tasks, stop) = (JoinSet::new(), watch::Sender::new(false));
    if dice.percent(SCHEDULE) {
        let refresh = product.refresh.clone();
        tasks.spawn(async move {
            // What was not found stays due.
            let _ = refresh(World::schedule_event()).await;
        });
    }
    for (postman, queue) in QUEUES.into_iter().flat_map(|queue| [queue; AT_ONCE]).enumerate() {
        let handler = twice(product.refresh.clone(), Dice::part(dice.draw(), postman as u64));
        let world = world.clone();
        let told = stop.subscribe();
        tasks.spawn(async move {
            while !*told.borrow() {
                deliver_due(&world.queues, queue, &handler).await.unwrap();
                sleep(LOOK).await;
            }
        });
    }
    Postmen { tasks, stop }
}

/// Deliveries under way.
pub(super) struct Postmen {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Postmen {
    /// Waits for what was begun, however long it takes.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        while let Some(done) = self.tasks.join_next().await {
            done.unwrap();
        }
    }
}

/// Works off whatever can be seen in the queues now.
pub(super) async fn empty(world: &World, product: &Product) {
    let one = |queue| async move { while deliver_due(&world.queues, queue, &product.refresh).await.unwrap() > 0 {} };
    // What is in one leaves something in the other, and the other way round.
    for queue in QUEUES.into_iter().chain(QUEUES) {
        join_all((0..AT_ONCE).map(|_| one(queue))).await;
    }
}

fn twice(handler: EventHandler, dice: Dice) -> EventHandler {
    let dice = Arc::new(std::sync::Mutex::new(dice));
    Arc::new(move |event| {
        let (handler, again) = (handler.clone(), dice.lock().unwrap().percent(TWICE));
        Box::pin(async move {
            if !again {
                return handler(event).await;
            }
            let (first, _) = join!(handler(event.clone()), handler(event));
            first
        })
    })
}
