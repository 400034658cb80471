//! Who did what.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use connectors::{
    domain::{audit::Deed, chain::Witness},
    journeys::read_audit::{ReadAudit, ReadAuditError},
    store::{AuditPage, Checked, Cursor, Flaw, Sought, StoredEvent, TrailLines},
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
struct TrailOnWire {
    events: Vec<EventOnWire>,
    next_cursor: Option<String>,
}

impl From<AuditPage> for TrailOnWire {
    fn from(page: AuditPage) -> Self {
        Self {
            events: page.events.into_iter().map(EventOnWire::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_text()),
        }
    }
}

/// Lists who did what in the workspace, a page at a time, the latest first; of what is sought, if the query says. Never a
/// secret. As `application/x-ndjson`, which the query can ask for too, a line for each event, the earliest first, with all
/// that it takes to check the chains elsewhere; `Link` names the next page.
async fn page(
    State(journey): State<ReadAudit>,
    AdminCaller(admin): AdminCaller,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, Problem> {
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
    let format = query.read("format", "must be `json` or `ndjson`", Format::parse)?;
    match format.unwrap_or_else(|| Format::accepted(&headers)) {
        Format::Json => {
            let page = journey.page(admin.workspace(), &sought, cursor.as_ref()).await.map_err(problem)?;
            Ok(Json(TrailOnWire::from(page)).into_response())
        }
        Format::Lines => {
            let page = journey.lines(admin.workspace(), &sought, cursor.as_ref()).await.map_err(problem)?;
            Ok(lines(page, &query))
        }
    }
}

/// The kind of the trail as lines.
const LINES: &str = "application/x-ndjson";

/// In which form the trail is told.
#[derive(Clone, Copy)]
enum Format {
    Json,
    Lines,
}

impl Format {
    fn parse(raw: &str) -> Option<Self> {
        match raw {
            "json" => Some(Self::Json),
            "ndjson" => Some(Self::Lines),
            _ => None,
        }
    }

    /// Lines for who names them, without saying by `q=0` that they are what is not taken (RFC 9110, section 12.5.1).
    fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let names_lines = |range: &str| {
            let (kind, parameters) = range.split_once(';').unwrap_or((range, ""));
            let is_refused = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
            let is_refused = is_refused.into_iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("q") && value.trim().parse().is_ok_and(|quality: f32| quality <= 0.0)
            });
            kind.trim().eq_ignore_ascii_case(LINES) && !is_refused
        };
        if accepted.flat_map(|value| value.split(',')).any(names_lines) { Self::Lines } else { Self::Json }
    }
}

/// The trail as lines; the next page is the same request with another cursor.
fn lines(page: TrailLines, query: &Query) -> Response {
    let mut response = ([(header::CONTENT_TYPE, LINES)], page.text).into_response();
    if let Some(next) = page.next {
        let mut target = url::form_urlencoded::Serializer::for_suffix(String::from("?"), 1);
        let kept = query.pairs().filter(|(name, _)| !["cursor", "format"].contains(name));
        target.extend_pairs(kept).append_pair("format", "ndjson").append_pair("cursor", &next.to_text());
        if let Ok(link) = HeaderValue::try_from(format!("<{}>; rel=\"next\"", target.finish())) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    response
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
    /// How many events at the beginning of the trail are from before it was signed: nobody vouches for those.
    unsigned: u64,
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
        let Checked { looked_at, unsigned, .. } = checked;
        Self { intact: flaw.is_none(), looked_at, unsigned, flaw, next_cursor, witness }
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
