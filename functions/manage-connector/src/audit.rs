//! Who did what.

use std::collections::BTreeMap;

use axum::{Json, Router, extract::State, routing::get};
use connectors::{
    clock::Clock,
    store::{AuditLog, Cursor, StoreError, StoredEvent, Workspaces},
    web::{AdminCaller, Problem, Query},
};
use serde::Serialize;

use crate::Function;

/// How many events a page has at most.
const PAGE: usize = 100;

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/audit", get(page))
}

#[derive(Serialize)]
struct EventOnWire {
    id: String,
    at: String,
    actor: String,
    action: String,
    target: String,
    details: BTreeMap<String, String>,
}

impl From<StoredEvent> for EventOnWire {
    fn from(event: StoredEvent) -> Self {
        let StoredEvent { id, at, actor, action, target, details } = event;
        Self { id, at: at.to_string(), actor, action, target, details }
    }
}

#[derive(Serialize)]
struct PageOnWire {
    events: Vec<EventOnWire>,
    next_cursor: Option<String>,
}

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
