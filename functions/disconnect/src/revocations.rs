//! Ending many connections at once: what would be ended, the beginning, and the report.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use connectors::{
    domain::{
        fields::Table,
        ids::{AppId, ConnectorId, Issuer, RevocationId, Subject},
        mass_revocation::MassRevocation,
    },
    journeys::revoke_matching::{Look, RevokeMatching, RevokeMatchingError, Said},
    web::{AdminCaller, JsonBody, Problem, Query, WriterCaller, checked, seconds},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::Function;

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/revocations", get(list).post(revoke))
        .route("/api/workspace/{ws}/revocations/{revocation}", get(report).delete(stop))
}

/// What would be ended.
#[derive(Serialize)]
struct LookOnWire {
    dry_run: bool,
    looked_at: u64,
    matches: u64,
    /// Whether there are more than were counted.
    has_more: bool,
    /// What is made from this moment on is not meant.
    connected_before: String,
    confirm: String,
}

/// How far a revocation has come.
#[derive(Serialize)]
struct ReportOnWire {
    revocation_id: String,
    status: &'static str,
    criteria: BTreeMap<&'static str, String>,
    begun_by: String,
    began_at: String,
    /// Who stopped it before it was done; `null` if nobody did.
    stopped_by: Option<String>,
    finished_at: Option<String>,
    looked_at: u64,
    ended: u64,
    revoked: u64,
    pending: u64,
    unsupported: u64,
    failed: u64,
}

impl From<MassRevocation> for ReportOnWire {
    fn from(revocation: MassRevocation) -> Self {
        let progress = revocation.progress;
        Self {
            revocation_id: revocation.id.to_string(),
            status: match (&revocation.finished_at, &revocation.stopped_by) {
                (None, _) => "running",
                (Some(_), None) => "finished",
                (Some(_), Some(_)) => "stopped",
            },
            criteria: revocation.criteria.described().into_iter().collect(),
            begun_by: revocation.begun_by,
            stopped_by: revocation.stopped_by,
            began_at: seconds(revocation.began_at).to_string(),
            finished_at: revocation.finished_at.map(|at| seconds(at).to_string()),
            looked_at: progress.looked_at,
            ended: progress.ended,
            revoked: progress.revoked,
            pending: progress.pending(),
            unsupported: progress.unsupported,
            failed: progress.failed.saturating_add(progress.unreadable),
        }
    }
}

/// What an admin asks for.
struct Asked {
    said: Said,
    dry_run: bool,
    confirm: Option<String>,
}

/// Ends every connection that fits, after a look at how many that are. Without `dry_run: false` it only looks and answers
/// `confirm`, which is good for a quarter of an hour and for the same criteria. At least one criterion is required.
async fn revoke(
    State(journey): State<RevokeMatching>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<Response, Problem> {
    let Asked { said, dry_run, confirm } = checked(&body, asked)?;
    if dry_run {
        let look = journey.look(admin.workspace(), said).await.map_err(problem)?;
        let Look { looked_at, matches, has_more, confirm, connected_before } = look;
        let connected_before = connected_before.to_string();
        return Ok(
            Json(LookOnWire { dry_run, looked_at, matches, has_more, connected_before, confirm }).into_response()
        );
    }
    let actor = admin.actor();
    let begun = journey.begin(admin.workspace(), said, confirm.as_deref().unwrap_or_default(), actor).await;
    Ok((StatusCode::ACCEPTED, Json(ReportOnWire::from(begun.map_err(problem)?))).into_response())
}

/// A page of them.
#[derive(Serialize)]
struct ListOnWire {
    revocations: Vec<ReportOnWire>,
    next_cursor: Option<String>,
}

/// Lists the latest revocations, newest first.
async fn list(
    State(journey): State<RevokeMatching>,
    AdminCaller(admin): AdminCaller,
    query: Query,
) -> Result<Json<ListOnWire>, Problem> {
    let from = query.read("cursor", "must be a `next_cursor` of this list", |raw| RevocationId::parse(raw).ok())?;
    let (recent, next) = journey.recent(admin.workspace(), from.as_ref()).await?;
    let revocations = recent.into_iter().map(ReportOnWire::from).collect();
    Ok(Json(ListOnWire { revocations, next_cursor: next.map(|id| id.to_string()) }))
}

/// Tells how far a revocation has come. It is kept for thirty days.
async fn report(
    State(journey): State<RevokeMatching>,
    AdminCaller(admin): AdminCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<ReportOnWire>, Problem> {
    let id = RevocationId::parse(&id).map_err(|_| Problem::not_found())?;
    let found = journey.report(admin.workspace(), &id).await?;
    found.map(|revocation| Json(revocation.into())).ok_or_else(Problem::not_found)
}

/// Stops a revocation that is under way, and tells how far it has come. What has ended does not come back; ten connections that
/// are being ended in this moment still are. One that is done stays as it is.
async fn stop(
    State(journey): State<RevokeMatching>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<ReportOnWire>, Problem> {
    let id = RevocationId::parse(&id).map_err(|_| Problem::not_found())?;
    let found = journey.stop(admin.workspace(), &id, admin.actor()).await?;
    found.map(|revocation| Json(revocation.into())).ok_or_else(Problem::not_found)
}

fn asked(body: &Table<'_>) -> Asked {
    let said = Said {
        connector: id(body, "connector_id", |raw| ConnectorId::parse(raw).map_err(|error| error.to_string())),
        app: id(body, "app_id", |raw| AppId::parse(raw).map_err(|error| error.to_string())),
        user: user(body),
        connected_before: body.read("connected_before", moment),
        connected_after: body.read("connected_after", moment),
    };
    Asked { said, dry_run: body.flag("dry_run").unwrap_or(true), confirm: body.text("confirm") }
}

fn user(body: &Table<'_>) -> Option<(AppId, Option<Issuer>, Subject)> {
    let user = body.table("user");
    if !user.is_given() {
        return None;
    }
    let app = id(&user, "app_id", |raw| AppId::parse(raw).map_err(|error| error.to_string()));
    let issuer = id(&user, "issuer", |raw| Issuer::parse(raw).map_err(|error| error.to_string()));
    let subject = id(&user, "sub", |raw| Subject::parse(raw).map_err(|error| error.to_string()));
    for (name, is_read) in [("app_id", app.is_some()), ("sub", subject.is_some())] {
        if !is_read {
            user.require_given(name);
        }
    }
    user.close();
    Some((app?, issuer, subject?))
}

fn id<T>(table: &Table<'_>, name: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
    table.read(name, |value| parse(value.as_str().ok_or("must be a text")?))
}

fn moment(value: &Value) -> Result<Timestamp, String> {
    let moment = value.as_str().and_then(|raw| raw.parse().ok());
    moment.ok_or_else(|| "must be a moment such as `2027-01-31T12:00:00Z`".to_owned())
}

fn problem(error: RevokeMatchingError) -> Problem {
    match error {
        RevokeMatchingError::Everything => {
            let detail = "or another criterion is required: `app_id`, `user`, `connected_before`, `connected_after`";
            Problem::invalid_field("/connector_id", detail)
        }
        RevokeMatchingError::NoConnector => {
            Problem::invalid_field("/connector_id", "is no connector of this workspace")
        }
        RevokeMatchingError::NoApp => Problem::invalid_field("/app_id", "is no app of this workspace"),
        RevokeMatchingError::NoAppOfUser => Problem::invalid_field("/user/app_id", "is no app of this workspace"),
        RevokeMatchingError::NoIssuer => {
            Problem::invalid_field("/user/issuer", "is required: the app has no issuer of its own")
        }
        RevokeMatchingError::AnotherApp => Problem::invalid_field("/user/app_id", "is another app than `app_id`"),
        RevokeMatchingError::NoTime => {
            Problem::invalid_field("/connected_after", "must be a moment before `connected_before`")
        }
        RevokeMatchingError::NotConfirmed => Problem::invalid_field(
            "/confirm",
            "must be the `confirm` of a dry run with the same criteria, not older than a quarter of an hour",
        ),
        RevokeMatchingError::Store(cause) => cause.into(),
    }
}
