//! How long a provider is left alone after a failure.

use std::time::Duration;

/// The delay after the first failure, before jitter.
const FIRST: Duration = Duration::from_secs(1);

/// The longest delay of our own; a provider may ask for more.
const LONGEST: Duration = Duration::from_mins(15);

/// The shortest time after which the schedule tries a connection again whose connector's client was refused: it takes a
/// person to change that.
pub(super) const MISCONFIGURED: Duration = Duration::from_mins(5);

/// How many failures in a row make the schedule tired of a connection.
pub(super) const FAILURES_THAT_TIRE: u32 = 14;

/// How rarely the schedule tries it then. Whoever reads it may try as often as before.
pub(super) const TIRED: Duration = Duration::from_hours(3);

/// The delay after a refusal that is neither passing nor final, and how much longer it is after the next one: three of
/// them end a grant, and must not come from one bad moment of a gateway.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);
const LONGER: u32 = 3;

/// The shortest delay after the refusals of a connection in a row, this one included.
pub(super) fn after_refusal(refusals: u32) -> Duration {
    AFTER_REFUSAL.saturating_mul(LONGER.saturating_pow(refusals.saturating_sub(1).min(8)))
}

/// The delay after one more failure: twice as long each time, with full jitter (`jitter` in thousandths); or as long as the
/// provider asked for, if it did.
pub(super) fn delay(failures_before: u32, asked: Option<Duration>, jitter: u64) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(failures_before.min(20)).unwrap_or(u32::MAX)).min(LONGEST);
    let milliseconds = u64::try_from(doubled.as_millis()).unwrap_or(u64::MAX);
    let own = Duration::from_millis(milliseconds.saturating_mul(jitter.min(1_000)) / 1_000);
    asked.map_or(own, |asked| asked.max(FIRST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit() {
        for (failures, seconds) in [(0, 1), (1, 2), (3, 8), (10, 900), (u32::MAX, 900)] {
            assert_eq!(delay(failures, None, 1_000), Duration::from_secs(seconds), "after {failures}");
        }
    }

    #[test]
    fn jitter_spreads_from_zero() {
        assert_eq!(delay(3, None, 0), Duration::ZERO);
        assert_eq!(delay(3, None, 500), Duration::from_secs(4));
    }

    #[test]
    fn a_provider_is_left_alone_for_as_long_as_it_asked() {
        let asked = Some(Duration::from_secs(5));
        assert_eq!(delay(0, asked, 1_000), Duration::from_secs(5));
        assert_eq!(delay(5, asked, 1_000), Duration::from_secs(5));
        assert_eq!(delay(5, Some(Duration::ZERO), 0), Duration::from_secs(1));
    }

    #[test]
    fn three_refusals_do_not_come_from_one_bad_moment() {
        assert_eq!([1, 2].map(after_refusal), [Duration::from_secs(10), Duration::from_secs(30)]);
    }
}
