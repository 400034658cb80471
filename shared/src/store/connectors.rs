//! Connectors.

mod item;
mod transaction;

use aws_sdk_dynamodb::{
    Client,
    types::{Delete, Put, TransactWriteItem, Update},
};

use self::item::item;
pub(super) use self::item::read;
use self::transaction::Obstacle;
use super::{
    client_keys,
    error::StoreError,
    outbox::told_with,
    row::{NewItem, name, number, text, time},
    shared_connectors,
    table::{Table, TableNames, key},
    workspaces::{count_one_less, count_one_more, pk},
};
use crate::domain::{
    connector::{Connector, ConnectorState},
    digest::{hex, sha256},
    ids::{ConnectorId, WorkspaceId},
    notice::Notice,
    proposal::Verdict,
};

pub(super) const PREFIX: &str = "CONNECTOR#";
const META: &str = "META";

/// What became of a write that a connector's id, name or revision may stand against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectorWrite {
    /// It is stored.
    Done,
    /// Another connector of the workspace has this name.
    NameTaken,
    /// The workspace has as many connectors as it may, or is gone.
    Full,
    /// The id is in use, or the connector was changed by somebody else in the meantime.
    Conflict,
    /// The proposal that it comes of does not wait for a decision any more.
    Decided,
}

/// Connectors in the registry. A claim by id alone says whose the id is, by a digest of the workspace's own. It stays when
/// the connector goes, because the redirect URI that is made of the id stays registered at the provider.
#[derive(Debug, Clone)]
pub struct Connectors {
    registry: Table,
    /// The table where it stands what others are told of connectors.
    connections: String,
}

impl Connectors {
    /// Connectors in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// The connector of this id in this workspace, deleted ones that are not yet gone included.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, id: &ConnectorId) -> Result<Option<Connector>, StoreError> {
        self.registry.find(&pk(workspace), &sk(id)).await?.map(|row| read(&row)).transpose()
    }

    /// All connectors of a workspace, in the order they were made.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<Connector>, StoreError> {
        self.registry.query_all(&pk(workspace), PREFIX).await?.iter().map(read).collect()
    }

    /// Stores a new connector together with its name and the claim to its id. An id that was ever another workspace's is
    /// a conflict: whoever has it receives the codes that a provider still sends to its redirect URI. It is counted in the
    /// same moment, and not stored where there are `most` already.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(
        &self,
        connector: &Connector,
        most: Option<u32>,
        told: &Notice,
        verdict: Option<&Verdict>,
    ) -> Result<ConnectorWrite, StoreError> {
        let mut parts = vec![
            self.put_where_none_is(name_item(connector))?,
            count_one_more(&self.registry, &connector.workspace, most)?,
            self.put_where_none_is(item(connector)?)?,
            self.claim(connector)?,
            told_with(&self.connections, told)?,
        ];
        if let Some(entry) = shared_connectors::item(connector) {
            parts.push(self.put_where_none_is(entry)?);
        }
        parts.extend(self.public_keys(connector)?);
        Ok(match self.write(parts, verdict).await? {
            Ok(()) => ConnectorWrite::Done,
            Err(Obstacle::Part(NAME)) => ConnectorWrite::NameTaken,
            Err(Obstacle::Part(COUNT)) => ConnectorWrite::Full,
            Err(Obstacle::Part(_)) => ConnectorWrite::Conflict,
            Err(Obstacle::Verdict) => ConnectorWrite::Decided,
        })
    }

    /// Stores a changed connector, if it is still at `earlier`'s revision; moves its name along.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace(
        &self,
        earlier: &Connector,
        changed: &Connector,
        told: &[Notice],
        verdict: Option<&Verdict>,
    ) -> Result<ConnectorWrite, StoreError> {
        let put = Put::builder()
            .table_name(&self.registry.name)
            .set_item(Some(item(changed)?.into_item()))
            .condition_expression("revision = :revision AND connector_state = :active")
            .expression_attribute_values(":revision", number(earlier.revision))
            .expression_attribute_values(":active", text(ConnectorState::Active.as_str()))
            .build()
            .map_err(|_| incomplete())?;
        let mut parts = if earlier.name.folded() == changed.name.folded() {
            vec![self.check_name(changed)?]
        } else {
            let freed = self.delete_item(&pk(&earlier.workspace), &name_sk(earlier))?;
            vec![self.put_where_none_is(name_item(changed))?, freed]
        };
        parts.push(TransactWriteItem::builder().put(put).build());
        for notice in told {
            parts.push(told_with(&self.connections, notice)?);
        }
        parts.extend(self.public_keys(changed)?);
        Ok(match self.write(parts, verdict).await? {
            Ok(()) => ConnectorWrite::Done,
            Err(Obstacle::Part(NAME)) => ConnectorWrite::NameTaken,
            Err(Obstacle::Part(_)) => ConnectorWrite::Conflict,
            Err(Obstacle::Verdict) => ConnectorWrite::Decided,
        })
    }

    /// Marks a connector as deleted and frees its name. Whoever reads it from now on finds it unusable.
    /// [`ConnectorWrite::Conflict`] if it was changed since it was read (its name may be another one now), or marked before;
    /// or the workspace's connectors are not counted yet.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn mark_deleted(
        &self,
        connector: &Connector,
        told: &Notice,
        verdict: Option<&Verdict>,
    ) -> Result<ConnectorWrite, StoreError> {
        let mark = Update::builder()
            .table_name(&self.registry.name)
            .set_key(Some(key(&pk(&connector.workspace), &sk(&connector.id))))
            .update_expression("SET connector_state = :deleting, updated_at = :now, revision = revision + :one")
            .condition_expression("connector_state = :active AND revision = :revision")
            .expression_attribute_values(":revision", number(connector.revision))
            .expression_attribute_values(":deleting", text(ConnectorState::Deleting.as_str()))
            .expression_attribute_values(":active", text(ConnectorState::Active.as_str()))
            .expression_attribute_values(":now", time(told.at))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|_| incomplete())?;
        let mut parts = vec![
            TransactWriteItem::builder().update(mark).build(),
            self.delete_item(&pk(&connector.workspace), &name_sk(connector))?,
            count_one_less(&self.registry, &connector.workspace)?,
            told_with(&self.connections, told)?,
        ];
        if let Some(entry) = shared_connectors::sk(connector) {
            parts.push(self.delete_item(&pk(&connector.workspace), &entry)?);
        }
        Ok(match self.write(parts, verdict).await? {
            Ok(()) => ConnectorWrite::Done,
            Err(Obstacle::Part(_)) => ConnectorWrite::Conflict,
            Err(Obstacle::Verdict) => ConnectorWrite::Decided,
        })
    }

    /// Publishes the connector's keys in the same moment.
    fn public_keys(&self, connector: &Connector) -> Result<Option<TransactWriteItem>, StoreError> {
        let Some(key) = &connector.client_key else { return Ok(None) };
        let put = client_keys::put(&self.registry, &connector.id, key)?;
        Ok(Some(TransactWriteItem::builder().put(put).build()))
    }

    /// Removes what is left of a deleted connector, its secret and keys too. The claim to its id stays.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn destroy(&self, workspace: &WorkspaceId, id: &ConnectorId) -> Result<(), StoreError> {
        client_keys::delete(&self.registry, id).await?;
        self.registry.delete(&pk(workspace), &sk(id)).await?;
        Ok(())
    }

    fn claim(&self, connector: &Connector) -> Result<TransactWriteItem, StoreError> {
        let owner = hex(&sha256(connector.workspace.as_str().as_bytes()));
        let item = NewItem::at(&claim_pk(&connector.id), META).text(name::CLAIMED_BY, &owner);
        let put = Put::builder()
            .table_name(&self.registry.name)
            .set_item(Some(item.into_item()))
            .condition_expression("attribute_not_exists(pk) OR claimed_by = :owner")
            .expression_attribute_values(":owner", text(&owner))
            .build()
            .map_err(|_| incomplete())?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn put_where_none_is(&self, item: NewItem) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.registry.name)
            .set_item(Some(item.into_item()))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|_| incomplete())?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A name that does not move is written over itself: the transaction has its name first, whatever happens to it.
    fn check_name(&self, connector: &Connector) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.registry.name)
            .set_item(Some(name_item(connector).into_item()))
            .condition_expression("connector_id = :id")
            .expression_attribute_values(":id", text(connector.id.as_str()))
            .build()
            .map_err(|_| incomplete())?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn delete_item(&self, pk: &str, sk: &str) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.registry.name).set_key(Some(key(pk, sk))).build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(|_| incomplete())?).build())
    }
}

/// Where the name, and the count, stand in the transactions that have them.
const NAME: usize = 0;
const COUNT: usize = 1;

fn incomplete() -> StoreError {
    StoreError::Refused("incomplete request".to_owned())
}

pub(super) fn sk(id: &ConnectorId) -> String {
    format!("{PREFIX}{id}")
}

fn name_sk(connector: &Connector) -> String {
    format!("NAME#{}", connector.name.folded())
}

fn claim_pk(id: &ConnectorId) -> String {
    format!("CONNECTOR#{id}")
}

fn name_item(connector: &Connector) -> NewItem {
    NewItem::at(&pk(&connector.workspace), &name_sk(connector)).text(name::CONNECTOR, connector.id.as_str())
}
