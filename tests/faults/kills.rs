//! A process may die at any moment: before and after each request that it makes. What it leaves behind is put right
//! without anybody asking, by the queue and the schedule.

use std::{collections::BTreeMap, time::Duration};

use connectors_tests::runtime_api::Instance;
use futures::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, interval_at, sleep, timeout};

use crate::{
    hold::{Hold, Phase, Stop},
    provider::Rotate,
    proxy::{Fault, FaultProxy, Kind, Rule, Seen},
    world::{Deliveries, LEASE, World, bootstrap, environment, pairs, processes_of, user_name},
};

/// How long after the lease a connection must be settled: somebody looks after three seconds, asks behind whatever the dead
/// one may have left, and refreshes.
const MARGIN: Duration = Duration::from_secs(5);

/// How long a process may take to come to the moment at which it dies: everybody dies at once here.
const REACHED_WITHIN: Duration = Duration::from_secs(20);

/// How often the schedule fires here; at AWS every minute.
const SCHEDULE: Duration = Duration::from_secs(3);

/// How long one begins after the other: refreshes ahead of time have a pace.
const ONE_BY_ONE: Duration = Duration::from_millis(150);

/// How often a connection is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(250);

/// For how long a provider forgives a second use: half a minute, as many do.
const GRACE: Duration = Duration::from_secs(30);

const PHASES: [Phase; 3] = [Phase::Arrived, Phase::Processed, Phase::Answered];

/// Which function refreshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    GetToken,
    Refresh,
}

/// A request that a refresh makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// The n-th one of a kind to AWS.
    Aws(usize, Kind),
    /// The one to the provider.
    Provider,
}

/// Where a process dies.
#[derive(Debug, Clone)]
struct Case {
    user: String,
    way: Way,
    request: Request,
    phase: Phase,
    /// What would follow.
    next: Option<Request>,
    /// Whether the provider has rotated by then, and the table not taken it.
    may_be_lost: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresher_that_dies_anywhere_costs_nothing_where_the_provider_forgives() {
    let modes = [Rotate::None, Rotate::GraceNewPair(GRACE), Rotate::GraceIdempotent(GRACE)];
    let lost = join_all(modes.into_iter().flat_map(in_every_way)).await;
    assert!(lost.iter().all(Vec::is_empty), "{lost:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresher_that_dies_anywhere_costs_nothing_but_what_the_provider_alone_knew() {
    let modes = [Rotate::StrictError, Rotate::StrictRevokeFamily];
    let lost = join_all(modes.into_iter().flat_map(in_every_way)).await;
    for case in lost.iter().flatten() {
        assert!(case.may_be_lost, "{case:?}");
    }
}

fn in_every_way(rotate: Rotate) -> [impl Future<Output = Vec<Case>>; 2] {
    [Way::GetToken, Way::Refresh].map(|way| lost_in(rotate, way))
}

/// Kills processes everywhere, and answers which connections did not survive it.
async fn lost_in(rotate: Rotate, way: Way) -> Vec<Case> {
    let world = World::live(rotate).await;
    let sequence = undisturbed(&world, &user_name(0), way).await;
    println!("{rotate:?}, {way:?}: {sequence:?}");
    let mut cases = cases_of(&sequence, way);
    for (number, case) in cases.iter_mut().enumerate() {
        case.user = user_name(10 + number);
        world.connect(&case.user).await;
        world.expire(&case.user).await;
    }
    let quiet = world.proxy().await;
    let _deliveries = Deliveries::to_refresh(&world, &quiet);
    let all = join_all(cases.iter().zip(0..).map(|(case, number)| survives(&world, case, ONE_BY_ONE * number)));
    let survived = tokio::select! {
        survived = all => survived,
        never = schedule(&quiet) => never,
    };
    cases.into_iter().zip(survived).filter(|(_, survived)| !survived).map(|(case, _)| case).collect()
}

/// Whoever is to die has taken the lease by the time the schedule comes by.
async fn schedule(proxy: &FaultProxy) -> Vec<bool> {
    let refresh = processes_of("refresh", proxy);
    let mut ticks = interval_at(Instant::now() + LEASE / 2, SCHEDULE);
    loop {
        ticks.tick().await;
        refresh(World::schedule_event()).await.unwrap();
    }
}

/// The requests of a refresh that nothing disturbs; the service key was used before on that day.
async fn undisturbed(world: &World, user: &str, way: Way) -> Vec<Request> {
    world.connect(&user_name(1)).await;
    assert_eq!(world.read(&user_name(1)).await.status, 200);
    world.connect(user).await;
    world.expire(user).await;
    let proxy = world.proxy().await;
    drop(start(world, way, user, &proxy).await.answer().await.value());
    let asked = proxy.journal();
    let mut sequence: BTreeMap<u64, Request> =
        asked.iter().enumerate().map(|(index, seen)| (seen.order, nth(&asked[..index], seen.kind))).collect();
    let refreshes = world.provider.refreshes(user);
    assert_eq!(refreshes.len(), 1, "one refresh, and one call of the provider");
    sequence.insert(refreshes[0].order, Request::Provider);
    sequence.into_values().collect()
}

/// A request of this kind, after those.
fn nth(before: &[Seen], kind: Kind) -> Request {
    Request::Aws(before.iter().filter(|seen| seen.kind == kind).count(), kind)
}

fn cases_of(sequence: &[Request], way: Way) -> Vec<Case> {
    let at = |wanted: fn(&Request) -> bool| sequence.iter().position(wanted).unwrap();
    let rotates = at(|request| *request == Request::Provider);
    let commits = at(|request| matches!(request, Request::Aws(_, Kind::Commit)));
    let moments = sequence.iter().enumerate().flat_map(|moment| PHASES.map(|phase| (moment, phase)));
    let case = |((index, request), phase): ((usize, &Request), Phase)| {
        let has_rotated = index > rotates || (index == rotates && phase != Phase::Arrived);
        let is_stored = index > commits || (index == commits && phase != Phase::Arrived);
        let next = sequence.get(index + 1).copied();
        Case { user: String::new(), way, request: *request, phase, next, may_be_lost: has_rotated && !is_stored }
    };
    moments.map(case).collect()
}

async fn start(world: &World, way: Way, user: &str, proxy: &FaultProxy) -> Instance {
    let (function, event): (_, Value) = match way {
        Way::GetToken => ("get-token", world.read_event(user, "")),
        Way::Refresh => ("refresh", world.due_event(user)),
    };
    Instance::start(&bootstrap(function), &pairs(&environment(proxy)), event).await
}

/// Kills a process at one moment, lets the others work, and looks whether the connection works then.
async fn survives(world: &World, case: &Case, begins_after: Duration) -> bool {
    sleep(begins_after).await;
    let proxy = world.proxy().await;
    let (mut hold, stop) = Hold::at(case.phase);
    stop_at(world, &proxy, case, case.request, stop);
    // Who was answered makes the next request at once: it comes to nothing, so that the death is between the two.
    let (next, stop) = Hold::at(Phase::Arrived);
    if let (Phase::Answered, Some(request)) = (case.phase, case.next) {
        stop_at(world, &proxy, case, request, stop);
    }
    let mut instance = start(world, case.way, &case.user, &proxy).await;
    let reached = timeout(REACHED_WITHIN, hold.arrived()).await;
    assert!(reached.is_ok(), "{case:?} was not reached; {:?}\n{}", proxy.journal(), instance.log());
    instance.kill();
    let died = Instant::now();
    drop((hold, next));
    // What it sent with its last breath may still arrive, and must come to nothing; nobody else asks before the lease ends.
    sleep(LEASE / 3).await;
    world.provider.heal(&case.user);
    while died.elapsed() < LEASE + MARGIN && !is_settled(world, &case.user).await {
        sleep(LOOK).await;
    }
    let row = world.row(&case.user).await;
    assert!(
        is_settled(world, &case.user).await,
        "{case:?} is not settled {:?} after its death: {row:?}",
        died.elapsed()
    );
    let issued = world.provider.issued_count(&case.user);
    let read = world.read(&case.user).await;
    if read.status == 200 {
        assert!(world.provider.honours(read.token.as_deref().unwrap()), "{case:?} works only by its look");
        assert_eq!(world.provider.issued_count(&case.user), issued, "{case:?} was refreshed by whoever asked only");
        return true;
    }
    assert!(read.says_reconnect(), "{case:?}: {read:?}");
    let reason = "rotation_lost".to_owned();
    assert_eq!(world.standing(&case.user).await, ("reconnect_required".to_owned(), reason), "{case:?}");
    println!("lost: {case:?}; the provider saw {:?}", world.provider.refreshes(&case.user));
    false
}

fn stop_at(world: &World, proxy: &FaultProxy, case: &Case, request: Request, stop: Stop) {
    match request {
        Request::Aws(number, kind) => {
            proxy.plan(Rule { kind: Some(kind), ..Rule::once(number, Fault::Hold(Some(stop))) });
        }
        Request::Provider => world.provider.stop(&case.user, stop),
    }
}

/// Whether nobody is at a connection, and it is fresh or over.
async fn is_settled(world: &World, user: &str) -> bool {
    let row = world.row(user).await.unwrap();
    let now = world.clock.now().as_millisecond();
    let is_fresh = row["expires_at"].as_n().unwrap().parse::<i64>().unwrap() > now;
    row.contains_key("grant_ended") || (is_fresh && !row.contains_key("leased_until"))
}
