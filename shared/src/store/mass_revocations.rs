//! Revocations of many connections at once: work that is left to be done, and the report on it when it is.

use std::slice;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    types::{ReturnValue, TransactWriteItem, Update},
};
use jiff::Timestamp;

use super::{
    connections::due_shard_of,
    endings,
    error::{Conditional, StoreError, Write, failed},
    row::{NewItem, Row, name, number, text, time},
    table::{Cursor, ItemKey, Table, TableNames, key},
    transaction::{putting, updating},
};
use crate::domain::{
    ended::Fate,
    ids::{AppId, ConnectorId, Issuer, RevocationId, Subject, WorkspaceId},
    mass_revocation::{Criteria, MassRevocation, Progress},
    notice::Notice,
    user::User,
};

/// What the sort key of every one of them begins with. No connector's id begins so.
pub(super) const PREFIX: &str = "ENDED#MASS#";

/// Mass revocations in their table.
#[derive(Debug, Clone)]
pub struct MassRevocations(Table);

/// Connections that were looked at together, and not ended.
#[derive(Debug, Clone, Copy, Default)]
pub struct Group {
    /// How many.
    pub looked_at: u64,
    /// How many of them can't be read.
    pub unreadable: u64,
}

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
        ItemKey { pk: pk(workspace), sk: format!("{PREFIX}{id}") }
    }

    /// Begins a revocation.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn begin(&self, revocation: &MassRevocation, told: &Notice) -> Result<(), StoreError> {
        let parts = vec![putting(self.0.put(item(revocation)))?];
        self.0.write_told(parts, &self.0.name, slice::from_ref(told)).await.map(|_| ())
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

    /// The latest of a workspace, newest first, from behind `from` on.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or one cannot be read.
    pub async fn recent(
        &self,
        workspace: &WorkspaceId,
        from: Option<&RevocationId>,
        limit: usize,
    ) -> Result<Vec<MassRevocation>, StoreError> {
        let start = from.map(|id| Self::key(workspace, id)).map(|start| key(&start.pk, &start.sk));
        let request = self.0.client.query().table_name(&self.0.name).consistent_read(true);
        let request = request
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(&pk(workspace)))
            .expression_attribute_values(":prefix", text(PREFIX))
            .scan_index_forward(false)
            .set_exclusive_start_key(start)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let items = answer.items.unwrap_or_default().into_iter();
        items.map(|item| read(&Row::read(item)?).map(|held| held.revocation)).collect()
    }

    /// Writes down how far it has come and when it goes on, unless somebody else took it since `held`: the revocation as it is
    /// then. What was ended is counted already, by whoever ended it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(
        &self,
        revocation: &MassRevocation,
        group: Group,
        from: Option<&Cursor>,
        held: Timestamp,
    ) -> Result<Option<MassRevocation>, StoreError> {
        let due = Self::key(&revocation.workspace, &revocation.id);
        let mut set = "SET due_at = :due, looked_at = looked_at + :looked, \
                       unreadable_count = if_not_exists(unreadable_count, :none) + :unreadable"
            .to_owned();
        let mut request = self.0.client.update_item().table_name(&self.0.name).set_key(Some(key(&due.pk, &due.sk)));
        if let Some(at) = revocation.finished_at {
            set.push_str(", finished_at = :finished");
            request = request.expression_attribute_values(":finished", time(at));
        }
        match from {
            None => set.push_str(" REMOVE swept_to"),
            Some(from) => {
                set.push_str(", swept_to = :from");
                request = request.expression_attribute_values(":from", text(&from.to_text()));
            }
        }
        let request = request
            .update_expression(set)
            .condition_expression("due_at = :held")
            .expression_attribute_values(":due", time(revocation.due_at))
            .expression_attribute_values(":held", time(held))
            .expression_attribute_values(":looked", number(group.looked_at))
            .expression_attribute_values(":unreadable", number(group.unreadable))
            .expression_attribute_values(":none", number(0))
            .return_values(ReturnValue::AllNew);
        match request.send().await {
            Ok(answer) => {
                let item = answer.attributes.ok_or(StoreError::Unreadable("no attributes returned"))?;
                read(&Row::read(item)?).map(|held| Some(held.revocation))
            }
            Err(SdkError::ServiceError(service)) if service.err().condition_failed() => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Stops a revocation that is not done: nobody goes on with it, and its report is kept until then. [`Write::Conflict`] if it is
    /// done, or was stopped before.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn stop(&self, revocation: &MassRevocation, told: &Notice) -> Result<Write, StoreError> {
        let due = Self::key(&revocation.workspace, &revocation.id);
        let update = self.0.update(&due.pk, &due.sk);
        let update = update
            .update_expression("SET due_at = :due, finished_at = :finished, stopped_by = :who REMOVE swept_to")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(finished_at)")
            .expression_attribute_values(":due", time(revocation.due_at))
            .expression_attribute_values(":finished", time(revocation.finished_at.unwrap_or(revocation.due_at)))
            .expression_attribute_values(":who", text(revocation.stopped_by.as_deref().unwrap_or_default()));
        self.0.write_told(vec![updating(update)?], &self.0.name, slice::from_ref(told)).await
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

/// Counts a connection that its revocation ends.
pub(super) fn count_ended(
    connections: &str,
    workspace: &WorkspaceId,
    whole: &RevocationId,
) -> Result<TransactWriteItem, StoreError> {
    counting(connections, workspace, whole, "SET looked_at = looked_at + :one, ended_count = ended_count + :one")
}

/// Counts what became of a grant that a revocation has ended.
pub(super) fn count_fate(
    connections: &str,
    workspace: &WorkspaceId,
    whole: &RevocationId,
    fate: Fate,
) -> Result<TransactWriteItem, StoreError> {
    let set = match fate {
        Fate::Revoked => "SET revoked_count = revoked_count + :one",
        Fate::Unsupported => "SET unsupported_count = unsupported_count + :one",
        Fate::Failed => "SET failed_count = failed_count + :one",
    };
    counting(connections, workspace, whole, set)
}

fn counting(
    connections: &str,
    workspace: &WorkspaceId,
    whole: &RevocationId,
    set: &str,
) -> Result<TransactWriteItem, StoreError> {
    let report = MassRevocations::key(workspace, whole);
    let update = Update::builder()
        .table_name(connections)
        .set_key(Some(key(&report.pk, &report.sk)))
        .update_expression(set)
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_values(":one", number(1))
        .build();
    let update = update.map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

fn pk(workspace: &WorkspaceId) -> String {
    format!("REVOCATIONS#{workspace}")
}

fn item(revocation: &MassRevocation) -> NewItem {
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
        .number(name::UNSUPPORTED_COUNT, progress.unsupported)
        .number(name::FAILED_COUNT, progress.failed)
        .number(name::UNREADABLE_COUNT, progress.unreadable)
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
            unsupported: row.number(name::UNSUPPORTED_COUNT)?,
            failed: row.number(name::FAILED_COUNT)?,
            unreadable: row.find_number(name::UNREADABLE_COUNT)?.unwrap_or(0),
        },
        finished_at: row.find_time(name::FINISHED_AT)?,
        stopped_by: row.find_text(name::STOPPED_BY)?.map(str::to_owned),
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
