//! Many callers at once, at two processes, on one connection whose token has ended and whose provider forgives nothing.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::{
    provider::{Presentation, Rotate, Step},
    world::{LEASE, Local, Read, World, user_name},
};

/// How many ask at once.
const READERS: usize = 100;

/// How often it is done in a row.
const RUNS: usize = 20;

/// How many in a hundred may be told to come again.
const MAY_COME_AGAIN: usize = 5;

/// Longer than a provider is waited for, and than the lease.
const FOR_EVER: Duration = Duration::from_secs(35);

/// How many ask at once where twenty connections wait at the same time: all of them poll.
const PATIENT_READERS: usize = 10;

/// How exactly the beginning of two leases can be told from what arrives at the provider.
const TOLERANCE: Duration = Duration::from_secs(1);

struct Crowd {
    world: World,
    processes: [Local; 2],
}

impl Crowd {
    async fn gather() -> Self {
        let world = World::live(Rotate::StrictRevokeFamily).await;
        let processes = [Local::start(&world.front).await, Local::start(&world.front).await];
        Self { world, processes }
    }

    /// Half of the readers ask one process, half the other.
    async fn read(&self, user: &str, readers: usize) -> Vec<Read> {
        join_all((0..readers).map(|number| self.processes[number % 2].read(&self.world, user))).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_readers_at_two_processes_cause_one_refresh_of_a_provider_that_is_quick() {
    read_in_a_row(Duration::ZERO).await;
}

/// PUB-33, at real processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_readers_at_two_processes_cause_one_refresh_of_a_provider_that_is_slow() {
    read_in_a_row(Duration::from_millis(800)).await;
}

async fn read_in_a_row(delay: Duration) {
    let crowd = Crowd::gather().await;
    let user = user_name(1);
    crowd.world.connect(&user).await;
    for run in 0..RUNS {
        crowd.world.expire(&user).await;
        let issued = crowd.world.provider.issued_count(&user);
        crowd.world.provider.next(&user, Step::delayed_after(delay));
        let answers = crowd.read(&user, READERS).await;
        assert_eq!(crowd.world.provider.issued_count(&user), issued + 1, "run {run}");
        let tokens: BTreeSet<_> = answers.iter().filter(|read| read.status == 200).map(|read| &read.token).collect();
        assert_eq!(tokens.len(), 1, "run {run}");
        let other: Vec<&Read> = answers.iter().filter(|read| read.status != 200).collect();
        assert!(other.iter().all(|read| read.is_retryable()), "run {run}: {other:?}");
        assert!(other.len() * 100 <= READERS * MAY_COME_AGAIN, "run {run}: {} must come again", other.len());
        let token = tokens.into_iter().next().and_then(Option::as_deref).unwrap();
        assert!(crowd.world.provider.honours(token), "run {run}");
    }
    let refreshes = crowd.world.provider.refreshes(&user);
    let presented: BTreeSet<_> = refreshes.iter().map(|refresh| &refresh.refresh_token).collect();
    assert_eq!((refreshes.len(), presented.len()), (RUNS, RUNS), "each refresh token was used once");
    assert!(refreshes.iter().all(|refresh| !refresh.overlaps && refresh.status == 200), "{refreshes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_answers_too_late_is_not_asked_twice_while_the_first_may_still_be_under_way() {
    let crowd = Crowd::gather().await;
    let steps = [Step::delayed_before(FOR_EVER), Step::delayed_after(FOR_EVER)];
    let waits = (0..RUNS).map(|number| wait_for_long(&crowd, user_name(number), steps[number % 2].clone()));
    join_all(waits).await;
}

/// Readers ask until the provider would have answered, and afterwards.
async fn wait_for_long(crowd: &Crowd, user: String, step: Step) {
    let world = &crowd.world;
    world.connect(&user).await;
    world.expire(&user).await;
    world.provider.next(&user, step);
    let began = Instant::now();
    let mut answers = crowd.read(&user, PATIENT_READERS).await;
    while began.elapsed() < FOR_EVER + Duration::from_secs(5) {
        sleep(Duration::from_secs(2)).await;
        answers.extend(crowd.read(&user, 2).await);
    }
    let is_known = |read: &&Read| read.status == 200 || read.is_retryable() || read.says_reconnect();
    let unknown: Vec<&Read> = answers.iter().filter(|read| !is_known(read)).collect();
    assert!(unknown.is_empty(), "{user}: {unknown:?}");
    assert_one_at_a_time(&world.provider.refreshes(&user));
    let last = answers.last().unwrap();
    if last.says_reconnect() {
        assert_eq!(world.standing(&user).await.1, "rotation_lost", "{user}");
    }
}

/// While a lease lasts, no refresh token is presented a second time.
fn assert_one_at_a_time(refreshes: &[Presentation]) {
    for (index, refresh) in refreshes.iter().enumerate() {
        let again = refreshes[index + 1..].iter().find(|later| later.refresh_token == refresh.refresh_token);
        if let Some(again) = again {
            let after = again.arrived - refresh.arrived;
            assert!(after + TOLERANCE >= LEASE, "{} asked again after {after:?}: {refreshes:?}", refresh.user);
        }
    }
}
