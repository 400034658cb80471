//! Providers: the catalogue, and the workspace's own.

use std::sync::OnceLock;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::get,
};
use connectors::{
    domain::provider::{Provider, ProviderType},
    journeys::manage::{ManageProviders, ProviderError},
    oauth::{DiscoveryError, catalogue},
    web::{BuilderCaller, JsonBody, Problem, PublicJson, Query, WriterCaller},
};
use serde::Serialize;
use serde_json::Value;

use crate::{Function, connector::actor, field};

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/providers", get(catalogue_listing))
        .route("/api/providers/{type}", get(of_catalogue))
        .route("/api/workspace/{ws}/providers", get(of_workspace).post(define))
        .route("/api/workspace/{ws}/providers/{type}", get(one).delete(delete))
}

#[derive(Serialize)]
struct Listing<'a> {
    providers: Vec<ProviderOnWire<'a>>,
}

/// A provider as it is defined, under the name that connectors use for it too.
#[derive(Serialize)]
struct ProviderOnWire<'a> {
    integration_type: &'a str,
    #[serde(flatten)]
    provider: &'a Provider,
}

impl<'a> From<&'a Provider> for ProviderOnWire<'a> {
    fn from(provider: &'a Provider) -> Self {
        Self { integration_type: provider.id.as_str(), provider }
    }
}

/// What a person chooses a provider by. The whole of it is asked for by its name.
const SUMMARY: [&str; 4] = ["integration_type", "name", "categories", "unavailable"];

/// Lists the providers that come with it. Public, the same for everybody; `summary` leaves out all but names.
async fn catalogue_listing(headers: HeaderMap, query: Query) -> Result<Response, Problem> {
    static WHOLE: OnceLock<PublicJson> = OnceLock::new();
    static SHORT: OnceLock<PublicJson> = OnceLock::new();
    let is_short = query.read("summary", "must be `true` or `false`", |raw| raw.parse().ok())?.unwrap_or(false);
    let kept = if is_short { &SHORT } else { &WHOLE };
    let listing = match kept.get() {
        Some(listing) => listing,
        None => kept.get_or_init({
            let listing = listed(is_short)?;
            || listing
        }),
    };
    Ok(listing.answer(&headers))
}

fn listed(is_short: bool) -> Result<PublicJson, Problem> {
    let providers: Vec<Provider> = catalogue::all_described().collect();
    let mut listing = written(&Listing { providers: providers.iter().map(ProviderOnWire::from).collect() })?.0;
    if is_short {
        let providers = listing.get_mut("providers").and_then(Value::as_array_mut).into_iter().flatten();
        for provider in providers.filter_map(Value::as_object_mut) {
            provider.retain(|name, _| SUMMARY.contains(&name.as_str()));
        }
    }
    PublicJson::new(&listing)
}

/// Shows a provider of the catalogue, with how to set up a client there.
async fn of_catalogue(Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let provider = catalogue::find_described(&parse(&id)?).ok_or_else(Problem::not_found)?;
    written(&ProviderOnWire::from(&provider))
}

/// Lists the workspace's own providers.
async fn of_workspace(
    State(journey): State<ManageProviders>,
    BuilderCaller(admin): BuilderCaller,
) -> Result<Json<Value>, Problem> {
    let providers = journey.of_workspace(admin.workspace()).await.map_err(problem)?;
    written(&Listing { providers: providers.iter().map(ProviderOnWire::from).collect() })
}

/// Shows a provider of the catalogue or of the workspace.
async fn one(
    State(journey): State<ManageProviders>,
    BuilderCaller(admin): BuilderCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let provider = journey.find(admin.workspace(), &parse(&id)?).await.map_err(problem)?;
    written(&ProviderOnWire::from(&provider))
}

/// Defines a provider of the workspace's own: by its issuer, whose metadata is read now, or by its endpoints. 422 if the
/// metadata can't be used, 409 if the id is in use.
async fn define(
    State(journey): State<ManageProviders>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let provider = journey.define(admin.workspace(), body, actor(&admin)).await.map_err(problem)?;
    Ok((StatusCode::CREATED, written(&ProviderOnWire::from(&provider))?))
}

/// Deletes a provider of the workspace's own. Connectors that were made with it keep it as it was.
async fn delete(
    State(journey): State<ManageProviders>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    journey.delete(admin.workspace(), &parse(&id)?, actor(&admin)).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}

fn written(value: &impl Serialize) -> Result<Json<Value>, Problem> {
    serde_json::to_value(value).map(Json).map_err(|error| Problem::internal(&error))
}

fn parse(id: &str) -> Result<ProviderType, Problem> {
    ProviderType::parse(id).map_err(|_| Problem::not_found())
}

fn problem(error: ProviderError) -> Problem {
    match error {
        ProviderError::Invalid(errors) | ProviderError::Discovery(DiscoveryError::Unusable(errors)) => {
            Problem::invalid(errors)
        }
        ProviderError::Discovery(cause) => Problem::invalid(vec![field("/issuer", format!("can't be used: {cause}"))]),
        ProviderError::Taken => Problem::conflict("The catalogue or this workspace has a provider of this id."),
        ProviderError::Plan(required) => Problem::plan_required(&required),
        ProviderError::NotFound => Problem::not_found(),
        ProviderError::Store(cause) => cause.into(),
    }
}
