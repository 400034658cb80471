//! When an access token is fresh enough, and when it should be refreshed ahead of time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::connection::SealedTokens;

/// How much life a token must have for a caller that does not say.
const DEFAULT_MIN_TTL: Duration = Duration::from_mins(1);

/// The most life a caller may ask for: the usual life of an access token.
pub const LONGEST_MIN_TTL: Duration = Duration::from_hours(1);

/// The longest that a refresh comes ahead of a token's end.
const LONGEST_LEAD: Duration = Duration::from_mins(15);

/// How much life a caller wants a token to have at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MinTtl {
    /// A minute, or half of a life that is shorter than two: otherwise every read would refresh a short-lived token.
    #[default]
    Usual,
    /// This much. Where no token of the provider lives that long, half of what it lives.
    Asked(Duration),
}

/// Whether a stored access token will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It has the life that was asked for.
    Fresh,
    /// It still works, but should be refreshed.
    Expiring,
    /// It works no more.
    Expired,
}

impl SealedTokens {
    /// Whether the access token has `min_ttl` left.
    #[must_use]
    pub fn freshness(&self, now: Timestamp, min_ttl: MinTtl) -> Freshness {
        let Some(expires_at) = self.expires_at else { return Freshness::Fresh };
        let left = expires_at.duration_since(now);
        let life = expires_at.duration_since(self.issued_at);
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let wanted = match min_ttl {
            MinTtl::Usual => signed(DEFAULT_MIN_TTL).min(life / 2),
            MinTtl::Asked(asked) if signed(asked) < life => signed(asked),
            MinTtl::Asked(_) => life / 2,
        };
        if left.is_zero() || left.is_negative() {
            Freshness::Expired
        } else if left > wanted {
            Freshness::Fresh
        } else {
            Freshness::Expiring
        }
    }

    /// When the token should be refreshed ahead of its end: in the last fifth of its life, at most fifteen minutes
    /// before, spread by `jitter` (0 to 1,000 thousandths) so that what was connected together is not due together.
    ///
    /// `None` if there is nothing to refresh, or no end to come ahead of.
    #[must_use]
    pub fn due_at(&self, jitter: u16) -> Option<Timestamp> {
        self.refresh.as_ref()?;
        self.ahead_of_end(jitter)
    }

    /// As [`SealedTokens::due_at`], for tokens whose refresh token is the one that is stored already.
    #[must_use]
    pub fn ahead_of_end(&self, jitter: u16) -> Option<Timestamp> {
        let expires_at = self.expires_at?;
        let life = expires_at.duration_since(self.issued_at);
        let lead = (life / 5).min(SignedDuration::try_from(LONGEST_LEAD).ok()?);
        let spread = lead / 2 * i32::from(jitter.min(1_000)) / 1_000;
        expires_at.checked_sub(lead - spread).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Sealed;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn tokens(life: Option<i64>) -> SealedTokens {
        SealedTokens {
            access: Sealed::from_bytes(Vec::new()),
            refresh: Some(Sealed::from_bytes(Vec::new())),
            token_type: "Bearer".to_owned(),
            issued_at: at(0),
            expires_at: life.map(at),
            refresh_expires_at: None,
        }
    }

    #[test]
    fn a_token_is_fresh_while_it_has_the_life_that_was_asked_for() {
        for (now, min_ttl, expected) in [
            (0, 60, Freshness::Fresh),
            (3_539, 60, Freshness::Fresh),
            (3_540, 60, Freshness::Expiring),
            (3_599, 60, Freshness::Expiring),
            (3_600, 60, Freshness::Expired),
            (3_599, 0, Freshness::Fresh),
            (1, 3_599, Freshness::Expiring),
            (0, 3_600, Freshness::Fresh),
            (1_800, 3_600, Freshness::Expiring),
        ] {
            let freshness = tokens(Some(3_600)).freshness(at(now), MinTtl::Asked(Duration::from_secs(min_ttl)));
            assert_eq!(freshness, expected, "at {now} s, asking for {min_ttl} s");
        }
    }

    #[test]
    fn a_short_lived_token_is_not_refreshed_by_every_read() {
        assert_eq!(tokens(Some(30)).freshness(at(1), MinTtl::Usual), Freshness::Fresh);
        assert_eq!(tokens(Some(30)).freshness(at(15), MinTtl::Usual), Freshness::Expiring);
    }

    #[test]
    fn a_token_without_an_end_stays_fresh_and_is_never_due() {
        assert_eq!(tokens(None).freshness(at(i64::from(u32::MAX)), MinTtl::Asked(LONGEST_MIN_TTL)), Freshness::Fresh);
        assert_eq!(tokens(None).due_at(0), None);
    }

    #[test]
    fn refreshes_come_ahead_of_the_end_and_are_spread() {
        assert_eq!(tokens(Some(3_600)).due_at(0), Some(at(3_600 - 720)));
        assert_eq!(tokens(Some(3_600)).due_at(1_000), Some(at(3_600 - 360)));
        assert_eq!(tokens(Some(86_400)).due_at(0), Some(at(86_400 - 900)));
    }
}
