//! A table, and what every kind of item does with it.

use std::time::Duration;

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    error::{StoreError, Write, failed, written},
    row::{Item, NewItem, Row, name, text},
};

/// The names of the four tables in this deployment.
#[derive(Debug, Clone)]
pub struct TableNames {
    /// Workspaces, apps, API keys, connectors, workspace keys.
    pub registry: String,
    /// Connections.
    pub connections: String,
    /// Authorization sessions.
    pub sessions: String,
    /// The audit trail.
    pub audit: String,
}

/// An item's primary key. Nothing in it is secret, and it gives no right to anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemKey {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

/// One table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) client: Client,
    pub(super) name: String,
}

/// Where a listing goes on: opaque to callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<String>);

/// How long a part of a cursor may be, in bytes: as long as a sort key. A request with a longer one would be refused.
const LONGEST_PART: usize = 1024;

impl Cursor {
    /// A cursor from its parts.
    pub(super) fn of(parts: &[&str]) -> Self {
        Self(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    /// Reads what [`Cursor::to_text`] made; `None` for anything else.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw).ok()?;
        let parts: Vec<String> = serde_json::from_slice(&bytes).ok()?;
        parts.iter().all(|part| part.len() <= LONGEST_PART).then_some(Self(parts))
    }

    /// The cursor as it is handed out.
    #[must_use]
    pub fn to_text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&self.0).unwrap_or_default())
    }

    /// The beginning of what belongs to `name`, in a listing of listings.
    pub(crate) fn start_of(name: &str) -> Self {
        Self::of(&[name])
    }

    /// This cursor inside of what belongs to `name`, in a listing of listings.
    pub(crate) fn behind(mut self, name: &str) -> Self {
        self.0.insert(0, name.to_owned());
        self
    }

    /// Undoes [`Cursor::start_of`] and [`Cursor::behind`].
    pub(crate) fn split_first(&self) -> Option<(String, Option<Self>)> {
        let (name, rest) = self.0.split_first()?;
        Some((name.clone(), Some(Self(rest.to_vec())).filter(|inner| !inner.0.is_empty())))
    }

    /// Its parts, if there are this many.
    pub(super) fn parts<const N: usize>(&self) -> Option<[&str; N]> {
        self.0.iter().map(String::as_str).collect::<Vec<_>>().try_into().ok()
    }
}

/// One page of a query.
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    pub(super) last: Option<Item>,
}

/// How often what a batch leaves unprocessed is asked for again.
const MOST_ROUNDS: u32 = 6;

/// The pause before the first of these times; each one after is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// The rounds of one batch: a table that is throttled processes it piece by piece, or not at all.
#[derive(Debug, Default)]
pub(super) struct Rounds(u32);

impl Rounds {
    /// Waits before what is left is asked for again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if that was done often enough.
    pub(super) async fn pause(&mut self) -> Result<(), StoreError> {
        if self.0 == MOST_ROUNDS {
            return Err(StoreError::Unavailable("unprocessed keys".to_owned()));
        }
        tokio::time::sleep(FIRST_PAUSE * (1 << self.0)).await;
        self.0 += 1;
        Ok(())
    }
}

impl Table {
    pub(super) fn new(client: &Client, name: &str) -> Self {
        Self { client: client.clone(), name: name.to_owned() }
    }

    /// Reads one item, as it is now.
    pub(super) async fn find(&self, pk: &str, sk: &str) -> Result<Option<Row>, StoreError> {
        let request = self.client.get_item().table_name(&self.name).consistent_read(true);
        let answer = request.key(name::PK, text(pk)).key(name::SK, text(sk)).send().await;
        answer.map_err(|error| failed(&error))?.item.map(Row::read).transpose()
    }

    /// Stores an item where none is yet.
    pub(super) async fn put_new(&self, item: NewItem) -> Result<Write, StoreError> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(item.into_item()));
        written(request.condition_expression("attribute_not_exists(pk)").send().await)
    }

    /// Removes an item, if it is there.
    pub(super) async fn delete(&self, pk: &str, sk: &str) -> Result<Write, StoreError> {
        let request = self.client.delete_item().table_name(&self.name).key(name::PK, text(pk)).key(name::SK, text(sk));
        written(request.condition_expression("attribute_exists(pk)").send().await)
    }

    /// Reads items of one owner whose sort key begins like this, in order, from behind `after`.
    pub(super) async fn query(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: i32,
    ) -> Result<Page, StoreError> {
        let (items, last) = self.items(pk, prefix, after, limit).await?;
        Ok(Page { rows: items.into_iter().map(Row::read).collect::<Result<_, _>>()?, last })
    }

    /// The same, of whatever layout.
    async fn items(
        &self,
        pk: &str,
        prefix: &str,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<Item>), StoreError> {
        let start = after.map(|sk| key(pk, sk));
        let request = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .limit(limit);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key))
    }

    /// The sort keys of all items of one owner, of whatever kind and layout.
    pub(super) async fn sort_keys(&self, pk: &str) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        let mut start = None;
        loop {
            let request = self.client.query().table_name(&self.name).consistent_read(true);
            let request = request
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", text(pk))
                .projection_expression("pk, sk")
                .set_exclusive_start_key(start);
            let answer = request.send().await.map_err(|error| failed(&error))?;
            keys.extend(answer.items.unwrap_or_default().iter().filter_map(sort_key).map(str::to_owned));
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(keys);
            }
        }
    }

    /// Reads all items of one owner whose sort key begins like this. For lists that people keep by hand.
    pub(super) async fn query_all(&self, pk: &str, prefix: &str) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.query(pk, prefix, after.as_deref(), 200).await?;
            rows.extend(page.rows);
            match page.last.as_ref().and_then(sort_key) {
                Some(sk) => after = Some(sk.to_owned()),
                None => return Ok(rows),
            }
        }
    }

    /// As [`Table::query_all`], past items of a layout that this code does not know, and how many those are.
    pub(super) async fn query_known(&self, pk: &str, prefix: &str) -> Result<(Vec<Row>, usize), StoreError> {
        let (mut rows, mut unknown) = (Vec::new(), 0);
        let mut after: Option<String> = None;
        loop {
            let (items, last) = self.items(pk, prefix, after.as_deref(), 200).await?;
            for item in items {
                match Row::read(item) {
                    Ok(row) => rows.push(row),
                    Err(_) => unknown += 1,
                }
            }
            match last.as_ref().and_then(sort_key) {
                Some(sk) => after = Some(sk.to_owned()),
                None => return Ok((rows, unknown)),
            }
        }
    }
}

/// The primary key of an item.
pub(super) fn key(pk: &str, sk: &str) -> Item {
    Item::from([(name::PK.to_owned(), text(pk)), (name::SK.to_owned(), text(sk))])
}

/// The sort key in the last key of a page.
pub(super) fn sort_key(last: &Item) -> Option<&str> {
    last.get(name::SK).and_then(|value: &AttributeValue| value.as_s().ok()).map(String::as_str)
}
