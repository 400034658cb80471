//! A process that disconnects somebody may die at any moment, too: no grant is left at the provider that nobody here
//! knows of any more.

use std::time::Duration;

use connectors_tests::runtime_api::Instance;
use futures::future::join_all;
use local::aws::sqs::Queue;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::{
    hold::{Hold, Phase},
    provider::Rotate,
    proxy::{Fault, FaultProxy, Rule},
    world::{Deliveries, World, bootstrap, environment, pairs, user_name},
};

/// How long after a death a grant may stay: what looks after it comes a minute later.
const ENDED_WITHIN: Duration = Duration::from_secs(80);

/// How often the schedule fires here; at AWS every minute.
const SCHEDULE: Duration = Duration::from_secs(5);

/// How often a grant is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Either the user can disconnect again, or the grant is ended without them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_disconnects_and_dies_anywhere_leaves_no_grant_behind() {
    let world = World::live(Rotate::StrictRevokeFamily).await;
    let proxy = world.proxy().await;
    let first = user_name(0);
    world.connect(&first).await;
    assert_eq!(start(&world, &first, &proxy).await.answer().await.http().status, 200);
    assert!(world.provider.is_over(&first));
    let requests = 0..proxy.journal().len();
    let mut cases = Vec::new();
    for (request, phase) in requests.flat_map(|request| [(request, Phase::Arrived), (request, Phase::Processed)]) {
        let user = user_name(10 + cases.len());
        world.connect(&user).await;
        cases.push((user, request, phase));
    }
    let quiet = world.proxy().await;
    let _deliveries = Deliveries::start(&world, Queue::Revocation, "disconnect", &quiet);
    let all = join_all(cases.iter().map(|(user, request, phase)| leaves_nothing(&world, user, *request, *phase)));
    tokio::select! {
        _ = all => {}
        () = schedule(&world, &quiet) => {}
    }
}

async fn schedule(world: &World, proxy: &FaultProxy) {
    let mut ticks = interval(SCHEDULE);
    loop {
        ticks.tick().await;
        world.fire_schedule_at_a_process(proxy).await;
    }
}

async fn start(world: &World, user: &str, proxy: &FaultProxy) -> Instance {
    Instance::start(&bootstrap("disconnect"), &pairs(&environment(proxy)), world.disconnect_event(user)).await
}

async fn leaves_nothing(world: &World, user: &str, request: usize, phase: Phase) {
    let proxy = world.proxy().await;
    let (mut hold, stop) = Hold::at(phase);
    proxy.plan(Rule::once(request, Fault::Hold(Some(stop))));
    let mut instance = start(world, user, &proxy).await;
    let came = timeout(PATIENCE, hold.arrived()).await;
    assert!(came.is_ok(), "{user}, request {request}, was not reached: {:?}", proxy.journal());
    instance.kill();
    let died = Instant::now();
    drop(hold);
    if world.row(user).await.is_some() {
        let again = start(world, user, &world.proxy().await).await.answer().await.http();
        assert_eq!(again.status, 200, "{user}, request {request} {phase:?}: {}", again.body);
    }
    while !world.provider.is_over(user) {
        let wait = died.elapsed();
        assert!(wait < ENDED_WITHIN, "{user}, request {request} {phase:?}: the grant is there after {wait:?}");
        sleep(LOOK).await;
    }
}
