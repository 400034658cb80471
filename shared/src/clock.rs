//! Time as a parameter.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Where the present moment comes from. Whoever needs the time is handed one of these.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Held(Arc<AtomicI64>),
}

impl Clock {
    /// The operating system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at a moment until it is moved with [`Clock::advance`]. Clones move together.
    #[must_use]
    pub fn held_at(moment: Timestamp) -> Self {
        Self(Source::Held(Arc::new(AtomicI64::new(moment.as_millisecond()))))
    }

    /// Now, in whole milliseconds.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everyone else is handed")]
    pub fn now(&self) -> Timestamp {
        let milliseconds = match &self.0 {
            Source::System => Timestamp::now().as_millisecond(),
            Source::Held(moment) => moment.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The day that it is now, by universal time.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }

    /// Moves a held clock forward. The system's clock moves by itself and ignores this.
    pub fn advance(&self, by: std::time::Duration) {
        if let Source::Held(moment) = &self.0 {
            moment.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }
}
