//! Connections: reading them, listing them, ending them. Making one is `completion`, refreshing one is `leases`.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, KeysAndAttributes, TransactWriteItem},
};

use super::{
    connection_counts::count_one_less,
    error::{StoreError, Write, failed},
    row::{Item, NewItem, Row, name, number, text},
    schema::{BY_CONNECTOR_INDEX, CONNECTOR_SHARDS, DUE_SHARDS},
    table::{Cursor, ItemKey, Rounds, Table, TableNames, key},
};
use crate::domain::{
    account::Account,
    connection::{Connection, EndReason, Grant, Quarantine, RefreshState, SealedTokens},
    digest::sha256,
    ids::{AppId, AttemptId, ConnectorId, Issuer, Subject, WorkspaceId},
    user::{ConnectionKey, Owner, User},
};

/// Connections in their table.
#[derive(Debug, Clone)]
pub struct Connections(Table);

/// One page of a connector's connections.
#[derive(Debug)]
pub struct ConnectionPage {
    /// The connections.
    pub connections: Vec<Connection>,
    /// How many more cannot be read. They are left as they are, and hide no other.
    pub unreadable: usize,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Connections {
    /// Connections in the deployment's table.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// The connection at this place, as it is now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, place: &ConnectionKey) -> Result<Option<Connection>, StoreError> {
        self.0.find(&partition(place), &sk(&place.connector)).await?.map(|row| read(&row)).transpose()
    }

    /// All connections of a user.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_user(&self, user: &User) -> Result<Vec<Connection>, StoreError> {
        self.0.query_all(&pk(user), PREFIX).await?.iter().map(read).collect()
    }

    /// All connections of the owner of this one that can be read.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn readable_beside(&self, place: &ConnectionKey) -> Result<Vec<Connection>, StoreError> {
        let (rows, _) = self.0.query_known(&partition(place), PREFIX).await?;
        Ok(rows.iter().filter_map(|row| read(row).ok()).collect())
    }

    /// All connections of a user that can be read, and how many can't be.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn readable_of_user(&self, user: &User) -> Result<(Vec<Connection>, usize), StoreError> {
        let (rows, unknown) = self.0.query_known(&pk(user), PREFIX).await?;
        let connections: Vec<Connection> = rows.iter().filter_map(|row| read(row).ok()).collect();
        let unreadable = unknown + rows.len() - connections.len();
        Ok((connections, unreadable))
    }

    /// The connectors through which a user has a connection, whether or not it can be read.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn connectors_of_user(&self, user: &User) -> Result<Vec<ConnectorId>, StoreError> {
        let keys = self.0.sort_keys(&pk(user)).await?;
        Ok(keys.iter().filter_map(|sk| ConnectorId::parse(sk.strip_prefix(PREFIX)?).ok()).collect())
    }

    /// Up to `limit` connections of a connector, those of one app only if asked.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn of_connector(
        &self,
        connector: &ConnectorId,
        app: Option<&AppId>,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<ConnectionPage, StoreError> {
        let (entries, next) = self.entries(connector, app, from, limit, is_connection).await?;
        let items = self.items(&entries).await?;
        let all = items.len();
        let mut connections: Vec<Connection> =
            items.into_iter().filter_map(|item| read(&Row::read(item).ok()?).ok()).collect();
        connections.sort_by_key(|connection| partition(&connection.key));
        Ok(ConnectionPage { unreadable: all - connections.len(), connections, next })
    }

    /// Up to `limit` entries of the index of a connector that are `wanted`, and where the next begin.
    pub(super) async fn entries(
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

    /// Removes a connection without ending its grant, if its tokens are still those that were read. `drawn` by lot decides
    /// where it is counted out.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn remove(&self, connection: &Connection, drawn: u64) -> Result<Write, StoreError> {
        let mut request = self.0.client.transact_write_items();
        for part in gone(&self.0.name, connection, drawn)? {
            request = request.transact_items(part);
        }
        match request.send().await {
            Ok(_) => Ok(Write::Done),
            Err(error) if is_contended(&error) => Ok(Write::Conflict),
            Err(error) => Err(failed(&error)),
        }
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

    /// Removes what an entry of an index names, whatever it is.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn remove_entry(&self, entry: &ItemKey) -> Result<(), StoreError> {
        self.0.delete(&entry.pk, &entry.sk).await.map(|_| ())
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
    pub(super) async fn items(&self, entries: &[Item]) -> Result<Vec<Item>, StoreError> {
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

/// A connection's end as parts of a transaction: it goes, if its tokens are still those that were read, and is counted out.
/// One that was read before it was counted is read again: else nobody would count it out.
pub(super) fn gone(
    connections: &str,
    connection: &Connection,
    drawn: u64,
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let unchanged = if connection.counted { "ver = :ver" } else { "ver = :ver AND attribute_not_exists(counted)" };
    let delete = Delete::builder()
        .table_name(connections)
        .set_key(Some(key_of(&connection.key)))
        .condition_expression(unchanged)
        .expression_attribute_values(":ver", number(connection.version))
        .build()
        .map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    let mut parts = vec![TransactWriteItem::builder().delete(delete).build()];
    if connection.counted {
        parts.push(count_one_less(connections, &connection.key.workspace, drawn)?);
    }
    Ok(parts)
}

/// Somebody else wrote the connection first, or is writing it, or counting, in this moment.
pub(super) fn is_contended<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
        return false;
    };
    let is_contention = |code| matches!(code, Some("ConditionalCheckFailed" | "TransactionConflict"));
    cancelled.cancellation_reasons().iter().any(|reason| is_contention(reason.code()))
}

const PREFIX: &str = "CONN#";

/// The owner of what is no user's.
const THE_WORKSPACE: &str = "workspace";

/// What the partition keys of everything that an app's users own begin with.
fn owned_by(app: &AppId) -> String {
    format!("USER#{app}#")
}

/// The partition key of everything that a user of an app owns.
pub(super) fn pk(user: &User) -> String {
    format!("{}{}", owned_by(&user.app), user.digest())
}

/// The partition key of everything that the owner of a connection has: of the user, or of the workspace as a whole.
pub(super) fn partition(place: &ConnectionKey) -> String {
    match &place.owner {
        Owner::User(user) => pk(user),
        Owner::Workspace => format!("SHARED#{}", place.workspace),
    }
}

/// The primary key of a connection.
pub(super) fn key_of(place: &ConnectionKey) -> Item {
    key(&partition(place), &sk(&place.connector))
}

pub(super) fn sk(connector: &ConnectorId) -> String {
    format!("{PREFIX}{connector}")
}

/// Where a connection stands in the index of its connector.
pub(super) fn connector_shard(place: &ConnectionKey) -> String {
    shard_name(&place.connector, shard_of(place, CONNECTOR_SHARDS))
}

/// Where a connection stands in the index of due ones.
pub(super) fn due_shard(place: &ConnectionKey) -> String {
    format!("DUE#{}", shard_of(place, DUE_SHARDS))
}

/// Where anything else with a due time stands in that index.
pub(super) fn due_shard_of(due: &ItemKey) -> String {
    format!("DUE#{}", shard_of_key(&due.pk, &due.sk, DUE_SHARDS))
}

fn shard_name(connector: &ConnectorId, shard: u16) -> String {
    format!("{connector}#{shard}")
}

fn shard_of(place: &ConnectionKey, shards: u16) -> u16 {
    shard_of_key(&partition(place), &sk(&place.connector), shards)
}

fn shard_of_key(pk: &str, sk: &str, shards: u16) -> u16 {
    let digest = sha256(format!("{pk}|{sk}").as_bytes());
    u16::from_be_bytes([digest[0], digest[1]]) % shards
}

/// An entry of an index, by its keys in the table.
fn entry(item: &Item) -> Option<ItemKey> {
    let part = |name: &str| item.get(name)?.as_s().ok().cloned();
    Some(ItemKey { pk: part(name::PK)?, sk: part(name::SK)? })
}

/// Beside connections their index has grants that have ended and not yet at their provider.
fn is_connection(entry: &Item) -> bool {
    entry.get(name::SK).and_then(|sk| sk.as_s().ok()).is_some_and(|sk| sk.starts_with(PREFIX))
}

pub(super) fn primary_key(entry: &Item) -> Item {
    [name::PK, name::SK].iter().filter_map(|part| Some(((*part).to_owned(), entry.get(*part)?.clone()))).collect()
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

/// Reads a connection's item.
pub(super) fn read(row: &Row) -> Result<Connection, StoreError> {
    Ok(Connection {
        key: read_place(row)?,
        version: row.number(name::CONNECTION_VERSION)?,
        grant: match row.find_text(name::GRANT_ENDED)? {
            None => Grant::Live,
            Some(_) => Grant::Ended {
                reason: row.word(name::GRANT_ENDED, EndReason::parse)?,
                at: row.find_time(name::ENDED_AT)?,
            },
        },
        client_id: row.text(name::CLIENT_ID)?.to_owned(),
        scopes_revision: row.number(name::SCOPES_REVISION)?,
        granted: row.scopes(name::GRANTED)?,
        account: read_account(row)?,
        label: row.find_text(name::CONNECTION_LABEL)?.map(str::to_owned),
        details: row.map(name::CONNECTION_DETAILS)?,
        connected_at: row.time(name::CONNECTED_AT)?,
        connected_by: row.find_text(name::CONNECTED_BY)?.map(str::to_owned),
        last_used_on: row.find_day(name::LAST_USED_ON)?,
        tokens: SealedTokens {
            access: row.sealed(name::ACCESS_TOKEN)?,
            refresh: row.find_sealed(name::REFRESH_TOKEN)?,
            token_type: row.text(name::TOKEN_TYPE)?.to_owned(),
            issued_at: row.time(name::ISSUED_AT)?,
            expires_at: row.find_time(name::EXPIRES_AT)?,
            refresh_expires_at: row.find_time(name::REFRESH_EXPIRES_AT)?,
        },
        refresh: read_refresh(row)?,
        quarantine: match row.find_text(name::QUARANTINED)? {
            None => None,
            Some(_) => Some(row.word(name::QUARANTINED, Quarantine::parse)?),
        },
        counted: row.flag(name::COUNTED)?,
    })
}

/// Reads where a connection, or a session on the way to one, stands.
pub(super) fn read_place(row: &Row) -> Result<ConnectionKey, StoreError> {
    Ok(ConnectionKey {
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        owner: match row.find_text(name::OWNER)? {
            None => Owner::User(User {
                app: row.parsed(name::APP, AppId::parse)?,
                issuer: row.parsed(name::ISSUER, Issuer::parse)?,
                subject: row.parsed(name::SUBJECT, Subject::parse)?,
            }),
            Some(THE_WORKSPACE) => Owner::Workspace,
            Some(_) => return Err(StoreError::Unreadable(name::OWNER)),
        },
        connector: row.parsed(name::CONNECTOR, ConnectorId::parse)?,
    })
}

/// Writes into an item whose it is, and through which connector: what [`read_place`] reads.
pub(super) fn placed(item: NewItem, place: &ConnectionKey) -> NewItem {
    let item = item.text(name::WORKSPACE, place.workspace.as_str()).text(name::CONNECTOR, place.connector.as_str());
    match &place.owner {
        Owner::Workspace => item.text(name::OWNER, THE_WORKSPACE),
        Owner::User(user) => item
            .text(name::APP, user.app.as_str())
            .text(name::ISSUER, user.issuer.as_str())
            .text(name::SUBJECT, user.subject.as_str()),
    }
}

fn read_account(row: &Row) -> Result<Option<Account>, StoreError> {
    let mut details = row.map(name::ACCOUNT)?;
    let Some(id) = details.remove("id") else { return Ok(None) };
    Ok(Some(Account {
        id,
        label: details.remove("label"),
        email: details.remove("email"),
        avatar_url: details.remove("avatar_url"),
    }))
}

fn read_refresh(row: &Row) -> Result<RefreshState, StoreError> {
    let attempt = |name| match row.find_text(name)? {
        None => Ok(None),
        Some(raw) => AttemptId::parse(raw).map(Some).map_err(|_| StoreError::Unreadable(name)),
    };
    Ok(RefreshState {
        fence: row.number(name::FENCE)?,
        leased_until: row.find_time(name::LEASED_UNTIL)?,
        intent: attempt(name::INTENT)?,
        in_doubt: row.flag(name::IN_DOUBT)?,
        unproven: row.flag(name::UNPROVEN)?,
        last_commit: attempt(name::LAST_COMMIT)?,
        failures: row.find_number(name::FAILURES)?.unwrap_or(0),
        refusals: row.find_number(name::REFUSALS)?.unwrap_or(0),
        retry_at: row.find_time(name::RETRY_AT)?,
        due_at: row.find_time(name::DUE_AT)?,
    })
}
