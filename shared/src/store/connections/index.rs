//! The index of a connector: its connections, and its grants that have ended and not yet at their provider.

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};

use super::{
    Connections,
    keys::{PREFIX, owned_by, primary_key, shard_name},
};
use crate::{
    domain::ids::{AppId, ConnectorId},
    store::{
        error::{StoreError, failed},
        row::{Item, name, text},
        schema::{BY_CONNECTOR_INDEX, CONNECTOR_SHARDS},
        table::{Cursor, ItemKey, Rounds, key},
    },
};

impl Connections {
    /// Up to `limit` entries of the index of a connector that are `wanted`, and where the next begin.
    pub(in crate::store) async fn entries(
        &self,
        connector: &ConnectorId,
        app: Option<&AppId>,
        from: Option<&Cursor>,
        limit: usize,
        wanted: fn(&Item) -> bool,
    ) -> Result<(Vec<Item>, Option<Cursor>), StoreError> {
        let (mut shard, mut after) = position(from)?;
        let owner = app.map(owned_by).unwrap_or_default();
        let is_of_listing = |after: &Item| {
            after.get(name::CONNECTOR_SHARD) == Some(&text(&shard_name(connector, shard)))
                && after.get(name::PK).and_then(|pk| pk.as_s().ok()).is_some_and(|pk| pk.starts_with(&owner))
        };
        if !after.as_ref().is_none_or(is_of_listing) {
            return Err(StoreError::Unreadable("cursor"));
        }
        let mut keys = Vec::new();
        while shard < CONNECTOR_SHARDS && keys.len() < limit {
            let room = i32::try_from(limit - keys.len()).unwrap_or(i32::MAX);
            let (found, last) = self.shard_page(connector, shard, app, after.take(), room).await?;
            keys.extend(found.into_iter().filter(wanted));
            match last {
                Some(last) => after = Some(last),
                None => shard += 1,
            }
        }
        let next = (shard < CONNECTOR_SHARDS).then(|| cursor(shard, after.as_ref()));
        Ok((keys, next))
    }

    /// Up to `limit` entries of a connector in its index: connections, and grants that have ended and not yet at their
    /// provider.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn entries_of_connector(
        &self,
        connector: &ConnectorId,
        limit: usize,
    ) -> Result<Vec<ItemKey>, StoreError> {
        let mut entries = Vec::new();
        for shard in 0..CONNECTOR_SHARDS {
            let room = i32::try_from(limit - entries.len()).unwrap_or(i32::MAX);
            let (found, _) = self.shard_page(connector, shard, None, None, room).await?;
            entries.extend(found.iter().filter_map(entry));
            if entries.len() >= limit {
                break;
            }
        }
        Ok(entries)
    }

    async fn shard_page(
        &self,
        connector: &ConnectorId,
        shard: u16,
        app: Option<&AppId>,
        after: Option<Item>,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let mut request = self
            .0
            .client
            .query()
            .table_name(&self.0.name)
            .index_name(BY_CONNECTOR_INDEX)
            .expression_attribute_values(":shard", text(&shard_name(connector, shard)))
            .set_exclusive_start_key(after)
            .limit(limit);
        request = match app {
            None => request.key_condition_expression("connector_shard = :shard"),
            Some(app) => request
                .key_condition_expression("connector_shard = :shard AND begins_with(pk, :owner)")
                .expression_attribute_values(":owner", text(&owned_by(app))),
        };
        let answer = request.send().await.map_err(|error| failed(&error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// Reads the items behind index entries as they are now, a hundred at a time.
    pub(in crate::store) async fn items(&self, entries: &[Item]) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::with_capacity(entries.len());
        for batch in entries.chunks(100) {
            let mut wanted: Vec<Item> = batch.iter().map(primary_key).collect();
            let mut rounds = Rounds::default();
            while !wanted.is_empty() {
                let asked = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(true).build();
                let asked = asked.map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
                let request = self.0.client.batch_get_item().request_items(&self.0.name, asked);
                let answer = request.send().await.map_err(|error| failed(&error))?;
                items.extend(answer.responses.unwrap_or_default().remove(&self.0.name).unwrap_or_default());
                let mut left = answer.unprocessed_keys.unwrap_or_default();
                wanted = left.remove(&self.0.name).map(|keys| keys.keys).unwrap_or_default();
                if !wanted.is_empty() {
                    rounds.pause().await?;
                }
            }
        }
        Ok(items)
    }
}

/// An entry of an index, by its keys in the table.
fn entry(item: &Item) -> Option<ItemKey> {
    let part = |name: &str| item.get(name)?.as_s().ok().cloned();
    Some(ItemKey { pk: part(name::PK)?, sk: part(name::SK)? })
}

/// Beside connections their index has grants that have ended and not yet at their provider.
pub(super) fn is_connection(entry: &Item) -> bool {
    entry.get(name::SK).and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(PREFIX))
}

fn position(from: Option<&Cursor>) -> Result<(u16, Option<Item>), StoreError> {
    let Some(cursor) = from else { return Ok((0, None)) };
    let unreadable = StoreError::Unreadable("cursor");
    if let Some([shard]) = cursor.parts::<1>() {
        return Ok((shard.parse().map_err(|_| unreadable)?, None));
    }
    let Some([shard, pk, sk, shard_name]) = cursor.parts::<4>().filter(|parts| !parts.contains(&"")) else {
        return Err(unreadable);
    };
    let mut after = key(pk, sk);
    after.insert(name::CONNECTOR_SHARD.to_owned(), text(shard_name));
    Ok((shard.parse().map_err(|_| unreadable)?, Some(after)))
}

fn cursor(shard: u16, after: Option<&Item>) -> Cursor {
    let part = |name: &str| after.and_then(|item| item.get(name)).and_then(|value: &AttributeValue| value.as_s().ok());
    match (part(name::PK), part(name::SK), part(name::CONNECTOR_SHARD)) {
        (Some(pk), Some(sk), Some(name)) => Cursor::of(&[&shard.to_string(), pk, sk, name]),
        _ => Cursor::of(&[&shard.to_string()]),
    }
}
