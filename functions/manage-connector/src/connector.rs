//! Connectors.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use connectors::{
    auth::Admin,
    domain::{
        audit::Actor,
        call::CallRules,
        client_key::{ClientKey, key_set},
        connection::Connection,
        connector::{Connector, ConnectorKind, redirect_uri},
        health::Health,
        ids::ConnectorId,
        standing::{Reason, Standing},
    },
    journeys::{
        doctor::Doctor,
        list_connections::ListConnections,
        manage::{ConnectorChange, ManageConnectors, read_change, read_draft},
        shared_connection::SharedConnections,
    },
    store::{Cursor, StoreError},
    web::{
        AccountOnWire, AdminCaller, BuilderCaller, ConnectionOnWire, JsonBody, OwnerCaller, Problem, Query,
        WriterCaller, checked, list, not_managed, seconds,
    },
};
use serde::Serialize;
use serde_json::Value;

use crate::{Function, PublicBaseUrl, doctor::CheckupOnWire};

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/connectors", get(all).post(create))
        .route("/api/workspace/{ws}/connectors/{id}", get(one).put(change).delete(delete))
        .route("/api/workspace/{ws}/connectors/{id}/connections", get(connections))
        .route("/api/workspace/{ws}/connectors/{id}/jwks.json", get(keys))
        .route("/api/apps/{app}/oauth-redirect-uris", get(redirect_uris))
}

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
struct Examined {
    #[serde(flatten)]
    connector: ConnectorOnWire,
    health: HealthOnWire,
    doctor: Option<CheckupOnWire>,
    #[serde(flatten)]
    shared: Option<Shared>,
}

/// What all apps share: `null` as long as no admin has connected it.
#[derive(Serialize)]
struct Shared {
    connection: Option<SharedOnWire>,
}

/// The connection of a shared connector.
#[derive(Serialize)]
struct SharedOnWire {
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
    fn new(connection: &Connection, standing: &Standing) -> Self {
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

async fn examined(
    (journey, doctor, shared): (&ManageConnectors, &Doctor, &SharedConnections),
    connector: &Connector,
    base: &PublicBaseUrl,
) -> Result<Json<Examined>, Problem> {
    let health = journey.health(connector).await.map_err(not_managed)?;
    let health = HealthOnWire::of(connector, &health);
    let doctor = doctor.last(connector).await?.map(|found| CheckupOnWire::of(connector, found));
    let shared = match connector.kind {
        ConnectorKind::PerUser => None,
        ConnectorKind::Shared => {
            let found = shared.of_connector(connector).await?;
            let connection = found.map(|(connection, standing)| SharedOnWire::new(&connection, &standing));
            Some(Shared { connection })
        }
    };
    Ok(Json(Examined { connector: ConnectorOnWire::new(connector, base), health, doctor, shared }))
}

#[derive(Serialize)]
struct Listing {
    connectors: Vec<ConnectorOnWire>,
}

/// Lists the workspace's connectors. Never a secret.
async fn all(
    State(journey): State<ManageConnectors>,
    State(base): State<PublicBaseUrl>,
    BuilderCaller(admin): BuilderCaller,
) -> Result<Json<Listing>, Problem> {
    let connectors = journey.list(admin.workspace()).await.map_err(not_managed)?;
    Ok(Json(Listing {
        connectors: connectors.iter().map(|connector| ConnectorOnWire::new(connector, &base)).collect(),
    }))
}

/// Shows a connector, with how its provider does, what the doctor found last, and the connection of a shared one.
async fn one(
    State(journey): State<ManageConnectors>,
    State(doctor): State<Doctor>,
    State(shared): State<SharedConnections>,
    State(base): State<PublicBaseUrl>,
    BuilderCaller(admin): BuilderCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Examined>, Problem> {
    let connector = journey.find(admin.workspace(), &parse(&id)?).await.map_err(not_managed)?;
    examined((&journey, &doctor, &shared), &connector, &base).await
}

/// Shows the public keys of a connector, for a person who registers them at the provider. None where the provider asks for
/// none; the route that the provider itself may fetch says the same.
async fn keys(
    State(journey): State<ManageConnectors>,
    AdminCaller(admin): AdminCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let connector = journey.find(admin.workspace(), &parse(&id)?).await.map_err(not_managed)?;
    Ok(Json(key_set(connector.client_key.iter().flat_map(ClientKey::public_keys))))
}

/// Makes a connector: a provider with a client id, a secret and scopes. The answer has the exact `redirect_uri` to register
/// at the provider. 409 if the name or the id is in use, 402 if the workspace's plan has no room.
async fn create(
    State(journey): State<ManageConnectors>,
    State(base): State<PublicBaseUrl>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<ConnectorOnWire>), Problem> {
    let draft = checked(&body, read_draft)?.ok_or_else(|| Problem::invalid(Vec::new()))?;
    let connector = journey.create(admin.workspace(), draft, actor(&admin)).await.map_err(not_managed)?;
    Ok((StatusCode::CREATED, Json(ConnectorOnWire::new(&connector, &base))))
}

/// Changes what it names of a connector. New scopes or another client id ask whoever lacks them to connect again; a new
/// secret is noticed by nobody. 409 if somebody else changed it at the same time.
async fn change(
    State(journey): State<ManageConnectors>,
    State(doctor): State<Doctor>,
    State(shared): State<SharedConnections>,
    State(base): State<PublicBaseUrl>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<Examined>, Problem> {
    let change = checked(&body, |body| ConnectorChange {
        exportable: body.flag("exportable"),
        rotate_key: body.flag("rotate_key").unwrap_or(false),
        accept_endpoints: body.flag("accept_endpoints").unwrap_or(false),
        ..read_change(body)
    })?;
    // On the heap: what it waits for (a search for the issuer among it) would fill the stack of every request.
    let id = parse(&id)?;
    let changing = Box::pin(journey.change(admin.workspace(), &id, change, actor(&admin)));
    let connector = changing.await.map_err(not_managed)?;
    examined((&journey, &doctor, &shared), &connector, &base).await
}

#[derive(Serialize)]
struct Deleting {
    connector_id: String,
    status: &'static str,
    revoke: bool,
}

/// Deletes a connector. Every connection is unusable at once; they are revoked at the provider in the background, unless
/// `revoke` is false. Its id stays taken.
async fn delete(
    State(journey): State<ManageConnectors>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
    query: Query,
) -> Result<(StatusCode, Json<Deleting>), Problem> {
    let revoke = query.read("revoke", "must be `true` or `false`", |raw| raw.parse().ok())?.unwrap_or(true);
    let id = parse(&id)?;
    journey.delete(admin.workspace(), &id, revoke, actor(&admin)).await.map_err(not_managed)?;
    Ok((StatusCode::ACCEPTED, Json(Deleting { connector_id: id.to_string(), status: "deleting", revoke })))
}

#[derive(Serialize)]
struct PageOnWire {
    connections: Vec<ConnectionOnWire>,
    next_cursor: Option<String>,
}

/// Lists the connections of a connector, a page at a time. `next_cursor` is `null` on the last page.
async fn connections(
    State(journey): State<ListConnections>,
    AdminCaller(admin): AdminCaller,
    Path((_, id)): Path<(String, String)>,
    query: Query,
) -> Result<Json<PageOnWire>, Problem> {
    const CURSOR: &str = "must be a `next_cursor` of this listing";
    let cursor = query.read("cursor", CURSOR, Cursor::parse)?;
    let page = journey.page(admin.workspace(), None, Some(&parse(&id)?), cursor.as_ref()).await;
    let page = page.map_err(|error| match error {
        StoreError::Unreadable("cursor") => Problem::invalid_field("?cursor", CURSOR),
        error => error.into(),
    })?;
    let page = page.ok_or_else(Problem::not_found)?;
    let connections = page.connections.iter().map(|(connection, standing)| ConnectionOnWire::new(connection, standing));
    Ok(Json(PageOnWire { connections: connections.collect(), next_cursor: page.next.map(|cursor| cursor.to_text()) }))
}

#[derive(Serialize)]
struct RedirectUris {
    redirect_uris: Vec<RedirectOnWire>,
}

#[derive(Serialize)]
struct RedirectOnWire {
    connector_id: String,
    name: String,
    integration_type: String,
    redirect_uri: String,
}

/// Lists the redirect URIs that have to be registered at providers, one for each connector.
async fn redirect_uris(
    State(journey): State<ManageConnectors>,
    State(base): State<PublicBaseUrl>,
    OwnerCaller(app): OwnerCaller,
) -> Result<Json<RedirectUris>, Problem> {
    let connectors = journey.list(&app.workspace).await.map_err(not_managed)?;
    let uris = connectors.iter().map(|connector| RedirectOnWire {
        connector_id: connector.id.to_string(),
        name: connector.name.as_str().to_owned(),
        integration_type: connector.provider.to_string(),
        redirect_uri: redirect_uri(&base.0, &connector.id),
    });
    Ok(Json(RedirectUris { redirect_uris: uris.collect() }))
}

pub(crate) fn parse(id: &str) -> Result<ConnectorId, Problem> {
    ConnectorId::parse(id).map_err(|_| Problem::not_found())
}

pub(crate) fn actor(admin: &Admin) -> Actor {
    admin.actor()
}
