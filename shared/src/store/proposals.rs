//! Proposals.

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;

use super::{
    error::{StoreError, Write, written},
    row::{NewItem, Row, name, text, time},
    table::{Table, TableNames, key},
    workspaces::pk,
};
use crate::domain::{
    ids::{ConnectorId, ProposalId, WorkspaceId},
    proposal::{Decision, Outcome, Proposal, ProposalKind},
};

const PREFIX: &str = "PROPOSAL#";

/// Proposals of workspaces, in the registry.
#[derive(Debug, Clone)]
pub struct Proposals(Table);

impl Proposals {
    /// Proposals in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.registry))
    }

    /// The workspace's proposal of this id, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, id: &ProposalId) -> Result<Option<Proposal>, StoreError> {
        self.0.find(&pk(workspace), &sk(id)).await?.map(|row| read(&row)).transpose()
    }

    /// All proposals of a workspace, in the order they were made.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<Proposal>, StoreError> {
        self.0.query_all(&pk(workspace), PREFIX).await?.iter().map(read).collect()
    }

    /// Stores a new proposal.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, proposal: &Proposal) -> Result<Write, StoreError> {
        let item = NewItem::at(&pk(&proposal.workspace), &sk(&proposal.id))
            .text(name::PROPOSAL, proposal.id.as_str())
            .text(name::WORKSPACE, proposal.workspace.as_str())
            .text(name::PROPOSAL_KIND, proposal.kind.as_str())
            .text(name::CONNECTOR, proposal.connector.as_str())
            .maybe(proposal.revision, |item, revision| item.number(name::REVISION, revision))
            .text(name::PROPOSED, &proposal.request.to_string())
            .text(name::ACTOR, &proposal.by)
            .time(name::CREATED_AT, proposal.made_at)
            .time(name::EXPIRES_AT, proposal.expires_at);
        self.0.put_new(item).await
    }

    /// Decides a proposal that waits for it; [`Write::Conflict`] if it does not, by now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn decide(&self, proposal: &Proposal, decision: &Decision) -> Result<Write, StoreError> {
        let request = self.at(proposal);
        let request = request
            .update_expression("SET decision = :outcome, decided_by = :by, decided_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(decision) AND expires_at > :now")
            .expression_attribute_values(":outcome", text(decision.outcome.as_str()))
            .expression_attribute_values(":by", text(&decision.by))
            .expression_attribute_values(":now", time(decision.at));
        written(request.send().await)
    }

    /// Takes a decision back of which nothing came; [`Write::Conflict`] if it is another one by now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn reopen(&self, proposal: &Proposal, decided_at: Timestamp) -> Result<Write, StoreError> {
        let request = self.at(proposal);
        let request = request
            .update_expression("REMOVE decision, decided_by, decided_at")
            .condition_expression("decided_at = :at")
            .expression_attribute_values(":at", time(decided_at));
        written(request.send().await)
    }

    /// Removes a proposal.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn delete(&self, proposal: &Proposal) -> Result<Write, StoreError> {
        self.0.delete(&pk(&proposal.workspace), &sk(&proposal.id)).await
    }

    fn at(&self, proposal: &Proposal) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        let at = key(&pk(&proposal.workspace), &sk(&proposal.id));
        self.0.client.update_item().table_name(&self.0.name).set_key(Some(at))
    }
}

fn sk(id: &ProposalId) -> String {
    format!("{PREFIX}{id}")
}

fn read(row: &Row) -> Result<Proposal, StoreError> {
    let request = row.text(name::PROPOSED)?;
    let decision = row.has(name::DECISION).then(|| -> Result<_, StoreError> {
        Ok(Decision {
            outcome: row.word(name::DECISION, Outcome::parse)?,
            by: row.text(name::DECIDED_BY)?.to_owned(),
            at: row.time(name::DECIDED_AT)?,
        })
    });
    Ok(Proposal {
        id: row.parsed(name::PROPOSAL, ProposalId::parse)?,
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        kind: row.word(name::PROPOSAL_KIND, ProposalKind::parse)?,
        connector: row.parsed(name::CONNECTOR, ConnectorId::parse)?,
        revision: row.find_number(name::REVISION)?,
        request: serde_json::from_str(request).map_err(|_| StoreError::Unreadable(name::PROPOSED))?,
        by: row.text(name::ACTOR)?.to_owned(),
        made_at: row.time(name::CREATED_AT)?,
        expires_at: row.time(name::EXPIRES_AT)?,
        decision: decision.transpose()?,
    })
}
