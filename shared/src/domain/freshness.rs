//! When an access token is fresh enough.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    connection::SealedTokens,
    provider::{Provider, RefreshGrant},
};

/// How much life a token must have for a caller that does not say.
const DEFAULT_MIN_TTL: Duration = Duration::from_mins(1);

/// The most life a caller may ask for: the usual life of an access token.
pub const LONGEST_MIN_TTL: Duration = Duration::from_hours(1);

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

/// How old a token is at most that is as fresh as one that would be asked for now, in general and as a part of its life.
const YOUNG: SignedDuration = SignedDuration::from_mins(1);
const YOUNG_PART: i32 = 10;

impl SealedTokens {
    /// Whether the access token came a moment ago: somebody who asks for nearly all of a life has no more of it by asking the
    /// provider with every call.
    #[must_use]
    pub fn are_young(&self, now: Timestamp) -> bool {
        let life = self.expires_at.map_or(SignedDuration::MAX, |end| end.duration_since(self.issued_at));
        now.duration_since(self.issued_at) < YOUNG.min(life / YOUNG_PART)
    }

    /// Whether there is what a refresh at this provider presents: the refresh token, or the access token itself.
    #[must_use]
    pub fn have_what_renews(&self, provider: &Provider) -> bool {
        match provider.refresh.grant {
            RefreshGrant::RefreshToken => self.refresh.is_some(),
            RefreshGrant::AccessToken => true,
            RefreshGrant::None => false,
        }
    }

    /// Whether a refresh may still succeed at `now`: an access token that has ended renews nothing, itself included.
    #[must_use]
    pub fn are_renewable(&self, provider: &Provider, now: Timestamp) -> bool {
        let by_itself = provider.refresh.grant == RefreshGrant::AccessToken;
        self.have_what_renews(provider) && (!by_itself || self.expires_at.is_none_or(|end| end > now))
    }

    /// From when on the provider does not refuse a refresh because the access token is too young.
    #[must_use]
    pub fn old_enough_at(&self, provider: &Provider) -> Timestamp {
        let age = SignedDuration::from_secs(provider.refresh.min_age_seconds.unwrap_or(0).into());
        self.issued_at.checked_add(age).unwrap_or(Timestamp::MAX)
    }

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
    fn a_token_is_young_for_a_moment() {
        for (life, now, expected) in [
            (Some(3_600), 59, true),
            (Some(3_600), 60, false),
            (Some(30), 2, true),
            (Some(30), 3, false),
            (None, 59, true),
        ] {
            assert_eq!(tokens(life).are_young(at(now)), expected, "{life:?} {now}");
        }
        assert!(!tokens(Some(0)).are_young(at(0)), "what lives no time is never young");
    }

    #[test]
    fn a_short_lived_token_is_not_refreshed_by_every_read() {
        assert_eq!(tokens(Some(30)).freshness(at(1), MinTtl::Usual), Freshness::Fresh);
        assert_eq!(tokens(Some(30)).freshness(at(15), MinTtl::Usual), Freshness::Expiring);
    }

    #[test]
    fn a_token_without_an_end_stays_fresh() {
        assert_eq!(tokens(None).freshness(at(i64::from(u32::MAX)), MinTtl::Asked(LONGEST_MIN_TTL)), Freshness::Fresh);
    }
}
