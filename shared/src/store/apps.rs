//! Apps.

use std::slice;

use aws_sdk_dynamodb::{
    Client,
    types::{Delete, TransactWriteItem},
};

use super::{
    error::{StoreError, Write},
    row::{NewItem, Row, name, text, time},
    table::{Table, TableNames, key},
    transaction::{incomplete, updating},
    workspaces,
};
use crate::domain::{
    app::{App, HandleDelivery, Identity, Origin, ReturnUrl, SessionBinding},
    ids::{AppId, Issuer, WorkspaceId},
    notice::Notice,
    workspace::DisplayName,
};

const META: &str = "META";
const LISTED: &str = "APP#";

/// The condition that an id is still the same app's.
const THIS_APP: &str = "workspace_id = :owner AND created_at = :made";

/// What may be changed of an app, each by itself.
const SETTINGS: [&str; 5] =
    [name::TITLE, name::ORIGINS, name::RETURN_URLS, name::SESSION_BINDING, name::HANDLE_DELIVERY];

/// What makes up an app's identity.
const IDENTITY: [&str; 6] = [
    name::ID_ISSUER,
    name::ID_AUDIENCE,
    name::ID_JWKS_URI,
    name::ID_JWKS,
    name::ID_JWKS_FETCHED_AT,
    name::ID_AGENT_SCOPES,
];

/// Apps in the registry. An app stands under its own id, because that is all a caller names; its workspace lists it.
#[derive(Debug, Clone)]
pub struct Apps {
    registry: Table,
    /// The table where it stands what is to be noted of apps.
    connections: String,
}

impl Apps {
    /// Apps in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// The app of this id, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, id: &AppId) -> Result<Option<App>, StoreError> {
        self.registry.find(&pk(id), META).await?.map(|row| read(&row)).transpose()
    }

    /// The ids of a workspace's apps.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<AppId>, StoreError> {
        let rows = self.registry.query_all(&workspaces::pk(workspace), LISTED).await?;
        rows.iter().map(|row| row.parsed(name::APP, AppId::parse)).collect()
    }

    /// Stores a new app; [`Write::Conflict`] if its id is taken, by whomever.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, app: &App, told: &Notice) -> Result<Write, StoreError> {
        let listed = NewItem::at(&workspaces::pk(&app.workspace), &format!("{LISTED}{}", app.id))
            .text(name::APP, app.id.as_str());
        let parts = vec![self.registry.putting_new(item(app))?, self.registry.putting_new(listed)?];
        self.registry.write_told(parts, &self.connections, slice::from_ref(told)).await
    }

    /// Stores what `changed` differs in from the app as it was read, and nothing else: who changes something else at the
    /// same time is not undone. [`Write::Conflict`] if the app was deleted since, whoever has its id now.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace(&self, earlier: &App, changed: &App, told: &Notice) -> Result<Write, StoreError> {
        let (before, mut after) = (item(earlier).into_item(), item(changed).into_item());
        let differs = |name: &str| before.get(name) != after.get(name);
        let changes_identity = IDENTITY.into_iter().any(differs);
        let names: Vec<&str> = SETTINGS.into_iter().filter(|name| differs(name)).collect();
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut update = self.registry.update(&pk(&changed.id), META);
        // An identity is set as a whole: no part of one may come together with a part of another.
        for name in names.into_iter().chain(IDENTITY.into_iter().filter(|_| changes_identity)) {
            match after.remove(name) {
                Some(value) => {
                    set.push(format!("{name} = :{name}"));
                    update = update.expression_attribute_values(format!(":{name}"), value);
                }
                None => remove.push(name),
            }
        }
        if set.is_empty() && remove.is_empty() {
            return self.registry.write_told(Vec::new(), &self.connections, slice::from_ref(told)).await;
        }
        let clause = |word: &str, parts: String| if parts.is_empty() { parts } else { format!("{word} {parts} ") };
        let update = update
            .update_expression(clause("SET", set.join(", ")) + &clause("REMOVE", remove.join(", ")))
            .condition_expression(THIS_APP)
            .expression_attribute_values(":owner", text(earlier.workspace.as_str()))
            .expression_attribute_values(":made", time(earlier.created_at));
        self.registry.write_told(vec![updating(update)?], &self.connections, slice::from_ref(told)).await
    }

    /// Removes an app; [`Write::Conflict`] if it was removed before, whoever has its id now. Nothing is noted of one that goes
    /// with its workspace.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn delete(&self, app: &App, told: Option<&Notice>) -> Result<Write, StoreError> {
        let delete = |pk: &str, sk: &str| Delete::builder().table_name(&self.registry.name).set_key(Some(key(pk, sk)));
        let app_itself = delete(&pk(&app.id), META)
            .condition_expression(THIS_APP)
            .expression_attribute_values(":owner", text(app.workspace.as_str()))
            .expression_attribute_values(":made", time(app.created_at));
        let mut parts = Vec::with_capacity(2);
        for part in [app_itself, delete(&workspaces::pk(&app.workspace), &format!("{LISTED}{}", app.id))] {
            let part = part.build().map_err(|_| incomplete())?;
            parts.push(TransactWriteItem::builder().delete(part).build());
        }
        self.registry.write_told(parts, &self.connections, told.map(slice::from_ref).unwrap_or_default()).await
    }
}

fn pk(id: &AppId) -> String {
    format!("APP#{id}")
}

fn item(app: &App) -> NewItem {
    NewItem::at(&pk(&app.id), META)
        .text(name::APP, app.id.as_str())
        .text(name::WORKSPACE, app.workspace.as_str())
        .text(name::TITLE, app.name.as_str())
        .texts(name::ORIGINS, app.origins.iter().map(Origin::as_str))
        .texts(name::RETURN_URLS, app.return_urls.iter().map(ReturnUrl::as_str))
        .text(name::SESSION_BINDING, app.session_binding.as_str())
        .text(name::HANDLE_DELIVERY, app.handle_delivery.as_str())
        .time(name::CREATED_AT, app.created_at)
        .maybe(app.identity.as_ref(), write_identity)
}

/// An issuer and its keys, in the item of whoever it vouches for.
pub(super) fn write_identity(item: NewItem, identity: &Identity) -> NewItem {
    item.text(name::ID_ISSUER, identity.issuer.as_str())
        .text(name::ID_AUDIENCE, &identity.audience)
        .text(name::ID_JWKS_URI, &identity.jwks_uri)
        .text(name::ID_JWKS, &identity.jwks_snapshot)
        .time(name::ID_JWKS_FETCHED_AT, identity.jwks_fetched_at)
        .maybe(identity.agent_scopes.then_some(()), |item, ()| item.flag(name::ID_AGENT_SCOPES, true))
}

fn read(row: &Row) -> Result<App, StoreError> {
    let origins = row.texts(name::ORIGINS)?.into_iter().map(Origin::parse).collect::<Result<_, _>>();
    let return_urls = row.texts(name::RETURN_URLS)?.into_iter().map(ReturnUrl::parse).collect::<Result<_, _>>();
    Ok(App {
        id: row.parsed(name::APP, AppId::parse)?,
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        name: row.parsed(name::TITLE, DisplayName::parse)?,
        origins: origins.map_err(|_| StoreError::Unreadable(name::ORIGINS))?,
        return_urls: return_urls.map_err(|_| StoreError::Unreadable(name::RETURN_URLS))?,
        identity: if row.has(name::ID_ISSUER) { Some(read_identity(row)?) } else { None },
        session_binding: row.word(name::SESSION_BINDING, SessionBinding::parse)?,
        handle_delivery: row.word(name::HANDLE_DELIVERY, HandleDelivery::parse)?,
        created_at: row.time(name::CREATED_AT)?,
    })
}

pub(super) fn read_identity(row: &Row) -> Result<Identity, StoreError> {
    Ok(Identity {
        issuer: row.parsed(name::ID_ISSUER, Issuer::parse)?,
        audience: row.text(name::ID_AUDIENCE)?.to_owned(),
        jwks_uri: row.text(name::ID_JWKS_URI)?.to_owned(),
        jwks_snapshot: row.text(name::ID_JWKS)?.to_owned(),
        jwks_fetched_at: row.time(name::ID_JWKS_FETCHED_AT)?,
        agent_scopes: row.flag(name::ID_AGENT_SCOPES)?,
    })
}
