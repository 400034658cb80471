//! Ten thousand refreshes, around each of which something may go wrong, against a provider that ends the whole grant when
//! a refresh token comes twice.

mod chaos;
mod lane;
mod postmen;
mod processes;
mod verdict;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{future::join_all, join};
use local::product::Product;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::{
    dice::{Dice, refreshes_of_run, seed_of_run},
    provider::Rotate,
    proxy::{Fault, Kind, Rule},
    world::{LEASE, World, user_name},
};
use chaos::Chaos;
use lane::{Excuse, Lane};
use verdict::{Verdict, judge};

/// How many worlds there are beside each other.
const WORLDS: usize = 8;

/// How many connections are in each.
const LANES: usize = 100;

/// How often it is looked at whether anybody works.
const TICK: Duration = Duration::from_millis(10);

/// In how many rounds of a hundred there are outages.
const OUTAGE_ROUNDS: usize = 12;

/// How far time goes at once where the queue has something to deliver: the first of its pauses.
const STEP: Duration = Duration::from_secs(5);

/// How long a provider is left alone at most after failures.
const LONGEST_BACKOFF: Duration = Duration::from_mins(5);

/// How long somebody waits at most for another's refresh, and a little more.
const WAITING: Duration = Duration::from_secs(11);

/// How often a connection is asked for after everything was put right.
const TRIES: usize = 12;

/// What a world counted.
#[derive(Debug, Default)]
struct Tally {
    refreshes: usize,
    requests: usize,
    lost: usize,
    wrong: Vec<String>,
    /// How many of the connections work in the end.
    alive: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_grant_is_lost_that_could_have_been_kept() {
    let seed = seed_of_run();
    println!("FAULTS_SEED={seed}");
    let worlds = (0..WORLDS).map(|number| tokio::spawn(async move { Storm::new(seed, number).await.run().await }));
    let mut sum = Tally::default();
    for tally in join_all(worlds).await {
        let tally = tally.unwrap_or_else(|error| panic!("FAULTS_SEED={seed}: {error}"));
        sum.refreshes += tally.refreshes;
        sum.requests += tally.requests;
        sum.lost += tally.lost;
        sum.alive += tally.alive;
        sum.wrong.extend(tally.wrong);
    }
    let Tally { refreshes, requests, lost, wrong, alive } = sum;
    let connections = WORLDS * LANES;
    println!(
        "{refreshes} refreshes in {requests} requests to AWS: {lost} grants lost that nothing could keep, {} that could have been kept; in the end {alive} of {connections} connections work",
        wrong.len()
    );
    assert!(wrong.is_empty(), "FAULTS_SEED={seed}: {wrong:#?}");
    assert!(alive + lost >= connections, "FAULTS_SEED={seed}: {alive} of {connections} work");
}

/// One world in the storm.
struct Storm {
    seed: u64,
    number: usize,
    world: Arc<World>,
    lanes: Vec<Lane>,
    postmen: Product,
    history: BTreeMap<String, Vec<String>>,
    excuses: BTreeMap<String, Vec<Excuse>>,
    tally: Tally,
    time: JoinHandle<()>,
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.time.abort();
    }
}

impl Storm {
    async fn new(seed: u64, number: usize) -> Self {
        let world = Arc::new(World::held(Rotate::StrictRevokeFamily).await);
        let other = world.instance(&world.front).await;
        let postmen = world.instance(&world.front).await;
        let instances = [world.product.routes.clone(), other.routes];
        let lane = |lane: usize| Lane { world: world.clone(), instances: instances.clone(), user: user_name(lane) };
        let lanes: Vec<Lane> = (0..LANES).map(lane).collect();
        for number in 0..=LANES {
            world.connect(&user_name(number)).await;
        }
        let time = tokio::spawn(pass(world.clone()));
        let (history, excuses, tally) = Default::default();
        Self { seed, number, world, lanes, postmen, history, excuses, tally, time }
    }

    async fn run(mut self) -> Tally {
        let mut round = 0;
        while self.world.provider.count() * WORLDS < refreshes_of_run() {
            self.round(round).await;
            round += 1;
        }
        self.lanes.iter().for_each(Lane::heal);
        self.tally.alive = 0;
        self.settle(self.lanes.clone()).await;
        self.tally.refreshes = self.world.provider.count();
        self.tally.requests = self.world.front.journal().len();
        std::mem::take(&mut self.tally)
    }

    fn dice(&self, round: usize, lane: usize) -> Dice {
        let name = ((self.number * 10_000 + round) * 10_000 + lane) as u64;
        Dice::part(self.seed, name)
    }

    /// Keys and app are in every instance's memory again, as they are where somebody reads all the time.
    async fn warm_up(&self) {
        for routes in self.lanes[0].instances.iter().chain([&self.postmen.routes]) {
            self.world.read_from(routes, &user_name(LANES)).await;
        }
    }

    /// Every token ends, and something happens around every refresh.
    async fn round(&mut self, round: usize) {
        let mut dice = self.dice(round, LANES);
        self.world.clock.advance(Duration::from_hours(1));
        self.warm_up().await;
        if dice.percent(30) {
            let fault = if dice.percent(50) { Fault::Throttle } else { Fault::DropResponse };
            self.world.front.plan(Rule { kind: Some(Kind::Key), user: None, skip: 0, times: 1 + dice.below(4), fault });
        }
        let with_outages = dice.percent(OUTAGE_ROUNDS);
        let (mut settling, mut acts) = (Vec::new(), Vec::new());
        for (number, lane) in self.lanes.iter().enumerate() {
            let mut dice = self.dice(round, number);
            let chaos = Chaos::draw(&mut dice, with_outages);
            if chaos.must_settle() || dice.percent(75) {
                settling.push(lane.clone());
            }
            self.history.entry(lane.user.clone()).or_default().push(format!("round {round}: {chaos:?}"));
            acts.push(tokio::spawn(lane.clone().act(chaos, dice)));
        }
        let postmen = postmen::start(&self.world, &self.postmen, &mut dice);
        let aftermaths = join_all(acts).await;
        postmen.stop().await;
        self.pass_by(WAITING).await;
        for (lane, aftermath) in self.lanes.clone().into_iter().zip(aftermaths) {
            let mut aftermath = aftermath.unwrap();
            for waiting in aftermath.waiting {
                aftermath.answers.push(waiting.await.unwrap());
            }
            for answer in &aftermath.answers {
                if answer.status != 200 && !answer.is_retryable() && !answer.says_reconnect() {
                    self.wrong(&lane.user, &format!("an answer that nobody expects: {answer:?}"));
                }
            }
            self.excuses.entry(lane.user).or_default().extend(aftermath.excuse);
        }
        settling.iter().for_each(Lane::heal);
        self.world.front.heal(None);
        self.settle(settling).await;
    }

    /// Time goes by, and nobody asks; the queue delivers what it has, when it is time.
    async fn pass_by(&self, time: Duration) {
        for _ in 0..time.as_secs().min(60).div_ceil(STEP.as_secs()) {
            self.world.clock.advance(STEP);
            postmen::empty(&self.world, &self.postmen).await;
        }
        self.world.clock.advance(time.saturating_sub(Duration::from_mins(1)));
    }

    /// Nothing goes wrong any more: the queue works, and the users ask. What is over is noted, and connected anew.
    async fn settle(&mut self, lanes: Vec<Lane>) {
        self.pass_by(LEASE + STEP).await;
        let mut unsettled = lanes;
        for attempt in 0..TRIES {
            let reads = join_all(unsettled.iter().map(|lane| self.world.read(&lane.user)));
            let (reads, ()) = join!(reads, postmen::empty(&self.world, &self.postmen));
            let mut still = Vec::new();
            for (lane, read) in unsettled.into_iter().zip(reads) {
                let excuses = self.excuses.get(&lane.user).map_or(&[][..], Vec::as_slice);
                match judge(&self.world, &lane.user, &read, excuses).await {
                    Verdict::Unsettled => still.push(lane),
                    verdict => self.note(&lane, verdict).await,
                }
            }
            unsettled = still;
            // First as soon as the queue tries again, then beyond the longest that a provider is left alone.
            self.pass_by(if attempt < TRIES / 2 { STEP * 2 } else { LONGEST_BACKOFF }).await;
        }
        for lane in unsettled {
            self.wrong(&lane.user, "neither works nor is over");
        }
    }

    async fn note(&mut self, lane: &Lane, verdict: Verdict) {
        match verdict {
            Verdict::Alive => {
                self.tally.alive += 1;
                return;
            }
            Verdict::Unsettled => return,
            Verdict::Lost => self.tally.lost += 1,
            Verdict::Wrong(why) => self.wrong(&lane.user, &why),
        }
        self.world.connect(&lane.user).await;
        self.history.remove(&lane.user);
        self.excuses.remove(&lane.user);
    }

    fn wrong(&mut self, user: &str, why: &str) {
        let history = self.history.get(user).map_or(&[][..], Vec::as_slice);
        let last = &history[history.len().saturating_sub(3)..];
        self.tally.wrong.push(format!("world {}, {user}: {why}; {}", self.number, last.join("; ")));
    }
}

/// Time goes by while nobody works, so that a busy machine makes no process look slow.
async fn pass(world: Arc<World>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = None;
    loop {
        ticks.tick().await;
        let now = world.ledger.quiet_since();
        if now.is_some() && now == before {
            world.clock.advance(TICK);
        }
        before = now;
    }
}
