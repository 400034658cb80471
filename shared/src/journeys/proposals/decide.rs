//! A person decides: what was proposed is done, in the moment in which it counts as confirmed, or let be.

use super::{
    Confirmation, ProposalError, ProposeChanges,
    request::{Wanted, read},
};
use crate::{
    domain::{
        audit::Actor,
        connector::Connector,
        ids::{ProposalId, WorkspaceId},
        proposal::{Decision, Outcome, Proposal, ProposalStatus, Verdict},
    },
    journeys::manage::{ConnectorChange, ConnectorDraft, ConnectorError, Order},
    store::Write,
};

impl ProposeChanges {
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
}
