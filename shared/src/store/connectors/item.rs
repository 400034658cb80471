//! A connector as an item of the registry.

use super::sk;
use crate::{
    domain::{
        call::CallRules,
        client_key::{ClientKey, EarlierKey, PublicKey},
        connector::{Connector, ConnectorKind, ConnectorState},
        ids::{ConnectorId, WorkspaceId},
        provider::{Provider, ProviderType},
        workspace::DisplayName,
    },
    store::{
        error::StoreError,
        row::{NewItem, Row, name},
        workspaces::pk,
    },
};

pub(super) fn item(connector: &Connector) -> Result<NewItem, StoreError> {
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
        .maybe(connector.moving_out_since, |item, at| item.time(name::MOVING_OUT_SINCE, at))
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

pub(in crate::store) fn read(row: &Row) -> Result<Connector, StoreError> {
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
        moving_out_since: row.find_time(name::MOVING_OUT_SINCE)?,
        state: row.word(name::CONNECTOR_STATE, ConnectorState::parse)?,
        revision: row.number(name::REVISION)?,
        created_at: row.time(name::CREATED_AT)?,
        updated_at: row.time(name::UPDATED_AT)?,
    })
}
