//! What workspaces allow: one item each, which every token read takes along.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;

use super::{
    error::{StoreError, Write},
    row::{NewItem, Row, name, number},
    table::{Table, TableNames},
    transaction::{MOST_PARTS, putting},
    workspaces::pk,
};
use crate::domain::{
    connector::Connector,
    gather::Gather,
    ids::WorkspaceId,
    notice::Notice,
    policy::{Left, Policy},
    provider::ProviderType,
};

/// How many things are noted of one change at most.
pub const MOST_NOTED: usize = MOST_PARTS - 1;

/// The sort key of a workspace's policy.
pub(super) const SK: &str = "POLICY";

/// A policy as it stands in the table, with the number of the write that the next one takes the place of.
#[derive(Debug, Clone, Default)]
pub struct StoredPolicy {
    /// The policy.
    pub policy: Policy,
    /// How often it was written.
    pub revision: u64,
}

/// Policies of workspaces, in the registry.
#[derive(Debug, Clone)]
pub struct Policies {
    registry: Table,
    /// The table where it stands what is to be noted of policies.
    connections: String,
}

impl Policies {
    /// Policies in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// The workspace's policy: one that allows everything, if it never had another.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId) -> Result<StoredPolicy, StoreError> {
        match self.registry.find(&pk(workspace), SK).await? {
            Some(row) => Ok(StoredPolicy { policy: read(&row)?, revision: row.number(name::REVISION)? }),
            None => Ok(StoredPolicy::default()),
        }
    }

    /// Whether the connector's workspace allows its use, as it is now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn allow(&self, connector: &Connector) -> Result<bool, StoreError> {
        let policy = self.find(&connector.workspace).await?.policy;
        Ok(policy.allows(connector.kind, &connector.provider))
    }

    /// Replaces the policy that was found; [`Write::Conflict`] if somebody else has by then.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace(
        &self,
        workspace: &WorkspaceId,
        found: &StoredPolicy,
        policy: &Policy,
        told: &[Notice],
    ) -> Result<Write, StoreError> {
        let off: BTreeMap<String, String> =
            policy.off().map(|(provider, left)| (provider.to_string(), left.as_str().to_owned())).gathered();
        let item = NewItem::at(&pk(workspace), SK).map(name::SWITCHES, &off).number(name::REVISION, found.revision + 1);
        let put = match found.revision {
            0 => self.registry.put(item).condition_expression("attribute_not_exists(pk)"),
            revision => self
                .registry
                .put(item)
                .condition_expression("revision = :revision")
                .expression_attribute_values(":revision", number(revision)),
        };
        self.registry.write_told(vec![putting(put)?], &self.connections, told).await
    }
}

pub(super) fn read(row: &Row) -> Result<Policy, StoreError> {
    let read = |(provider, left): (String, String)| Some((ProviderType::parse(&provider).ok()?, Left::parse(&left)?));
    let off = row.map(name::SWITCHES)?.into_iter().map(read).all_gathered();
    off.map(Policy::of).ok_or(StoreError::Unreadable(name::SWITCHES))
}
