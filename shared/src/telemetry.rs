//! Logs: one JSON object a line, made for `CloudWatch` Logs Insights. No secret can be in one, because nothing secret can
//! be printed.

use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging to the standard output, once per process.
pub fn start() {
    let lines =
        tracing_subscriber::fmt::layer().json().with_current_span(true).with_span_list(false).flatten_event(true);
    let started = tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
