//! Who did what.

use std::collections::BTreeMap;

use axum::{Json, Router, extract::State, routing::get};
use connectors::{
    domain::{audit::Deed, chain::Witness},
    journeys::read_audit::{ReadAudit, ReadAuditError},
    store::{Checked, Cursor, Flaw, Sought, StoredEvent},
    web::{AdminCaller, Problem, Query},
};
use jiff::Timestamp;
use serde::Serialize;

use crate::Function;

/// What a time in a query must be.
const TIME: &str = "must be a time such as `2026-11-22T10:00:00Z`";

/// What a cursor must be.
const CURSOR: &str = "must be a `next_cursor` of an earlier answer";

/// How long a text may be that is sought, in characters.
const LONGEST_SOUGHT: usize = 1_000;

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/audit", get(page)).route("/api/workspace/{ws}/audit/verify", get(verify))
}

#[derive(Serialize)]
struct EventOnWire {
    id: String,
    at: String,
    actor: String,
    /// Who vouches for the actor, if that is a user or a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    action: String,
    target: String,
    details: BTreeMap<String, String>,
    /// The network that the request came from, not a person's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

impl From<StoredEvent> for EventOnWire {
    fn from(event: StoredEvent) -> Self {
        let StoredEvent { id, at, deed, .. } = event;
        let Deed { actor, action, target, details, origin, issuer } = deed;
        Self { id, at: at.to_string(), actor, issuer, action, target, details, origin }
    }
}

#[derive(Serialize)]
struct PageOnWire {
    events: Vec<EventOnWire>,
    next_cursor: Option<String>,
}

/// Lists who did what in the workspace, a page at a time, the latest first; of what is sought, if the query says. Never a
/// secret.
async fn page(
    State(journey): State<ReadAudit>,
    AdminCaller(admin): AdminCaller,
    query: Query,
) -> Result<Json<PageOnWire>, Problem> {
    const TEXT: &str = "must be a text of 1,000 characters at most";
    let text = |raw: &str| (!raw.is_empty() && raw.chars().count() <= LONGEST_SOUGHT).then(|| raw.to_owned());
    let cursor = query.read("cursor", CURSOR, Cursor::parse)?;
    let sought = Sought {
        since: query.read("since", TIME, |raw| raw.parse().ok())?,
        until: query.read("until", TIME, |raw| raw.parse().ok())?,
        actor: query.read("actor", TEXT, text)?,
        action: query.read("action", TEXT, text)?,
        target: query.read("target", TEXT, text)?,
        connector: query.read("connector", TEXT, text)?,
    };
    let page = journey.page(admin.workspace(), &sought, cursor.as_ref()).await.map_err(problem)?;
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
    /// How far the chains have come, at the end of a trail that is intact: shown again later as `?witness=`, it finds out
    /// whether everything was put back to how it was before.
    witness: Option<String>,
}

impl From<Checked> for VerifiedOnWire {
    fn from(checked: Checked) -> Self {
        let flaw = checked.flaw.map(|Flaw { what, event, at }| FlawOnWire {
            what: what.as_str(),
            event_id: event,
            at: at.map(|at| at.to_string()),
        });
        let next_cursor = checked.next.map(|cursor| cursor.to_text());
        let witness = checked.witness.map(|witness| witness.to_string());
        Self { intact: flaw.is_none(), looked_at: checked.looked_at, flaw, next_cursor, witness }
    }
}

/// Follows the chains of the trail, a bounded piece at a time.
async fn verify(
    State(journey): State<ReadAudit>,
    AdminCaller(admin): AdminCaller,
    query: Query,
) -> Result<Json<VerifiedOnWire>, Problem> {
    const WITNESS: &str = "must be the `witness` of an earlier answer";
    let cursor = query.read("cursor", CURSOR, Cursor::parse)?;
    let since: Option<Timestamp> = query.read("since", TIME, |raw| raw.parse().ok())?;
    let witness = query.read("witness", WITNESS, Witness::parse)?;
    let verified = journey.verify(admin.workspace(), since, witness.as_ref(), cursor.as_ref()).await;
    Ok(Json(verified.map_err(problem)?.into()))
}

fn problem(error: ReadAuditError) -> Problem {
    match error {
        ReadAuditError::NotFound => Problem::not_found(),
        ReadAuditError::Cursor => Problem::invalid_field("?cursor", CURSOR),
        ReadAuditError::Store(cause) => cause.into(),
        ReadAuditError::Vault(cause) => cause.into(),
    }
}
