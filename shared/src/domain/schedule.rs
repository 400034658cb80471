//! When a connection is refreshed without anybody asking: ahead of its access token's end while it is in use, and else
//! just often enough that the provider does not take it for abandoned.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::{
    connection::SealedTokens,
    expiring::noticed_at,
    provider::{Provider, RefreshGrant},
};

/// How long a connection counts as in use after it was.
const LATELY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The longest that a refresh comes ahead of an access token's end.
const LONGEST_LEAD: SignedDuration = SignedDuration::from_mins(15);

/// How often an idle connection is refreshed where nobody knows after what time the provider ends it: weekly is often
/// enough for every limit that a provider is known to have.
const USUAL_KEEPALIVE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How far connections that began together are spread, in tenths of the time.
const KEEPALIVE_SPREAD: i32 = 2;

/// What the schedule of a connection goes by, beside its tokens.
#[derive(Debug, Clone, Copy)]
pub struct Use<'a> {
    /// What the provider is like.
    pub provider: &'a Provider,
    /// The day of its last use; the day of its making counts as one.
    pub last_used_on: Option<Date>,
    /// When the user granted it.
    pub connected_at: Timestamp,
    /// 0 to 1,000 thousandths: what was refreshed together is not due together again.
    pub jitter: u16,
}

impl Use<'_> {
    /// Whether the connection was in use shortly before `now`.
    #[must_use]
    pub fn is_recent(&self, now: Timestamp) -> bool {
        let since = |day: Date| day.to_zoned(TimeZone::UTC).map_or(self.connected_at, |start| start.timestamp());
        let last = self.last_used_on.map_or(self.connected_at, |day| since(day).max(self.connected_at));
        now.duration_since(last) <= LATELY
    }
}

impl SealedTokens {
    /// When these tokens should be refreshed without anybody asking; or, if they cannot be, somebody told that they end.
    /// `None` if there is neither to do.
    #[must_use]
    pub fn due_at(&self, usage: Use<'_>) -> Option<Timestamp> {
        if !self.have_what_renews(usage.provider) {
            return self.expires_at.and_then(|end| noticed_at(usage.connected_at, end));
        }
        self.due_once_kept(usage)
    }

    /// As [`SealedTokens::due_at`], for tokens whose refresh token is the one that is stored already.
    #[must_use]
    pub fn due_once_kept(&self, usage: Use<'_>) -> Option<Timestamp> {
        if usage.provider.refresh.grant == RefreshGrant::None {
            return None;
        }
        let ahead = usage.is_recent(self.issued_at).then(|| self.ahead_of_end(usage.jitter)).flatten();
        let due = [ahead, self.kept_alive_at(usage)].into_iter().flatten().min()?;
        Some(due.max(self.old_enough_at(usage.provider)))
    }

    /// In the last fifth of the access token's life, at most fifteen minutes before its end.
    fn ahead_of_end(&self, jitter: u16) -> Option<Timestamp> {
        let expires_at = self.expires_at?;
        let lead = (expires_at.duration_since(self.issued_at) / 5).min(LONGEST_LEAD);
        let spread = lead / 2 * i32::from(jitter.min(1_000)) / 1_000;
        expires_at.checked_sub(lead - spread).ok()
    }

    /// Well before the provider takes the grant for abandoned, or what a refresh presents ends by itself.
    fn kept_alive_at(&self, usage: Use<'_>) -> Option<Timestamp> {
        let known = usage.provider.refresh.keepalive_seconds.map(|seconds| SignedDuration::from_secs(seconds.into()));
        let by_itself = usage.provider.refresh.grant == RefreshGrant::AccessToken;
        // Tokens of which nothing is said that ends are best left alone; of an access token that renews itself, the end is
        // the only thing that could end it.
        let is_limited = self.expires_at.is_some() || self.refresh_expires_at.is_some();
        let usual = (is_limited && !by_itself).then_some(USUAL_KEEPALIVE);
        let end = if by_itself { self.expires_at } else { self.refresh_expires_at };
        // An end that has passed without ending anything says nothing.
        let life = end.map(|end| end.duration_since(self.issued_at));
        let half_life = life.filter(SignedDuration::is_positive).map(|life| life / 2);
        let within = [known.or(usual), half_life].into_iter().flatten().min()?;
        let spread = within / 10 * KEEPALIVE_SPREAD * i32::from(usage.jitter.min(1_000)) / 1_000;
        self.issued_at.checked_add(within - spread).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::secret::Sealed;

    const DAY: i64 = 86_400;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn provider(refresh: &serde_json::Value) -> Provider {
        let endpoint = |path| json!({"url": format!("https://provider.example/{path}")});
        let described = json!({
            "id": "p", "name": "P", "authorize": endpoint("a"), "token": endpoint("t"), "refresh": refresh,
        });
        Provider::from_value(&described).unwrap()
    }

    fn tokens(life: Option<i64>) -> SealedTokens {
        SealedTokens {
            access: Sealed::from_bytes(Vec::new()),
            refresh: Some(Sealed::from_bytes(Vec::new())),
            token_type: "Bearer".to_owned(),
            issued_at: at(100 * DAY),
            expires_at: life.map(|life| at(100 * DAY + life)),
            refresh_expires_at: None,
        }
    }

    /// Seconds after the tokens were issued, of a connection made `idle` days before.
    fn due(tokens: &SealedTokens, refresh: &serde_json::Value, idle: i64, jitter: u16) -> Option<i64> {
        let provider = provider(refresh);
        let connected_at = at((100 - idle) * DAY);
        let usage = Use { provider: &provider, last_used_on: None, connected_at, jitter };
        tokens.due_at(usage).map(|due| due.as_second() - 100 * DAY)
    }

    #[test]
    fn what_is_in_use_is_refreshed_ahead_of_its_end_and_spread() {
        assert_eq!(due(&tokens(Some(3_600)), &json!({}), 0, 0), Some(3_600 - 720));
        assert_eq!(due(&tokens(Some(3_600)), &json!({}), 7, 1_000), Some(3_600 - 360));
        assert_eq!(due(&tokens(Some(DAY)), &json!({}), 1, 0), Some(DAY - 900));
    }

    #[test]
    fn what_is_idle_is_only_kept_alive() {
        let limited = json!({"keepalive_seconds": 30 * DAY});
        assert_eq!(due(&tokens(Some(3_600)), &json!({}), 8, 0), Some(7 * DAY));
        assert_eq!(due(&tokens(Some(3_600)), &limited, 8, 0), Some(30 * DAY));
        assert_eq!(due(&tokens(Some(3_600)), &limited, 8, 1_000), Some(24 * DAY));
    }

    #[test]
    fn a_use_of_a_day_counts_for_a_week() {
        let provider = provider(&json!({}));
        let used = |day: i64| Use {
            provider: &provider,
            last_used_on: Some(at(day * DAY).to_zoned(TimeZone::UTC).date()),
            connected_at: at(0),
            jitter: 0,
        };
        assert_eq!(tokens(Some(3_600)).due_at(used(93)), Some(at(100 * DAY + 2_880)));
        assert_eq!(tokens(Some(3_600)).due_at(used(92)), Some(at(107 * DAY)));
    }

    #[test]
    fn a_refresh_token_with_an_end_is_renewed_in_half_of_its_life() {
        let ending = SealedTokens { refresh_expires_at: Some(at(102 * DAY)), ..tokens(Some(3_600)) };
        assert_eq!(due(&ending, &json!({}), 8, 0), Some(DAY));
    }

    #[test]
    fn an_end_of_a_refresh_token_that_has_passed_makes_nothing_due() {
        let past = SealedTokens { refresh_expires_at: Some(at(99 * DAY)), ..tokens(Some(3_600)) };
        assert_eq!(due(&past, &json!({}), 8, 0), Some(7 * DAY));
    }

    #[test]
    fn what_can_not_be_refreshed_or_never_ends_is_not_due() {
        assert_eq!(due(&SealedTokens { refresh: None, ..tokens(Some(3_600)) }, &json!({}), 0, 0), None);
        assert_eq!(due(&tokens(Some(3_600)), &json!({"grant": "none"}), 0, 0), None);
        assert_eq!(due(&tokens(None), &json!({}), 0, 0), None);
        assert_eq!(due(&tokens(None), &json!({"keepalive_seconds": DAY}), 0, 0), Some(DAY));
    }
}
