//! Apps, and who vouches for their users.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::get,
};
use connectors::{
    domain::{
        app::{App, HandleDelivery, Identity, Origin, ReturnUrl, SessionBinding},
        fields::{Table, text},
        ids::{AppId, Issuer},
        workspace::DisplayName,
    },
    journeys::manage::{AppChange, AppDraft, AppError, IdentityDraft, KeySource, ManageApps},
    web::{AdminCaller, JsonBody, Problem, WriterCaller, checked, seconds},
};
use serde::Serialize;
use serde_json::Value;

use crate::{Function, connector::actor, key_set};

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/apps", get(all).post(create))
        .route("/api/workspace/{ws}/apps/{app}", get(one).put(change).delete(delete))
        .route("/api/workspace/{ws}/apps/{app}/identity", get(identity).put(identify).delete(forget_identity))
}

#[derive(Serialize)]
struct AppOnWire {
    id: String,
    app_id: String,
    name: String,
    origins: Vec<String>,
    return_urls: Vec<String>,
    session_binding: &'static str,
    handle_delivery: &'static str,
    identity: Option<IdentityOnWire>,
    created_at: String,
}

#[derive(Serialize)]
struct IdentityOnWire {
    issuer: String,
    audience: String,
    jwks_uri: Option<String>,
    /// The keys themselves, where they were registered in place of an address.
    jwks: Option<Value>,
    keys_fetched_at: String,
    /// Whether the issuer gives tokens with the scopes of assistants.
    agent_scopes: bool,
}

impl From<&App> for AppOnWire {
    fn from(app: &App) -> Self {
        Self {
            id: app.id.to_string(),
            app_id: app.id.to_string(),
            name: app.name.as_str().to_owned(),
            origins: app.origins.iter().map(|origin| origin.as_str().to_owned()).collect(),
            return_urls: app.return_urls.iter().map(|url| url.as_str().to_owned()).collect(),
            session_binding: app.session_binding.as_str(),
            handle_delivery: app.handle_delivery.as_str(),
            identity: app.identity.as_ref().map(IdentityOnWire::from),
            created_at: seconds(app.created_at).to_string(),
        }
    }
}

impl From<&Identity> for IdentityOnWire {
    fn from(identity: &Identity) -> Self {
        Self {
            issuer: identity.issuer.to_string(),
            audience: identity.audience.clone(),
            jwks_uri: Some(identity.jwks_uri.clone()).filter(|uri| !uri.is_empty()),
            jwks: key_set::registered(identity),
            keys_fetched_at: seconds(identity.jwks_fetched_at).to_string(),
            agent_scopes: identity.agent_scopes,
        }
    }
}

#[derive(Serialize)]
struct Listing {
    apps: Vec<AppOnWire>,
}

/// Lists the workspace's apps.
async fn all(State(journey): State<ManageApps>, AdminCaller(admin): AdminCaller) -> Result<Json<Listing>, Problem> {
    let apps = journey.list(admin.workspace()).await.map_err(problem)?;
    Ok(Json(Listing { apps: apps.iter().map(AppOnWire::from).collect() }))
}

/// Shows an app.
async fn one(
    State(journey): State<ManageApps>,
    AdminCaller(admin): AdminCaller,
    Path((_, app)): Path<(String, String)>,
) -> Result<Json<AppOnWire>, Problem> {
    let app = journey.find(admin.workspace(), &parse(&app)?).await.map_err(problem)?;
    Ok(Json((&app).into()))
}

/// Makes an app. `id` may be chosen, so that an app keeps the one that it has; 409 if it is in use anywhere. Origins say
/// which pages may call, return URLs where browsers may be sent back to.
async fn create(
    State(journey): State<ManageApps>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<AppOnWire>), Problem> {
    let draft = checked(&body, draft)?.ok_or_else(|| Problem::invalid(Vec::new()))?;
    let app = journey.create(admin.workspace(), draft, actor(&admin)).await.map_err(problem)?;
    Ok((StatusCode::CREATED, Json((&app).into())))
}

/// Changes what it names of an app. A list that is named takes the place of the one before.
async fn change(
    State(journey): State<ManageApps>,
    WriterCaller(admin): WriterCaller,
    Path((_, app)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<AppOnWire>, Problem> {
    let change = checked(&body, settings)?;
    let app = journey.change(admin.workspace(), &parse(&app)?, change, actor(&admin)).await.map_err(problem)?;
    Ok(Json((&app).into()))
}

/// Deletes an app, and every connection of its users in the background. They are unusable at once.
async fn delete(
    State(journey): State<ManageApps>,
    WriterCaller(admin): WriterCaller,
    Path((_, app)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    journey.delete(admin.workspace(), &parse(&app)?, actor(&admin)).await.map_err(problem)?;
    Ok(StatusCode::ACCEPTED)
}

/// Shows who vouches for the app's users. 404 as long as nobody does.
async fn identity(
    State(journey): State<ManageApps>,
    AdminCaller(admin): AdminCaller,
    Path((_, app)): Path<(String, String)>,
) -> Result<Json<IdentityOnWire>, Problem> {
    let app = journey.find(admin.workspace(), &parse(&app)?).await.map_err(problem)?;
    Ok(Json(app.identity.as_ref().ok_or_else(Problem::not_found)?.into()))
}

/// Sets who vouches for the app's users: the issuer and audience of their tokens. Its keys are found by OpenID discovery, at
/// `jwks_uri`, or are those in `jwks`; 422 if they can't be read.
async fn identify(
    State(journey): State<ManageApps>,
    WriterCaller(admin): WriterCaller,
    Path((_, app)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<IdentityOnWire>, Problem> {
    let draft = checked(&body, identity_draft)?.ok_or_else(|| Problem::invalid(Vec::new()))?;
    let app = journey.identify(admin.workspace(), &parse(&app)?, draft, actor(&admin)).await.map_err(problem)?;
    Ok(Json(app.identity.as_ref().ok_or_else(Problem::not_found)?.into()))
}

/// Removes who vouches for the app's users. From then on none of them can be known.
async fn forget_identity(
    State(journey): State<ManageApps>,
    WriterCaller(admin): WriterCaller,
    Path((_, app)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    journey.forget_identity(admin.workspace(), &parse(&app)?, actor(&admin)).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

fn draft(body: &Table<'_>) -> Option<AppDraft> {
    let id =
        body.read("id", |value| AppId::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string()));
    let mut settings = settings(body);
    let name = settings.name.take();
    if name.is_none() {
        body.require_given("name");
    }
    Some(AppDraft { id, name: name?, settings })
}

fn settings(body: &Table<'_>) -> AppChange {
    AppChange {
        name: body.read("name", |value| {
            DisplayName::parse(value.as_str().ok_or("must be a text")?).map_err(|error| error.to_string())
        }),
        origins: body.each("origins", |value| {
            Origin::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string())
        }),
        return_urls: body.each("return_urls", |value| {
            ReturnUrl::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string())
        }),
        session_binding: body
            .read("session_binding", |value| word(value, SessionBinding::parse, SessionBinding::WORDS)),
        handle_delivery: body
            .read("handle_delivery", |value| word(value, HandleDelivery::parse, HandleDelivery::WORDS)),
    }
}

fn word<T>(value: &Value, parse: impl FnOnce(&str) -> Option<T>, words: &[&str]) -> Result<T, String> {
    value.as_str().and_then(parse).ok_or_else(|| format!("must be one of {}", words.join(", ")))
}

fn identity_draft(body: &Table<'_>) -> Option<IdentityDraft> {
    let issuer = body
        .read("issuer", |value| Issuer::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string()));
    let audience = body.read("audience", text);
    let uri = body.read("jwks_uri", text);
    let given = body.read("jwks", key_set::read);
    for (name, is_read) in [("issuer", issuer.is_some()), ("audience", audience.is_some())] {
        if !is_read {
            body.require_given(name);
        }
    }
    if uri.is_some() && given.is_some() {
        body.refuse("jwks", "must not come together with `jwks_uri`");
    }
    let keys = match (uri, given) {
        (Some(uri), _) => KeySource::Uri(uri),
        (None, Some(keys)) => KeySource::Given(keys),
        (None, None) => KeySource::Discovery,
    };
    let agent_scopes = body.flag("agent_scopes");
    Some(IdentityDraft { issuer: issuer?, audience: audience?, keys, agent_scopes })
}

pub(crate) fn parse(id: &str) -> Result<AppId, Problem> {
    AppId::parse(id).map_err(|_| Problem::not_found())
}

pub(crate) fn problem(error: AppError) -> Problem {
    match error {
        AppError::NotFound => Problem::not_found(),
        AppError::IdTaken => Problem::conflict("This app id is in use."),
        AppError::Discovery(_) => Problem::invalid_field("/issuer", error),
        AppError::Keys(_) => Problem::invalid_field("/jwks_uri", error),
        AppError::NoUsableKey => Problem::invalid_field("/jwks", error),
        AppError::Store(cause) => cause.into(),
    }
}
