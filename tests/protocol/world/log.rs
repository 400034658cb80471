//! Everything that the product logs, as it would print it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter, layer::SubscriberExt, registry};

/// A copy of the log of this thread, for as long as it lives.
pub(crate) struct LogTap {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl LogTap {
    pub(crate) fn open() -> Self {
        let lines = Lines::default();
        let layer = tracing_subscriber::fmt::layer().json().with_current_span(true).flatten_event(true);
        let layer = layer.with_writer(lines.clone());
        let guard = tracing::subscriber::set_default(registry().with(LevelFilter::INFO).with(layer));
        Self { lines, _guard: guard }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Lines {
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
