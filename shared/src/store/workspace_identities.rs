//! Who vouches for the people of a workspace. An item of its own beside the workspace's: it has the issuer's keys in it, which
//! nobody needs who reads the workspace, and it comes and goes by itself.

use std::slice;

use aws_sdk_dynamodb::Client;

use super::{
    apps::{read_identity, write_identity},
    error::{StoreError, Write},
    row::{NewItem, Row, name, time},
    table::{Table, TableNames},
    transaction::putting,
    workspaces::pk,
};
use crate::domain::{
    ids::WorkspaceId,
    notice::Notice,
    person::{ClaimRule, SignInEndpoints, WorkspaceIdentity},
};

pub(super) const SK: &str = "IDENTITY";

/// The identities of workspaces in the registry.
#[derive(Debug, Clone)]
pub struct WorkspaceIdentities {
    registry: Table,
    /// The table where it stands what is to be noted of identities.
    connections: String,
}

impl WorkspaceIdentities {
    /// Identities in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// Who vouches for this workspace's people, if anybody does.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId) -> Result<Option<WorkspaceIdentity>, StoreError> {
        self.registry.find(&pk(workspace), SK).await?.map(|row| read(&row)).transpose()
    }

    /// Stores a workspace's identity; [`Write::Conflict`] if `earlier` is not any more what stands there.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put(
        &self,
        workspace: &WorkspaceId,
        earlier: Option<&WorkspaceIdentity>,
        identity: &WorkspaceIdentity,
        told: &Notice,
    ) -> Result<Write, StoreError> {
        let put = self.registry.put(item(workspace, identity));
        let put = match earlier {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(earlier) => put
                .condition_expression("updated_at = :earlier")
                .expression_attribute_values(":earlier", time(earlier.updated_at)),
        };
        self.registry.write_told(vec![putting(put)?], &self.connections, slice::from_ref(told)).await
    }

    /// Removes a workspace's identity; [`Write::Conflict`] if there is none. Nothing is noted of one that goes with its
    /// workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn remove(&self, workspace: &WorkspaceId, told: Option<&Notice>) -> Result<Write, StoreError> {
        let told = told.map(slice::from_ref).unwrap_or_default();
        self.registry.write_told(vec![self.registry.deleting(&pk(workspace), SK)?], &self.connections, told).await
    }
}

fn item(workspace: &WorkspaceId, identity: &WorkspaceIdentity) -> NewItem {
    let item = NewItem::at(&pk(workspace), SK)
        .text(name::ADMIN_CLAIM, identity.admins.claim())
        .texts(name::ADMIN_VALUES, identity.admins.values().iter().map(String::as_str))
        .time(name::UPDATED_AT, identity.updated_at)
        .maybe(identity.readers.as_ref(), |item, readers| {
            item.text(name::READER_CLAIM, readers.claim())
                .texts(name::READER_VALUES, readers.values().iter().map(String::as_str))
        })
        .maybe(identity.client_secret.as_ref(), |item, secret| item.bytes(name::CLIENT_SECRET, secret.as_bytes()))
        .maybe(identity.sign_in.as_ref(), |item, sign_in| {
            item.text(name::ID_AUTHORIZATION, &sign_in.authorization)
                .text(name::ID_TOKEN_ENDPOINT, &sign_in.token)
                .flag(name::ID_SECRET_IN_BODY, sign_in.secret_in_body)
                .flag(name::ID_SENDS_ISSUER, sign_in.sends_issuer)
        });
    write_identity(item, &identity.issuer)
}

fn read(row: &Row) -> Result<WorkspaceIdentity, StoreError> {
    let readers =
        if row.has(name::READER_CLAIM) { Some(read_rule(row, name::READER_CLAIM, name::READER_VALUES)?) } else { None };
    Ok(WorkspaceIdentity {
        issuer: read_identity(row)?,
        client_secret: row.find_sealed(name::CLIENT_SECRET)?,
        sign_in: if row.has(name::ID_AUTHORIZATION) { Some(read_sign_in(row)?) } else { None },
        admins: read_rule(row, name::ADMIN_CLAIM, name::ADMIN_VALUES)?,
        readers,
        updated_at: row.time(name::UPDATED_AT)?,
    })
}

fn read_rule(row: &Row, claim: &'static str, values: &'static str) -> Result<ClaimRule, StoreError> {
    let given = row.texts(values)?.into_iter().map(str::to_owned).collect();
    ClaimRule::new(row.text(claim)?, given).map_err(|_| StoreError::Unreadable(claim))
}

fn read_sign_in(row: &Row) -> Result<SignInEndpoints, StoreError> {
    Ok(SignInEndpoints {
        authorization: row.text(name::ID_AUTHORIZATION)?.to_owned(),
        token: row.text(name::ID_TOKEN_ENDPOINT)?.to_owned(),
        secret_in_body: row.flag(name::ID_SECRET_IN_BODY)?,
        sends_issuer: row.flag(name::ID_SENDS_ISSUER)?,
    })
}
