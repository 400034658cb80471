//! What assistants propose, and people confirm or decline.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use connectors::{
    domain::{
        ids::{ConnectorId, ProposalId},
        proposal::{Proposal, ProposalKind, ProposalStatus},
    },
    journeys::{
        manage::read_change,
        proposals::{Confirmation, ProposalDraft, ProposeChanges, Prospect, Through},
    },
    web::{BuilderCaller, JsonBody, Problem, ProposerCaller, WriterCaller, checked, not_proposed, seconds},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Function, PublicBaseUrl,
    connector::{ConnectorOnWire, actor},
};

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/proposals", get(all).post(propose))
        .route("/api/workspace/{ws}/proposals/{proposal}", get(one))
        .route("/api/workspace/{ws}/proposals/{proposal}/confirm", post(confirm))
        .route("/api/workspace/{ws}/proposals/{proposal}/decline", post(decline))
}

#[derive(Serialize)]
struct ProposalOnWire {
    proposal_id: String,
    status: &'static str,
    kind: &'static str,
    connector_id: String,
    /// What was proposed, as it would be sent.
    connector: Value,
    proposed_by: String,
    created_at: String,
    expires_at: String,
    decided_by: Option<String>,
    decided_at: Option<String>,
    /// Where a person looks at it.
    confirm_url: String,
    /// What is to be registered at the provider of a connector that is added.
    redirect_uri: Option<String>,
}

impl ProposalOnWire {
    fn new(proposal: &Proposal, status: ProposalStatus, base: &PublicBaseUrl) -> Self {
        let decision = proposal.decision.as_ref();
        let redirect_uri = || connectors::domain::connector::redirect_uri(&base.0, &proposal.connector);
        Self {
            proposal_id: proposal.id.to_string(),
            status: status.as_str(),
            kind: proposal.kind.as_str(),
            connector_id: proposal.connector.to_string(),
            connector: proposal.request.clone(),
            proposed_by: proposal.by.clone(),
            created_at: seconds(proposal.made_at).to_string(),
            expires_at: seconds(proposal.expires_at).to_string(),
            decided_by: decision.map(|decision| decision.by.clone()),
            decided_at: decision.map(|decision| seconds(decision.at).to_string()),
            confirm_url: proposal.confirm_url(&base.0),
            redirect_uri: (proposal.kind == ProposalKind::Add).then(redirect_uri),
        }
    }
}

/// A proposal with what would come of it.
#[derive(Serialize)]
struct ProspectOnWire {
    #[serde(flatten)]
    proposal: ProposalOnWire,
    /// What the connector is called now.
    name: Option<String>,
    integration_type: Option<String>,
    changes: Vec<ChangeOnWire>,
    people: PeopleOnWire,
    needs_client_secret: bool,
    outdated: bool,
    /// Why it could not be confirmed as things are; `null` if it could, or if it does not wait.
    obstacle: Option<ObstacleOnWire>,
}

#[derive(Serialize)]
struct ObstacleOnWire {
    /// What confirming it would be refused with.
    code: &'static str,
    detail: String,
    /// The field of the confirmation that helps: `/name` where another name does.
    pointer: Option<&'static str>,
}

#[derive(Serialize)]
struct ChangeOnWire {
    field: String,
    from: Value,
    to: Value,
}

#[derive(Serialize)]
struct PeopleOnWire {
    number: usize,
    /// Whether there may be more of them.
    more: bool,
}

impl ProspectOnWire {
    fn new(prospect: Prospect, base: &PublicBaseUrl) -> Self {
        let connector = prospect.connector.as_ref();
        let change = |change: connectors::journeys::proposals::Change| ChangeOnWire {
            field: change.field,
            from: change.from,
            to: change.to,
        };
        let kind = prospect.proposal.kind;
        let proposed_type = || prospect.proposal.request["integration_type"].as_str().map(str::to_owned);
        Self {
            name: connector.map(|connector| connector.name.as_str().to_owned()),
            integration_type: connector.map(|connector| connector.provider.to_string()).or_else(proposed_type),
            proposal: ProposalOnWire::new(&prospect.proposal, prospect.status, base),
            changes: prospect.changes.into_iter().map(change).collect(),
            people: PeopleOnWire { number: prospect.people.number, more: prospect.people.is_more },
            needs_client_secret: prospect.needs_secret,
            outdated: prospect.is_outdated,
            obstacle: prospect.obstacle.map(|error| {
                let pointer = error.ends_with_another_name(kind).then_some("/name");
                let problem = not_proposed(*error);
                let first = problem.errors().first().map(|error| format!("`{}` {}", error.pointer, error.detail));
                let detail = first.unwrap_or_else(|| problem.detail().to_owned());
                ObstacleOnWire { code: problem.code(), detail, pointer }
            }),
        }
    }
}

#[derive(Serialize)]
struct Listing {
    proposals: Vec<ProposalOnWire>,
}

/// Lists what assistants have proposed, the latest first.
async fn all(
    State(journey): State<ProposeChanges>,
    State(base): State<PublicBaseUrl>,
    BuilderCaller(builder): BuilderCaller,
) -> Result<Json<Listing>, Problem> {
    let proposals = journey.list(builder.workspace()).await?;
    let proposals = proposals.iter().map(|(proposal, status)| ProposalOnWire::new(proposal, *status, &base));
    Ok(Json(Listing { proposals: proposals.collect() }))
}

/// Proposes to add, change or delete a connector. Nothing is done until a person confirms it at `confirm_url`, within a day,
/// and while the key that proposed it is not revoked. 409 if fifty wait already.
async fn propose(
    State(journey): State<ProposeChanges>,
    State(base): State<PublicBaseUrl>,
    ProposerCaller(proposer): ProposerCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<ProspectOnWire>), Problem> {
    let (kind, connector, request) = checked(&body, |body| {
        let kind = body.choice("kind", &KINDS);
        if kind.is_none() {
            body.require_given("kind");
        }
        let connector = body.read("connector_id", |value| {
            ConnectorId::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string())
        });
        (kind, connector, body.read("connector", |value| Ok(value.clone())))
    })?;
    let kind = kind.ok_or_else(|| Problem::invalid(Vec::new()))?;
    let request = request.unwrap_or_else(|| json!({}));
    let draft = ProposalDraft { kind, connector, request, through: Through::Api };
    let prospect = journey.propose(proposer.workspace(), draft, actor(&proposer)).await.map_err(not_proposed)?;
    Ok((StatusCode::CREATED, Json(ProspectOnWire::new(prospect, &base))))
}

const KINDS: [(&str, ProposalKind); 3] =
    [("add", ProposalKind::Add), ("update", ProposalKind::Update), ("delete", ProposalKind::Delete)];

/// Shows a proposal, with what would come of it and how many people it concerns.
async fn one(
    State(journey): State<ProposeChanges>,
    State(base): State<PublicBaseUrl>,
    BuilderCaller(builder): BuilderCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<ProspectOnWire>, Problem> {
    let prospect = journey.find(builder.workspace(), &parse(&id)?).await.map_err(not_proposed)?;
    Ok(Json(ProspectOnWire::new(prospect, &base)))
}

#[derive(Serialize)]
struct Confirmed {
    #[serde(flatten)]
    proposal: ProposalOnWire,
    /// The connector as it is now; `null` where it was deleted.
    result: Option<ConnectorOnWire>,
}

/// What a person reads and does not change: who wants it otherwise declines, or changes it afterwards.
const OF_PROPOSAL: [&str; 6] =
    ["client_id", "client_secret_expires_on", "scopes", "connection_config", "call_rules", "offline_use"];

/// Confirms a proposal, and carries it out. Once, and only while nobody has changed the connector since (409 `outdated`).
async fn confirm(
    State(journey): State<ProposeChanges>,
    State(base): State<PublicBaseUrl>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<Confirmed>, Problem> {
    // Of a change, these two; whatever else is in the body is refused as unknown.
    let confirmation = checked(&body, |body| {
        for other in OF_PROPOSAL {
            if body.has(other) {
                body.refuse(other, "is what was proposed, and can't be another here");
            }
        }
        let change = read_change(body);
        Confirmation { client_secret: change.client_secret, name: change.name }
    })?;
    let confirmed = journey.confirm(admin.workspace(), &parse(&id)?, confirmation, actor(&admin)).await;
    let (proposal, connector) = confirmed.map_err(not_proposed)?;
    Ok(Json(Confirmed {
        proposal: ProposalOnWire::new(&proposal, ProposalStatus::Confirmed, &base),
        result: connector.map(|connector| ConnectorOnWire::new(&connector, &base)),
    }))
}

/// Declines a proposal. Once.
async fn decline(
    State(journey): State<ProposeChanges>,
    State(base): State<PublicBaseUrl>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<ProposalOnWire>, Problem> {
    let proposal = journey.decline(admin.workspace(), &parse(&id)?, actor(&admin)).await.map_err(not_proposed)?;
    Ok(Json(ProposalOnWire::new(&proposal, ProposalStatus::Declined, &base)))
}

fn parse(id: &str) -> Result<ProposalId, Problem> {
    ProposalId::parse(id).map_err(|_| Problem::not_found())
}
