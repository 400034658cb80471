//! How far connections are from the moment at which they are refreshed without anybody asking: how late the schedule is, and
//! what it has before it.

use jiff::{SignedDuration, Timestamp};

use super::app::words;

/// How late is late: the schedule runs once a minute, and spreads what it finds.
const LATE: SignedDuration = SignedDuration::from_mins(10);

/// How far a connection is from its due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueAge {
    /// It was due more than ten minutes ago: the schedule is behind.
    Late,
    /// It is due.
    Now,
    /// Within the hour.
    Hour,
    /// Within a day.
    Day,
    /// After that.
    Later,
    /// Nothing is done with it unless somebody asks.
    Never,
}

words! {
    DueAge { Late = "late", Now = "now", Hour = "hour", Day = "day", Later = "later", Never = "never" }
}

impl DueAge {
    /// All of them, the latest first.
    pub const ALL: [Self; 6] = [Self::Late, Self::Now, Self::Hour, Self::Day, Self::Later, Self::Never];

    /// How far what is due at `due_at` is from it at `now`.
    #[must_use]
    pub fn of(due_at: Option<Timestamp>, now: Timestamp) -> Self {
        let Some(due_at) = due_at else { return Self::Never };
        let left = due_at.duration_since(now);
        let is_within = |age: &Self| age.upper().is_none_or(|upper| left < upper);
        Self::ALL.into_iter().find(is_within).unwrap_or(Self::Later)
    }

    /// How long it is at most until the due time, which is negative for what is late; `None` where nothing limits it.
    #[must_use]
    pub fn upper(self) -> Option<SignedDuration> {
        match self {
            Self::Late => Some(-LATE),
            Self::Now => Some(SignedDuration::ZERO),
            Self::Hour => Some(SignedDuration::from_hours(1)),
            Self::Day => Some(SignedDuration::from_hours(24)),
            Self::Later | Self::Never => None,
        }
    }
}

/// How many connections are how far from their due times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueAges([usize; DueAge::ALL.len()]);

impl DueAges {
    /// Counts one more.
    pub fn count(&mut self, age: DueAge) {
        self.0[age as usize] += 1;
    }

    /// How many there are of each, the latest first.
    pub fn iter(&self) -> impl Iterator<Item = (DueAge, usize)> {
        DueAge::ALL.into_iter().zip(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_moment_is_in_one_bucket_and_late_is_later_than_ten_minutes() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        for (seconds, expected) in [
            (-86_400, DueAge::Late),
            (-601, DueAge::Late),
            (-600, DueAge::Now),
            (-1, DueAge::Now),
            (0, DueAge::Hour),
            (3_599, DueAge::Hour),
            (3_600, DueAge::Day),
            (86_400, DueAge::Later),
        ] {
            let due_at = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
            assert_eq!(DueAge::of(Some(due_at), now), expected, "{seconds}");
        }
        assert_eq!(DueAge::of(None, now), DueAge::Never);
    }

    #[test]
    fn what_is_counted_is_told_under_its_own_name() {
        let mut ages = DueAges::default();
        for age in DueAge::ALL.into_iter().skip(3) {
            ages.count(age);
        }
        let told: Vec<_> = ages.iter().map(|(age, count)| (age.as_str(), count)).collect();
        assert_eq!(told, [("late", 0), ("now", 0), ("hour", 0), ("day", 1), ("later", 1), ("never", 1)]);
    }
}
