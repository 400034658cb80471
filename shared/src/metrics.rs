//! Figures that somebody watches: counted where they arise, carried by the log to `CloudWatch` in its embedded metric format.
//! A figure holds no id, no name and nothing secret.

/// The target of the tracing events that are figures; every other event is a line of the log.
pub const TARGET: &str = "metrics";

/// Where the figures of all deployments are found in `CloudWatch`; the deployment's name is their one dimension.
pub const NAMESPACE: &str = "Connectors";

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// How long the longest due connection has been waiting when the schedule looked, in seconds.
    OldestDueAge,
    /// How many index entries the schedule passed on.
    DueDispatched,
    /// A token that was opened for who asked, or for a call made in their place.
    TokensRead,
    /// A refresh that stored new tokens.
    Refreshed,
    /// A refresh that failed for a passing reason.
    RefreshFailed,
    /// A grant that the provider refused for good.
    GrantsEnded,
    /// A grant that ended because a rotated token was lost on its way.
    RotationsLost,
    /// A connection that was taken out of the schedule because nothing can be done with it.
    Quarantined,
    /// A call to a provider's API that was answered, whatever the answer was.
    CallsAnswered,
    /// A call that was not: it could not be sent, or nobody knows what became of it.
    CallsUnanswered,
    /// A grant that its provider did not end within the time that is given to it.
    RevocationsGivenUp,
    /// A line of the audit trail that was to be written a minute ago and more, and still can't be.
    AuditBehind,
    /// An event that a webhook did not take within the time that is given to it.
    DeliveriesGivenUp,
}

impl Metric {
    /// Its name in `CloudWatch`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OldestDueAge => "oldest_due_age",
            Self::DueDispatched => "due_dispatched",
            Self::TokensRead => "tokens_read",
            Self::Refreshed => "refreshed",
            Self::RefreshFailed => "refresh_failed",
            Self::GrantsEnded => "grants_ended",
            Self::RotationsLost => "rotations_lost",
            Self::Quarantined => "quarantined",
            Self::CallsAnswered => "calls_answered",
            Self::CallsUnanswered => "calls_unanswered",
            Self::RevocationsGivenUp => "revocations_given_up",
            Self::AuditBehind => "audit_behind",
            Self::DeliveriesGivenUp => "deliveries_given_up",
        }
    }

    /// Its unit in `CloudWatch`.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::OldestDueAge => "Seconds",
            _ => "Count",
        }
    }
}

/// Takes figures down for one deployment.
#[derive(Debug, Clone)]
pub struct Metrics {
    deployment: String,
}

impl Metrics {
    /// The figures of this deployment.
    #[must_use]
    pub fn new(deployment: &str) -> Self {
        Self { deployment: deployment.to_owned() }
    }

    /// Takes a figure down.
    pub fn record(&self, metric: Metric, value: u64) {
        tracing::info!(target: TARGET, deployment = self.deployment, metric = metric.name(), unit = metric.unit(), value);
    }
}
