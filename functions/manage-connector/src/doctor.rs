//! What the doctor finds about a connector.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use connectors::{
    domain::{
        connector::Connector,
        finding::{Checkup, Finding},
    },
    journeys::doctor::{Doctor, NotExamined},
    web::{Problem, WriterCaller, seconds},
};
use serde::Serialize;

use crate::{Function, connector::parse};

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/connectors/{id}/doctor", post(examine))
}

/// What was found when a connector was examined.
#[derive(Serialize)]
pub(crate) struct CheckupOnWire {
    checked_at: String,
    /// Whether the connector was changed since. It is examined again within a minute or two.
    outdated: bool,
    findings: Vec<Finding>,
}

impl CheckupOnWire {
    pub(crate) fn of(connector: &Connector, found: Checkup) -> Self {
        Self { outdated: found.revision != connector.revision, ..Self::from(found) }
    }
}

impl From<Checkup> for CheckupOnWire {
    fn from(found: Checkup) -> Self {
        Self { checked_at: seconds(found.checked_at).to_string(), outdated: false, findings: found.findings }
    }
}

/// Examines a connector: looks for what keeps people from connecting, and says what to do. It presents the client at the
/// provider, so a reader may not ask for it; once a minute at most.
async fn examine(
    State(doctor): State<Doctor>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<CheckupOnWire>, Problem> {
    let found = doctor.examine(admin.workspace(), &parse(&id)?).await.map_err(problem)?;
    Ok(Json(found.into()))
}

fn problem(error: NotExamined) -> Problem {
    match error {
        NotExamined::NotFound => Problem::not_found(),
        NotExamined::TooSoon { retry_after } => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "A connector is examined once a minute at most. What was found is in `doctor` of the connector; try again after \
             the time in `Retry-After`.",
        )
        .retry_after(retry_after),
        NotExamined::Store(cause) => cause.into(),
    }
}
