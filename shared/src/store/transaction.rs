//! Changes of several items, and of one together with what it leaves to be told and noted: all of it is written, or nothing.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, Delete, Put, TransactWriteItem, Update,
        builders::{PutBuilder, UpdateBuilder},
    },
};

use super::{
    error::{Conditional, StoreError, Write, failed},
    outbox::told_with,
    row::{NewItem, name, number},
    table::{Rounds, Table, key},
};
use crate::domain::notice::Notice;

/// How many parts a transaction may have.
pub(super) const MOST_PARTS: usize = 100;

const CONDITION: &str = "ConditionalCheckFailed";

/// The parts of a transaction whose conditions did not hold, by their places.
pub(super) struct Unmet(Vec<usize>);

impl Unmet {
    /// The first of them.
    pub(super) fn first(&self) -> usize {
        self.0.first().copied().unwrap_or(usize::MAX)
    }

    /// Whether one of them stands at this place or behind it.
    pub(super) fn is_from(&self, place: usize) -> bool {
        self.0.iter().any(|unmet| *unmet >= place)
    }
}

impl Table {
    /// Writes all of it, or nothing. If nothing is wrong but that somebody else wrote at that moment, it is tried again.
    pub(super) async fn write_all(&self, parts: Vec<TransactWriteItem>) -> Result<Result<(), Unmet>, StoreError> {
        let mut rounds = Rounds::default();
        loop {
            match self.client.transact_write_items().set_transact_items(Some(parts.clone())).send().await {
                Ok(_) => return Ok(Ok(())),
                Err(SdkError::ServiceError(service)) if service.err().condition_failed() => {
                    return Ok(Err(unmet(service.err())));
                }
                Err(SdkError::ServiceError(service)) if is_crossed(service.err()) => rounds.pause().await?,
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    /// Writes a change, and leaves in the table of connections what is to be told and noted of it: both, or neither.
    pub(super) async fn write_told(
        &self,
        mut parts: Vec<TransactWriteItem>,
        connections: &str,
        told: &[Notice],
    ) -> Result<Write, StoreError> {
        for notice in told {
            parts.push(told_with(connections, notice)?);
        }
        Ok(if Box::pin(self.write_all(parts)).await?.is_ok() { Write::Done } else { Write::Conflict })
    }

    /// An item that is stored where none is yet.
    pub(super) fn putting_new(&self, item: NewItem) -> Result<TransactWriteItem, StoreError> {
        putting(self.put(item).condition_expression("attribute_not_exists(pk)"))
    }

    /// An item that is stored whether there is one or not, or under a condition that is still to be said.
    pub(super) fn put(&self, item: NewItem) -> PutBuilder {
        Put::builder().table_name(&self.name).set_item(Some(item.into_item()))
    }

    /// An item that is changed, still to be said how.
    pub(super) fn update(&self, pk: &str, sk: &str) -> UpdateBuilder {
        Update::builder().table_name(&self.name).set_key(Some(key(pk, sk)))
    }

    /// An item that is removed, if it is there.
    pub(super) fn deleting(&self, pk: &str, sk: &str) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.name).set_key(Some(key(pk, sk)));
        let delete = delete.condition_expression("attribute_exists(pk)").build().map_err(|_| incomplete())?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// How many items were made so far that are counted here.
    pub(super) async fn made(&self, pk: &str, sk: &str) -> Result<u64, StoreError> {
        let row = self.find(pk, sk).await?;
        row.map_or(Ok(0), |row| row.number(name::REVISION))
    }

    /// That one more is made than the `seen` ones: of two that are made at the same moment one is not, and whoever looked how
    /// many there are looks again.
    pub(super) fn making_one_more(&self, pk: &str, sk: &str, seen: u64) -> Result<TransactWriteItem, StoreError> {
        let put = self.put(NewItem::at(pk, sk).number(name::REVISION, seen + 1));
        putting(match seen {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            seen => put.condition_expression("revision = :seen").expression_attribute_values(":seen", number(seen)),
        })
    }
}

/// A part that stores an item.
pub(super) fn putting(put: PutBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().put(put.build().map_err(|_| incomplete())?).build())
}

/// A part that changes an item.
pub(super) fn updating(update: UpdateBuilder) -> Result<TransactWriteItem, StoreError> {
    Ok(TransactWriteItem::builder().update(update.build().map_err(|_| incomplete())?).build())
}

/// What a request that lacks something is: a mistake of ours.
pub(super) fn incomplete() -> StoreError {
    StoreError::Refused("incomplete request".to_owned())
}

fn unmet(error: &TransactWriteItemsError) -> Unmet {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return Unmet(Vec::new()) };
    let is_unmet = |reason: &CancellationReason| reason.code() == Some(CONDITION);
    let places = cancelled.cancellation_reasons().iter().enumerate();
    Unmet(places.filter(|(_, reason)| is_unmet(reason)).map(|(place, _)| place).collect())
}

/// Whether nothing was wrong but that somebody else wrote at the same moment.
fn is_crossed(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return false };
    cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("TransactionConflict"))
}
