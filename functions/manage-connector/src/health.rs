//! How a workspace's connectors do, and when its connections are due.

use axum::{Json, Router, extract::State, routing::get};
use connectors::{
    domain::{due_age::DueAge, finding::Severity},
    journeys::survey::{Sample, Survey, Surveyed, SurveyedConnector},
    web::{AdminCaller, Problem, seconds},
};
use serde::Serialize;

use crate::{Function, connector::HealthOnWire};

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/health", get(health))
}

/// How a workspace does.
#[derive(Serialize)]
struct WorkspaceHealth {
    connectors: Vec<ConnectorHealth>,
    due: Due,
    checked_at: String,
}

/// How a connector does. What the doctor found is told in full with the connector.
#[derive(Serialize)]
struct ConnectorHealth {
    connector_id: String,
    name: String,
    /// What its provider has against it, as in the connector's `health`.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<HealthOnWire>,
    findings: Findings,
    connections: ConnectionCounts,
}

#[derive(Serialize)]
struct Findings {
    errors: usize,
    warnings: usize,
}

/// How connections stand, of as many as were looked at.
#[derive(Serialize)]
struct ConnectionCounts {
    looked_at: usize,
    /// Whether there are no others.
    complete: bool,
    active: usize,
    degraded: usize,
    reconnect_required: usize,
}

/// When connections are refreshed without anybody asking, of as many as were looked at.
#[derive(Serialize)]
struct Due {
    looked_at: usize,
    complete: bool,
    buckets: Vec<Bucket>,
}

#[derive(Serialize)]
struct Bucket {
    label: &'static str,
    /// How long it is until the due time at most: negative for what is late, `null` where nothing limits it.
    upper_seconds: Option<i64>,
    count: usize,
}

impl From<&SurveyedConnector> for ConnectorHealth {
    fn from(seen: &SurveyedConnector) -> Self {
        let health = HealthOnWire::of(&seen.connector, &seen.health);
        let of = |severity| {
            let findings = seen.checkup.iter().flat_map(|checkup| &checkup.findings);
            findings.filter(|finding| finding.severity == severity).count()
        };
        Self {
            connector_id: seen.connector.id.to_string(),
            name: seen.connector.name.as_str().to_owned(),
            failing: Some(health).filter(|health| !matches!(health, HealthOnWire::Ok)),
            findings: Findings { errors: of(Severity::Error), warnings: of(Severity::Warning) },
            connections: ConnectionCounts::from(&seen.sample),
        }
    }
}

impl From<&Sample> for ConnectionCounts {
    fn from(sample: &Sample) -> Self {
        Self {
            looked_at: sample.looked_at(),
            complete: sample.is_all,
            active: sample.active,
            degraded: sample.degraded,
            reconnect_required: sample.reconnect_required,
        }
    }
}

impl From<&Surveyed> for Due {
    fn from(surveyed: &Surveyed) -> Self {
        let samples = || surveyed.connectors.iter().map(|seen| &seen.sample);
        let counted = |age| samples().flat_map(|sample| sample.due.iter()).filter(move |(of, _)| *of == age);
        let bucket = |age: DueAge| Bucket {
            label: age.as_str(),
            upper_seconds: age.upper().map(|upper| upper.as_secs()),
            count: counted(age).map(|(_, count)| count).sum(),
        };
        Self {
            looked_at: samples().map(Sample::looked_at).sum(),
            complete: samples().all(|sample| sample.is_all),
            buckets: DueAge::ALL.map(bucket).into(),
        }
    }
}

/// Tells how the workspace's connectors and connections do, by a sample of 500 connections at most. `complete` says whether
/// those are all.
async fn health(
    State(survey): State<Survey>,
    AdminCaller(admin): AdminCaller,
) -> Result<Json<WorkspaceHealth>, Problem> {
    let surveyed = survey.of_workspace(admin.workspace()).await?;
    Ok(Json(WorkspaceHealth {
        connectors: surveyed.connectors.iter().map(ConnectorHealth::from).collect(),
        due: Due::from(&surveyed),
        checked_at: seconds(surveyed.at).to_string(),
    }))
}
