//! Tokens that an API refuses although they were renewed for that very reason. The grant may lack a scope, be another account's,
//! or the API says 401 where it means something else: no further renewal helps, and each costs the provider a request and the
//! grant a risk. So for a while the refusal is the answer.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::connection::Connection;

/// How long a token that was renewed because of a refusal is not renewed for another.
const FLOOR: SignedDuration = SignedDuration::from_mins(5);

/// How many renewals somebody has within that time who only says that a token was refused: nobody sees here whether what they
/// were given was taken in between.
const BY_HEARSAY: u32 = 3;

/// Who knows that an API refused a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// It was seen here: the call went through us, and so did the one before it.
    Ourselves,
    /// The caller says so.
    Caller,
}

impl Connection {
    /// How long it is of no use to renew the access token because an API refuses it, if it is of none now.
    #[must_use]
    pub fn renewed_in_vain(&self, witness: Witness, now: Timestamp) -> Option<Duration> {
        let most = match witness {
            Witness::Ourselves => 1,
            Witness::Caller => BY_HEARSAY,
        };
        let left = self.left_of_floor(now)?;
        (self.refresh.refused_in_row >= most).then_some(left)
    }

    /// How many renewals because of a refusal there will have been in a row with the next one.
    #[must_use]
    pub fn refused_once_more(&self, now: Timestamp) -> u32 {
        if self.left_of_floor(now).is_some() { self.refresh.refused_in_row.saturating_add(1) } else { 1 }
    }

    fn left_of_floor(&self, now: Timestamp) -> Option<Duration> {
        let left = FLOOR.checked_sub(now.duration_since(self.tokens.issued_at))?;
        Duration::try_from(left.min(FLOOR)).ok().filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ended::tests::connection;

    fn refused(in_row: u32) -> Connection {
        let mut connection = connection(None);
        connection.refresh.refused_in_row = in_row;
        connection
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_token_that_was_renewed_for_a_refusal_is_not_renewed_for_another_for_a_while() {
        let wait = |seconds| Some(Duration::from_secs(seconds));
        for (in_row, now, seen, told) in [
            (0, 0, None, None),
            (1, 0, wait(300), None),
            (1, 299, wait(1), None),
            (1, 300, None, None),
            (3, 299, wait(1), wait(1)),
            (3, 300, None, None),
            // A clock that is behind the one that renewed it.
            (1, -60, wait(300), None),
        ] {
            let connection = refused(in_row);
            let answers = [Witness::Ourselves, Witness::Caller].map(|who| connection.renewed_in_vain(who, at(now)));
            assert_eq!(answers, [seen, told], "{in_row} in a row, {now} s later");
        }
    }

    #[test]
    fn what_happened_long_ago_is_not_counted_any_more() {
        assert_eq!((refused(0).refused_once_more(at(0)), refused(2).refused_once_more(at(10))), (1, 3));
        assert_eq!(refused(u32::MAX).refused_once_more(at(0)), u32::MAX);
        assert_eq!(refused(2).refused_once_more(at(300)), 1);
    }
}
