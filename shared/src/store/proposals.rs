//! Proposals.

use aws_sdk_dynamodb::{
    Client,
    types::{TransactWriteItem, Update},
};

use super::{
    error::{StoreError, Write, written},
    row::{Item, NewItem, Row, name, text, time},
    table::{Table, TableNames, key},
};
use crate::domain::{
    ids::{ConnectorId, ProposalId, WorkspaceId},
    proposal::{Decision, Outcome, Proposal, ProposalKind, Verdict},
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

    /// Decides a proposal of which nothing comes but that; [`Write::Conflict`] if it does not wait for it, by now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn decide(&self, verdict: &Verdict) -> Result<Write, StoreError> {
        let request = self.0.client.update_item().table_name(&self.0.name).set_key(Some(key_of(&verdict.proposal)));
        let request = request
            .update_expression(DECIDE)
            .condition_expression(WAITS)
            .set_expression_attribute_values(Some(values(&verdict.decision)));
        written(request.send().await)
    }

    /// Removes a proposal.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn delete(&self, proposal: &Proposal) -> Result<Write, StoreError> {
        self.0.delete(&pk(&proposal.workspace), &sk(&proposal.id)).await
    }

    /// Removes all proposals of a workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; what is left then can be removed by asking again.
    pub async fn remove_all(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        let pk = pk(workspace);
        for sk in self.0.sort_keys(&pk).await? {
            self.0.delete(&pk, &sk).await?;
        }
        Ok(())
    }
}

const DECIDE: &str = "SET decision = :outcome, decided_by = :by, decided_at = :now";

/// What nobody has decided, and is not too old.
const WAITS: &str = "attribute_exists(pk) AND attribute_not_exists(decision) AND expires_at > :now";

/// Decides a proposal in the transaction that does what was proposed.
pub(super) fn deciding(table: &Table, verdict: &Verdict) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder()
        .table_name(&table.name)
        .set_key(Some(key_of(&verdict.proposal)))
        .update_expression(DECIDE)
        .condition_expression(WAITS)
        .set_expression_attribute_values(Some(values(&verdict.decision)))
        .build();
    let update = update.map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

fn values(decision: &Decision) -> Item {
    let values =
        [(":outcome", text(decision.outcome.as_str())), (":by", text(&decision.by)), (":now", time(decision.at))];
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn key_of(proposal: &Proposal) -> Item {
    key(&pk(&proposal.workspace), &sk(&proposal.id))
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
