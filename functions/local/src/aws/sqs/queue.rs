//! Which queues there are.

use crate::aws::ACCOUNT;

/// A queue of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Connections to be looked at: refreshed ahead, or checked after a refresh whose outcome may have been lost.
    Refresh,
    /// Grants to be revoked at their provider.
    Revocation,
    /// What `refresh` could not do.
    RefreshDeadLetters,
    /// What `revocation` could not do.
    RevocationDeadLetters,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Refresh, Self::Revocation, Self::RefreshDeadLetters, Self::RevocationDeadLetters];

    /// Its name, the last part of its URL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
            Self::RefreshDeadLetters => "refresh-dead-letters",
            Self::RevocationDeadLetters => "revocation-dead-letters",
        }
    }

    /// Where a message goes that was received too often; `None` where it stays.
    #[must_use]
    pub const fn dead_letters(self) -> Option<Self> {
        match self {
            Self::Refresh => Some(Self::RefreshDeadLetters),
            Self::Revocation => Some(Self::RevocationDeadLetters),
            Self::RefreshDeadLetters | Self::RevocationDeadLetters => None,
        }
    }

    /// The queue of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }

    /// Its URL at this endpoint.
    #[must_use]
    pub fn url(self, endpoint: &str) -> String {
        format!("{}/{ACCOUNT}/{}", endpoint.trim_end_matches('/'), self.name())
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(self, region: &str) -> String {
        format!("arn:aws:sqs:{region}:{ACCOUNT}:{}", self.name())
    }
}
