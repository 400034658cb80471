//! Who did what.

use std::collections::BTreeMap;

use axum::{Json, Router, extract::State, routing::get};
use connectors::{
    clock::Clock,
    store::{AuditLog, Checked, Cursor, Flaw, StoreError, StoredEvent, Workspaces},
    web::{AdminCaller, Problem, Query},
};
use jiff::Timestamp;
use serde::Serialize;

use crate::Function;

/// How many events a page has at most.
const PAGE: usize = 100;

/// How many events one call follows the chains over at most.
const VERIFIED_AT_ONCE: usize = 500;

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/audit", get(page)).route("/api/workspace/{ws}/audit/verify", get(verify))
}

#[derive(Serialize)]
struct EventOnWire {
    id: String,
    at: String,
    actor: String,
    action: String,
    target: String,
    details: BTreeMap<String, String>,
    /// The network that the request came from, not a person's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

impl From<StoredEvent> for EventOnWire {
    fn from(event: StoredEvent) -> Self {
        let StoredEvent { id, at, actor, action, target, details, origin, .. } = event;
        Self { id, at: at.to_string(), actor, action, target, details, origin }
    }
}

#[derive(Serialize)]
struct PageOnWire {
    events: Vec<EventOnWire>,
    next_cursor: Option<String>,
}

/// Lists who did what in the workspace, a page at a time, the latest first. Never a secret.
async fn page(
    State(log): State<AuditLog>,
    State(workspaces): State<Workspaces>,
    State(clock): State<Clock>,
    AdminCaller(admin): AdminCaller,
    query: Query,
) -> Result<Json<PageOnWire>, Problem> {
    const CURSOR: &str = "must be a `next_cursor` of this listing";
    let cursor = query.read("cursor", CURSOR, Cursor::parse)?;
    let workspace = workspaces.find(admin.workspace()).await?.ok_or_else(Problem::not_found)?;
    let page = log.page(&workspace.id, cursor.as_ref(), workspace.created_at, clock.now(), PAGE).await;
    let page = page.map_err(|error| match error {
        StoreError::Unreadable("cursor") => Problem::invalid_field("?cursor", CURSOR),
        error => error.into(),
    })?;
    Ok(Json(PageOnWire {
        events: page.events.into_iter().map(EventOnWire::from).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_text()),
    }))
}

/// What a chain's breaking shows by.
#[derive(Serialize)]
struct FlawOnWire {
    what: &'static str,
    event_id: Option<String>,
    at: Option<String>,
}

#[derive(Serialize)]
struct VerifiedOnWire {
    /// Whether nothing is missing and nothing was changed, as far as this call looked.
    intact: bool,
    looked_at: usize,
    flaw: Option<FlawOnWire>,
    next_cursor: Option<String>,
}

impl From<Checked> for VerifiedOnWire {
    fn from(checked: Checked) -> Self {
        let flaw = checked.flaw.map(|Flaw { what, event, at }| FlawOnWire {
            what: what.as_str(),
            event_id: event,
            at: at.map(|at| at.to_string()),
        });
        let next_cursor = checked.next.map(|cursor| cursor.to_text());
        Self { intact: flaw.is_none(), looked_at: checked.looked_at, flaw, next_cursor }
    }
}

/// Follows the chains of the trail, a bounded piece at a time.
async fn verify(
    State(log): State<AuditLog>,
    State(workspaces): State<Workspaces>,
    State(clock): State<Clock>,
    AdminCaller(admin): AdminCaller,
    query: Query,
) -> Result<Json<VerifiedOnWire>, Problem> {
    const CURSOR: &str = "must be a `next_cursor` of an earlier answer";
    const SINCE: &str = "must be a time such as `2026-11-22T10:00:00Z`";
    let cursor = query.read("cursor", CURSOR, Cursor::parse)?;
    let since: Option<Timestamp> = query.read("since", SINCE, |raw| raw.parse().ok())?;
    let workspace = workspaces.find(admin.workspace()).await?.ok_or_else(Problem::not_found)?;
    let made_at = workspace.created_at;
    let checked = log.check(&workspace.id, cursor.as_ref(), since, made_at, clock.now(), VERIFIED_AT_ONCE).await;
    let checked = checked.map_err(|error| match error {
        StoreError::Unreadable("cursor") => Problem::invalid_field("?cursor", CURSOR),
        error => error.into(),
    })?;
    Ok(Json(checked.into()))
}
