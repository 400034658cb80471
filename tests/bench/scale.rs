//! Refreshing ahead with many connections: what it asks of AWS and of the provider, how much memory its processes take.
//! Prints a row of the table of `README.md`; fails where a limit is passed.
//!
//!     scale BOOTSTRAP CONNECTIONS [REFRESHES] [never]
//!
//! `BOOTSTRAP` is the function `refresh`; of the connections, all due, `REFRESHES` are refreshed (all by default). With
//! `never`, the provider rotates no refresh tokens.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for whoever wants to know what a deployment costs, not for users"
)]

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use connectors::clock::Clock;
use connectors_tests::scale::{Counts, Fleet, Functions};

/// How many processes work the queue off.
const WORKERS: usize = 2;

/// The most memory that any of the processes may have had, in bytes, however many connections there are.
const MEMORY_LIMIT: u64 = 25_000_000;

/// How many writes may be refused because another process drew the connector's next moment first.
fn lost_races(refreshes: usize) -> usize {
    refreshes / 20
}

struct Options {
    bootstrap: PathBuf,
    connections: usize,
    refreshes: usize,
    rotates: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = options();
    let fleet = Fleet::on_disk(Clock::system(), options.rotates).await;
    let began = now();
    let item = fleet.load(options.connections).await;
    println!("{} connections of {item} bytes, loaded in {:.0} s", options.connections, seconds(began));

    let mut dispatcher = Functions::process(&options.bootstrap, &fleet).await;
    drop(fleet.tap.take());
    let began = now();
    let left = dispatcher.sweep().await;
    let swept = fleet.tap.take();
    println!("a sweep leaves {left} messages in {:.1} s", seconds(began));
    show(&swept, 1, "a sweep");

    let mut workers = Vec::new();
    for _ in 0..WORKERS {
        workers.push(Functions::process(&options.bootstrap, &fleet).await);
    }
    drop(fleet.tap.take());
    let began = now();
    let each = options.refreshes.div_ceil(WORKERS);
    futures::future::join_all(workers.iter_mut().map(|worker| worker.work(&fleet, each))).await;
    let took = seconds(began);
    let refreshes = fleet.provider.refreshes();
    let worked = fleet.tap.take();
    println!(
        "{refreshes} refreshes in {took:.0} s by {WORKERS} processes, {:.1} ms each",
        took * 1e3 / count(refreshes)
    );
    show(&worked, refreshes, "a refresh");
    let looked = look_after(&fleet, &mut workers, &options).await;
    show(&looked, refreshes, "a refresh, for the look after it");

    let memory = |functions: &Functions| functions.peak_memory().unwrap();
    let most = workers.iter().map(memory).max().unwrap();
    println!("peak memory: {:.1} MB dispatching, {:.1} MB refreshing", megabytes(memory(&dispatcher)), megabytes(most));
    let is_within = of(&swept, "Query") <= 64 + usize::try_from(left).unwrap()
        && of(&worked, "UpdateItem") <= 3 * refreshes + lost_races(refreshes)
        && refreshes >= options.refreshes.min(usize::try_from(left).unwrap())
        && most.max(memory(&dispatcher)) <= MEMORY_LIMIT;
    if is_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the messages that look after refreshes ask, where all connections were refreshed and nothing else is left.
async fn look_after(fleet: &Fleet, workers: &mut [Functions], options: &Options) -> Counts {
    if options.refreshes >= options.connections {
        futures::future::join_all(workers.iter_mut().map(|worker| worker.work_off(fleet))).await;
    }
    fleet.tap.take()
}

fn options() -> Options {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Vec<usize> = given.iter().skip(1).filter_map(|word| word.parse().ok()).collect();
    let connections = numbers.first().copied().unwrap_or(10_000);
    Options {
        bootstrap: given.first().unwrap().into(),
        connections,
        refreshes: numbers.get(1).copied().unwrap_or(connections),
        rotates: !given.contains(&"never".to_owned()),
    }
}

fn show(counts: &Counts, per: usize, what: &str) {
    let shown = counts.iter().map(|(name, number)| format!("{name} {:.2}", count(*number) / count(per)));
    println!("  {what}: {}", shown.collect::<Vec<_>>().join(", "));
}

fn of(counts: &Counts, operation: &str) -> usize {
    counts.iter().filter(|(name, _)| name.starts_with(operation)).map(|(_, count)| count).sum()
}

#[expect(clippy::disallowed_methods, reason = "the time that it takes, not the product's")]
fn now() -> Instant {
    Instant::now()
}

fn seconds(since: Instant) -> f64 {
    since.elapsed().max(Duration::from_millis(1)).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn count(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
