//! Grants that have ended here: beside the place where their connection stood, until they have ended at the provider.

use aws_sdk_dynamodb::{
    Client,
    types::{Delete, Put, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    completion::failing,
    connections::{connector_shard, due_shard, gone, is_contended, partition, placed, read_place},
    ended_imports,
    endings::{self, ENDED_PREFIX},
    error::{StoreError, Write, failed},
    mass_revocations::{count_ended, count_fate},
    outbox::told_with,
    row::{NewItem, Row, name, number},
    table::{ItemKey, Table, TableNames, key},
};
use crate::domain::{
    connection::Connection,
    ended::{EndedGrant, Fate},
    ids::{EndedId, RevocationId},
    notice::Notice,
};

/// How long it stays known that a grant which was imported has ended here. Whoever brings in a file of that age once more knows
/// that it is one.
const IMPORT_KNOWN: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Ended grants in their table.
#[derive(Debug, Clone)]
pub struct EndedGrants(Table);

/// What became of a grant that was to be let go of and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetGo {
    /// It is gone, counted and told.
    Done,
    /// It was gone before: somebody else was faster.
    Gone,
    /// It is still there: there is no report any more to count it in.
    Uncounted,
    /// It is still there: others are counted in this moment.
    Contended,
}

impl EndedGrants {
    /// Ended grants in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Where an ended grant stands.
    #[must_use]
    pub fn key(ended: &EndedGrant) -> ItemKey {
        let EndedGrant { place, id, .. } = ended;
        ItemKey { pk: partition(place), sk: format!("{ENDED_PREFIX}{}#{id}", place.connector) }
    }

    /// Ends a connection: it is gone and counted out, its grant is left to be ended at the provider and the event to be told
    /// and noted, or nothing is; what was imported does not come again. `drawn` by lot decides where it is counted out. [`Write::Conflict`] if its tokens changed since it was
    /// read, it is gone, or somebody is writing it right now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn end(
        &self,
        connection: &Connection,
        ended: &EndedGrant,
        told: &Notice,
        drawn: u64,
    ) -> Result<Write, StoreError> {
        let mut request = self.0.client.transact_write_items();
        for part in gone(&self.0.name, connection, drawn)? {
            request = request.transact_items(part);
        }
        let request =
            request.transact_items(left_with(&self.0.name, ended)?).transact_items(told_with(&self.0.name, told)?);
        let request = match &connection.imported {
            None => request,
            Some(digest) => {
                let until = ended.ended_at.checked_add(IMPORT_KNOWN).unwrap_or(Timestamp::MAX);
                request.transact_items(ended_imports::noted(&self.0.name, digest, until)?)
            }
        };
        let request = match &ended.part_of {
            None => request,
            Some(whole) => request.transact_items(count_ended(&self.0.name, &ended.place.workspace, whole)?),
        };
        match request.send().await {
            Ok(_) => Ok(Write::Done),
            Err(error) if is_contended(&error) => Ok(Write::Conflict),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Leaves a grant to be ended whose connection was gone before.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put(&self, ended: &EndedGrant) -> Result<(), StoreError> {
        endings::put(&self.0, item(ended)).await
    }

    /// Leaves a grant that was tried for a later try, if nobody else has taken it since.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(&self, ended: &EndedGrant, due_at: Timestamp) -> Result<Write, StoreError> {
        let tries = (", tries = :tries", ":tries", number(ended.tries));
        endings::put_off(&self.0, &Self::key(ended), ended.due_at, due_at, Some(tries)).await
    }

    /// Destroys what is left of a grant, its tokens with it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn destroy(&self, ended: &EndedGrant) -> Result<(), StoreError> {
        let due = Self::key(ended);
        self.0.delete(&due.pk, &due.sk).await.map(|_| ())
    }

    /// The same, and in one transaction with it has it counted by the revocation that it is part of, and leaves what is told
    /// and noted of it: once, whoever comes first.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn let_go(
        &self,
        ended: &EndedGrant,
        counted: Option<(&RevocationId, Fate)>,
        told: Option<&Notice>,
    ) -> Result<LetGo, StoreError> {
        let due = Self::key(ended);
        let delete = Delete::builder().table_name(&self.0.name).set_key(Some(key(&due.pk, &due.sk)));
        let delete = delete.condition_expression("attribute_exists(pk)").build().map_err(|_| incomplete())?;
        let mut parts = vec![TransactWriteItem::builder().delete(delete).build()];
        if let Some((whole, fate)) = counted {
            parts.push(count_fate(&self.0.name, &ended.place.workspace, whole, fate)?);
        }
        parts.extend(told.map(|told| told_with(&self.0.name, told)).transpose()?);
        match self.0.client.transact_write_items().set_transact_items(Some(parts)).send().await {
            Ok(_) => Ok(LetGo::Done),
            Err(error) => match error.as_service_error().and_then(failing) {
                Some(0) => Ok(LetGo::Gone),
                Some(_) => Ok(LetGo::Uncounted),
                None if is_contended(&error) => Ok(LetGo::Contended),
                None => Err(failed(&error)),
            },
        }
    }
}

/// A grant that is left to be ended at the provider, as a part of the transaction in which its connection ends.
pub(super) fn left_with(connections: &str, ended: &EndedGrant) -> Result<TransactWriteItem, StoreError> {
    let left = Put::builder().table_name(connections).set_item(Some(item(ended).into_item())).build();
    Ok(TransactWriteItem::builder().put(left.map_err(|_| incomplete())?).build())
}

fn item(ended: &EndedGrant) -> NewItem {
    let place = &ended.place;
    placed(endings::item(&EndedGrants::key(ended), &due_shard(place), ended.due_at), place)
        .text(name::CONNECTOR_SHARD, &connector_shard(place))
        .text(name::ENDED_ID, ended.id.as_str())
        .text(name::CLIENT_ID, &ended.client_id)
        .maybe(ended.account_id.as_deref(), |item, id| item.text(name::ACCOUNT_ID, id))
        .filled_map(name::CONNECTION_DETAILS, &ended.details)
        .maybe(ended.access.as_ref(), |item, sealed| item.bytes(name::ACCESS_TOKEN, sealed.as_bytes()))
        .maybe(ended.refresh.as_ref(), |item, sealed| item.bytes(name::REFRESH_TOKEN, sealed.as_bytes()))
        .maybe(ended.part_of.as_ref(), |item, whole| item.text(name::REVOCATION, whole.as_str()))
        .maybe(ended.was_replaced.then_some(true), |item, flag| item.flag(name::WAS_REPLACED, flag))
        .time(name::ENDED_AT, ended.ended_at)
        .number(name::TRIES, ended.tries)
}

pub(super) fn read(row: &Row) -> Result<EndedGrant, StoreError> {
    Ok(EndedGrant {
        id: row.parsed(name::ENDED_ID, EndedId::parse)?,
        place: read_place(row)?,
        client_id: row.text(name::CLIENT_ID)?.to_owned(),
        account_id: row.find_text(name::ACCOUNT_ID)?.map(str::to_owned),
        details: row.map(name::CONNECTION_DETAILS)?,
        access: row.find_sealed(name::ACCESS_TOKEN)?,
        refresh: row.find_sealed(name::REFRESH_TOKEN)?,
        part_of: row.has(name::REVOCATION).then(|| row.parsed(name::REVOCATION, RevocationId::parse)).transpose()?,
        was_replaced: row.flag(name::WAS_REPLACED)?,
        ended_at: row.time(name::ENDED_AT)?,
        tries: row.number(name::TRIES)?,
        due_at: row.time(name::DUE_AT)?,
    })
}

fn incomplete() -> StoreError {
    StoreError::Refused("incomplete request".to_owned())
}
