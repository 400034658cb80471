//! Connectors.

mod on_wire;

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
        client_key::{ClientKey, key_set},
        connector::{Connector, ConnectorKind, redirect_uri},
        ids::ConnectorId,
    },
    journeys::{
        doctor::Doctor,
        list_connections::ListConnections,
        manage::{ConnectorChange, ManageConnectors, read_change, read_draft},
        shared_connection::SharedConnections,
    },
    store::{Cursor, StoreError},
    web::{
        AdminCaller, BuilderCaller, ConnectionOnWire, JsonBody, OwnerCaller, Problem, Query, WriterCaller, checked,
        not_managed,
    },
};
use serde::Serialize;
use serde_json::Value;

pub(crate) use self::on_wire::{ConnectorOnWire, HealthOnWire};
use self::on_wire::{Examined, Shared, SharedOnWire};
use crate::{Function, PublicBaseUrl, doctor::CheckupOnWire};

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/connectors", get(all).post(create))
        .route("/api/workspace/{ws}/connectors/{id}", get(one).put(change).delete(delete))
        .route("/api/workspace/{ws}/connectors/{id}/connections", get(connections))
        .route("/api/workspace/{ws}/connectors/{id}/jwks.json", get(keys))
        .route("/api/apps/{app}/oauth-redirect-uris", get(redirect_uris))
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
    let connector = journey.create(admin.workspace(), draft, actor(&admin).into()).await.map_err(not_managed)?;
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
        moving_out: body.flag("moving_out"),
        rotate_key: body.flag("rotate_key").unwrap_or(false),
        accept_endpoints: body.flag("accept_endpoints").unwrap_or(false),
        ..read_change(body)
    })?;
    // On the heap: what it waits for (a search for the issuer among it) would fill the stack of every request.
    let id = parse(&id)?;
    let changing = Box::pin(journey.change(admin.workspace(), &id, change, actor(&admin).into()));
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
    journey.delete(admin.workspace(), &id, revoke, actor(&admin).into()).await.map_err(not_managed)?;
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
