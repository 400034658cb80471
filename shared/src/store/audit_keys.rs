//! What the chains of the audit trail are made with: sealed, in the registry, so that whoever may write the trail's table has
//! not even its sealed form.

use aws_sdk_dynamodb::{Client, types::TransactWriteItem};

use super::{
    error::{StoreError, Write, written},
    row::{NewItem, bytes, name},
    table::{Table, TableNames, key},
    workspaces::{self, pk},
};
use crate::domain::{
    ids::WorkspaceId,
    secret::{AuditKey, Sealed},
};

pub(super) const SK: &str = "AUDITKEY";

/// The keys of audit trails in the registry.
#[derive(Debug, Clone)]
pub struct AuditKeys(Table);

impl AuditKeys {
    /// Keys in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.registry))
    }

    /// The key of a workspace's trail; none if it is gone, with its workspace or by somebody's hand.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId) -> Result<Option<Sealed<AuditKey>>, StoreError> {
        self.0.find(&pk(workspace), SK).await?.map(|row| row.sealed(name::AUDIT_KEY)).transpose()
    }

    /// Stores the key of a new workspace's trail.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, workspace: &WorkspaceId, sealed: &Sealed<AuditKey>) -> Result<Write, StoreError> {
        self.0.put_new(item(workspace, sealed)).await
    }

    /// Whether the workspace is there, and is to stay: then it may get a key that it does not have.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn may_be_made(&self, workspace: &WorkspaceId) -> Result<bool, StoreError> {
        let row = self.0.find(&pk(workspace), workspaces::META).await?;
        Ok(row.is_some_and(|row| !row.has(name::DELETED_AT)))
    }

    /// Stores a workspace's key where there is none, as a part of a transaction.
    pub(super) fn putting_new(
        &self,
        workspace: &WorkspaceId,
        sealed: &Sealed<AuditKey>,
    ) -> Result<TransactWriteItem, StoreError> {
        self.0.putting_new(item(workspace, sealed))
    }

    /// Puts a key that was sealed anew in the place of `earlier`, if that still stands.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace(
        &self,
        workspace: &WorkspaceId,
        earlier: &Sealed<AuditKey>,
        resealed: &Sealed<AuditKey>,
    ) -> Result<Write, StoreError> {
        let request = self.0.client.update_item().table_name(&self.0.name).set_key(Some(key(&pk(workspace), SK)));
        let request = request
            .update_expression("SET audit_key = :new")
            .condition_expression("audit_key = :old")
            .expression_attribute_values(":new", bytes(resealed.as_bytes()))
            .expression_attribute_values(":old", bytes(earlier.as_bytes()));
        written(request.send().await)
    }
}

fn item(workspace: &WorkspaceId, sealed: &Sealed<AuditKey>) -> NewItem {
    NewItem::at(&pk(workspace), SK).bytes(name::AUDIT_KEY, sealed.as_bytes())
}
