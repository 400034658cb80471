//! What whoever runs the deployment does by invoking the function directly. IAM says who that is; no HTTP route leads here.

use connectors::{
    domain::{
        ids::WorkspaceId,
        plan::{InvalidPlanName, PlanName},
        workspace::DisplayName,
    },
    journeys::{manage::FoundError, plan::PlanError},
    services::Services,
    vault::NewKeyError,
    web::EventError,
};
use serde_json::{Map, Value, json};

use crate::encryption_keys::{self, KMS_KEY};

/// Takes one of these events:
///
/// - `{"bootstrap": {"workspace_name": "…"}}` founds a workspace; `"kms_key_arn"` beside the name if a KMS key of its own is
///   to wrap its keys, and `"plan"` if it has one.
/// - `{"set_plan": {"workspace": "ws_…", "plan": "…"}}` gives a workspace a plan, or with `null` none.
///
/// # Errors
/// [`EventError`] if the event is another one, or nothing was done.
pub async fn on_event(services: &Services, event: Value) -> Result<Value, EventError> {
    let about = |name: &str| event.get(name).and_then(Value::as_object);
    match (about("bootstrap"), about("set_plan")) {
        (Some(bootstrap), None) => found(services, bootstrap).await,
        (None, Some(change)) => set_plan(services, change).await,
        _ => Err(EventError::Unknown),
    }
}

async fn found(services: &Services, bootstrap: &Map<String, Value>) -> Result<Value, EventError> {
    let name = bootstrap.get("workspace_name").and_then(Value::as_str);
    let name = name.and_then(|raw| DisplayName::parse(raw).ok());
    let name = name.ok_or(EventError::Invalid("`bootstrap.workspace_name` must be 1 to 100 characters"))?;
    let kms_key = bootstrap.get(KMS_KEY).map_or(Ok(None), encryption_keys::kms_key);
    let kms_key = kms_key.map_err(|_| EventError::Invalid("`bootstrap.kms_key_arn` must be the ARN of a KMS key"))?;
    let plan = bootstrap.get("plan").map_or(Ok(None), plan);
    let plan = plan.map_err(|_| EventError::Invalid("`bootstrap.plan` must be the name of a plan"))?;
    let founded = services
        .found_workspace()
        .found(name, kms_key.as_ref(), plan)
        .await
        .map_err(|error| EventError::Failed(reason(&error)))?;
    Ok(json!({
        "workspace_id": founded.workspace.id.as_str(),
        "workspace_name": founded.workspace.name.as_str(),
        "admin_key": founded.key.key.expose(),
        "key_id": founded.key.record.id.as_str(),
    }))
}

async fn set_plan(services: &Services, change: &Map<String, Value>) -> Result<Value, EventError> {
    let workspace = change.get("workspace").and_then(Value::as_str).and_then(|raw| WorkspaceId::parse(raw).ok());
    let workspace = workspace.ok_or(EventError::Invalid("`set_plan.workspace` must be a workspace's id"))?;
    let plan = change.get("plan").ok_or(InvalidPlanName).and_then(plan);
    let plan = plan.map_err(|_| EventError::Invalid("`set_plan.plan` must be the name of a plan, or null"))?;
    services.keep_plan().give(&workspace, plan.as_ref()).await.map_err(|error| match error {
        PlanError::UnknownPlan => EventError::Invalid("`set_plan.plan` is none of the deployment's plans"),
        PlanError::UnknownWorkspace => EventError::Invalid("`set_plan.workspace` is no workspace of this deployment"),
        PlanError::Store(_) => EventError::Failed(error.to_string()),
    })?;
    Ok(json!({ "workspace_id": workspace.as_str(), "plan": plan.as_ref().map(PlanName::as_str) }))
}

/// The name of a plan; `null` for none.
fn plan(value: &Value) -> Result<Option<PlanName>, InvalidPlanName> {
    if value.is_null() {
        return Ok(None);
    }
    PlanName::parse(value.as_str().unwrap_or_default()).map(Some)
}

/// Why no workspace was founded, and what to do about it where that is in the hands of whoever asked.
fn reason(error: &FoundError) -> String {
    match error {
        FoundError::Seal(NewKeyError::Refused(code)) => {
            format!("`bootstrap.{KMS_KEY}` {}", encryption_keys::refusal(code))
        }
        FoundError::UnknownPlan => "`bootstrap.plan` is none of the deployment's plans".to_owned(),
        error => error.to_string(),
    }
}
