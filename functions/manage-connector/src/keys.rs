//! API keys of a workspace and of its apps.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use connectors::{
    auth::Admin,
    domain::{
        api_key::{Holder, KeyRecord, WorkspaceRole},
        fields::{Table, text},
        ids::{AppId, KeyId},
    },
    journeys::manage::{AppError, KeyDraft, KeyError, ManageApps, ManageKeys, NewKey},
    web::{AdminCaller, JsonBody, Problem, WriterCaller, checked, seconds},
};
use serde::Serialize;
use serde_json::Value;

use crate::{Function, connector::actor};

/// Lets a key fetch a user's token without that user's session.
const OFFLINE: &str = "tokens:offline";

/// What a workspace's key may be made for.
const ROLES: [(&str, WorkspaceRole); 3] =
    [("admin", WorkspaceRole::Admin), ("read", WorkspaceRole::Reader), ("builder", WorkspaceRole::Builder)];

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/keys", get(of_workspace).post(create_for_workspace))
        .route("/api/workspace/{ws}/keys/{key_id}", axum::routing::delete(revoke_of_workspace))
        .route("/api/workspace/{ws}/apps/{app}/keys", get(of_app).post(create_for_app))
        .route("/api/workspace/{ws}/apps/{app}/keys/{key_id}", axum::routing::delete(revoke_of_app))
}

#[derive(Serialize)]
struct KeyOnWire {
    key_id: String,
    name: String,
    role: &'static str,
    permissions: Vec<&'static str>,
    created_at: String,
    revoked_at: Option<String>,
    /// A day by universal time.
    last_used_on: Option<String>,
    /// The key itself, when it was just made and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl From<&KeyRecord> for KeyOnWire {
    fn from(record: &KeyRecord) -> Self {
        let (role, permissions) = match record.holder {
            Holder::Workspace { role: WorkspaceRole::Admin, .. } => ("admin", Vec::new()),
            Holder::Workspace { role: WorkspaceRole::Reader, .. } => ("read", Vec::new()),
            Holder::Workspace { role: WorkspaceRole::Builder, .. } => ("builder", Vec::new()),
            Holder::App { offline_tokens: true, .. } => ("app", vec![OFFLINE]),
            Holder::App { offline_tokens: false, .. } => ("app", Vec::new()),
        };
        Self {
            key_id: record.id.to_string(),
            name: record.name.clone(),
            role,
            permissions,
            created_at: seconds(record.created_at).to_string(),
            revoked_at: record.revoked_at.map(|at| seconds(at).to_string()),
            last_used_on: record.last_used_on.map(|day| day.to_string()),
            key: None,
        }
    }
}

impl From<NewKey> for KeyOnWire {
    fn from(new: NewKey) -> Self {
        Self { key: Some(new.key.expose().to_owned()), ..Self::from(&new.record) }
    }
}

#[derive(Serialize)]
struct Listing {
    keys: Vec<KeyOnWire>,
}

/// Lists the API keys of the workspace, never the keys themselves.
async fn of_workspace(
    State(journey): State<ManageKeys>,
    AdminCaller(admin): AdminCaller,
) -> Result<Json<Listing>, Problem> {
    let keys = journey.list(admin.workspace(), None).await?;
    Ok(Json(Listing { keys: keys.iter().map(KeyOnWire::from).collect() }))
}

/// Lists the service keys of an app, never the keys themselves.
async fn of_app(
    State(journey): State<ManageKeys>,
    State(apps): State<ManageApps>,
    AdminCaller(admin): AdminCaller,
    Path((_, app)): Path<(String, String)>,
) -> Result<Json<Listing>, Problem> {
    let app = own_app(&apps, &admin, &app).await?;
    let keys = journey.list(admin.workspace(), Some(&app)).await?;
    Ok(Json(Listing { keys: keys.iter().map(KeyOnWire::from).collect() }))
}

/// Makes an API key of the workspace, for an admin, a reader or a builder. It is shown this once.
async fn create_for_workspace(
    State(journey): State<ManageKeys>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<KeyOnWire>), Problem> {
    let (name, role) = checked(&body, |body| {
        let role = body.choice("role", &ROLES);
        (name(body), role.unwrap_or(WorkspaceRole::Reader))
    })?;
    let holder = Holder::Workspace { workspace: admin.workspace().clone(), role };
    create(&journey, &admin, KeyDraft { name, holder }).await
}

/// Makes a service key of an app. It is shown this once. With `tokens:offline` it gets tokens of users who are away.
async fn create_for_app(
    State(journey): State<ManageKeys>,
    State(apps): State<ManageApps>,
    WriterCaller(admin): WriterCaller,
    Path((_, app)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<KeyOnWire>), Problem> {
    let (name, permissions) = checked(&body, |body| (name(body), body.each("permissions", permission)))?;
    let app = own_app(&apps, &admin, &app).await?;
    let offline_tokens = permissions.is_some_and(|permissions| !permissions.is_empty());
    let holder = Holder::App { workspace: admin.workspace().clone(), app, offline_tokens };
    create(&journey, &admin, KeyDraft { name, holder }).await
}

async fn create(
    journey: &ManageKeys,
    admin: &Admin,
    draft: KeyDraft,
) -> Result<(StatusCode, Json<KeyOnWire>), Problem> {
    let new = journey.create(draft, actor(admin)).await.map_err(problem)?;
    Ok((StatusCode::CREATED, Json(new.into())))
}

/// Revokes a key of the workspace. It is refused everywhere within a minute.
async fn revoke_of_workspace(
    State(journey): State<ManageKeys>,
    WriterCaller(admin): WriterCaller,
    Path((_, key)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    revoke(&journey, &admin, None, &key).await
}

/// Revokes a key of an app. It is refused everywhere within a minute.
async fn revoke_of_app(
    State(journey): State<ManageKeys>,
    WriterCaller(admin): WriterCaller,
    Path((_, app, key)): Path<(String, String, String)>,
) -> Result<StatusCode, Problem> {
    let app = AppId::parse(&app).map_err(|_| Problem::not_found())?;
    revoke(&journey, &admin, Some(&app), &key).await
}

async fn revoke(journey: &ManageKeys, admin: &Admin, app: Option<&AppId>, key: &str) -> Result<StatusCode, Problem> {
    let key = KeyId::parse(key).map_err(|_| Problem::not_found())?;
    journey.revoke(admin.workspace(), app, &key, actor(admin)).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn own_app(apps: &ManageApps, admin: &Admin, app: &str) -> Result<AppId, Problem> {
    let app = AppId::parse(app).map_err(|_| Problem::not_found())?;
    match apps.find(admin.workspace(), &app).await {
        Ok(app) => Ok(app.id),
        Err(AppError::Store(cause)) => Err(cause.into()),
        Err(_) => Err(Problem::not_found()),
    }
}

fn name(body: &Table<'_>) -> String {
    body.read("name", text).unwrap_or_default()
}

fn permission(value: &Value) -> Result<(), String> {
    if value.as_str() == Some(OFFLINE) { Ok(()) } else { Err(format!("must be `{OFFLINE}`")) }
}

fn problem(error: KeyError) -> Problem {
    match error {
        KeyError::NotFound => Problem::not_found(),
        KeyError::Store(cause) => cause.into(),
    }
}
