//! Proposals.

use std::slice;

use aws_sdk_dynamodb::{Client, types::TransactWriteItem};

use super::{
    error::{StoreError, Write},
    row::{Item, NewItem, Row, name, text, time},
    table::{Table, TableNames},
    transaction::updating,
};
use crate::domain::{
    ids::{ConnectorId, ProposalId, WorkspaceId},
    notice::Notice,
    proposal::{Decision, Outcome, Proposal, ProposalKind, Verdict},
};

const PREFIX: &str = "PROPOSAL#";

/// Where it stands how many were made.
const MADE: &str = "MADE";

/// Proposals of workspaces, in the registry.
#[derive(Debug, Clone)]
pub struct Proposals {
    registry: Table,
    /// The table where it stands what is to be noted of proposals.
    connections: String,
}

impl Proposals {
    /// Proposals in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// The workspace's proposal of this id, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, id: &ProposalId) -> Result<Option<Proposal>, StoreError> {
        self.registry.find(&pk(workspace), &sk(id)).await?.map(|row| read(&row)).transpose()
    }

    /// All proposals of a workspace, in the order they were made.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<Proposal>, StoreError> {
        self.registry.query_all(&pk(workspace), PREFIX).await?.iter().map(read).collect()
    }

    /// How many proposals were ever made in a workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn made(&self, workspace: &WorkspaceId) -> Result<u64, StoreError> {
        self.registry.made(&pk(workspace), MADE).await
    }

    /// Stores a new proposal; [`Write::Conflict`] if another one was made since `made` were.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, proposal: &Proposal, made: u64, told: &Notice) -> Result<Write, StoreError> {
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
        let counted = self.registry.making_one_more(&pk(&proposal.workspace), MADE, made)?;
        let parts = vec![self.registry.putting_new(item)?, counted];
        self.registry.write_told(parts, &self.connections, slice::from_ref(told)).await
    }

    /// Decides a proposal of which nothing comes but that; [`Write::Conflict`] if it does not wait for it, by now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn decide(&self, verdict: &Verdict) -> Result<Write, StoreError> {
        let parts = vec![deciding(&self.registry, verdict)?];
        self.registry.write_told(parts, &self.connections, slice::from_ref(&verdict.told)).await
    }

    /// Removes a proposal.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn delete(&self, proposal: &Proposal) -> Result<Write, StoreError> {
        self.registry.delete(&pk(&proposal.workspace), &sk(&proposal.id)).await
    }

    /// Removes all proposals of a workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; what is left then can be removed by asking again.
    pub async fn remove_all(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        let pk = pk(workspace);
        for sk in self.registry.sort_keys(&pk).await? {
            self.registry.delete(&pk, &sk).await?;
        }
        Ok(())
    }
}

const DECIDE: &str = "SET decision = :outcome, decided_by = :by, decided_at = :now";

/// What nobody has decided, and is not too old.
const WAITS: &str = "attribute_exists(pk) AND attribute_not_exists(decision) AND expires_at > :now";

/// Decides a proposal in the transaction that does what was proposed.
pub(super) fn deciding(table: &Table, verdict: &Verdict) -> Result<TransactWriteItem, StoreError> {
    let update = table
        .update(&pk(&verdict.proposal.workspace), &sk(&verdict.proposal.id))
        .update_expression(DECIDE)
        .condition_expression(WAITS)
        .set_expression_attribute_values(Some(values(&verdict.decision)));
    updating(update)
}

fn values(decision: &Decision) -> Item {
    let values =
        [(":outcome", text(decision.outcome.as_str())), (":by", text(&decision.by)), (":now", time(decision.at))];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Apart from everything else of the workspace, so that whoever may make proposals need not be allowed to write anything else.
fn pk(workspace: &WorkspaceId) -> String {
    format!("PROPOSALS#{workspace}")
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
