//! Grants that have ended here, until they have ended at their provider too.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    connection::{Connection, Grant},
    ids::{ConnectorId, EndedId, RevocationId},
    provider::{Provider, Values},
    secret::{AccessToken, RefreshToken, Sealed},
    user::ConnectionKey,
};

/// The delay after the first try that failed, before jitter. It doubles with each one after.
const FIRST_DELAY: Duration = Duration::from_secs(15);

/// The longest delay of our own; a provider may ask for more.
const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// How long a provider has to end a grant: a night's outage is over by then.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How many tries there are at least, however much time has passed: an outage of ours is not the provider's.
const FEWEST_TRIES: u32 = 10;

/// What has become of a grant in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is ended at its provider.
    Revoked,
    /// Its provider has no way to end it that would leave everything else alone.
    Unsupported,
    /// Its provider refused, or could not be asked in time, or a newer connection took it over.
    Failed,
}

/// A grant whose connection is gone, with everything that it takes to end it at the provider.
#[derive(Debug, Clone)]
pub struct EndedGrant {
    /// What tells it from the other ended grants of its place.
    pub id: EndedId,
    /// Where its connection stood: its tokens are sealed for that place, and open for no other.
    pub place: ConnectionKey,
    /// The client it was granted to.
    pub client_id: String,
    /// The id of the account it is to, if the provider told.
    pub account_id: Option<String>,
    /// What differs between the accounts of its provider, as its connection had it.
    pub details: Values,
    /// Its access token, if one is known.
    pub access: Option<Sealed<AccessToken>>,
    /// Its refresh token, if there was one.
    pub refresh: Option<Sealed<RefreshToken>>,
    /// The revocation of many connections that ended it, if it was one: that is told what becomes of it.
    pub part_of: Option<RevocationId>,
    /// Whether an import put another grant in its place: then what stands there was known when it was decided that ending
    /// this one leaves that one alone.
    pub was_replaced: bool,
    /// When the connection ended.
    pub ended_at: Timestamp,
    /// How often the provider was asked.
    pub tries: u32,
    /// When the provider is to be asked the next time. Whoever asks moves it ahead first, so it also tells one who is at
    /// it from another.
    pub due_at: Timestamp,
}

/// Whether ending one of two grants to the same client ends the other with it, at this provider: where its data says that a
/// revocation is wider than its token, and both are the same account's, as far as is known.
#[must_use]
pub fn end_together(provider: &Provider, account_id: Option<&str>, other: Option<&str>) -> bool {
    is_wide(provider) && account_id.zip(other).is_none_or(|(one, other)| one == other)
}

/// Whether a revocation ends more at this provider than the token that it is for.
fn is_wide(provider: &Provider) -> bool {
    provider.revoke.as_ref().is_some_and(|revoke| revoke.wider_than_token)
}

impl EndedGrant {
    /// The grant of a connection that ends now.
    #[must_use]
    pub fn of(connection: &Connection, id: EndedId, now: Timestamp, due_at: Timestamp) -> Self {
        Self {
            id,
            place: connection.key.clone(),
            client_id: connection.client_id.clone(),
            account_id: connection.account.as_ref().map(|account| account.id.clone()),
            details: connection.details.clone(),
            access: Some(connection.tokens.access.clone()),
            refresh: connection.tokens.refresh.clone(),
            part_of: None,
            was_replaced: false,
            ended_at: now,
            tries: 0,
            due_at,
        }
    }

    /// The connector it was made through.
    #[must_use]
    pub fn connector(&self) -> &ConnectorId {
        &self.place.connector
    }

    /// Whether ending the grant at this provider may end another of the same client with it, that is to this account and has
    /// a refresh token or not: where a revocation is wider than its token, or where the other may be this very grant a few
    /// refreshes later, because a refresh token that was exchanged ends all that came of it (RFC 9700, section 4.14.2). Not
    /// if the accounts are known to differ.
    #[must_use]
    pub fn endangers(&self, provider: &Provider, account_id: Option<&str>, refreshes: bool) -> bool {
        let is_other = self.account_id.as_deref().zip(account_id).is_some_and(|(one, other)| one != other);
        let tells_apart = !provider.rotates() && self.refresh.is_some() && refreshes;
        let may_be_later = provider.refreshes() && !tells_apart;
        !is_other && (may_be_later || is_wide(provider))
    }

    /// Whether what stands at its place now takes it over. Of what was replaced, that another stands there was known: it does
    /// only where it may end with it.
    #[must_use]
    pub fn is_taken_over_by(&self, standing: &Connection, provider: Option<&Provider>) -> bool {
        let account_id = standing.account.as_ref().map(|account| account.id.as_str());
        match provider.filter(|_| self.was_replaced) {
            Some(provider) => self.endangers(provider, account_id, standing.tokens.refresh.is_some()),
            None => self.is_superseded_by(standing),
        }
    }

    /// Whether the connection that stands at its place now takes the grant over. A provider may end every grant of an
    /// account by any token of it, so ending the older one could end the newer one. What stands there is newer always:
    /// an ended grant is written when no connection of its account stands there any more.
    #[must_use]
    pub fn is_superseded_by(&self, standing: &Connection) -> bool {
        match (&self.account_id, &standing.account) {
            (Some(ended), Some(standing)) => *ended == standing.id,
            (None, _) | (_, None) => true,
        }
    }

    /// Whether ending the grant ends this connection of the same user with it, where a revocation is wider than its token:
    /// to the same client, and to the same account as far as is known.
    #[must_use]
    pub fn is_shared_with(&self, other: &Connection) -> bool {
        let same_account = match (&self.account_id, &other.account) {
            (Some(ended), Some(other)) => *ended == other.id,
            (None, _) | (_, None) => true,
        };
        other.key != self.place && other.client_id == self.client_id && other.grant == Grant::Live && same_account
    }

    /// Whether the provider has had time and tries enough.
    #[must_use]
    pub fn is_given_up(&self, now: Timestamp) -> bool {
        self.tries >= FEWEST_TRIES && now.duration_since(self.ended_at) >= GIVEN_UP_AFTER
    }

    /// How long to wait for the next try: twice as long each time, with full jitter (`jitter` in thousandths), and never
    /// shorter than the provider asked for.
    #[must_use]
    pub fn wait(&self, asked: Option<Duration>, jitter: u64) -> Duration {
        let doublings = self.tries.saturating_sub(1).min(16);
        let longest = FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY);
        let milliseconds = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let own = Duration::from_millis(milliseconds.saturating_mul(jitter.min(1_000)) / 1_000);
        asked.map_or(own, |asked| asked.max(own))
    }
}

#[cfg(test)]
pub(in crate::domain) mod tests {
    use super::*;
    use crate::domain::{
        account::Account,
        connection::{Grant, SealedTokens},
        ids::{AppId, Issuer, Subject, WorkspaceId},
        scopes::Scopes,
        user::{Owner, User},
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    pub(in crate::domain) fn connection(account: Option<&str>) -> Connection {
        let user = User {
            app: AppId::parse("a").unwrap(),
            issuer: Issuer::parse("i").unwrap(),
            subject: Subject::parse("s").unwrap(),
        };
        let connector = ConnectorId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV");
        Connection {
            key: ConnectionKey { workspace: WorkspaceId::parse("w").unwrap(), owner: Owner::User(user), connector },
            version: 1,
            grant: Grant::Live,
            client_id: "client".to_owned(),
            scopes_revision: 1,
            granted: Scopes::default(),
            account: account.and_then(Account::new),
            label: None,
            details: Values::new(),
            connected_at: at(0),
            imported_at: None,
            imported: None,
            connected_by: None,
            last_used_on: None,
            tokens: SealedTokens {
                access: Sealed::from_bytes(Vec::new()),
                refresh: None,
                token_type: "Bearer".to_owned(),
                issued_at: at(0),
                expires_at: None,
                refresh_expires_at: None,
            },
            refresh: crate::domain::connection::RefreshState::default(),
            quarantine: None,
            counted: true,
        }
    }

    fn ended(account: Option<&str>, tries: u32) -> EndedGrant {
        let id = EndedId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV");
        EndedGrant { tries, ..EndedGrant::of(&connection(account), id, at(0), at(60)) }
    }

    #[test]
    fn only_a_connection_to_a_different_account_leaves_the_older_grant_to_be_ended() {
        for (before, now, superseded) in [
            (Some("1"), Some("1"), true),
            (Some("1"), Some("2"), false),
            (None, Some("2"), true),
            (Some("1"), None, true),
            (None, None, true),
        ] {
            assert_eq!(ended(before, 1).is_superseded_by(&connection(now)), superseded, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_grant_is_shared_by_connections_to_the_same_client_and_account() {
        let other = |account: Option<&str>| {
            let mut other = connection(account);
            other.key.connector = ConnectorId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAW");
            other
        };
        let grant = ended(Some("1"), 1);
        for (account, is_shared) in [(Some("1"), true), (Some("2"), false), (None, true)] {
            assert_eq!(grant.is_shared_with(&other(account)), is_shared, "{account:?}");
        }
        assert!(!grant.is_shared_with(&connection(Some("1"))), "its own place");
        let of_another_client = Connection { client_id: "another".to_owned(), ..other(Some("1")) };
        let over = Grant::Ended { reason: crate::domain::connection::EndReason::RefreshRejected, at: None };
        let dead = Connection { grant: over, ..other(Some("1")) };
        assert!(!grant.is_shared_with(&of_another_client) && !grant.is_shared_with(&dead));
    }

    #[test]
    fn waits_double_up_to_a_limit_and_are_spread_from_zero() {
        for (tries, seconds) in [(0, 15), (1, 15), (2, 30), (5, 240), (7, 900), (u32::MAX, 900)] {
            assert_eq!(ended(None, tries).wait(None, 1_000), Duration::from_secs(seconds), "after {tries}");
        }
        assert_eq!(ended(None, 2).wait(None, 500), Duration::from_secs(15));
        assert_eq!(ended(None, 2).wait(None, 0), Duration::ZERO);
    }

    #[test]
    fn a_provider_is_left_alone_for_as_long_as_it_asked() {
        assert_eq!(ended(None, 9).wait(Some(Duration::from_hours(1)), 1_000), Duration::from_hours(1));
        assert_eq!(ended(None, 9).wait(Some(Duration::from_secs(1)), 1_000), Duration::from_mins(15));
    }

    #[test]
    fn giving_up_takes_a_day_and_enough_tries() {
        let day = 24 * 3_600;
        assert!(!ended(None, 500).is_given_up(at(day - 1)));
        assert!(!ended(None, 9).is_given_up(at(10 * day)));
        assert!(ended(None, 10).is_given_up(at(day)));
    }
}
