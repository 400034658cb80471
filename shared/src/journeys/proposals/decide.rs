//! A person decides: what was proposed is done, in the moment in which it counts as confirmed, or let be.

use super::{
    Confirmation, ProposalError, ProposeChanges, invalid,
    request::{Wanted, read},
};
use crate::{
    domain::{
        audit::Actor,
        connector::Connector,
        ids::{ProposalId, WorkspaceId},
        proposal::{Decision, Outcome, Proposal, ProposalKind, ProposalStatus, Verdict},
    },
    journeys::manage::{ConnectorChange, ConnectorDraft, ConnectorError, Order, needs_new_secret},
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
        let done = match self.completed(&proposal, confirmation).await {
            Ok(wanted) => {
                let verdict = self.verdict(&proposal, Outcome::Confirmed, &actor);
                Box::pin(self.carried_out(wanted, verdict, actor.clone())).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok((decision, connector)) => Ok((Proposal { decision: Some(decision), ..proposal }, connector)),
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
        self.audit.note_left(&verdict.told).await;
        Ok(Proposal { decision: Some(verdict.decision), ..proposal })
    }

    async fn open(&self, workspace: &WorkspaceId, id: &ProposalId) -> Result<Proposal, ProposalError> {
        let proposal = self.proposals.find(workspace, id).await?.ok_or(ProposalError::NotFound)?;
        match self.stands(&proposal).await? {
            ProposalStatus::Proposed => Ok(proposal),
            status => Err(ProposalError::Decided(status)),
        }
    }

    fn verdict(&self, proposal: &Proposal, outcome: Outcome, actor: &Actor) -> Verdict {
        let decision = Decision { outcome, by: actor.describe(), at: self.clock.now() };
        let details = [
            ("kind", proposal.kind.as_str()),
            ("connector", proposal.connector.as_str()),
            ("proposed_by", proposal.by.as_str()),
        ];
        let action = match outcome {
            Outcome::Confirmed => "proposal.confirmed",
            Outcome::Declined => "proposal.declined",
        };
        let told = self.audit.to_note(&proposal.workspace, actor, action, proposal.id.as_str(), &details);
        Verdict { proposal: proposal.clone(), decision, told }
    }

    /// What was proposed with what only the person knows, if nothing stands in its way that can be seen before.
    async fn completed(&self, proposal: &Proposal, confirmation: Confirmation) -> Result<Wanted, ProposalError> {
        let Confirmation { client_secret, name } = confirmation;
        let wanted = read(proposal.kind, &proposal.request)?;
        if !matches!(wanted, Wanted::Add(_)) && name.is_some() {
            return Err(invalid("/name", "can be another one only where a connector is added"));
        }
        match wanted {
            Wanted::Add(draft) => {
                let name = name.unwrap_or_else(|| draft.name.clone());
                let draft = ConnectorDraft { name, client_secret, ..*draft };
                let needs_secret = self.connectors.try_out(&proposal.workspace, &draft).await?;
                if needs_secret && draft.client_secret.is_none() {
                    return Err(ConnectorError::SecretMissing.into());
                }
                Ok(Wanted::Add(Box::new(draft)))
            }
            Wanted::Update(change) => {
                let connector = self.as_looked_at(proposal).await?;
                if client_secret.is_none() && needs_new_secret(&connector, &change) {
                    return Err(ConnectorError::SecretMissing.into());
                }
                Ok(Wanted::Update(ConnectorChange { client_secret, at_revision: proposal.revision, ..change }))
            }
            Wanted::Delete if client_secret.is_some() => {
                Err(invalid("/client_secret", "is of no use where a connector is deleted"))
            }
            Wanted::Delete => self.as_looked_at(proposal).await.map(|_| Wanted::Delete),
        }
    }

    /// The connector that a proposal is about, if it is still as it was.
    async fn as_looked_at(&self, proposal: &Proposal) -> Result<Connector, ProposalError> {
        match self.connectors.find(&proposal.workspace, &proposal.connector).await {
            Ok(connector) if Some(connector.revision) == proposal.revision => Ok(connector),
            Ok(_) | Err(ConnectorError::NotFound) => Err(ProposalError::Outdated),
            Err(error) => Err(error.into()),
        }
    }

    /// Carries out a proposal; also if the table has done it, and its answer was lost.
    async fn carried_out(
        &self,
        wanted: Wanted,
        verdict: Verdict,
        actor: Actor,
    ) -> Result<(Decision, Option<Connector>), ProposalError> {
        let Verdict { proposal, decision, told } = verdict.clone();
        match Box::pin(self.carry_out(wanted, verdict, actor)).await {
            Ok(connector) => {
                self.audit.note_left(&told).await;
                Ok((decision, connector))
            }
            Err(ProposalError::Store(cause)) => {
                let found = self.proposals.find(&proposal.workspace, &proposal.id).await?;
                if found.and_then(|found| found.decision).as_ref() != Some(&decision) {
                    return Err(cause.into());
                }
                self.audit.note_left(&told).await;
                let connector = match proposal.kind {
                    ProposalKind::Delete => None,
                    ProposalKind::Add | ProposalKind::Update => {
                        Some(self.connectors.find(&proposal.workspace, &proposal.connector).await?)
                    }
                };
                Ok((decision, connector))
            }
            Err(error) => Err(error),
        }
    }

    /// Does what was proposed, and decides the proposal in the same moment: of two who confirm one does it, whoever dies
    /// leaves both or neither, and what cannot be done is not decided.
    async fn carry_out(
        &self,
        wanted: Wanted,
        verdict: Verdict,
        actor: Actor,
    ) -> Result<Option<Connector>, ProposalError> {
        let (workspace, connector) = (verdict.proposal.workspace.clone(), verdict.proposal.connector.clone());
        let order = Order { actor, verdict: Some(verdict) };
        match wanted {
            Wanted::Add(draft) => Ok(Some(self.connectors.create(&workspace, *draft, order).await?)),
            Wanted::Update(change) => {
                Ok(Some(Box::pin(self.connectors.change(&workspace, &connector, change, order)).await?))
            }
            Wanted::Delete => {
                self.connectors.delete(&workspace, &connector, true, order).await?;
                Ok(None)
            }
        }
    }
}
