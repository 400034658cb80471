//! What a token endpoint said instead of giving tokens, sorted by what the caller can do about it.

use std::{fmt, time::Duration};

use http::StatusCode;

use super::{
    egress::{EgressError, EgressRefusal},
    signer::SigningError,
};
use crate::domain::secret::{RefreshToken, Secret};

/// An error code of a provider (RFC 6749, section 5.2), made harmless: `[a-z_]{1,64}`, or `other`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorCode(Box<str>);

impl ErrorCode {
    /// Takes a code over from a provider. What does not look like one becomes `other`, so that no text of a provider
    /// reaches a log or an answer.
    #[must_use]
    pub fn of(raw: &str) -> Self {
        let is_code =
            (1..=64).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        Self(if is_code { raw.into() } else { "other".into() })
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Whether a request that gave no tokens may have been carried out, and with it a refresh token used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There was no time left for it. It never left.
    TooLate,
    /// It never left.
    NotSent,
    /// The provider answered that it did not do it.
    Declined,
    /// The provider, or something before it, answered that something went wrong: perhaps after it was done.
    Failed,
    /// An answer came that cannot be read, or only a part of it: whatever it held is lost.
    Garbled,
    /// No answer came. The provider may still be at work on it.
    Unanswered,
}

impl Outcome {
    /// Whether the provider may have carried the request out.
    #[must_use]
    pub fn may_be_done(self) -> bool {
        matches!(self, Self::Failed | Self::Garbled | Self::Unanswered)
    }
}

/// Why a token request gave no tokens. No variant holds any text of the provider.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The grant, code or refresh token is over: `invalid_grant`.
    #[error("the provider says that the grant is over ({error}, status {status})")]
    Rejected {
        /// What the provider called it.
        error: ErrorCode,
        /// The HTTP status.
        status: u16,
    },
    /// The connector's client is not accepted: `invalid_client` and its kin. Says nothing about the grant.
    #[error("the provider does not accept the client ({error}, status {status})")]
    ClientRejected {
        /// What the provider called it.
        error: ErrorCode,
        /// The HTTP status.
        status: u16,
    },
    /// It may go better later.
    #[error("the provider gave no tokens for now")]
    Passing {
        /// How long the provider asks to wait; at most one hour.
        retry_after: Option<Duration>,
        /// The HTTP status, where there was an answer.
        status: Option<u16>,
        /// What the provider called it.
        error: Option<ErrorCode>,
        /// Whether the request may have been processed.
        outcome: Outcome,
        /// A refresh token that came in an answer without an access token. The one that was sent may be used up: keep
        /// this one.
        salvaged: Option<Secret<RefreshToken>>,
    },
    /// The provider refused for a reason that says nothing clear about the grant.
    #[error("the provider refused ({error}, status {status})")]
    Refused {
        /// What the provider called it.
        error: ErrorCode,
        /// The HTTP status.
        status: u16,
    },
    /// The guard of outgoing requests did not let it pass. Nothing was sent.
    #[error("the token endpoint {0}")]
    Blocked(EgressRefusal),
}

impl TokenError {
    /// Whether the provider may have carried the request out.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Passing { outcome, .. } => *outcome,
            Self::Blocked(_) => Outcome::NotSent,
            Self::Rejected { .. } | Self::ClientRejected { .. } | Self::Refused { .. } => Outcome::Declined,
        }
    }

    /// There is no time left for a request.
    #[must_use]
    pub fn too_late() -> Self {
        Self::passing(Outcome::TooLate, None)
    }

    /// Something that may pass, of which nothing more is known.
    pub(super) fn passing(outcome: Outcome, status: Option<StatusCode>) -> Self {
        let status = status.map(|status| status.as_u16());
        Self::Passing { retry_after: None, status, error: None, outcome, salvaged: None }
    }
}

impl From<EgressError> for TokenError {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Blocked(refusal) => Self::Blocked(refusal),
            EgressError::NotSent => Self::passing(Outcome::NotSent, None),
            EgressError::Unanswered => Self::passing(Outcome::Unanswered, None),
            EgressError::Cut(status) if status.is_success() => Self::passing(Outcome::Garbled, Some(status)),
            EgressError::Cut(status) if is_passing(status) => Self::passing(passing_outcome(status), Some(status)),
            EgressError::Cut(status) => Self::Refused { error: ErrorCode::of(""), status: status.as_u16() },
        }
    }
}

impl From<SigningError> for TokenError {
    /// A connector without the key that its provider asks for: an admin has to save it again.
    fn from(_: SigningError) -> Self {
        Self::ClientRejected { error: ErrorCode::of("client_key_missing"), status: 0 }
    }
}

/// What a status that speaks of the moment says about the request: a server's failure may have come after the work.
pub(super) fn passing_outcome(status: StatusCode) -> Outcome {
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT { Outcome::Failed } else { Outcome::Declined }
}

/// Whether a status speaks of the moment and not of the request: 408, 425, 429 and 5xx.
pub(super) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error()
}
