//! Checkups: what the doctor found about a connector when it was last examined, and when it is due again. One item per
//! connector, in the table of connections because the index of what is due is there.

use std::{collections::HashMap, slice};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::ReturnValuesOnConditionCheckFailure,
};
use jiff::Timestamp;

use super::{
    connections::due_shard_of,
    error::{StoreError, Write, failed, written},
    healths::pk,
    row::{LAYOUT, Row, name, number, text, time},
    table::{ItemKey, Table, TableNames, key},
    transaction::updating,
};
use crate::domain::{
    connector::Connector,
    finding::{BETWEEN_EXAMINATIONS, Checkup},
    ids::{ConnectorId, WorkspaceId},
    notice::Notice,
};

/// The sort key of every checkup.
pub(super) const CHECKUP: &str = "CHECKUP";

/// Checkups of connectors.
#[derive(Debug, Clone)]
pub struct Checkups(Table);

/// A checkup that is due.
#[derive(Debug, Clone)]
pub struct DueCheckup {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The connector.
    pub connector: ConnectorId,
    /// Since when.
    pub due_at: Timestamp,
}

/// Whether a connector may be examined now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// By whoever holds this; due for others at the moment that is named, if nothing comes of it.
    Taken(Timestamp),
    /// It was examined a moment ago: not before then.
    NotBefore(Timestamp),
}

impl Checkups {
    /// Checkups in the deployment's table of connections.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.connections))
    }

    /// What was found last; `None` if the connector was never examined.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, connector: &ConnectorId) -> Result<Option<Checkup>, StoreError> {
        let row = self.0.find(&pk(connector), CHECKUP).await?;
        row.map_or(Ok(None), |row| read(&row))
    }

    /// The checkup behind an entry of the index, if it is due.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find_due(&self, due: &ItemKey, now: Timestamp) -> Result<Option<DueCheckup>, StoreError> {
        let Some(row) = self.0.find(&due.pk, &due.sk).await? else { return Ok(None) };
        let due = DueCheckup {
            workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
            connector: row.parsed(name::CONNECTOR, ConnectorId::parse)?,
            due_at: row.time(name::DUE_AT)?,
        };
        Ok(Some(due).filter(|due| due.due_at <= now))
    }

    /// Has a connector examined from this moment on. What was found before stays until then.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn ask(&self, connector: &Connector, now: Timestamp) -> Result<(), StoreError> {
        let request = self.standing(connector, "SET ", now);
        written(request.send().await).map(|_| ())
    }

    /// Takes the one turn in a minute that a connector may be examined in. Until `until` it is due for nobody else.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn take_turn(&self, connector: &Connector, now: Timestamp, until: Timestamp) -> Result<Turn, StoreError> {
        let over = now.checked_sub(BETWEEN_EXAMINATIONS).unwrap_or(Timestamp::MIN);
        let request = self
            .standing(connector, "SET asked_at = :now, ", until)
            .condition_expression("attribute_not_exists(asked_at) OR asked_at <= :over OR asked_at > :now")
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":over", time(over))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match request.send().await {
            Ok(_) => Ok(Turn::Taken(until)),
            Err(error) => match refusal(&error) {
                Some(row) => {
                    let asked_at = row.find_time(name::ASKED_AT)?.unwrap_or(now);
                    Ok(Turn::NotBefore(asked_at.checked_add(BETWEEN_EXAMINATIONS).unwrap_or(Timestamp::MAX)))
                }
                None => Err(failed(&error)),
            },
        }
    }

    /// Stores what was found in the turn that was `held`, and what is noted of it. Due again at `due_at`, unless somebody asked
    /// for it meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note(
        &self,
        connector: &ConnectorId,
        found: &Checkup,
        (held, due_at): (Timestamp, Timestamp),
        told: Option<&Notice>,
    ) -> Result<(), StoreError> {
        let findings = serde_json::to_string(&found.findings).map_err(|_| StoreError::Unreadable(name::FINDINGS))?;
        let offered = if found.offered.is_some() { ", offered = :offered" } else { " REMOVE offered" };
        let note = |more: &str| {
            let set = format!("SET findings = :findings, checked_at = :at, revision = :revision{more}{offered}");
            self.0
                .update(&pk(connector), CHECKUP)
                .update_expression(set)
                .set_expression_attribute_values(
                    found.offered.as_ref().map(|offered| HashMap::from([(":offered".to_owned(), text(offered))])),
                )
                .expression_attribute_values(":findings", text(&findings))
                .expression_attribute_values(":at", time(found.checked_at))
                .expression_attribute_values(":revision", number(found.revision))
        };
        let told = told.map_or(&[][..], slice::from_ref);
        let update = note(", due_at = :due").condition_expression("due_at = :held");
        let update = update.expression_attribute_values(":due", time(due_at));
        let update = update.expression_attribute_values(":held", time(held));
        if self.0.write_told(vec![updating(update)?], &self.0.name, told).await? == Write::Done {
            return Ok(());
        }
        let update = note("").condition_expression("attribute_exists(due_at)");
        self.0.write_told(vec![updating(update)?], &self.0.name, told).await.map(|_| ())
    }

    /// Puts a due checkup off, unless somebody else has done something about it since.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_off(&self, due: &DueCheckup, until: Timestamp) -> Result<(), StoreError> {
        let request = self
            .update(&pk(&due.connector))
            .update_expression("SET due_at = :until")
            .condition_expression("due_at = :seen")
            .expression_attribute_values(":until", time(until))
            .expression_attribute_values(":seen", time(due.due_at));
        written(request.send().await).map(|_| ())
    }

    /// Removes the checkup of a connector that is no longer in use.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn remove(&self, connector: &ConnectorId) -> Result<(), StoreError> {
        self.0.delete(&pk(connector), CHECKUP).await.map(|_| ())
    }

    /// Whether this sort key is a checkup's.
    #[must_use]
    pub fn is_key(sk: &str) -> bool {
        sk == CHECKUP
    }

    /// Where a connector's checkup stands.
    #[must_use]
    pub fn key(connector: &ConnectorId) -> ItemKey {
        ItemKey { pk: pk(connector), sk: CHECKUP.to_owned() }
    }

    /// An update that writes down whose checkup it is, and when it is due.
    fn standing(&self, connector: &Connector, set: &str, due_at: Timestamp) -> UpdateItemFluentBuilder {
        let shard = due_shard_of(&Self::key(&connector.id));
        self.update(&pk(&connector.id))
            .update_expression(format!(
                "{set}due_at = :due, due_shard = :shard, workspace_id = :workspace, connector_id = :connector, v = :layout"
            ))
            .expression_attribute_values(":due", time(due_at))
            .expression_attribute_values(":shard", text(&shard))
            .expression_attribute_values(":workspace", text(connector.workspace.as_str()))
            .expression_attribute_values(":connector", text(connector.id.as_str()))
            .expression_attribute_values(":layout", number(LAYOUT))
    }

    fn update(&self, pk: &str) -> UpdateItemFluentBuilder {
        self.0.client.update_item().table_name(&self.0.name).set_key(Some(key(pk, CHECKUP)))
    }
}

/// The item that an update was refused for.
fn refusal<R>(error: &SdkError<UpdateItemError, R>) -> Option<Row> {
    match error.as_service_error()? {
        UpdateItemError::ConditionalCheckFailedException(refused) => {
            Some(Row::of_index(refused.item.clone().unwrap_or_default()))
        }
        _ => None,
    }
}

fn read(row: &Row) -> Result<Option<Checkup>, StoreError> {
    let Some(findings) = row.find_text(name::FINDINGS)? else { return Ok(None) };
    Ok(Some(Checkup {
        checked_at: row.time(name::CHECKED_AT)?,
        revision: row.number(name::REVISION)?,
        findings: serde_json::from_str(findings).map_err(|_| StoreError::Unreadable(name::FINDINGS))?,
        offered: row.find_text(name::OFFERED)?.map(str::to_owned),
    }))
}
