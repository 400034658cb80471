//! `cargo run`: everything on this machine.

use std::{io, process::ExitCode};

use connectors::{clock::Clock, metrics};
use local::{
    settings::Settings,
    stack::{self, Running},
};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

#[tokio::main]
async fn main() -> ExitCode {
    // Figures are for a dashboard; people read the rest.
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    let lines = lines.with_filter(filter_fn(|event| event.target() != metrics::TARGET));
    tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::read(variable)?;
    let running = stack::start(&settings, Clock::system(), variable).await?;
    welcome(&running, &settings);
    told_to_stop().await?;
    tracing::info!("stopping");
    running.stop().await;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is where a developer's environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::print_stdout, reason = "this is what the developer reads")]
fn welcome(running: &Running, settings: &Settings) {
    println!();
    println!("  Open {}/ and press Connect.", running.dev.base_url);
    println!();
    println!("  Ids and keys of the demo  {}", running.dev_file.display());
    println!("  Tables, keys and queues   {}/", settings.data_dir.display());
    println!(
        "  For a single function     cargo lambda watch --manifest-path functions/NAME/Cargo.toml --env-file {}/lambda.env",
        settings.data_dir.display()
    );
    println!("  Stop                      Ctrl-C; delete the folder to begin anew");
    println!();
}

/// Waits for Ctrl-C or SIGTERM.
async fn told_to_stop() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        told = tokio::signal::ctrl_c() => told,
        _ = terminate.recv() => Ok(()),
    }
}
