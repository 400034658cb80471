//! Grants that end by themselves unless their user acts: which they are, and when somebody is told.

use jiff::{SignedDuration, Timestamp};

use super::{connection::SealedTokens, provider::Provider};

/// How long before its end somebody is told, at most.
const LONGEST_NOTICE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Of grants that live shorter nobody is told ahead: there would be no time to act.
const SHORTEST_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// From when on it is told that a grant of `since` ends at `end`: in the last fifth of its life, a week before at most.
/// `None` for one that lives less than a day.
#[must_use]
pub fn noticed_at(since: Timestamp, end: Timestamp) -> Option<Timestamp> {
    let life = end.duration_since(since);
    if life < SHORTEST_LIFE { None } else { end.checked_sub((life / 5).min(LONGEST_NOTICE)).ok() }
}

impl SealedTokens {
    /// When a grant that nothing renews ends: with its access token.
    #[must_use]
    pub fn end_unrenewed(&self, provider: &Provider) -> Option<Timestamp> {
        self.expires_at.filter(|_| !self.have_what_renews(provider))
    }

    /// When a grant ends that is refreshed: with its refresh token, if the refresh that these tokens are of has not moved
    /// that end. Where each refresh moves it, as long as there are refreshes it never comes.
    #[must_use]
    pub fn end_in_spite_of_refresh(&self, before: &Self) -> Option<Timestamp> {
        let (end, earlier) = (self.refresh_expires_at?, before.refresh_expires_at?);
        let passed = self.issued_at.duration_since(before.issued_at);
        (end.duration_since(earlier) * 2 <= passed).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secret::Sealed;

    const DAY: i64 = 86_400;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(day * DAY).unwrap()
    }

    fn tokens(issued: i64, refresh_ends: i64) -> SealedTokens {
        SealedTokens {
            access: Sealed::from_bytes(Vec::new()),
            refresh: Some(Sealed::from_bytes(Vec::new())),
            token_type: "Bearer".to_owned(),
            issued_at: at(issued),
            expires_at: None,
            refresh_expires_at: Some(at(refresh_ends)),
        }
    }

    #[test]
    fn a_long_grant_is_told_of_a_week_ahead_a_short_one_in_its_last_fifth_and_one_of_hours_not() {
        assert_eq!(noticed_at(at(0), at(90)), Some(at(83)));
        assert_eq!(noticed_at(at(0), at(10)), Some(at(8)));
        assert_eq!(noticed_at(at(0), Timestamp::from_second(DAY - 1).unwrap()), None);
        assert_eq!(noticed_at(at(9), at(3)), None);
    }

    #[test]
    fn an_end_that_each_refresh_moves_never_comes() {
        let before = tokens(10, 40);
        assert_eq!(tokens(20, 40).end_in_spite_of_refresh(&before), Some(at(40)));
        assert_eq!(tokens(20, 50).end_in_spite_of_refresh(&before), None);
        let unknown = SealedTokens { refresh_expires_at: None, ..tokens(20, 40) };
        assert_eq!(unknown.end_in_spite_of_refresh(&before), None);
        assert_eq!(tokens(20, 40).end_in_spite_of_refresh(&unknown), None);
    }
}
