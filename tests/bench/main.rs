//! Measures each function as Lambda starts it: size on disk, time from the start of the process to its first answer, and
//! the most memory it had by then. Prints the table of `README.md`; fails where a limit is passed.
//!
//! The argument is the folder with the release builds.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for whoever changes a dependency, not for users"
)]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use connectors_tests::{
    deployment::Deployment,
    runtime_api::{Instance, Outcome},
};

/// How often each function is started.
const STARTS: usize = 20;

/// How many reads follow the first one of `get-token`.
const READS: u32 = 1_000;

/// What a bootstrap may weigh, stripped, in bytes.
const SIZE_LIMIT: u64 = 9_000_000;

/// How long it may take from process start to first answer.
const START_LIMIT: Duration = Duration::from_millis(10);

/// The most memory it may have had by then, in bytes.
const MEMORY_LIMIT: u64 = 12_000_000;

/// Every function with the event that it is started for.
const FUNCTIONS: [(&str, &str); 13] = [
    ("start-authorization", "start-authorization.initiate"),
    ("callback", "callback.code"),
    ("finish-authorization", "finish-authorization.state"),
    ("get-token", "get-token.of-user"),
    ("call-provider", "call-provider.of-user"),
    ("refresh", "refresh.batch"),
    ("disconnect", "disconnect.by-user"),
    ("deliver-events", "deliver-events.batch"),
    ("list-connections", "list-connections.of-user"),
    ("manage-connector", "manage-connector.list"),
    ("move-grants", "move-grants.import"),
    ("mcp", "mcp.metadata-of-app"),
    ("console", "console.page"),
];

/// What was measured of one function.
struct Figures {
    size: u64,
    start: Duration,
    slowest: Duration,
    memory: u64,
}

impl Figures {
    fn are_within_limits(&self) -> bool {
        self.size <= SIZE_LIMIT && self.start <= START_LIMIT && self.memory <= MEMORY_LIMIT
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| "target/release".into()));
    println!("| function | event | size, MB | first answer, ms (median of {STARTS}) | slowest, ms | peak memory, MB |");
    println!("|---|---|---:|---:|---:|---:|");
    let mut all_within = true;
    for (function, event) in FUNCTIONS {
        let figures = measure(&folder.join(function), event).await;
        all_within &= figures.are_within_limits();
        println!(
            "| `{function}` | `{event}` | {:.2} | {:.1} | {:.1} | {:.1} |",
            megabytes(figures.size),
            milliseconds(figures.start),
            milliseconds(figures.slowest),
            megabytes(figures.memory)
        );
    }
    let (read, memory) = warm(&folder.join("get-token")).await;
    println!(
        "\nWarm `get-token`: {:.2} ms a read, {:.1} MB after {READS} reads.",
        milliseconds(read),
        megabytes(memory)
    );
    let sweep = measure(&folder.join("refresh"), "refresh.schedule").await;
    println!("`refresh` on `refresh.schedule`: {:.1} ms, with 64 queries in it.", milliseconds(sweep.start));
    if all_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measure(bootstrap: &Path, event: &str) -> Figures {
    let deployment = Deployment::start().await;
    if event != "disconnect.by-user" {
        deployment.connect().await;
    }
    let (mut starts, mut memory) = (Vec::new(), 0);
    for _ in 0..STARTS {
        let mut instance = Instance::start(bootstrap, deployment.direct_environment(), deployment.event(event)).await;
        let answer = instance.answer().await;
        assert!(matches!(answer.outcome, Outcome::Response(_)), "{event}: {answer:?}");
        starts.push(answer.after);
        memory = memory.max(instance.peak_memory());
    }
    starts.sort_unstable();
    let size = std::fs::metadata(bootstrap).unwrap().len();
    Figures { size, start: starts[STARTS / 2], slowest: starts[STARTS - 1], memory }
}

/// How long a read takes that finds everything in memory but the connection and its connector, and the memory after many.
async fn warm(bootstrap: &Path) -> (Duration, u64) {
    let deployment = Deployment::start().await;
    deployment.connect().await;
    let event = deployment.event("get-token.of-user");
    let mut instance = Instance::start(bootstrap, deployment.direct_environment(), event.clone()).await;
    let first = instance.answer().await.after;
    let mut last = first;
    for _ in 0..READS {
        last = instance.invoke(event.clone()).await.after;
    }
    (last.saturating_sub(first) / READS, instance.peak_memory())
}

#[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
