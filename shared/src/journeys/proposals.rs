//! Proposals: an assistant says what it would have changed, a person looks at what would come of it, and confirms or
//! declines. What is proposed never has a secret in it: who confirms enters that.

mod decide;
mod propose;
mod prospect;
mod request;
mod standing;

use serde_json::Value;

pub use self::prospect::{Change, People, Prospect};
use self::{
    prospect::bare,
    request::{Wanted, added, read},
};
use super::{
    audit::Audit,
    manage::{ConnectorError, ManageConnectors},
};
use crate::{
    clock::Clock,
    domain::{
        app::words,
        fields::FieldError,
        ids::{ConnectorId, ProposalId, WorkspaceId},
        proposal::{Proposal, ProposalKind, ProposalStatus},
        secret::{ClientSecret, Secret},
        workspace::DisplayName,
    },
    random::Random,
    store::{ApiKeys, Connections, Proposals, StoreError},
};

/// How long a proposal that was decided, or was not in time, is still shown, in hours.
const SHOWN_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// Makes and decides proposals.
#[derive(Debug, Clone)]
pub struct ProposeChanges {
    pub(crate) proposals: Proposals,
    pub(crate) keys: ApiKeys,
    pub(crate) connectors: ManageConnectors,
    pub(crate) connections: Connections,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// A proposal that somebody makes.
#[derive(Debug)]
pub struct ProposalDraft {
    /// What is to be done.
    pub kind: ProposalKind,
    /// To which connector; none for one that is to be added.
    pub connector: Option<ConnectorId>,
    /// The request that would do it: an object, empty where a connector is to be deleted.
    pub request: Value,
    /// By what the proposer proposes, for the audit trail.
    pub through: Through,
}

/// By what somebody proposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// By the API.
    Api,
    /// By an assistant.
    Assistant,
}

words! {
    Through { Api = "api", Assistant = "assistant" }
}

/// What only the person who confirms knows or chooses.
#[derive(Debug, Default)]
pub struct Confirmation {
    /// The client secret of a connector that is added, or changed.
    pub client_secret: Option<Secret<ClientSecret>>,
    /// Another name for one that is added.
    pub name: Option<DisplayName>,
}

/// Why a proposal was not made, confirmed or declined.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// There is no such proposal in the workspace.
    #[error("no such proposal")]
    NotFound,
    /// Fields that can't be accepted.
    #[error("the proposal has fields that can't be accepted")]
    Invalid(Vec<FieldError>),
    /// As many proposals wait as a person can look through.
    #[error("too many proposals wait")]
    TooMany,
    /// It does not wait for a decision any more.
    #[error("the proposal was decided, is too old, or nobody vouches for it")]
    Decided(ProposalStatus),
    /// The connector was changed since.
    #[error("the connector was changed since")]
    Outdated,
    /// The connector cannot be added, changed or deleted like this.
    #[error(transparent)]
    Connector(ConnectorError),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ConnectorError> for ProposalError {
    fn from(error: ConnectorError) -> Self {
        match error {
            ConnectorError::Outdated => Self::Outdated,
            ConnectorError::Store(cause) => Self::Store(cause),
            error => Self::Connector(error),
        }
    }
}

impl ProposeChanges {
    /// The workspace's proposals, the latest first. Old ones that nothing comes of any more are not among them.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn list(&self, workspace: &WorkspaceId) -> Result<Vec<(Proposal, ProposalStatus)>, StoreError> {
        let now = self.clock.now();
        let proposals = self.proposals.of_workspace(workspace).await?.into_iter().rev();
        let recent: Vec<Proposal> = proposals.filter(|proposal| !is_past(proposal, now)).collect();
        let stand = self.all_stand(&recent).await?;
        Ok(recent.into_iter().zip(stand).collect())
    }

    /// One proposal, and what would come of it now.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub async fn find(&self, workspace: &WorkspaceId, id: &ProposalId) -> Result<Prospect, ProposalError> {
        let proposal = self.proposals.find(workspace, id).await?.ok_or(ProposalError::NotFound)?;
        let status = self.stands(&proposal).await?;
        match self.look_ahead(proposal.clone(), status).await {
            // What could be proposed then may be impossible by now, or done: the proposal itself is still there to be seen.
            Err(error @ (ProposalError::Connector(_) | ProposalError::Invalid(_) | ProposalError::Outdated)) => {
                let (is_new, waits) = (proposal.kind == ProposalKind::Add, status == ProposalStatus::Proposed);
                let changes = if is_new { added(&proposal.request) } else { Vec::new() };
                let needs_secret = waits && self.is_renamed_with_secret(&proposal, &error).await?;
                let obstacle = waits.then(|| Box::new(error));
                let is_outdated = waits && !is_new;
                Ok(Prospect { status, changes, needs_secret, is_outdated, obstacle, ..bare(proposal) })
            }
            outcome => outcome,
        }
    }
}

impl ProposeChanges {
    /// Whether a connector could be added under another name, and only with a secret.
    async fn is_renamed_with_secret(&self, proposal: &Proposal, error: &ProposalError) -> Result<bool, ProposalError> {
        if !error.ends_with_another_name(proposal.kind) {
            return Ok(false);
        }
        match read(proposal.kind, &proposal.request)? {
            Wanted::Add(draft) => Ok(self.connectors.needs_secret(&proposal.workspace, &draft).await?),
            Wanted::Update(_) | Wanted::Delete => Ok(false),
        }
    }
}

impl ProposalError {
    /// Whether whoever confirms helps it by another name.
    #[must_use]
    pub fn ends_with_another_name(&self, kind: ProposalKind) -> bool {
        kind == ProposalKind::Add && matches!(self, Self::Connector(ConnectorError::NameTaken))
    }
}

fn is_past(proposal: &Proposal, now: jiff::Timestamp) -> bool {
    let over_at = proposal.decision.as_ref().map_or(proposal.expires_at, |decision| decision.at);
    over_at.checked_add(SHOWN_FOR).is_ok_and(|until| until <= now)
}

fn invalid(pointer: &str, detail: &str) -> ProposalError {
    ProposalError::Invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() }])
}
