//! Apps.

use aws_sdk_dynamodb::{
    Client,
    types::{Put, TransactWriteItem},
};

use super::{
    error::{StoreError, Write, written},
    row::{NewItem, Row, name},
    table::{Table, TableNames},
    workspaces,
};
use crate::domain::{
    app::{App, HandleDelivery, Identity, Origin, ReturnUrl, SessionBinding},
    ids::{AppId, Issuer, WorkspaceId},
    workspace::DisplayName,
};

const META: &str = "META";
const LISTED: &str = "APP#";

/// Apps in the registry. An app stands under its own id, because that is all a caller names; its workspace lists it.
#[derive(Debug, Clone)]
pub struct Apps(Table);

impl Apps {
    /// Apps in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self(Table::new(client, &tables.registry))
    }

    /// The app of this id, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, id: &AppId) -> Result<Option<App>, StoreError> {
        self.0.find(&pk(id), META).await?.map(|row| read(&row)).transpose()
    }

    /// The ids of a workspace's apps.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<AppId>, StoreError> {
        let rows = self.0.query_all(&workspaces::pk(workspace), LISTED).await?;
        rows.iter().map(|row| row.parsed(name::APP, AppId::parse)).collect()
    }

    /// Stores a new app; [`Write::Conflict`] if its id is taken, by whomever.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(&self, app: &App) -> Result<Write, StoreError> {
        let listed = NewItem::at(&workspaces::pk(&app.workspace), &format!("{LISTED}{}", app.id))
            .text(name::APP, app.id.as_str());
        let request = self.0.client.transact_write_items();
        let request =
            request.transact_items(self.put_where_none_is(item(app))?).transact_items(self.put_where_none_is(listed)?);
        written(request.send().await)
    }

    /// Stores a changed app.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace(&self, app: &App) -> Result<Write, StoreError> {
        let request = self.0.client.put_item().table_name(&self.0.name).set_item(Some(item(app).into_item()));
        written(request.condition_expression("attribute_exists(pk)").send().await)
    }

    /// Removes an app.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn delete(&self, app: &App) -> Result<Write, StoreError> {
        let removed = self.0.delete(&pk(&app.id), META).await?;
        self.0.delete(&workspaces::pk(&app.workspace), &format!("{LISTED}{}", app.id)).await?;
        Ok(removed)
    }

    fn put_where_none_is(&self, item: NewItem) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.0.name)
            .set_item(Some(item.into_item()))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|_| StoreError::Refused("incomplete request".to_owned()))?;
        Ok(TransactWriteItem::builder().put(put).build())
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
        .maybe(app.identity.as_ref(), |item, identity| {
            item.text(name::ID_ISSUER, identity.issuer.as_str())
                .text(name::ID_AUDIENCE, &identity.audience)
                .text(name::ID_JWKS_URI, &identity.jwks_uri)
                .text(name::ID_JWKS, &identity.jwks_snapshot)
                .time(name::ID_JWKS_FETCHED_AT, identity.jwks_fetched_at)
        })
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

fn read_identity(row: &Row) -> Result<Identity, StoreError> {
    Ok(Identity {
        issuer: row.parsed(name::ID_ISSUER, Issuer::parse)?,
        audience: row.text(name::ID_AUDIENCE)?.to_owned(),
        jwks_uri: row.text(name::ID_JWKS_URI)?.to_owned(),
        jwks_snapshot: row.text(name::ID_JWKS)?.to_owned(),
        jwks_fetched_at: row.time(name::ID_JWKS_FETCHED_AT)?,
    })
}
