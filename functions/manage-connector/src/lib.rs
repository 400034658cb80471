//! `manage-connector`: what a workspace owns. Connectors, apps, keys, providers, the trail of who did what; and its end.

mod apps;
mod audit;
mod connector;
mod doctor;
mod encryption_keys;
mod foresight;
mod health;
mod identity;
mod identity_check;
mod keys;
mod providers;
mod sign_in;
mod users;
mod workspace;

use axum::{Router, extract::FromRef};
use connectors::{
    domain::{fields::FieldError, workspace::DisplayName},
    journeys::{
        delete_workspace::DeleteWorkspace,
        doctor::Doctor,
        foresee_change::ForeseeChange,
        forget_user::ForgetUser,
        list_connections::ListConnections,
        manage::{FoundError, ManageApps, ManageConnectors, ManageIdentity, ManageKeys, ManageProviders},
        rotate_key::RotateKey,
        sign_in::SignIn,
        survey::Survey,
    },
    services::Services,
    store::{AuditLog, Workspaces},
    vault::NewKeyError,
    web::{Callers, EventError},
};
use serde_json::{Value, json};

use encryption_keys::KMS_KEY;

/// Every route of this function.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/api/workspace/{ws}/connectors"),
    ("POST", "/api/workspace/{ws}/connectors"),
    ("GET", "/api/workspace/{ws}/connectors/{id}"),
    ("PUT", "/api/workspace/{ws}/connectors/{id}"),
    ("DELETE", "/api/workspace/{ws}/connectors/{id}"),
    ("GET", "/api/workspace/{ws}/connectors/{id}/connections"),
    ("POST", "/api/workspace/{ws}/connectors/{id}/doctor"),
    ("POST", "/api/workspace/{ws}/connectors/{id}/foresee"),
    ("GET", "/api/workspace/{ws}/connectors/{id}/jwks.json"),
    ("GET", "/api/workspace/{ws}/apps"),
    ("POST", "/api/workspace/{ws}/apps"),
    ("GET", "/api/workspace/{ws}/apps/{app}"),
    ("PUT", "/api/workspace/{ws}/apps/{app}"),
    ("DELETE", "/api/workspace/{ws}/apps/{app}"),
    ("GET", "/api/workspace/{ws}/apps/{app}/identity"),
    ("PUT", "/api/workspace/{ws}/apps/{app}/identity"),
    ("DELETE", "/api/workspace/{ws}/apps/{app}/identity"),
    ("POST", "/api/workspace/{ws}/apps/{app}/identity/check"),
    ("GET", "/api/workspace/{ws}/apps/{app}/keys"),
    ("POST", "/api/workspace/{ws}/apps/{app}/keys"),
    ("DELETE", "/api/workspace/{ws}/apps/{app}/keys/{key}"),
    ("GET", "/api/workspace/{ws}/keys"),
    ("POST", "/api/workspace/{ws}/keys"),
    ("DELETE", "/api/workspace/{ws}/keys/{key}"),
    ("GET", "/api/workspace/{ws}/encryption-keys"),
    ("POST", "/api/workspace/{ws}/encryption-keys"),
    ("PUT", "/api/workspace/{ws}/encryption-keys"),
    ("GET", "/api/workspace/{ws}/providers"),
    ("POST", "/api/workspace/{ws}/providers"),
    ("GET", "/api/workspace/{ws}/providers/{type}"),
    ("DELETE", "/api/workspace/{ws}/providers/{type}"),
    ("DELETE", "/api/workspace/{ws}/apps/{app}/users/{sub}"),
    ("GET", "/api/workspace/{ws}/identity"),
    ("PUT", "/api/workspace/{ws}/identity"),
    ("DELETE", "/api/workspace/{ws}/identity"),
    ("GET", "/api/workspace/{ws}/sign-in"),
    ("POST", "/api/workspace/{ws}/sign-in/token"),
    ("DELETE", "/api/workspace/{ws}"),
    ("GET", "/api/workspace/{ws}/audit"),
    ("GET", "/api/workspace/{ws}/health"),
    ("GET", "/api/providers"),
    ("GET", "/api/providers/{type}"),
    ("GET", "/api/apps/{app}/oauth-redirect-uris"),
];

#[derive(Clone, FromRef)]
struct Function {
    callers: Callers,
    connectors: ManageConnectors,
    connections: ListConnections,
    doctor: Doctor,
    foresight: ForeseeChange,
    survey: Survey,
    apps: ManageApps,
    keys: ManageKeys,
    identity: ManageIdentity,
    sign_in: SignIn,
    encryption_keys: RotateKey,
    providers: ManageProviders,
    users: ForgetUser,
    workspace: DeleteWorkspace,
    audit_log: AuditLog,
    workspaces: Workspaces,
    base: PublicBaseUrl,
    clock: connectors::clock::Clock,
}

/// Where people and providers reach this deployment.
#[derive(Clone)]
struct PublicBaseUrl(String);

/// The routes of this function.
pub fn router(services: &Services) -> Router {
    let function = Function {
        callers: services.callers(),
        connectors: services.manage_connectors(),
        connections: services.list_connections(),
        doctor: services.doctor(),
        foresight: services.foresee_change(),
        survey: services.survey(),
        apps: services.manage_apps(),
        keys: services.manage_keys(),
        identity: services.manage_identity(),
        sign_in: services.sign_in(),
        encryption_keys: services.rotate_key(),
        providers: services.manage_providers(),
        users: services.forget_user(),
        workspace: services.delete_workspace(),
        audit_log: services.audit_log(),
        workspaces: services.workspaces(),
        base: PublicBaseUrl(services.public_base_url().to_owned()),
        clock: services.clock().clone(),
    };
    Router::new()
        .merge(connector::routes())
        .merge(doctor::routes())
        .merge(foresight::routes())
        .merge(health::routes())
        .merge(apps::routes())
        .merge(identity_check::routes())
        .merge(identity::routes())
        .merge(sign_in::routes())
        .merge(keys::routes())
        .merge(encryption_keys::routes())
        .merge(providers::routes())
        .merge(users::routes())
        .merge(workspace::routes())
        .merge(audit::routes())
        .with_state(function)
}

/// Founds a deployment's workspace: `{"bootstrap": {"workspace_name": "…"}}`, and `"kms_key_arn"` beside the name if a KMS
/// key of its own is to wrap its keys. Whoever may invoke the function directly may do this; IAM says who that is. No HTTP
/// route leads here.
///
/// # Errors
/// [`EventError`] if the event is another one, or nothing was founded.
pub async fn on_event(services: &Services, event: Value) -> Result<Value, EventError> {
    let bootstrap = event.get("bootstrap").and_then(Value::as_object).ok_or(EventError::Unknown)?;
    let name = bootstrap.get("workspace_name").and_then(Value::as_str);
    let name = name.and_then(|raw| DisplayName::parse(raw).ok());
    let name = name.ok_or(EventError::Invalid("`bootstrap.workspace_name` must be 1 to 100 characters"))?;
    let kms_key = bootstrap.get(KMS_KEY).map_or(Ok(None), encryption_keys::kms_key);
    let kms_key = kms_key.map_err(|_| EventError::Invalid("`bootstrap.kms_key_arn` must be the ARN of a KMS key"))?;
    let founded = services
        .found_workspace()
        .found(name, kms_key.as_ref())
        .await
        .map_err(|error| EventError::Failed(reason(&error)))?;
    Ok(json!({
        "workspace_id": founded.workspace.id.as_str(),
        "workspace_name": founded.workspace.name.as_str(),
        "admin_key": founded.key.key.expose(),
        "key_id": founded.key.record.id.as_str(),
    }))
}

/// Why no workspace was founded, and what to do about it where that is in the hands of whoever asked.
fn reason(error: &FoundError) -> String {
    match error {
        FoundError::Seal(NewKeyError::Refused(code)) => {
            format!("`bootstrap.{KMS_KEY}` {}", encryption_keys::refusal(code))
        }
        error => error.to_string(),
    }
}

/// A field that was not accepted.
fn field(pointer: &str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer: pointer.to_owned(), detail: detail.into() }
}
