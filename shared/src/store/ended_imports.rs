//! Notes that an imported grant has ended here: whoever imports the same file again does not bring back what somebody has
//! disconnected since.

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use jiff::Timestamp;

use super::{
    completion::incomplete,
    connections::due_shard_of,
    endings,
    error::StoreError,
    row::{Row, name},
    table::{ItemKey, key},
};
use crate::domain::digest::hex;

/// The sort key of every note.
pub(super) const SK: &str = "ENDED#IMPORT";

/// A note that is kept no longer.
#[derive(Debug)]
pub struct EndedImport {
    pub(super) due: ItemKey,
    pub(super) due_at: Timestamp,
}

/// Where the note of a grant stands. The digest tells nobody whose grant it was.
pub(super) fn place(digest: &[u8; 32]) -> ItemKey {
    ItemKey { pk: format!("IMPORT#{}", hex(digest)), sk: SK.to_owned() }
}

pub(super) fn read(row: &Row) -> Result<EndedImport, StoreError> {
    let due = ItemKey { pk: row.text(name::PK)?.to_owned(), sk: SK.to_owned() };
    Ok(EndedImport { due, due_at: row.time(name::DUE_AT)? })
}

/// The part of a transaction that notes a grant until then.
pub(super) fn noted(table: &str, digest: &[u8; 32], until: Timestamp) -> Result<TransactWriteItem, StoreError> {
    let due = place(digest);
    let item = endings::item(&due, &due_shard_of(&due), until).into_item();
    let put = Put::builder().table_name(table).set_item(Some(item)).build().map_err(|_| incomplete())?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// The part of a transaction that refuses it if the grant is noted.
pub(super) fn not_noted(table: &str, digest: &[u8; 32]) -> Result<TransactWriteItem, StoreError> {
    let ItemKey { pk, sk } = place(digest);
    let check = ConditionCheck::builder()
        .table_name(table)
        .set_key(Some(key(&pk, &sk)))
        .condition_expression("attribute_not_exists(pk)")
        .build();
    Ok(TransactWriteItem::builder().condition_check(check.map_err(|_| incomplete())?).build())
}
