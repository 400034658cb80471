//! Connectors.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::{TransactWriteItemsError, builders::TransactWriteItemsFluentBuilder},
    types::{Delete, Put, TransactWriteItem, Update},
};

use super::{
    client_keys,
    error::{Conditional, StoreError, Write, failed, written},
    outbox::told_with,
    row::{NewItem, Row, name, number, text, time},
    shared_connectors,
    table::{Rounds, Table, TableNames, key},
    workspaces::{count_one_less, count_one_more, pk},
};
use crate::domain::{
    call::CallRules,
    client_key::{ClientKey, EarlierKey, PublicKey},
    connector::{Connector, ConnectorKind, ConnectorState},
    digest::{hex, sha256},
    ids::{ConnectorId, WorkspaceId},
    notice::Notice,
    provider::{Provider, ProviderType},
    workspace::DisplayName,
};

pub(super) const PREFIX: &str = "CONNECTOR#";
const META: &str = "META";

/// What became of a write that a connector's id, name or revision may stand against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectorWrite {
    /// It is stored.
    Done,
    /// Another connector of the workspace has this name.
    NameTaken,
    /// The workspace has as many connectors as it may, or is gone.
    Full,
    /// The id is in use, or the connector was changed by somebody else in the meantime.
    Conflict,
}

/// Connectors in the registry. A claim by id alone says whose the id is, by a digest of the workspace's own. It stays when
/// the connector goes, because the redirect URI that is made of the id stays registered at the provider.
#[derive(Debug, Clone)]
pub struct Connectors {
    registry: Table,
    /// The table where it stands what others are told of connectors.
    connections: String,
}

impl Connectors {
    /// Connectors in the deployment's registry.
    #[must_use]
    pub fn new(client: &Client, tables: &TableNames) -> Self {
        Self { registry: Table::new(client, &tables.registry), connections: tables.connections.clone() }
    }

    /// The connector of this id in this workspace, deleted ones that are not yet gone included.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or the item cannot be read.
    pub async fn find(&self, workspace: &WorkspaceId, id: &ConnectorId) -> Result<Option<Connector>, StoreError> {
        self.registry.find(&pk(workspace), &sk(id)).await?.map(|row| read(&row)).transpose()
    }

    /// All connectors of a workspace, in the order they were made.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer, or an item cannot be read.
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<Connector>, StoreError> {
        self.registry.query_all(&pk(workspace), PREFIX).await?.iter().map(read).collect()
    }

    /// Stores a new connector together with its name and the claim to its id. An id that was ever another workspace's is
    /// a conflict: whoever has it receives the codes that a provider still sends to its redirect URI. It is counted in the
    /// same moment, and not stored where there are `most` already.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn put_new(
        &self,
        connector: &Connector,
        most: Option<u32>,
        told: &Notice,
    ) -> Result<ConnectorWrite, StoreError> {
        let mut rounds = Rounds::default();
        loop {
            let request = self.registry.client.transact_write_items();
            let request = request
                .transact_items(self.put_where_none_is(name_item(connector))?)
                .transact_items(count_one_more(&self.registry, &connector.workspace, most)?)
                .transact_items(self.put_where_none_is(item(connector)?)?)
                .transact_items(self.claim(connector)?)
                .transact_items(told_with(&self.connections, told)?);
            let request = match shared_connectors::item(connector) {
                Some(entry) => request.transact_items(self.put_where_none_is(entry)?),
                None => request,
            };
            match self.with_public_keys(request, connector)?.send().await {
                Err(SdkError::ServiceError(service)) if is_crossed(service.err()) => rounds.pause().await?,
                Err(SdkError::ServiceError(service)) if failing(service.err()) == Some(COUNT) => {
                    return Ok(ConnectorWrite::Full);
                }
                written => return outcome(written),
            }
        }
    }

    /// Stores a changed connector, if it is still at `earlier`'s revision; moves its name along.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn replace(
        &self,
        earlier: &Connector,
        changed: &Connector,
        told: &Notice,
    ) -> Result<ConnectorWrite, StoreError> {
        let put = Put::builder()
            .table_name(&self.registry.name)
            .set_item(Some(item(changed)?.into_item()))
            .condition_expression("revision = :revision AND connector_state = :active")
            .expression_attribute_values(":revision", number(earlier.revision))
            .expression_attribute_values(":active", text(ConnectorState::Active.as_str()))
            .build()
            .map_err(|_| incomplete())?;
        let mut request = self.registry.client.transact_write_items();
        if earlier.name.folded() == changed.name.folded() {
            request = request.transact_items(self.check_name(changed)?);
        } else {
            request = request
                .transact_items(self.put_where_none_is(name_item(changed))?)
                .transact_items(self.delete_item(&pk(&earlier.workspace), &name_sk(earlier))?);
        }
        request = request
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(told_with(&self.connections, told)?);
        outcome(self.with_public_keys(request, changed)?.send().await)
    }

    /// Publishes the connector's keys in the same moment.
    fn with_public_keys(
        &self,
        request: TransactWriteItemsFluentBuilder,
        connector: &Connector,
    ) -> Result<TransactWriteItemsFluentBuilder, StoreError> {
        let Some(key) = &connector.client_key else { return Ok(request) };
        let put = client_keys::put(&self.registry, &connector.id, key)?;
        Ok(request.transact_items(TransactWriteItem::builder().put(put).build()))
    }

    /// Marks a connector as deleted and frees its name. Whoever reads it from now on finds it unusable.
    /// [`Write::Conflict`] if it was changed since it was read (its name may be another one now), or marked before; or the
    /// workspace's connectors are not counted yet.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn mark_deleted(&self, connector: &Connector, told: &Notice) -> Result<Write, StoreError> {
        let mark = Update::builder()
            .table_name(&self.registry.name)
            .set_key(Some(key(&pk(&connector.workspace), &sk(&connector.id))))
            .update_expression("SET connector_state = :deleting, updated_at = :now, revision = revision + :one")
            .condition_expression("connector_state = :active AND revision = :revision")
            .expression_attribute_values(":revision", number(connector.revision))
            .expression_attribute_values(":deleting", text(ConnectorState::Deleting.as_str()))
            .expression_attribute_values(":active", text(ConnectorState::Active.as_str()))
            .expression_attribute_values(":now", time(told.at))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|_| incomplete())?;
        let request = self.registry.client.transact_write_items();
        let request = request
            .transact_items(TransactWriteItem::builder().update(mark).build())
            .transact_items(self.delete_item(&pk(&connector.workspace), &name_sk(connector))?)
            .transact_items(count_one_less(&self.registry, &connector.workspace)?)
            .transact_items(told_with(&self.connections, told)?);
        let request = match shared_connectors::sk(connector) {
            Some(entry) => request.transact_items(self.delete_item(&pk(&connector.workspace), &entry)?),
            None => request,
        };
        written(request.send().await)
    }

    /// Removes what is left of a deleted connector, its secret and keys too. The claim to its id stays.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn destroy(&self, workspace: &WorkspaceId, id: &ConnectorId) -> Result<(), StoreError> {
        client_keys::delete(&self.registry, id).await?;
        self.registry.delete(&pk(workspace), &sk(id)).await?;
        Ok(())
    }

    fn claim(&self, connector: &Connector) -> Result<TransactWriteItem, StoreError> {
        let owner = hex(&sha256(connector.workspace.as_str().as_bytes()));
        let item = NewItem::at(&claim_pk(&connector.id), META).text(name::CLAIMED_BY, &owner);
        let put = Put::builder()
            .table_name(&self.registry.name)
            .set_item(Some(item.into_item()))
            .condition_expression("attribute_not_exists(pk) OR claimed_by = :owner")
            .expression_attribute_values(":owner", text(&owner))
            .build()
            .map_err(|_| incomplete())?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn put_where_none_is(&self, item: NewItem) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.registry.name)
            .set_item(Some(item.into_item()))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(|_| incomplete())?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// A name that does not move is written over itself: the transaction has its name first, whatever happens to it.
    fn check_name(&self, connector: &Connector) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.registry.name)
            .set_item(Some(name_item(connector).into_item()))
            .condition_expression("connector_id = :id")
            .expression_attribute_values(":id", text(connector.id.as_str()))
            .build()
            .map_err(|_| incomplete())?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn delete_item(&self, pk: &str, sk: &str) -> Result<TransactWriteItem, StoreError> {
        let delete = Delete::builder().table_name(&self.registry.name).set_key(Some(key(pk, sk))).build();
        Ok(TransactWriteItem::builder().delete(delete.map_err(|_| incomplete())?).build())
    }
}

/// Where the count stands in the transaction that stores a new connector.
const COUNT: usize = 1;

const CONDITION: &str = "ConditionalCheckFailed";

/// The first item of a transaction whose condition did not hold.
fn failing(error: &TransactWriteItemsError) -> Option<usize> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return None };
    cancelled.cancellation_reasons().iter().position(|reason| reason.code() == Some(CONDITION))
}

/// Whether nothing was wrong but that somebody else wrote at the same moment: all connectors of a workspace meet at its count.
fn is_crossed(error: &TransactWriteItemsError) -> bool {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else { return false };
    let crossed = |code: Option<&str>| code == Some("TransactionConflict");
    failing(error).is_none() && cancelled.cancellation_reasons().iter().any(|reason| crossed(reason.code()))
}

/// In every transaction the name stands first.
fn outcome<T, R>(outcome: Result<T, SdkError<TransactWriteItemsError, R>>) -> Result<ConnectorWrite, StoreError> {
    match outcome {
        Ok(_) => Ok(ConnectorWrite::Done),
        Err(SdkError::ServiceError(service)) if service.err().condition_failed() => {
            let TransactWriteItemsError::TransactionCanceledException(cancelled) = service.err() else {
                return Ok(ConnectorWrite::Conflict);
            };
            let name = cancelled.cancellation_reasons().first().and_then(|reason| reason.code());
            Ok(if name == Some(CONDITION) { ConnectorWrite::NameTaken } else { ConnectorWrite::Conflict })
        }
        Err(error) => Err(failed(&error)),
    }
}

fn incomplete() -> StoreError {
    StoreError::Refused("incomplete request".to_owned())
}

pub(super) fn sk(id: &ConnectorId) -> String {
    format!("{PREFIX}{id}")
}

fn name_sk(connector: &Connector) -> String {
    format!("NAME#{}", connector.name.folded())
}

fn claim_pk(id: &ConnectorId) -> String {
    format!("CONNECTOR#{id}")
}

fn name_item(connector: &Connector) -> NewItem {
    NewItem::at(&pk(&connector.workspace), &name_sk(connector)).text(name::CONNECTOR, connector.id.as_str())
}

fn item(connector: &Connector) -> Result<NewItem, StoreError> {
    let profile = connector.pinned_profile.as_ref().map(serde_json::to_string).transpose();
    let profile = profile.map_err(|_| StoreError::Unreadable(name::PROFILE))?;
    Ok(NewItem::at(&pk(&connector.workspace), &sk(&connector.id))
        .text(name::CONNECTOR, connector.id.as_str())
        .text(name::WORKSPACE, connector.workspace.as_str())
        .text(name::PROVIDER, connector.provider.as_str())
        .maybe(profile.as_deref(), |item, profile| item.text(name::PROFILE, profile))
        .text(name::TITLE, connector.name.as_str())
        .text(name::CLIENT_ID, &connector.client_id)
        .maybe(connector.client_secret.as_ref(), |item, sealed| item.bytes(name::CLIENT_SECRET, sealed.as_bytes()))
        .maybe(connector.client_secret_changed_at, |item, at| item.time(name::CLIENT_SECRET_CHANGED_AT, at))
        .maybe(connector.client_secret_expires_on, |item, day| {
            item.text(name::CLIENT_SECRET_EXPIRES_ON, &day.to_string())
        })
        .maybe(connector.client_key.as_ref(), with_client_key)
        .texts(name::SCOPES, connector.scopes.iter())
        .number(name::SCOPES_REVISION, connector.scopes_revision)
        .map(name::CONNECTION_CONFIG, &connector.connection_config)
        .maybe(Some(&connector.call_rules).filter(|rules| !rules.is_empty()), |item, rules| {
            item.text(name::CALL_RULES, &rules.to_value().to_string())
        })
        .maybe((!connector.offline_use).then_some(true), |item, refused| item.flag(name::NO_OFFLINE_USE, refused))
        .text(name::CONNECTOR_KIND, connector.kind.as_str())
        .maybe(connector.exportable_since, |item, at| item.time(name::EXPORTABLE_SINCE, at))
        .text(name::CONNECTOR_STATE, connector.state.as_str())
        .number(name::REVISION, connector.revision)
        .time(name::CREATED_AT, connector.created_at)
        .time(name::UPDATED_AT, connector.updated_at))
}

fn with_client_key(item: NewItem, key: &ClientKey) -> NewItem {
    let public: Vec<String> = key.public_keys().map(PublicKey::to_text).collect();
    item.bytes(name::SIGNING_KEY, key.sealed.as_bytes())
        .maybe(key.earlier.as_ref(), |item, earlier| item.bytes(name::EARLIER_SIGNING_KEY, earlier.sealed.as_bytes()))
        .texts(name::PUBLIC_KEYS, public.iter().map(String::as_str))
        .time(name::SIGNING_KEY_MADE_AT, key.made_at)
}

fn client_key(row: &Row) -> Result<Option<ClientKey>, StoreError> {
    let Some(sealed) = row.find_sealed(name::SIGNING_KEY)? else { return Ok(None) };
    let unreadable = StoreError::Unreadable(name::PUBLIC_KEYS);
    let public = row.texts(name::PUBLIC_KEYS)?.into_iter().map(PublicKey::parse).collect::<Result<Vec<_>, _>>();
    let mut public = public.map_err(|_| StoreError::Unreadable(name::PUBLIC_KEYS))?.into_iter();
    let earlier_sealed = row.find_sealed(name::EARLIER_SIGNING_KEY)?;
    let (present, earlier) = match (public.next(), public.next(), earlier_sealed, public.next()) {
        (Some(present), None, None, None) => (present, None),
        (Some(present), Some(public), Some(sealed), None) => (present, Some(EarlierKey { sealed, public })),
        _ => return Err(unreadable),
    };
    Ok(Some(ClientKey { sealed, public: present, earlier, made_at: row.time(name::SIGNING_KEY_MADE_AT)? }))
}

/// Without rules everything may be called; with rules that can't be read, nothing.
fn call_rules(row: &Row) -> Result<CallRules, StoreError> {
    let rules = row.find_text(name::CALL_RULES)?.map(CallRules::from_text).transpose();
    Ok(rules.map_err(|_| StoreError::Unreadable(name::CALL_RULES))?.unwrap_or_default())
}

pub(super) fn read(row: &Row) -> Result<Connector, StoreError> {
    let profile = row.find_text(name::PROFILE)?.map(serde_json::from_str::<Provider>).transpose();
    Ok(Connector {
        id: row.parsed(name::CONNECTOR, ConnectorId::parse)?,
        workspace: row.parsed(name::WORKSPACE, WorkspaceId::parse)?,
        provider: row.parsed(name::PROVIDER, ProviderType::parse)?,
        pinned_profile: profile.map_err(|_| StoreError::Unreadable(name::PROFILE))?.map(Box::new),
        name: row.parsed(name::TITLE, DisplayName::parse)?,
        client_id: row.text(name::CLIENT_ID)?.to_owned(),
        client_secret: row.find_sealed(name::CLIENT_SECRET)?,
        client_secret_changed_at: row.find_time(name::CLIENT_SECRET_CHANGED_AT)?,
        client_secret_expires_on: row.find_day(name::CLIENT_SECRET_EXPIRES_ON)?,
        client_key: client_key(row)?,
        scopes: row.scopes(name::SCOPES)?,
        scopes_revision: row.number(name::SCOPES_REVISION)?,
        connection_config: row.map(name::CONNECTION_CONFIG)?,
        call_rules: call_rules(row)?,
        offline_use: !row.flag(name::NO_OFFLINE_USE)?,
        kind: row.word(name::CONNECTOR_KIND, ConnectorKind::parse)?,
        exportable_since: row.find_time(name::EXPORTABLE_SINCE)?,
        state: row.word(name::CONNECTOR_STATE, ConnectorState::parse)?,
        revision: row.number(name::REVISION)?,
        created_at: row.time(name::CREATED_AT)?,
        updated_at: row.time(name::UPDATED_AT)?,
    })
}
