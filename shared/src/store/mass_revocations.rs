//! Revocations of many connections at once: work that is left to be done, and the report on it when it is.

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;

use super::{
    connections::due_shard_of,
    endings,
    error::{StoreError, Write},
    row::{NewItem, Row, name},
    table::{Cursor, ItemKey, Table, TableNames},
};
use crate::domain::{
    ids::{AppId, ConnectorId, Issuer, RevocationId, Subject, WorkspaceId},
    mass_revocation::{Criteria, MassRevocation, Progress},
    user::User,
};

/// What the sort key of every one of them begins with. No connector's id begins so.
pub(super) const PREFIX: &str = "ENDED#MASS#";

/// Mass revocations in their table.
#[derive(Debug, Clone)]
pub struct MassRevocations(Table);

/// A revocation that was taken to be worked at, and where it goes on.
#[derive(Debug)]
pub struct HeldRevocation {
    /// The revocation.
    pub revocation: MassRevocation,
    /// Where it goes on; `None` from the beginning.
    pub from: Option<Cursor>,
}

impl MassRevocations {
    /// Mass revocations in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// Where a revocation stands.
    #[must_use]
    pub fn key(workspace: &WorkspaceId, id: &RevocationId) -> ItemKey {
        ItemKey { pk: format!("REVOCATIONS#{workspace}"), sk: format!("{PREFIX}{id}") }
    }

    /// Begins a revocation.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn begin(&self, revocation: &MassRevocation) -> Result<(), StoreError> {
        endings::put(&self.0, item(revocation, None)).await
    }

    /// A revocation, as far as it has come.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, id: &RevocationId) -> Result<Option<MassRevocation>, StoreError> {
        let key = Self::key(workspace, id);
        let row = self.0.find(&key.pk, &key.sk).await?;
        row.map(|row| read(&row).map(|held| held.revocation)).transpose()
    }

    /// Writes down how far it has come and when it goes on, unless somebody else took it since `held`.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(
        &self,
        revocation: &MassRevocation,
        from: Option<&Cursor>,
        held: Timestamp,
    ) -> Result<Write, StoreError> {
        endings::replace(&self.0, item(revocation, from), held).await
    }

    /// Lets go of a report.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn let_go(&self, revocation: &MassRevocation) -> Result<(), StoreError> {
        let key = Self::key(&revocation.workspace, &revocation.id);
        endings::finish(&self.0, &key, revocation.due_at).await.map(|_| ())
    }
}

fn item(revocation: &MassRevocation, from: Option<&Cursor>) -> NewItem {
    let due = MassRevocations::key(&revocation.workspace, &revocation.id);
    let (criteria, progress) = (&revocation.criteria, &revocation.progress);
    let app = criteria.app.as_ref().or(criteria.user.as_ref().map(|user| &user.app));
    endings::item(&due, &due_shard_of(&due), revocation.due_at)
        .text(name::REVOCATION, revocation.id.as_str())
        .text(name::WORKSPACE, revocation.workspace.as_str())
        .maybe(criteria.connector.as_ref(), |item, connector| item.text(name::CONNECTOR, connector.as_str()))
        .maybe(app, |item, app| item.text(name::APP, app.as_str()))
        .maybe(criteria.user.as_ref(), |item, user| {
            item.text(name::ISSUER, user.issuer.as_str()).text(name::SUBJECT, user.subject.as_str())
        })
        .maybe(criteria.connected_before, |item, at| item.time(name::CONNECTED_BEFORE, at))
        .maybe(criteria.connected_after, |item, at| item.time(name::CONNECTED_AFTER, at))
        .text(name::BEGUN_BY, &revocation.begun_by)
        .time(name::BEGAN_AT, revocation.began_at)
        .number(name::LOOKED_AT, progress.looked_at)
        .number(name::ENDED_COUNT, progress.ended)
        .number(name::REVOKED_COUNT, progress.revoked)
        .number(name::PENDING_COUNT, progress.pending)
        .number(name::UNSUPPORTED_COUNT, progress.unsupported)
        .number(name::FAILED_COUNT, progress.failed)
        .maybe(revocation.finished_at, |item, at| item.time(name::FINISHED_AT, at))
        .maybe(from, |item, from| item.text(name::SWEPT_TO, &from.to_text()))
}

pub(super) fn read(row: &Row) -> Result<HeldRevocation, StoreError> {
    let revocation = MassRevocation {
        id: row.parsed(name::REVOCATION, RevocationId::parse)?,
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        criteria: criteria(row)?,
        begun_by: row.text(name::BEGUN_BY)?.to_owned(),
        began_at: row.time(name::BEGAN_AT)?,
        progress: Progress {
            looked_at: row.number(name::LOOKED_AT)?,
            ended: row.number(name::ENDED_COUNT)?,
            revoked: row.number(name::REVOKED_COUNT)?,
            pending: row.number(name::PENDING_COUNT)?,
            unsupported: row.number(name::UNSUPPORTED_COUNT)?,
            failed: row.number(name::FAILED_COUNT)?,
        },
        finished_at: row.find_time(name::FINISHED_AT)?,
        due_at: row.time(name::DUE_AT)?,
    };
    let from = match row.find_text(name::SWEPT_TO)? {
        None => None,
        Some(from) => Some(Cursor::parse(from).ok_or(StoreError::Unreadable(name::SWEPT_TO))?),
    };
    Ok(HeldRevocation { revocation, from })
}

fn criteria(row: &Row) -> Result<Criteria, StoreError> {
    let connector = row.has(name::CONNECTOR).then(|| row.parsed(name::CONNECTOR, ConnectorId::parse)).transpose()?;
    let app = row.has(name::APP).then(|| row.parsed(name::APP, AppId::parse)).transpose()?;
    let user = match &app {
        Some(app) if row.has(name::SUBJECT) => Some(User {
            app: app.clone(),
            issuer: row.parsed(name::ISSUER, Issuer::parse)?,
            subject: row.parsed(name::SUBJECT, Subject::parse)?,
        }),
        _ => None,
    };
    Ok(Criteria {
        connector,
        app,
        user,
        connected_before: row.find_time(name::CONNECTED_BEFORE)?,
        connected_after: row.find_time(name::CONNECTED_AFTER)?,
    })
}
