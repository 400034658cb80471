//! How many connections a workspace has. Whoever makes or ends one counts it in the same transaction.
//!
//! The count stands in lanes, so that those who connect and disconnect at the same moment do not wait for each other. Where a
//! plan limits connections, all new ones are counted in the first lane, which no end ever touches, and only as far as there
//! was room when their session began. The sum of the other lanes only goes down meanwhile, so the limit holds without anybody
//! reading the lanes at that moment.

use aws_sdk_dynamodb::{
    Client,
    types::{TransactWriteItem, Update, builders::UpdateBuilder},
};

use super::{
    error::StoreError,
    row::{LAYOUT, Row, name, number},
    table::{Table, TableNames, key},
};
use crate::domain::{
    ids::WorkspaceId,
    plan::{ConnectionCount, Room},
};

/// How many lanes there are beside the first one.
const OPEN_LANES: u64 = 64;

const PREFIX: &str = "LANE#";

/// Counts of connections, in their table.
#[derive(Debug, Clone)]
pub struct ConnectionCounts(Table);

/// Where a connection is counted: the lane by a number that was drawn by lot, or the first one.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    /// Drawn by lot.
    pub drawn: u64,
    /// What room there is, where a plan limits connections.
    pub room: Option<Room>,
}

impl ConnectionCounts {
    /// Counts in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// How many connections a workspace has, as far as they are counted.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or a count cannot be read.
    pub async fn of(&self, workspace: &WorkspaceId) -> Result<ConnectionCount, StoreError> {
        let mut count = ConnectionCount::default();
        let first = lane(0);
        for row in self.0.query_all(&pk(workspace), PREFIX).await? {
            let tally: i64 = row.number(name::TALLY)?;
            if is_lane(&row, &first)? {
                count.guarded = tally;
            } else {
                count.open = count.open.saturating_add(tally);
            }
        }
        Ok(count)
    }

    /// Removes a workspace's counts.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn forget(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        let pk = pk(workspace);
        for sk in self.0.sort_keys(&pk).await? {
            self.0.delete(&pk, &sk).await?;
        }
        Ok(())
    }
}

/// Counts a connection that comes, if there is room for it.
pub(super) fn count_one_more(
    connections: &str,
    workspace: &WorkspaceId,
    tally: Tally,
) -> Result<TransactWriteItem, StoreError> {
    let update = match tally.room {
        None => counting(connections, workspace, &open_lane(tally.drawn), 1),
        Some(room) => {
            let first = counting(connections, workspace, &lane(0), 1);
            let condition = if room.0 > 0 { "attribute_not_exists(tally) OR tally < :room" } else { "tally < :room" };
            first.condition_expression(condition).expression_attribute_values(":room", number(room.0))
        }
    };
    built(update)
}

/// Counts a connection that goes.
pub(super) fn count_one_less(
    connections: &str,
    workspace: &WorkspaceId,
    drawn: u64,
) -> Result<TransactWriteItem, StoreError> {
    built(counting(connections, workspace, &open_lane(drawn), -1))
}

/// Counts connections that were there before anybody counted. In the first lane: the sum of the others must not go up, because
/// sessions that have begun go by it.
pub(super) fn count_so_many_more(
    connections: &str,
    workspace: &WorkspaceId,
    many: usize,
) -> Result<TransactWriteItem, StoreError> {
    built(counting(connections, workspace, &lane(0), i64::try_from(many).unwrap_or(i64::MAX)))
}

fn counting(connections: &str, workspace: &WorkspaceId, lane: &str, change: i64) -> UpdateBuilder {
    Update::builder()
        .table_name(connections)
        .set_key(Some(key(&pk(workspace), lane)))
        .update_expression("SET tally = if_not_exists(tally, :none) + :change, v = :layout")
        .expression_attribute_values(":none", number(0))
        .expression_attribute_values(":change", number(change))
        .expression_attribute_values(":layout", number(LAYOUT))
}

fn built(update: UpdateBuilder) -> Result<TransactWriteItem, StoreError> {
    let update = update.build().map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// The partition key of everything that counts a workspace's connections.
pub(super) fn pk(workspace: &WorkspaceId) -> String {
    format!("COUNT#{workspace}")
}

fn lane(number: u64) -> String {
    format!("{PREFIX}{number}")
}

fn open_lane(drawn: u64) -> String {
    lane(1 + drawn % OPEN_LANES)
}

fn is_lane(row: &Row, lane: &str) -> Result<bool, StoreError> {
    Ok(row.text(name::SK)? == lane)
}
