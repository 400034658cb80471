//! Webhooks of a workspace.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use connectors::{
    domain::{
        event::EventKind,
        fields::Table,
        ids::WebhookId,
        webhook::{MOST_EARLIER, MOST_WEBHOOKS, Webhook},
    },
    journeys::manage::{ManageWebhooks, ReplayWish, Shown, WebhookError, WebhookWish},
    store::Cursor,
    web::{AdminCaller, JsonBody, Problem, WriterCaller, checked, seconds},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{Function, connector::actor};

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/webhooks", get(list).post(create))
        .route("/api/workspace/{ws}/webhooks/{webhook}", get(one).put(change).delete(delete))
        .route("/api/workspace/{ws}/webhooks/{webhook}/test", post(test))
        .route("/api/workspace/{ws}/webhooks/{webhook}/replay", post(replay))
}

#[derive(Serialize)]
struct WebhookOnWire {
    id: String,
    url: String,
    /// Empty: everything.
    events: Vec<&'static str>,
    enabled: bool,
    /// `enabled`, `disabled` by an admin, or `given_up` because nothing arrived.
    state: &'static str,
    created_at: String,
    last_delivery: Option<LastOnWire>,
    failing_since: Option<String>,
    /// Until when the secret before the present one signs as well, and those before it do at most.
    earlier_secret_until: Option<String>,
    /// The secret, when it was just made and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

#[derive(Serialize)]
struct LastOnWire {
    at: String,
    arrived: bool,
    /// What the receiver answered; nothing if it did not.
    status: Option<u16>,
}

impl From<Webhook> for WebhookOnWire {
    fn from(webhook: Webhook) -> Self {
        let last = webhook.last.map(|last| LastOnWire {
            at: seconds(last.at).to_string(),
            arrived: last.arrived(),
            status: last.status,
        });
        Self {
            id: webhook.id.to_string(),
            url: webhook.url,
            events: webhook.events.into_iter().map(EventKind::as_str).collect(),
            enabled: webhook.state.as_str() == "enabled",
            state: webhook.state.as_str(),
            created_at: seconds(webhook.created_at).to_string(),
            last_delivery: last,
            failing_since: webhook.failing_since.map(|at| seconds(at).to_string()),
            earlier_secret_until: webhook.earlier_secret.map(|(_, until)| seconds(until).to_string()),
            secret: None,
        }
    }
}

impl From<Shown> for WebhookOnWire {
    fn from(shown: Shown) -> Self {
        let secret = shown.secret.map(|secret| secret.expose().to_owned());
        Self { secret, ..Self::from(shown.webhook) }
    }
}

#[derive(Serialize)]
struct Listing {
    webhooks: Vec<WebhookOnWire>,
}

#[derive(Serialize)]
struct ReplayedOnWire {
    /// How many events are sent once more.
    events: u64,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Sent {
    event_id: String,
}

/// Lists the workspace's webhooks, with how the last delivery went.
async fn list(
    State(journey): State<ManageWebhooks>,
    AdminCaller(admin): AdminCaller,
) -> Result<Json<Listing>, Problem> {
    let webhooks = journey.list(admin.workspace()).await.map_err(problem)?;
    Ok(Json(Listing { webhooks: webhooks.into_iter().map(WebhookOnWire::from).collect() }))
}

/// Makes a webhook. The secret that signs is shown this once. Twenty at most; the address must be https and reachable from
/// outside.
async fn create(
    State(journey): State<ManageWebhooks>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<WebhookOnWire>), Problem> {
    let (url, wish) = checked(&body, |body| {
        let url = body.url("url");
        (body.require("url", url), wish(body))
    })?;
    let made = journey.create(admin.workspace(), url, wish, actor(&admin)).await.map_err(problem)?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Shows a webhook.
async fn one(
    State(journey): State<ManageWebhooks>,
    AdminCaller(admin): AdminCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<WebhookOnWire>, Problem> {
    Ok(Json(journey.find(admin.workspace(), &parse(&id)?).await.map_err(problem)?.into()))
}

/// Changes what it names of a webhook. With `rotate_secret` there is a new secret, and every earlier one signs as well until a
/// day after it was replaced. 409 if eight of those sign.
async fn change(
    State(journey): State<ManageWebhooks>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<WebhookOnWire>, Problem> {
    let wish = checked(&body, |body| WebhookWish {
        url: body.url("url"),
        rotate_secret: body.flag("rotate_secret").unwrap_or(false),
        ..wish(body)
    })?;
    let changed = journey.change(admin.workspace(), &parse(&id)?, wish, actor(&admin)).await.map_err(problem)?;
    Ok(Json(changed.into()))
}

/// Deletes a webhook. What waits to be sent there is dropped.
async fn delete(
    State(journey): State<ManageWebhooks>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    journey.delete(admin.workspace(), &parse(&id)?, actor(&admin)).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends an event of the kind `webhook.test`. 409 if the webhook is disabled.
async fn test(
    State(journey): State<ManageWebhooks>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let event = journey.test(admin.workspace(), &parse(&id)?).await.map_err(problem)?;
    Ok((StatusCode::ACCEPTED, Json(Sent { event_id: event.to_string() })))
}

/// Sends once more what happened since then, for a receiver that was away: each event under the id that it had.
async fn replay(
    State(journey): State<ManageWebhooks>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<ReplayedOnWire>), Problem> {
    let wish = checked(&body, |body| {
        let since = body.read("since", moment);
        let (until, from) = (body.read("until", moment), body.read("cursor", cursor));
        ReplayWish { since: body.require("since", since), until, from }
    })?;
    let replayed = journey.replay(admin.workspace(), &parse(&id)?, &wish, actor(&admin)).await.map_err(problem)?;
    let next_cursor = replayed.next.map(|cursor| cursor.to_text());
    Ok((StatusCode::ACCEPTED, Json(ReplayedOnWire { events: replayed.events, next_cursor })))
}

/// What a new webhook and a change have in common.
fn wish(body: &Table<'_>) -> WebhookWish {
    WebhookWish { events: body.each("events", kind), enabled: body.flag("enabled"), ..WebhookWish::default() }
}

/// What a time in a body must be.
const TIME: &str = "must be a time such as `2026-11-22T10:00:00Z`";

/// What a cursor must be.
const CURSOR: &str = "must be a `next_cursor` of an earlier answer";

fn moment(value: &Value) -> Result<Timestamp, String> {
    value.as_str().and_then(|raw| raw.parse().ok()).ok_or_else(|| TIME.to_owned())
}

fn cursor(value: &Value) -> Result<Cursor, String> {
    value.as_str().and_then(Cursor::parse).ok_or_else(|| CURSOR.to_owned())
}

fn kind(value: &Value) -> Result<EventKind, String> {
    let names = || EventKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    value.as_str().and_then(EventKind::parse).ok_or_else(|| format!("must be one of {}", names()))
}

fn parse(id: &str) -> Result<WebhookId, Problem> {
    WebhookId::parse(id).map_err(|_| Problem::not_found())
}

fn problem(error: WebhookError) -> Problem {
    match error {
        WebhookError::NotFound => Problem::not_found(),
        WebhookError::Url(cause) => Problem::invalid_field("/url", cause),
        WebhookError::TooMany => Problem::conflict(format!("A workspace has {MOST_WEBHOOKS} webhooks at most.")),
        WebhookError::TooManySecrets(until) => Problem::conflict(format!(
            "{MOST_EARLIER} earlier secrets sign beside the present one. The next of them signs until {}: try again then.",
            seconds(until)
        )),
        WebhookError::Disabled => Problem::conflict("The webhook is disabled: nothing is sent there."),
        WebhookError::Cursor => Problem::invalid_field("/cursor", CURSOR),
        WebhookError::Contended => Problem::conflict("Somebody else changed the webhook just now. Try again."),
        WebhookError::Store(cause) => cause.into(),
        WebhookError::Vault(cause) => cause.into(),
    }
}
