//! A process that disconnects somebody may die at any moment, too: no grant is left at the provider that nobody here
//! knows of any more.

use std::time::Duration;

use connectors_tests::runtime_api::Instance;
use futures::future::join_all;
use tokio::time::{Instant, interval, sleep, timeout};

use crate::{
    hold::{Hold, Phase},
    provider::{Revocation, Rotate},
    proxy::{Fault, FaultProxy, Rule},
    world::{Deliveries, Read, World, bootstrap, environment, pairs, processes_of, user_name},
};

/// How long after a death a grant may stay: what looks after it comes a minute later.
const ENDED_WITHIN: Duration = Duration::from_secs(80);

/// How long whoever disconnects waits at most, whatever the provider does.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);

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
    let _deliveries = Deliveries::to_disconnect(&world, &quiet);
    let all = join_all(cases.iter().map(|(user, request, phase)| leaves_nothing(&world, user, *request, *phase)));
    tokio::select! {
        _ = all => {}
        () = schedule(&quiet) => {}
    }
}

/// PUB-47, at the function's own program.
#[tokio::test]
async fn a_provider_that_does_not_revoke_keeps_nobody_connected_and_nobody_waiting() {
    let world = World::live(Rotate::StrictRevokeFamily).await;
    for (number, mode) in [Revocation::Failing, Revocation::Refused, Revocation::Hanging].into_iter().enumerate() {
        let user = user_name(number);
        world.connect(&user).await;
        world.provider.answer_revocations_with(mode);
        let began = Instant::now();
        let ended = start(&world, &user, &world.front).await.answer().await.http();
        assert_eq!(ended.status, 200, "{mode:?}");
        assert!(began.elapsed() < ANSWERED_WITHIN, "{mode:?}: {:?}", began.elapsed());
        assert_eq!(world.read(&user).await.status, 404, "{mode:?}");
        assert!(world.provider.revocations().len() > number, "{mode:?}: the provider was asked");
    }
}

/// What another process gets for a connection that is gone belongs to nobody.
#[tokio::test]
async fn tokens_that_another_process_gets_after_the_end_are_revoked_and_not_handed_out() {
    let (world, user) = (World::live(Rotate::StrictRevokeFamily).await, user_name(1));
    world.connect(&user).await;
    world.expire(&user).await;
    let (mut hold, stop) = Hold::at(Phase::Processed);
    world.provider.stop(&user, stop);
    let environment = pairs(&environment(&world.front));
    let mut reader = Instance::start(&bootstrap("get-token"), &environment, world.read_event(&user, "")).await;
    hold.arrived().await;
    assert_eq!(start(&world, &user, &world.front).await.answer().await.http().status, 200);
    hold.release();
    let read = Read::from(reader.answer().await.http());
    assert_eq!((read.status, read.token), (404, None));
    assert!(world.provider.is_over(&user));
    assert_eq!(world.provider.revocations(), [200, 200], "what was stored, and what came too late");
}

async fn schedule(proxy: &FaultProxy) {
    let refresh = processes_of("refresh", proxy);
    let mut ticks = interval(SCHEDULE);
    loop {
        ticks.tick().await;
        refresh(World::schedule_event()).await.unwrap();
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
    let reached = timeout(PATIENCE, hold.arrived()).await;
    assert!(reached.is_ok(), "{user}, request {request}, was not reached: {:?}", proxy.journal());
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
