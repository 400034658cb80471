//! Proposals: an assistant says what it would have changed, a person looks at what would come of it, and confirms or
//! declines. What is proposed never has a secret in it: who confirms enters that.

mod prospect;
mod request;

use serde_json::{Value, json};

pub use self::prospect::{Change, People, Prospect};
use self::{
    prospect::bare,
    request::{Wanted, added, read},
};
use super::{
    audit::Audit,
    manage::{ConnectorChange, ConnectorDraft, ConnectorError, ManageConnectors, Order},
};
use crate::{
    clock::Clock,
    domain::{
        app::words,
        audit::Actor,
        connector::Connector,
        fields::FieldError,
        ids::{ConnectorId, ProposalId, WorkspaceId},
        proposal::{Decision, Outcome, PROPOSAL_LIFE, Proposal, ProposalKind, ProposalStatus, Verdict},
        secret::{ClientSecret, Secret},
        workspace::DisplayName,
    },
    random::Random,
    store::{Connections, Proposals, StoreError, Write},
};

/// How many proposals of a workspace wait at once at most: as many as a person looks through.
const MOST_OPEN: usize = 50;

/// How long a proposal that was decided, or was not in time, is still shown, in hours.
const SHOWN_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// Makes and decides proposals.
#[derive(Debug, Clone)]
pub struct ProposeChanges {
    pub(crate) proposals: Proposals,
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
    /// The client secret of a connector that is added.
    pub client_secret: Option<Secret<ClientSecret>>,
    /// Another name for it.
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
    #[error("the proposal was decided, or is too old")]
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
    /// Makes a proposal, if it could be confirmed as things are.
    ///
    /// # Errors
    /// [`ProposalError`]; nothing is stored then.
    #[tracing::instrument(skip_all)]
    pub async fn propose(
        &self,
        workspace: &WorkspaceId,
        draft: ProposalDraft,
        actor: Actor,
    ) -> Result<Prospect, ProposalError> {
        let now = self.clock.now();
        let mut request = draft.request;
        let connector = match (draft.kind, draft.connector) {
            (ProposalKind::Add, None) => self.id_of_new(&mut request),
            (ProposalKind::Add, Some(_)) => return Err(invalid("/connector_id", "does not exist before it is added")),
            (_, Some(connector)) => connector,
            (_, None) => return Err(invalid("/connector_id", "is required")),
        };
        // Read before anything is looked up: whoever proposes learns of all mistakes at once.
        let wanted = read(draft.kind, &request)?;
        let revision = match wanted {
            Wanted::Add(_) => None,
            Wanted::Update(_) | Wanted::Delete => Some(self.connectors.find(workspace, &connector).await?.revision),
        };
        let proposal = Proposal {
            id: ProposalId::of_ulid(&self.random.ulid(now)),
            workspace: workspace.clone(),
            kind: draft.kind,
            // The request may have named another; reading it has said that it is an id.
            connector,
            revision,
            request,
            by: actor.describe(),
            made_at: now,
            expires_at: now.checked_add(PROPOSAL_LIFE).unwrap_or(now),
            decision: None,
        };
        let prospect = self.look_ahead(proposal).await?;
        if prospect.proposal.kind == ProposalKind::Update && prospect.changes.is_empty() {
            return Err(invalid("/connector", "changes nothing"));
        }
        if self.waiting(workspace).await? >= MOST_OPEN {
            return Err(ProposalError::TooMany);
        }
        let proposal = &prospect.proposal;
        self.proposals.put_new(proposal).await?;
        // Others may have been at it at the same moment: whoever is one too many by then takes theirs back.
        if self.waiting(workspace).await? > MOST_OPEN {
            self.proposals.delete(proposal).await?;
            return Err(ProposalError::TooMany);
        }
        let details = [
            ("kind", proposal.kind.as_str()),
            ("connector", proposal.connector.as_str()),
            ("through", draft.through.as_str()),
        ];
        self.audit.note(workspace, actor, "proposal.created", proposal.id.as_str(), &details).await;
        Ok(prospect)
    }

    /// The workspace's proposals, the latest first. Old ones that nothing comes of any more are not among them.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn list(&self, workspace: &WorkspaceId) -> Result<Vec<(Proposal, ProposalStatus)>, StoreError> {
        let now = self.clock.now();
        let proposals = self.proposals.of_workspace(workspace).await?.into_iter().rev();
        let recent = proposals.filter(|proposal| !is_past(proposal, now));
        Ok(recent
            .map(|proposal| (proposal.status(now), proposal))
            .map(|(status, proposal)| (proposal, status))
            .collect())
    }

    /// One proposal, and what would come of it now.
    ///
    /// # Errors
    /// [`ProposalError`].
    pub async fn find(&self, workspace: &WorkspaceId, id: &ProposalId) -> Result<Prospect, ProposalError> {
        let proposal = self.proposals.find(workspace, id).await?.ok_or(ProposalError::NotFound)?;
        let status = proposal.status(self.clock.now());
        match self.look_ahead(proposal.clone()).await {
            // What could be proposed then may be impossible by now, or done: the proposal itself is still there to be seen.
            Err(ProposalError::Connector(_) | ProposalError::Invalid(_) | ProposalError::Outdated) => {
                let is_new = proposal.kind == ProposalKind::Add;
                let is_outdated = status == ProposalStatus::Proposed && !is_new;
                let changes = if is_new { added(&proposal.request) } else { Vec::new() };
                Ok(Prospect { status, changes, is_outdated, ..bare(proposal) })
            }
            outcome => outcome,
        }
    }

    /// Does what was proposed, once, at the word of somebody who could have done it themselves.
    ///
    /// # Errors
    /// [`ProposalError`]; the proposal waits as before unless it was decided by somebody else.
    #[tracing::instrument(skip_all, fields(proposal.id = %id))]
    pub async fn confirm(
        &self,
        workspace: &WorkspaceId,
        id: &ProposalId,
        confirmation: Confirmation,
        actor: Actor,
    ) -> Result<(Proposal, Option<Connector>), ProposalError> {
        let proposal = self.open(workspace, id).await?;
        match Box::pin(self.carry_out(&proposal, confirmation, actor.clone())).await {
            Ok((decision, connector)) => {
                let details = [
                    ("kind", proposal.kind.as_str()),
                    ("connector", proposal.connector.as_str()),
                    ("proposed_by", proposal.by.as_str()),
                ];
                self.audit.note(workspace, actor, "proposal.confirmed", id.as_str(), &details).await;
                Ok((Proposal { decision: Some(decision), ..proposal }, connector))
            }
            // Whatever it was: if somebody else has decided meanwhile, that is what was in the way.
            Err(error) => Err(self.open(workspace, id).await.err().unwrap_or(error)),
        }
    }

    /// Lets a proposal be. Nothing of it is done.
    ///
    /// # Errors
    /// [`ProposalError`].
    #[tracing::instrument(skip_all, fields(proposal.id = %id))]
    pub async fn decline(
        &self,
        workspace: &WorkspaceId,
        id: &ProposalId,
        actor: Actor,
    ) -> Result<Proposal, ProposalError> {
        let proposal = self.open(workspace, id).await?;
        let verdict = self.verdict(&proposal, Outcome::Declined, &actor);
        if self.proposals.decide(&verdict).await? == Write::Conflict {
            let decided = self.open(workspace, id).await.err();
            return Err(decided.unwrap_or(ProposalError::Decided(ProposalStatus::Expired)));
        }
        let details = [("kind", proposal.kind.as_str()), ("proposed_by", proposal.by.as_str())];
        self.audit.note(workspace, actor, "proposal.declined", id.as_str(), &details).await;
        Ok(Proposal { decision: Some(verdict.decision), ..proposal })
    }

    /// The id in a request to add a connector: the one that it names, or a fresh one, which it names from then on.
    fn id_of_new(&self, request: &mut Value) -> ConnectorId {
        let named = request.get("id").and_then(Value::as_str).and_then(|raw| ConnectorId::parse(raw).ok());
        let id = named.unwrap_or_else(|| ConnectorId::of_ulid(&self.random.ulid(self.clock.now())));
        if let Some(fields) = request.as_object_mut() {
            fields.entry("id").or_insert_with(|| json!(id.as_str()));
        }
        id
    }

    async fn open(&self, workspace: &WorkspaceId, id: &ProposalId) -> Result<Proposal, ProposalError> {
        let proposal = self.proposals.find(workspace, id).await?.ok_or(ProposalError::NotFound)?;
        match proposal.status(self.clock.now()) {
            ProposalStatus::Proposed => Ok(proposal),
            status => Err(ProposalError::Decided(status)),
        }
    }

    fn verdict(&self, proposal: &Proposal, outcome: Outcome, actor: &Actor) -> Verdict {
        let decision = Decision { outcome, by: actor.describe(), at: self.clock.now() };
        Verdict { proposal: proposal.clone(), decision }
    }

    /// What was proposed with what only the person knows, if nothing stands in its way that can be seen before.
    async fn completed(&self, proposal: &Proposal, confirmation: Confirmation) -> Result<Wanted, ProposalError> {
        match read(proposal.kind, &proposal.request)? {
            Wanted::Add(draft) => {
                let name = confirmation.name.unwrap_or_else(|| draft.name.clone());
                let draft = ConnectorDraft { name, client_secret: confirmation.client_secret, ..*draft };
                let needs_secret = self.connectors.try_out(&proposal.workspace, &draft).await?;
                if needs_secret && draft.client_secret.is_none() {
                    return Err(ConnectorError::SecretMissing.into());
                }
                Ok(Wanted::Add(Box::new(draft)))
            }
            wanted => {
                let connector = self.connectors.find(&proposal.workspace, &proposal.connector).await;
                match connector {
                    Ok(connector) if Some(connector.revision) == proposal.revision => Ok(wanted),
                    Ok(_) | Err(ConnectorError::NotFound) => Err(ProposalError::Outdated),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Does what was proposed, and decides the proposal in the same moment: of two who confirm one does it, whoever dies
    /// leaves both or neither, and what cannot be done is not decided.
    async fn carry_out(
        &self,
        proposal: &Proposal,
        confirmation: Confirmation,
        actor: Actor,
    ) -> Result<(Decision, Option<Connector>), ProposalError> {
        let wanted = self.completed(proposal, confirmation).await?;
        let verdict = self.verdict(proposal, Outcome::Confirmed, &actor);
        let decision = verdict.decision.clone();
        let order = Order { actor, verdict: Some(verdict) };
        let Proposal { workspace, connector, .. } = proposal;
        let connector = match wanted {
            Wanted::Add(draft) => Some(self.connectors.create(workspace, *draft, order).await?),
            Wanted::Update(change) => {
                let change = ConnectorChange { at_revision: proposal.revision, ..change };
                Some(Box::pin(self.connectors.change(workspace, connector, change, order)).await?)
            }
            Wanted::Delete => {
                self.connectors.delete(workspace, connector, true, order).await?;
                None
            }
        };
        Ok((decision, connector))
    }

    /// How many proposals wait. Those that nothing comes of any more are removed on the way.
    async fn waiting(&self, workspace: &WorkspaceId) -> Result<usize, ProposalError> {
        let now = self.clock.now();
        let mut waiting = 0;
        for proposal in self.proposals.of_workspace(workspace).await? {
            if is_past(&proposal, now) {
                self.proposals.delete(&proposal).await?;
            } else if proposal.status(now) == ProposalStatus::Proposed {
                waiting += 1;
            }
        }
        Ok(waiting)
    }
}

fn is_past(proposal: &Proposal, now: jiff::Timestamp) -> bool {
    let over_at = proposal.decision.as_ref().map_or(proposal.expires_at, |decision| decision.at);
    over_at.checked_add(SHOWN_FOR).is_ok_and(|until| until <= now)
}

fn invalid(pointer: &str, detail: &str) -> ProposalError {
    ProposalError::Invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() }])
}
