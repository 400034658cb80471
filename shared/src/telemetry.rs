//! Logs: one JSON object a line, made for `CloudWatch` Logs Insights. No secret can be in one, because nothing secret can
//! be printed. Figures are lines of their own, in `CloudWatch`'s embedded metric format.

use std::io::Write;

use serde_json::{Map, Value, json};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, filter_fn},
    fmt::MakeWriter,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

use crate::metrics;

/// Libraries whose lines have in them what callers sent, or what they were answered: a link that only its user may have.
const TALKATIVE: [&str; 1] = ["rmcp"];

/// Starts logging to the standard output, once per process.
pub fn start() {
    let lines =
        tracing_subscriber::fmt::layer().json().with_current_span(true).with_span_list(false).flatten_event(true);
    let lines = lines.with_filter(filter_fn(|event| {
        event.target() != metrics::TARGET && !TALKATIVE.iter().any(|library| event.target().starts_with(library))
    }));
    let figures = Figures(std::io::stdout);
    let started = tracing_subscriber::registry().with(LevelFilter::INFO).with(lines).with(figures).try_init();
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Writes figures in the embedded metric format, and nothing else.
struct Figures<W>(W);

impl<S, W> Layer<S> for Figures<W>
where
    S: Subscriber,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != metrics::TARGET {
            return;
        }
        let mut figure = Figure::default();
        event.record(&mut figure);
        // A figure that cannot be written is one that nobody reads: there is nowhere to say so.
        let _ = writeln!(self.0.make_writer(), "{}", figure.line());
    }
}

/// The fields of a figure.
#[derive(Default)]
struct Figure {
    texts: Map<String, Value>,
    value: u64,
}

impl Figure {
    fn line(self) -> Value {
        let text = |name: &str| self.texts.get(name).cloned().unwrap_or_default();
        let metric = text("metric");
        let mut line = json!({
            "_aws": {
                "Timestamp": crate::clock::Clock::system().now().as_millisecond(),
                "CloudWatchMetrics": [{
                    "Namespace": metrics::NAMESPACE,
                    "Dimensions": [["deployment"]],
                    "Metrics": [{"Name": metric, "Unit": text("unit")}],
                }],
            },
            "deployment": text("deployment"),
        });
        if let Some(name) = metric.as_str() {
            line[name] = self.value.into();
        }
        line
    }
}

impl Visit for Figure {
    fn record_u64(&mut self, _: &Field, value: u64) {
        self.value = value;
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.texts.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;
    use crate::metrics::{Metric, Metrics};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_figure_is_a_line_that_cloudwatch_reads_and_other_events_are_none() {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::registry().with(Figures(lines.clone()));
        tracing::subscriber::with_default(subscriber, || {
            Metrics::new("test").record(Metric::OldestDueAge, 7);
            tracing::info!("no figure");
        });
        let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 1);
        let line: Value = serde_json::from_str(&written).unwrap();
        assert_eq!((&line["oldest_due_age"], &line["deployment"]), (&json!(7), &json!("test")));
        let described = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(described["Dimensions"], json!([["deployment"]]));
        assert_eq!(described["Metrics"], json!([{"Name": "oldest_due_age", "Unit": "Seconds"}]));
    }
}
