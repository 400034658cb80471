//! A smaller storm with real processes by the real clock: they are killed at a moment that is drawn, while others ask.

use std::time::Duration;

use connectors_tests::runtime_api::Instance;
use futures::{future::join_all, join};
use tokio::time::{Instant, interval, sleep};

use super::{
    chaos::Trouble,
    lane::Excuse,
    verdict::{Verdict, judge},
};
use crate::{
    dice::{Dice, seed_of_run},
    provider::{Fate, Rotate, Step},
    proxy::{FaultProxy, Kind},
    world::{Deliveries, LEASE, World, bootstrap, environment, pairs, processes_of, user_name},
};

/// How many connections there are.
const LANES: usize = 48;

/// How long after a death everything must be settled: two leases, if the second holder's answer is lost as well.
const SETTLED_WITHIN: Duration = Duration::from_secs(80);

/// How often the schedule fires here; at AWS every minute.
const SCHEDULE: Duration = Duration::from_secs(4);

/// How often it is looked at how a connection stands.
const LOOK: Duration = Duration::from_secs(2);

/// How long a refresh takes at most that nothing delays, in milliseconds: who dies, dies within it.
const LIFE: usize = 400;

/// What is drawn for one connection.
#[derive(Debug)]
struct Fates {
    /// The function that dies, and after how many milliseconds.
    function: &'static str,
    dies_after: u64,
    troubles: Vec<Trouble>,
    provider: Option<Step>,
    /// Whether another process is asked at the same time, and lives.
    other: bool,
}

impl Fates {
    fn draw(dice: &mut Dice) -> Self {
        let provider = match dice.below(10) {
            0 => Some(Step::of(Fate::WorkThenClose)),
            1 => Some(Step::status(500)),
            2..5 => Some(Step::delayed_after(Duration::from_millis(200))),
            5..7 => Some(Step::delayed_before(Duration::from_millis(200))),
            _ => None,
        };
        Self {
            function: if dice.percent(50) { "get-token" } else { "refresh" },
            dies_after: u64::try_from(dice.below(LIFE)).unwrap(),
            troubles: (0..dice.below(3)).map(|_| Trouble::draw(dice)).collect(),
            provider,
            other: dice.percent(40),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_grant_is_lost_that_could_have_been_kept_when_real_processes_die() {
    let seed = seed_of_run();
    println!("FAULTS_SEED={seed}");
    let world = World::live(Rotate::StrictRevokeFamily).await;
    let quiet = world.proxy().await;
    let _deliveries = Deliveries::to_refresh(&world, &quiet);
    for number in 0..LANES {
        world.connect(&user_name(number)).await;
    }
    let lanes = join_all((0..LANES).map(|number| lane(&world, number, Dice::part(seed, number as u64))));
    let verdicts = tokio::select! {
        verdicts = lanes => verdicts,
        never = schedule(&quiet) => never,
    };
    let wrong: Vec<_> =
        verdicts.iter().filter(|(verdict, _)| !matches!(verdict, Verdict::Alive | Verdict::Lost)).collect();
    let lost = verdicts.iter().filter(|(verdict, _)| *verdict == Verdict::Lost).count();
    println!("{lost} of {LANES} grants lost that nothing could keep");
    assert!(wrong.is_empty(), "FAULTS_SEED={seed}: {wrong:#?}");
}

async fn schedule(proxy: &FaultProxy) -> Vec<(Verdict, String)> {
    let refresh = processes_of("refresh", proxy);
    let mut ticks = interval(SCHEDULE);
    loop {
        ticks.tick().await;
        refresh(World::schedule_event()).await.unwrap();
    }
}

/// One connection: a process refreshes it and dies, others put it right.
async fn lane(world: &World, number: usize, mut dice: Dice) -> (Verdict, String) {
    let (user, fates) = (user_name(number), Fates::draw(&mut dice));
    world.expire(&user).await;
    if let Some(step) = fates.provider.clone() {
        world.provider.next(&user, step);
    }
    let mortal = world.proxy().await;
    for trouble in &fates.troubles {
        mortal.plan(trouble.rule(&user));
    }
    let (excuse, ()) = join!(dies(world, &user, &mortal, &fates), lives(world, &user, fates.other));
    let died = Instant::now();
    loop {
        sleep(LOOK).await;
        let read = world.read(&user).await;
        let verdict = judge(world, &user, &read, excuse.as_slice()).await;
        if verdict != Verdict::Unsettled || died.elapsed() > SETTLED_WITHIN {
            return (verdict, format!("{user}: {fates:?}"));
        }
    }
}

/// Runs a process until its time has come. If it held the lease, what it was given until then died with it.
async fn dies(world: &World, user: &str, proxy: &FaultProxy, fates: &Fates) -> Option<Excuse> {
    let from = world.ledger.next();
    let event = if fates.function == "refresh" { world.due_event(user) } else { world.read_event(user, "") };
    let mut process = Instance::start(&bootstrap(fates.function), &pairs(&environment(proxy)), event).await;
    sleep(Duration::from_millis(fates.dies_after)).await;
    process.kill();
    // What it sent with its last breath still arrives.
    sleep(LEASE / 3).await;
    let leased = proxy.journal().iter().any(|seen| seen.kind == Kind::Lease && seen.status == Some(200));
    leased.then(|| Excuse { from, to: world.ledger.next() })
}

/// Another process is asked, if anybody asks one.
async fn lives(world: &World, user: &str, is_asked: bool) {
    if is_asked {
        let environment = pairs(&environment(&world.front));
        let mut process = Instance::start(&bootstrap("get-token"), &environment, world.read_event(user, "")).await;
        let status = process.answer().await.http().status;
        assert!(matches!(status, 200 | 409 | 503), "{user}: {status}");
    }
}
