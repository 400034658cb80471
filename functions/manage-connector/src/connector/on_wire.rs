//! Connectors as admins see them, with what is known of them.

use std::collections::BTreeMap;

use connectors::{
    domain::{
        call::CallRules,
        client_key::ClientKey,
        connection::Connection,
        connector::Connector,
        health::Health,
        standing::{Reason, Standing},
    },
    web::{AccountOnWire, list, seconds},
};
use serde::Serialize;
use serde_json::Value;

use crate::{PublicBaseUrl, doctor::CheckupOnWire};

/// A connector, as an admin sees it: everything but the secret.
#[derive(Serialize)]
pub(crate) struct ConnectorOnWire {
    id: String,
    connector_id: String,
    integration_type: String,
    name: String,
    client_id: String,
    has_client_secret: bool,
    client_secret_changed_at: Option<String>,
    client_secret_expires_on: Option<String>,
    /// Its own key, as the provider is to know it; `null` if the provider asks for none.
    key: Option<KeyOnWire>,
    scopes: Vec<String>,
    connection_config: BTreeMap<String, String>,
    /// What apps may call through it; `null` if everything.
    call_rules: Option<Value>,
    /// Whether apps may have a user's token while that user is away.
    offline_use: bool,
    kind: &'static str,
    /// From when on its connections may be exported; `null` if never.
    exportable_from: Option<String>,
    /// Since when its connections are on their way to another deployment: nothing is refreshed here, and nobody connects.
    /// `null` if they stay.
    moving_out_since: Option<String>,
    status: &'static str,
    redirect_uri: String,
    revision: u64,
    created_at: String,
    updated_at: String,
}

impl ConnectorOnWire {
    pub(crate) fn new(connector: &Connector, base: &PublicBaseUrl) -> Self {
        Self {
            id: connector.id.to_string(),
            connector_id: connector.id.to_string(),
            integration_type: connector.provider.to_string(),
            name: connector.name.as_str().to_owned(),
            client_id: connector.client_id.clone(),
            has_client_secret: connector.client_secret.is_some(),
            client_secret_changed_at: connector.client_secret_changed_at.map(|at| seconds(at).to_string()),
            client_secret_expires_on: connector.client_secret_expires_on.map(|day| day.to_string()),
            key: connector.client_key.as_ref().map(|key| KeyOnWire::new(key, connector, base)),
            scopes: list(&connector.scopes),
            connection_config: connector.connection_config.clone(),
            call_rules: Some(&connector.call_rules).filter(|rules| !rules.is_empty()).map(CallRules::to_value),
            offline_use: connector.offline_use,
            kind: connector.kind.as_str(),
            exportable_from: connector.exportable_from().map(|at| seconds(at).to_string()),
            moving_out_since: connector.moving_out_since.map(|at| seconds(at).to_string()),
            status: connector.state.as_str(),
            redirect_uri: connector.redirect_uri(&base.0),
            revision: connector.revision,
            created_at: seconds(connector.created_at).to_string(),
            updated_at: seconds(connector.updated_at).to_string(),
        }
    }
}

/// A connector's own key: the public half, for a person who registers it by hand, and where the provider finds it itself.
#[derive(Serialize)]
struct KeyOnWire {
    jwk: Value,
    jwks_uri: String,
    made_at: String,
    /// From when on it signs.
    signs_from: String,
}

impl KeyOnWire {
    fn new(key: &ClientKey, connector: &Connector, base: &PublicBaseUrl) -> Self {
        Self {
            jwk: key.public.published(),
            jwks_uri: connector.jwks_uri(&base.0),
            made_at: seconds(key.made_at).to_string(),
            signs_from: seconds(key.signs_from()).to_string(),
        }
    }
}

/// A connector with how its provider does, and what the doctor found.
#[derive(Serialize)]
pub(super) struct Examined {
    #[serde(flatten)]
    pub(super) connector: ConnectorOnWire,
    pub(super) health: HealthOnWire,
    pub(super) doctor: Option<CheckupOnWire>,
    #[serde(flatten)]
    pub(super) shared: Option<Shared>,
}

/// What all apps share: `null` as long as no admin has connected it.
#[derive(Serialize)]
pub(super) struct Shared {
    pub(super) connection: Option<SharedOnWire>,
}

/// The connection of a shared connector.
#[derive(Serialize)]
pub(super) struct SharedOnWire {
    connection_id: String,
    status: &'static str,
    reason: Option<&'static str>,
    reconnect_required: bool,
    account: Option<AccountOnWire>,
    granted_scopes: Vec<String>,
    missing_scopes: Vec<String>,
    connected_at: String,
    connected_by: Option<String>,
    last_used_on: Option<String>,
}

impl SharedOnWire {
    pub(super) fn new(connection: &Connection, standing: &Standing) -> Self {
        Self {
            connection_id: connection.key.id().to_string(),
            status: standing.status.as_str(),
            reason: standing.reason.map(Reason::as_str),
            reconnect_required: standing.reconnect_required(),
            account: connection.account.as_ref().map(AccountOnWire::from),
            granted_scopes: list(&connection.granted),
            missing_scopes: list(&standing.missing),
            connected_at: seconds(connection.connected_at).to_string(),
            connected_by: connection.connected_by.clone(),
            last_used_on: connection.last_used_on.map(|day| day.to_string()),
        }
    }
}

/// How a connector's provider does.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum HealthOnWire {
    /// Nothing is known against it.
    Ok,
    /// It does not accept the client id or secret.
    Misconfigured { error: String, http_status: u16, since: String },
    /// It fails for everybody, and is left alone until then.
    Failing { until: String },
}

impl HealthOnWire {
    pub(crate) fn of(connector: &Connector, health: &Health) -> Self {
        match (health.refusal_of(connector.revision), health.open_until) {
            (Some(refusal), _) => Self::Misconfigured {
                error: refusal.error.clone(),
                http_status: refusal.status,
                since: seconds(refusal.at).to_string(),
            },
            (None, Some(until)) => Self::Failing { until: seconds(until).to_string() },
            (None, None) => Self::Ok,
        }
    }
}
