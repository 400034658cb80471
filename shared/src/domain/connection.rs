//! Connections: one user's grant through one connector, with its tokens and what is known of their refreshes.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    account::Account,
    app::words,
    client_key::BOUND,
    ids::AttemptId,
    provider::Values,
    scopes::Scopes,
    secret::{AccessToken, RefreshToken, Sealed},
    user::ConnectionKey,
};

/// One user's grant through one connector.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Where it stands.
    pub key: ConnectionKey,
    /// Counts the times its tokens changed; every write of tokens is a compare-and-set on it.
    pub version: u64,
    /// Whether the provider still honours it, as far as is known.
    pub grant: Grant,
    /// The client it was granted to. Its refresh token works with no other.
    pub client_id: String,
    /// The connector's scopes revision when it was granted.
    pub scopes_revision: u64,
    /// What the provider says it may do.
    pub granted: Scopes,
    /// Whose account it is at the provider, if the provider tells.
    pub account: Option<Account>,
    /// What the user calls it.
    pub label: Option<String>,
    /// What differs between the accounts of a provider: values that the user, the redirect or the token answer brought.
    /// They stand in the provider's endpoints, and apps read them along with a token.
    pub details: Values,
    /// When the user granted it, the last time.
    pub connected_at: Timestamp,
    /// When it came here from elsewhere, if it did since.
    pub imported_at: Option<Timestamp>,
    /// What tells the grant that came here from elsewhere from every other, if one did, also after its user connected anew.
    pub imported: Option<[u8; 32]>,
    /// Which admin connected it for the workspace, as the audit trail describes them; none for a user's own.
    pub connected_by: Option<String>,
    /// The day of its last use.
    pub last_used_on: Option<jiff::civil::Date>,
    /// Its tokens.
    pub tokens: SealedTokens,
    /// What is known of its refreshes.
    pub refresh: RefreshState,
    /// Why nothing is done with it any more without its user, if so.
    pub quarantine: Option<Quarantine>,
    /// Whether it is among those that are counted in its workspace: since connections are, each new one is.
    pub counted: bool,
}

impl Connection {
    /// Since when this grant stands here: what somebody saw, or deleted, before that was not this one.
    #[must_use]
    pub fn here_since(&self) -> Timestamp {
        self.imported_at.unwrap_or(self.connected_at)
    }

    /// Whether an import put it where this one stood.
    #[must_use]
    pub fn was_imported_over(&self, earlier: &Self) -> bool {
        self.imported_at.is_some() && self.imported_at != earlier.imported_at
    }
}

/// How many details a connection keeps.
pub const MAX_DETAILS: usize = 64;

/// How long the name of a detail may be, in bytes.
pub const MAX_DETAIL_NAME: usize = 128;

/// How long a detail may be, in bytes.
pub const MAX_DETAIL: usize = 2_048;

/// Those details that a connection keeps: what is too long, or too much, is left out.
#[must_use]
pub fn kept(details: Values) -> Values {
    let fits = |(name, value): &(String, String)| name.len() <= MAX_DETAIL_NAME && value.len() <= MAX_DETAIL;
    details.into_iter().filter(fits).take(MAX_DETAILS).collect()
}

/// The tokens of a connection as they are stored.
#[derive(Debug, Clone)]
pub struct SealedTokens {
    /// The access token.
    pub access: Sealed<AccessToken>,
    /// The refresh token, if the provider gave one.
    pub refresh: Option<Sealed<RefreshToken>>,
    /// The access token's type as the provider spells it.
    pub token_type: String,
    /// When the access token was obtained.
    pub issued_at: Timestamp,
    /// When the access token ends; `None` if the provider does not say.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends; `None` if the provider does not say.
    pub refresh_expires_at: Option<Timestamp>,
}

impl SealedTokens {
    /// Whether they are of use only to who has the connector's key.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.token_type == BOUND
    }
}

/// Whether the provider still honours a grant, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Nothing says otherwise.
    Live,
    /// It is over; only the user can make a new one.
    Ended {
        /// Why.
        reason: EndReason,
        /// When that was noticed; unknown where an earlier version noted it.
        at: Option<Timestamp>,
    },
}

/// Why a grant is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The provider refused the refresh token.
    RefreshRejected,
    /// The provider refused it after an earlier refresh whose answer never arrived: the rotated token was lost on the way.
    RotationLost,
}

/// Why a connection was taken out of the schedule: whatever is tried with it fails here, before any provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quarantine {
    /// Its tokens do not open: they were changed, or their key is gone.
    TokensSealed,
    /// Its item cannot be read.
    ItemUnreadable,
}

words! {
    Quarantine { TokensSealed = "tokens_sealed", ItemUnreadable = "item_unreadable" }
    EndReason { RefreshRejected = "refresh_rejected", RotationLost = "rotation_lost" }
}

/// How far two clocks may be apart: of a lease that has ended for so long its holder knows as well.
pub const DRIFT: Duration = Duration::from_secs(1);

/// How long after a lease one asks what became of its attempt: the queue's clock must find it over by more than a drift.
const ASKED_AFTER: Duration = Duration::from_secs(2);

/// What is known of a connection's refreshes.
#[derive(Debug, Clone, Default)]
pub struct RefreshState {
    /// Counts leases. A commit names the one it was made under, so that a holder that came back late changes nothing.
    pub fence: u64,
    /// Until when somebody is refreshing it.
    pub leased_until: Option<Timestamp>,
    /// The attempt that may have reached the provider and has not come back.
    pub intent: Option<AttemptId>,
    /// Whether an attempt that came back without tokens may have been carried out by the provider all the same.
    pub in_doubt: bool,
    /// Whether the stored tokens may have been ended by another attempt that showed an older one after them: nobody relies
    /// on them before a refresh has shown that they work.
    pub unproven: bool,
    /// The attempt that committed last; none since the user connected.
    pub last_commit: Option<AttemptId>,
    /// How many times in a row the access token was renewed because an API had refused it, while nobody has seen the new one
    /// taken.
    pub refused_in_row: u32,
    /// How many refreshes in a row failed for a passing reason.
    pub failures: u32,
    /// How many refreshes in a row were refused with an error that is neither passing nor final.
    pub refusals: u32,
    /// Before when the provider is not asked again.
    pub retry_at: Option<Timestamp>,
    /// When it is refreshed without anybody asking.
    pub due_at: Option<Timestamp>,
}

impl RefreshState {
    /// Whether somebody holds the lease.
    #[must_use]
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.leased_until.is_some_and(|until| until > now)
    }

    /// Whether it should be refreshed at `now` without anybody asking: its time has come, or an attempt on it never
    /// came back.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.unaccounted(now).is_some() || self.due_at.is_some_and(|at| at <= now)
    }

    /// The attempt that never came back, if there is one: what it was given may still be on its way. Its lease is over by
    /// any clock.
    #[must_use]
    pub fn unaccounted(&self, now: Timestamp) -> Option<&AttemptId> {
        let is_over = |until: Timestamp| until.checked_add(ASKED_AFTER).is_ok_and(|until| until <= now);
        self.intent.as_ref().filter(|_| self.leased_until.is_none_or(is_over))
    }

    /// How long the provider must be left alone, if it must.
    #[must_use]
    pub fn backing_off(&self, now: Timestamp) -> Option<Duration> {
        let left = self.retry_at?.duration_since(now);
        if left.is_positive() { Some(left.unsigned_abs()) } else { None }
    }
}
