//! Where a connection stands: in its table, in the indexes, and in the items that are about it.

use crate::{
    domain::{
        digest::sha256,
        ids::{AppId, ConnectorId, Issuer, Subject, WorkspaceId},
        user::{ConnectionKey, Owner, User},
    },
    store::{
        error::StoreError,
        row::{Item, NewItem, Row, name},
        schema::{CONNECTOR_SHARDS, DUE_SHARDS},
        table::{ItemKey, key},
    },
};

/// What the sort keys of connections begin with.
pub(super) const PREFIX: &str = "CONN#";

/// The owner of what is no user's.
const THE_WORKSPACE: &str = "workspace";

/// What the partition keys of everything that an app's users own begin with.
pub(super) fn owned_by(app: &AppId) -> String {
    format!("USER#{app}#")
}

/// The partition key of everything that a user of an app owns.
pub(in crate::store) fn pk(user: &User) -> String {
    format!("{}{}", owned_by(&user.app), user.digest())
}

/// The partition key of everything that the owner of a connection has: of the user, or of the workspace as a whole.
pub(in crate::store) fn partition(place: &ConnectionKey) -> String {
    match &place.owner {
        Owner::User(user) => pk(user),
        Owner::Workspace => format!("SHARED#{}", place.workspace),
    }
}

/// The primary key of a connection.
pub(in crate::store) fn key_of(place: &ConnectionKey) -> Item {
    key(&partition(place), &sk(&place.connector))
}

pub(in crate::store) fn sk(connector: &ConnectorId) -> String {
    format!("{PREFIX}{connector}")
}

/// Where a connection stands in the index of its connector.
pub(in crate::store) fn connector_shard(place: &ConnectionKey) -> String {
    shard_name(&place.connector, shard_of(place, CONNECTOR_SHARDS))
}

/// Where a connection stands in the index of due ones.
pub(in crate::store) fn due_shard(place: &ConnectionKey) -> String {
    format!("DUE#{}", shard_of(place, DUE_SHARDS))
}

/// Where anything else with a due time stands in that index.
pub(in crate::store) fn due_shard_of(due: &ItemKey) -> String {
    format!("DUE#{}", shard_of_key(&due.pk, &due.sk, DUE_SHARDS))
}

pub(super) fn shard_name(connector: &ConnectorId, shard: u16) -> String {
    format!("{connector}#{shard}")
}

fn shard_of(place: &ConnectionKey, shards: u16) -> u16 {
    shard_of_key(&partition(place), &sk(&place.connector), shards)
}

fn shard_of_key(pk: &str, sk: &str, shards: u16) -> u16 {
    let digest = sha256(format!("{pk}|{sk}").as_bytes());
    u16::from_be_bytes([digest[0], digest[1]]) % shards
}

pub(in crate::store) fn primary_key(entry: &Item) -> Item {
    [name::PK, name::SK].iter().filter_map(|part| Some(((*part).to_owned(), entry.get(*part)?.clone()))).collect()
}

/// Reads where a connection, or a session on the way to one, stands.
pub(in crate::store) fn read_place(row: &Row) -> Result<ConnectionKey, StoreError> {
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
pub(in crate::store) fn placed(item: NewItem, place: &ConnectionKey) -> NewItem {
    let item = item.text(name::WORKSPACE, place.workspace.as_str()).text(name::CONNECTOR, place.connector.as_str());
    match &place.owner {
        Owner::Workspace => item.text(name::OWNER, THE_WORKSPACE),
        Owner::User(user) => item
            .text(name::APP, user.app.as_str())
            .text(name::ISSUER, user.issuer.as_str())
            .text(name::SUBJECT, user.subject.as_str()),
    }
}
