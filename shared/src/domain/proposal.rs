//! Proposals: what somebody who may change nothing, an assistant for instance, would have changed of the workspace's
//! connectors. Nothing comes of one until an admin has looked at it and said so.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    app::words,
    ids::{ConnectorId, KeyId, ProposalId, WorkspaceId},
    notice::Notice,
};

/// How long a proposal waits for a person.
pub const PROPOSAL_LIFE: Duration = Duration::from_hours(24);

/// What somebody would have changed.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// Whose connectors it is about.
    pub workspace: WorkspaceId,
    /// What is to be done.
    pub kind: ProposalKind,
    /// To which connector. One that is to be added has its id before it exists, so that its redirect URI can be registered.
    pub connector: ConnectorId,
    /// The revision of the connector that was looked at; none for one that is to be added.
    pub revision: Option<u64>,
    /// The request that would do it, without any secret.
    pub request: Value,
    /// Who proposed it, as the audit trail names them.
    pub by: String,
    /// When.
    pub made_at: Timestamp,
    /// Until when it can be confirmed.
    pub expires_at: Timestamp,
    /// What a person has said to it, if anything.
    pub decision: Option<Decision>,
}

/// What a person has said to a proposal. There is no second word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub outcome: Outcome,
    /// Who, as the audit trail names them.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A decision that is about to be written: in the same moment as what comes of it, or not at all.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What it is about.
    pub proposal: Proposal,
    /// The decision.
    pub decision: Decision,
    /// What is to be noted of it.
    pub told: Notice,
}

/// What is to be done with a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalKind {
    /// It is to be registered.
    Add,
    /// It is to be changed.
    Update,
    /// It is to be deleted.
    Delete,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Confirmed,
    /// It was not to be done.
    Declined,
}

/// How a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalStatus {
    /// It waits for a person.
    Proposed,
    /// A person has confirmed it.
    Confirmed,
    /// A person has declined it.
    Declined,
    /// Nobody has said anything in time.
    Expired,
    /// The key that proposed it was revoked before anybody said anything: what it asked for, nobody vouches for any more.
    Withdrawn,
}

words! {
    ProposalKind { Add = "add", Update = "update", Delete = "delete" }
    Outcome { Confirmed = "confirmed", Declined = "declined" }
    ProposalStatus {
        Proposed = "proposed", Confirmed = "confirmed", Declined = "declined", Expired = "expired", Withdrawn = "withdrawn"
    }
}

impl Proposal {
    /// Where a person looks at it, and says something to it.
    #[must_use]
    pub fn confirm_url(&self, public_base_url: &str) -> String {
        format!("{public_base_url}/console/{}/proposals/{}", self.workspace, self.id)
    }

    /// The key that proposed it, if it was a key.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        self.by.strip_prefix("key:").and_then(|id| KeyId::parse(id).ok())
    }

    /// How it stands at `now`, by what it says itself.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> ProposalStatus {
        match &self.decision {
            Some(Decision { outcome: Outcome::Confirmed, .. }) => ProposalStatus::Confirmed,
            Some(Decision { outcome: Outcome::Declined, .. }) => ProposalStatus::Declined,
            None if self.expires_at <= now => ProposalStatus::Expired,
            None => ProposalStatus::Proposed,
        }
    }
}
