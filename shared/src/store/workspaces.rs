//! Workspaces.

use std::slice;

use super::{
    error::{StoreError, Write, written},
    row::{NewItem, Row, name, number, text, time},
    table::{Table, TableNames, key},
    transaction::updating,
};
use crate::domain::{
    ids::WorkspaceId,
    notice::Notice,
    plan::PlanName,
    workspace::{DisplayName, Workspace},
};
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TransactWriteItem, Update, builders::UpdateBuilder},
};

/// The partition key of everything that a workspace owns in the registry.
pub(super) fn pk(workspace: &WorkspaceId) -> String {
    format!("WS#{workspace}")
}

/// The sort key of a workspace itself.
pub(super) const META: &str = "META";

/// Workspaces in the registry.
#[derive(Debug, Clone)]
pub struct Workspaces {
    registry: Table,
    /// The table where it stands what is to be noted of workspaces.
    connections: String,
}

impl Workspaces {
    /// Workspaces in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// Stores a new workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, workspace: &Workspace, told: &Notice) -> Result<Write, StoreError> {
        let item = NewItem::at(&pk(&workspace.id), META)
            .text(name::WORKSPACE, workspace.id.as_str())
            .text(name::TITLE, workspace.name.as_str())
            .maybe(workspace.plan.as_ref(), |item, plan| item.text(name::PLAN, plan.as_str()))
            .maybe(workspace.connectors, |item, count| item.number(name::CONNECTOR_COUNT, count))
            .flag(name::CONNECTIONS_COUNTED, workspace.connections_counted)
            .time(name::CREATED_AT, workspace.created_at);
        let parts = vec![self.registry.putting_new(item)?];
        self.registry.write_told(parts, &self.connections, slice::from_ref(told)).await
    }

    /// The workspace of this id, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, id: &WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        self.registry.find(&pk(id), META).await?.map(|row| read(&row)).transpose()
    }

    /// Notes how many connectors a workspace has; [`Write::Conflict`] if they are counted already, or there is no such
    /// workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn count_connectors(&self, id: &WorkspaceId, count: u64) -> Result<Write, StoreError> {
        let request =
            self.registry.client.update_item().table_name(&self.registry.name).set_key(Some(key(&pk(id), META)));
        let request = request
            .update_expression("SET connector_count = :count")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(connector_count)")
            .expression_attribute_values(":count", number(count));
        written(request.send().await)
    }

    /// Notes that every connection of a workspace is counted; [`Write::Conflict`] if there is no such workspace, or that was
    /// noted before.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_connections_counted(&self, id: &WorkspaceId, told: &Notice) -> Result<Write, StoreError> {
        let update = self
            .registry
            .update(&pk(id), META)
            .update_expression("SET connections_counted = :yes")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(connections_counted) OR connections_counted <> :yes)",
            )
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        self.registry.write_told(vec![updating(update)?], &self.connections, slice::from_ref(told)).await
    }

    /// Gives a workspace a plan, or takes it away; [`Write::Conflict`] if there is no such workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn give_plan(
        &self,
        id: &WorkspaceId,
        plan: Option<&PlanName>,
        told: &Notice,
    ) -> Result<Write, StoreError> {
        let update = self.registry.update(&pk(id), META);
        let update = update.condition_expression("attribute_exists(pk) AND attribute_not_exists(deleted_at)");
        let update = match plan {
            Some(plan) => update
                .update_expression("SET plan_name = :plan")
                .expression_attribute_values(":plan", text(plan.as_str())),
            None => update.update_expression("REMOVE plan_name"),
        };
        self.registry.write_told(vec![updating(update)?], &self.connections, slice::from_ref(told)).await
    }

    /// Marks a workspace as deleted; [`Write::Conflict`] if there is none, or it was marked before.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn mark_deleted(&self, id: &WorkspaceId, told: &Notice) -> Result<Write, StoreError> {
        let update = self
            .registry
            .update(&pk(id), META)
            .update_expression("SET deleted_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(deleted_at)")
            .expression_attribute_values(":now", time(told.at));
        self.registry.write_told(vec![updating(update)?], &self.connections, slice::from_ref(told)).await
    }

    /// Removes everything that stands under a workspace in the registry, and the workspace itself last.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; what is left then can be removed by asking again.
    pub async fn remove_all(&self, id: &WorkspaceId) -> Result<(), StoreError> {
        let pk = pk(id);
        for sk in self.registry.sort_keys(&pk).await?.iter().filter(|sk| *sk != META) {
            self.registry.delete(&pk, sk).await?;
        }
        self.registry.delete(&pk, META).await.map(|_| ())
    }
}

/// Counts a connector that comes, if there is room for it.
pub(super) fn count_one_more(
    table: &Table,
    id: &WorkspaceId,
    most: Option<u32>,
) -> Result<TransactWriteItem, StoreError> {
    let count = counting(table, id, 1);
    let count = match most {
        Some(most) => {
            count.condition_expression("connector_count < :most").expression_attribute_values(":most", number(most))
        }
        None => count.condition_expression("attribute_exists(connector_count)"),
    };
    let count = count.build().map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().update(count).build())
}

/// Counts a connector that goes.
pub(super) fn count_one_less(table: &Table, id: &WorkspaceId) -> Result<TransactWriteItem, StoreError> {
    let count = counting(table, id, -1).condition_expression("attribute_exists(connector_count)");
    let count = count.build().map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
    Ok(TransactWriteItem::builder().update(count).build())
}

fn counting(table: &Table, id: &WorkspaceId, change: i8) -> UpdateBuilder {
    Update::builder()
        .table_name(&table.name)
        .set_key(Some(key(&pk(id), META)))
        .update_expression("SET connector_count = connector_count + :change")
        .expression_attribute_values(":change", number(change))
}

fn read(row: &Row) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        name: row.parsed(name::TITLE, DisplayName::parse)?,
        plan: row
            .find_text(name::PLAN)?
            .map(PlanName::parse)
            .transpose()
            .map_err(|_| StoreError::Unreadable(name::PLAN))?,
        connectors: row.find_number(name::CONNECTOR_COUNT)?,
        connections_counted: row.flag(name::CONNECTIONS_COUNTED)?,
        created_at: row.time(name::CREATED_AT)?,
        deleted_at: row.find_time(name::DELETED_AT)?,
    })
}
