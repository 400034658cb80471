//! Which queues there are.

use crate::aws::ACCOUNT;

/// A queue of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Connections to be looked at: refreshed ahead, or checked after a refresh whose outcome may have been lost.
    Refresh,
    /// Grants to be revoked at their provider.
    Revocation,
    /// Sealed answers of providers that the table did not take, in order for each connection.
    Salvage,
    /// Events to be told, and deliveries to webhooks.
    Events,
    /// What `refresh` could not do.
    RefreshDeadLetters,
    /// What `revocation` could not do.
    RevocationDeadLetters,
    /// What `salvage.fifo` could not do.
    SalvageDeadLetters,
    /// What `events` could not do.
    EventDeadLetters,
}

/// When a queue gives a message up; as in `template.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redrive {
    /// Where the message goes then.
    pub dead_letters: Queue,
    /// How often it was received by then.
    pub max_receives: i64,
}

impl Queue {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Refresh,
        Self::Revocation,
        Self::Salvage,
        Self::Events,
        Self::RefreshDeadLetters,
        Self::RevocationDeadLetters,
        Self::SalvageDeadLetters,
        Self::EventDeadLetters,
    ];

    /// Its name, the last part of its URL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::Revocation => "revocation",
            Self::Salvage => "salvage.fifo",
            Self::Events => "events",
            Self::EventDeadLetters => "event-dead-letters",
            Self::RefreshDeadLetters => "refresh-dead-letters",
            Self::RevocationDeadLetters => "revocation-dead-letters",
            Self::SalvageDeadLetters => "salvage-dead-letters.fifo",
        }
    }

    /// Whether it hands out the messages of a group in the order in which they were sent, one after the other.
    #[must_use]
    pub const fn is_fifo(self) -> bool {
        matches!(self, Self::Salvage | Self::SalvageDeadLetters)
    }

    /// When it gives a message up; `None` where a message stays.
    #[must_use]
    pub const fn redrive(self) -> Option<Redrive> {
        match self {
            Self::Refresh => Some(Redrive { dead_letters: Self::RefreshDeadLetters, max_receives: 5 }),
            Self::Revocation => Some(Redrive { dead_letters: Self::RevocationDeadLetters, max_receives: 5 }),
            // The most that SQS takes: a salvaged answer exists nowhere else, so it is worth waiting for.
            Self::Salvage => Some(Redrive { dead_letters: Self::SalvageDeadLetters, max_receives: 1_000 }),
            Self::Events => Some(Redrive { dead_letters: Self::EventDeadLetters, max_receives: 5 }),
            Self::RefreshDeadLetters
            | Self::RevocationDeadLetters
            | Self::SalvageDeadLetters
            | Self::EventDeadLetters => None,
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
