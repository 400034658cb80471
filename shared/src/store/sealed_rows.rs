//! Sealed values as they stand in their rows, for whoever seals them anew. Whatever stands in the index of a connector and
//! holds sealed tokens is found, whatever kind of item it is: the values say by which key they were sealed.

use aws_sdk_dynamodb::{Client, operation::update_item::builders::UpdateItemFluentBuilder};

use super::{
    connections::{Connections, read_place},
    connectors,
    error::{StoreError, Write, failed, written},
    keys,
    row::{Item, Row, bytes, name, number, text},
    table::{Cursor, Table, TableNames, key},
    workspaces,
};
use crate::domain::{
    ids::{ConnectorId, WorkspaceId},
    secret::{AccessToken, ClientSecret, EarlierSigningKey, Kind, RefreshToken, Sealed, SigningKey},
    user::ConnectionKey,
};

/// Rows with sealed values in the registry and the table of connections.
#[derive(Debug, Clone)]
pub struct SealedRows {
    registry: Table,
    connections: Table,
    index: Connections,
}

/// A row of the table of connections with its sealed tokens.
#[derive(Debug)]
pub struct SealedTokensRow {
    /// The connection that the tokens are, or were, of. They are sealed for its place.
    pub place: ConnectionKey,
    /// The access token, if there is one.
    pub access: Option<Sealed<AccessToken>>,
    /// The refresh token, if there is one.
    pub refresh: Option<Sealed<RefreshToken>>,
    primary_key: Item,
    version: Option<u64>,
}

/// Tokens that were sealed anew; what is `None` stays.
#[derive(Debug, Default)]
pub struct ResealedTokens {
    /// The access token.
    pub access: Option<Sealed<AccessToken>>,
    /// The refresh token.
    pub refresh: Option<Sealed<RefreshToken>>,
}

/// One page of a connector's rows.
#[derive(Debug)]
pub struct SealedPage {
    /// The rows; one that cannot be read does not hide the others.
    pub rows: Vec<Result<SealedTokensRow, StoreError>>,
    /// How many rows of the page were gone when they were read. What they held may stand behind another entry now.
    pub gone: usize,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

/// A connector's sealed client secret and key.
#[derive(Debug)]
pub struct SealedSecretRow {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The connector.
    pub connector: ConnectorId,
    /// Its client secret; none for a public client, an error if the row cannot be read.
    pub secret: Result<Option<Sealed<ClientSecret>>, StoreError>,
    /// The private half of its own key, in the same way.
    pub signing_key: Result<Option<Sealed<SigningKey>>, StoreError>,
    /// And of the key before it.
    pub earlier_signing_key: Result<Option<Sealed<EarlierSigningKey>>, StoreError>,
}

impl SealedRows {
    /// Sealed values in the deployment's tables.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self {
            registry: Table::new(client, &tables.registry),
            connections: Table::new(client, &tables.connections),
            index: Connections::new(client, tables),
        }
    }

    /// The connector that follows this one in the workspace, or its first; deleted ones that are not yet gone included.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the row's key is none of a connector.
    pub async fn next_secret(
        &self,
        workspace: &WorkspaceId,
        after: Option<&ConnectorId>,
    ) -> Result<Option<SealedSecretRow>, StoreError> {
        let pk = workspaces::pk(workspace);
        let request = self
            .registry
            .client
            .query()
            .table_name(&self.registry.name)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":prefix", text(connectors::PREFIX))
            .set_exclusive_start_key(after.map(|id| key(&pk, &connectors::sk(id))))
            .consistent_read(true)
            .limit(1);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let Some(item) = answer.items.unwrap_or_default().pop() else { return Ok(None) };
        let id = item.get(name::SK).and_then(|sk| sk.as_s().ok()?.strip_prefix(connectors::PREFIX));
        let connector = id.and_then(|id| ConnectorId::parse(id).ok()).ok_or(StoreError::Unreadable(name::SK))?;
        let workspace = workspace.clone();
        Ok(Some(match Row::read(item) {
            Ok(row) => SealedSecretRow {
                workspace,
                connector,
                secret: row.find_sealed(name::CLIENT_SECRET),
                signing_key: row.find_sealed(name::SIGNING_KEY),
                earlier_signing_key: row.find_sealed(name::EARLIER_SIGNING_KEY),
            },
            Err(error) => SealedSecretRow {
                workspace,
                connector,
                secret: Err(error),
                signing_key: Ok(None),
                earlier_signing_key: Ok(None),
            },
        }))
    }

    /// Puts a client secret or key that was sealed anew in the place of `earlier`, if that still stands. Nothing else of the
    /// connector changes: to whoever changes it at the same time nothing has happened.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace_secret<K: Kind>(
        &self,
        row: &SealedSecretRow,
        earlier: &Sealed<K>,
        resealed: &Sealed<K>,
    ) -> Result<Write, StoreError> {
        let at = key(&workspaces::pk(&row.workspace), &connectors::sk(&row.connector));
        self.replace_in_registry(at, earlier, resealed).await
    }

    /// The sealed secret of the client by which a workspace's people sign in, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the row can't be read.
    pub async fn identity_secret(&self, workspace: &WorkspaceId) -> Result<Option<Sealed<ClientSecret>>, StoreError> {
        let (pk, sk) = keys::workspace_identity(workspace);
        let row = self.registry.find(&pk, &sk).await?;
        row.map_or(Ok(None), |row| row.find_sealed(name::CLIENT_SECRET))
    }

    /// Puts that secret, sealed anew, in the place of `earlier`, if that still stands.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace_identity_secret(
        &self,
        workspace: &WorkspaceId,
        earlier: &Sealed<ClientSecret>,
        resealed: &Sealed<ClientSecret>,
    ) -> Result<Write, StoreError> {
        let (pk, sk) = keys::workspace_identity(workspace);
        self.replace_in_registry(key(&pk, &sk), earlier, resealed).await
    }

    async fn replace_in_registry<K: Kind>(
        &self,
        at: Item,
        earlier: &Sealed<K>,
        resealed: &Sealed<K>,
    ) -> Result<Write, StoreError> {
        let request = self.registry.client.update_item().table_name(&self.registry.name).set_key(Some(at));
        let request = request
            .update_expression(format!("SET {} = :new", K::FIELD))
            .condition_expression(format!("{} = :old", K::FIELD))
            .expression_attribute_values(":new", bytes(resealed.as_bytes()))
            .expression_attribute_values(":old", bytes(earlier.as_bytes()));
        written(request.send().await)
    }

    /// About `limit` rows of a connector.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn page(
        &self,
        connector: &ConnectorId,
        from: Option<&Cursor>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let (entries, next) = self.index.entries(connector, None, from, limit, |_| true).await?;
        let items = self.index.items(&entries).await?;
        let gone = entries.len().saturating_sub(items.len());
        Ok(SealedPage { rows: items.into_iter().map(read).collect(), gone, next })
    }

    /// Puts tokens that were sealed anew in the place of those that were read, if exactly those still stand at the version
    /// that was read. Version, fence, lease and schedule stay: a refresh that is under way notices nothing, and what it
    /// stored in the meantime is not overwritten.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace_tokens(&self, row: &SealedTokensRow, resealed: &ResealedTokens) -> Result<Write, StoreError> {
        let mut set = Vec::new();
        let mut condition = vec![match row.version {
            Some(_) => "ver = :ver",
            None => "attribute_not_exists(ver)",
        }];
        let mut request = self.update(row);
        if let Some(version) = row.version {
            request = request.expression_attribute_values(":ver", number(version));
        }
        if let (Some(old), Some(new)) = (&row.access, &resealed.access) {
            set.push("access_token = :new_access");
            condition.push("access_token = :old_access");
            request = request
                .expression_attribute_values(":new_access", bytes(new.as_bytes()))
                .expression_attribute_values(":old_access", bytes(old.as_bytes()));
        }
        if let (Some(old), Some(new)) = (&row.refresh, &resealed.refresh) {
            set.push("refresh_token = :new_refresh");
            condition.push("refresh_token = :old_refresh");
            request = request
                .expression_attribute_values(":new_refresh", bytes(new.as_bytes()))
                .expression_attribute_values(":old_refresh", bytes(old.as_bytes()));
        }
        let request = request.update_expression(format!("SET {}", set.join(", ")));
        written(request.condition_expression(condition.join(" AND ")).send().await)
    }

    fn update(&self, row: &SealedTokensRow) -> UpdateItemFluentBuilder {
        let request = self.connections.client.update_item().table_name(&self.connections.name);
        request.set_key(Some(row.primary_key.clone()))
    }
}

fn read(item: Item) -> Result<SealedTokensRow, StoreError> {
    let primary_key = super::connections::primary_key(&item);
    let row = Row::read(item)?;
    Ok(SealedTokensRow {
        place: read_place(&row)?,
        access: row.find_sealed(name::ACCESS_TOKEN)?,
        refresh: row.find_sealed(name::REFRESH_TOKEN)?,
        primary_key,
        version: row.find_number(name::CONNECTION_VERSION)?,
    })
}
