//! API keys.

use std::slice;

use aws_sdk_dynamodb::Client;
use jiff::civil::Date;

use super::{
    error::{StoreError, Write, written},
    row::{NewItem, Row, name, text, time},
    table::{Table, TableNames, key},
    transaction::updating,
    workspaces,
};
use crate::domain::{
    api_key::{Holder, KeyRecord, WorkspaceRole},
    ids::{AppId, KeyId, WorkspaceId},
    notice::Notice,
};

const META: &str = "META";
const OF_WORKSPACE: &str = "WSKEY#";
const OF_APPS: &str = "APPKEY#";

/// API keys in the registry. A key stands under its own id, because that is all a caller shows; its holder lists it.
#[derive(Debug, Clone)]
pub struct ApiKeys {
    registry: Table,
    /// The table where it stands what is to be noted of keys.
    connections: String,
}

impl ApiKeys {
    /// API keys in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// The key of this id, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        self.registry.find(&pk(id), META).await?.map(|row| read(&row)).transpose()
    }

    /// The keys of a workspace, or of one of its apps.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of(&self, workspace: &WorkspaceId, app: Option<&AppId>) -> Result<Vec<KeyRecord>, StoreError> {
        let mut keys = Vec::new();
        for row in self.registry.query_all(&workspaces::pk(workspace), &listing(app)).await? {
            let id = row.parsed(name::KEY_ID, KeyId::parse)?;
            keys.extend(self.find(&id).await?);
        }
        Ok(keys)
    }

    /// Stores a new key, and lists it.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, record: &KeyRecord, told: &Notice) -> Result<Write, StoreError> {
        let app = match &record.holder {
            Holder::App { app, .. } => Some(app),
            Holder::Workspace { .. } => None,
        };
        let sk = format!("{}{}", listing(app), record.id);
        let listed =
            NewItem::at(&workspaces::pk(record.holder.workspace()), &sk).text(name::KEY_ID, record.id.as_str());
        let parts = vec![self.registry.putting_new(item(record))?, self.registry.putting_new(listed)?];
        self.registry.write_told(parts, &self.connections, slice::from_ref(told)).await
    }

    /// Removes all keys of a workspace and of its apps.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; what is left then can be removed by asking again.
    pub async fn remove_all(&self, workspace: &WorkspaceId) -> Result<(), StoreError> {
        for prefix in [OF_WORKSPACE, OF_APPS] {
            self.remove_listed(workspace, prefix).await?;
        }
        Ok(())
    }

    /// Removes all keys of an app.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; what is left then can be removed by asking again.
    pub async fn remove_of_app(&self, workspace: &WorkspaceId, app: &AppId) -> Result<(), StoreError> {
        self.remove_listed(workspace, &listing(Some(app))).await
    }

    async fn remove_listed(&self, workspace: &WorkspaceId, prefix: &str) -> Result<(), StoreError> {
        let listed_at = workspaces::pk(workspace);
        for row in self.registry.query_all(&listed_at, prefix).await? {
            self.registry.delete(&pk(&row.parsed(name::KEY_ID, KeyId::parse)?), META).await?;
            self.registry.delete(&listed_at, row.text(name::SK)?).await?;
        }
        Ok(())
    }

    /// Revokes a key, for good.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn revoke(&self, id: &KeyId, told: &Notice) -> Result<Write, StoreError> {
        let update = self
            .registry
            .update(&pk(id), META)
            .update_expression("SET revoked_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(revoked_at)")
            .expression_attribute_values(":now", time(told.at));
        self.registry.write_told(vec![updating(update)?], &self.connections, slice::from_ref(told)).await
    }

    /// Notes the day of a key's use, if it is still there and has not been used that day. Roles allow this write of items of
    /// keys, and none of anything else in them.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn note_use(&self, id: &KeyId, day: Date) -> Result<Write, StoreError> {
        let request =
            self.registry.client.update_item().table_name(&self.registry.name).set_key(Some(key(&pk(id), META)));
        let request = request
            .update_expression("SET last_used_on = :day")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(last_used_on) OR last_used_on < :day)",
            )
            .expression_attribute_values(":day", text(&day.to_string()));
        written(request.send().await)
    }
}

fn pk(id: &KeyId) -> String {
    format!("APIKEY#{id}")
}

fn listing(app: Option<&AppId>) -> String {
    match app {
        Some(app) => format!("{OF_APPS}{app}#"),
        None => OF_WORKSPACE.to_owned(),
    }
}

fn item(record: &KeyRecord) -> NewItem {
    let item = NewItem::at(&pk(&record.id), META)
        .text(name::KEY_ID, record.id.as_str())
        .text(name::TITLE, &record.name)
        .bytes(name::KEY_DIGEST, &record.digest)
        .text(name::WORKSPACE, record.holder.workspace().as_str())
        .time(name::CREATED_AT, record.created_at)
        .maybe(record.revoked_at, |item, at| item.time(name::REVOKED_AT, at))
        .maybe(record.last_used_on, |item, day| item.text(name::LAST_USED_ON, &day.to_string()));
    match &record.holder {
        Holder::Workspace { role: WorkspaceRole::Admin, .. } => item.text(name::KEY_KIND, "admin"),
        Holder::Workspace { role: WorkspaceRole::Reader, .. } => item.text(name::KEY_KIND, "read"),
        Holder::Workspace { role: WorkspaceRole::Builder, .. } => item.text(name::KEY_KIND, "builder"),
        Holder::App { app, offline_tokens, .. } => {
            item.text(name::KEY_KIND, "app").text(name::APP, app.as_str()).flag(name::OFFLINE_TOKENS, *offline_tokens)
        }
    }
}

fn read(row: &Row) -> Result<KeyRecord, StoreError> {
    let workspace = row.parsed(name::WORKSPACE, WorkspaceId::parse)?;
    let holder = match row.text(name::KEY_KIND)? {
        "admin" => Holder::Workspace { workspace, role: WorkspaceRole::Admin },
        "read" => Holder::Workspace { workspace, role: WorkspaceRole::Reader },
        "builder" => Holder::Workspace { workspace, role: WorkspaceRole::Builder },
        "app" => Holder::App {
            workspace,
            app: row.parsed(name::APP, AppId::parse)?,
            offline_tokens: row.flag(name::OFFLINE_TOKENS)?,
        },
        _ => return Err(StoreError::Unreadable(name::KEY_KIND)),
    };
    Ok(KeyRecord {
        id: row.parsed(name::KEY_ID, KeyId::parse)?,
        name: row.text(name::TITLE)?.to_owned(),
        digest: row.digest(name::KEY_DIGEST)?,
        holder,
        created_at: row.time(name::CREATED_AT)?,
        revoked_at: row.find_time(name::REVOKED_AT)?,
        last_used_on: row.find_day(name::LAST_USED_ON)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_of_apps_whose_names_begin_alike_do_not_mix() {
        let app = |raw| AppId::parse(raw).unwrap();
        assert!(!listing(Some(&app("ab"))).starts_with(&listing(Some(&app("a")))));
    }
}
