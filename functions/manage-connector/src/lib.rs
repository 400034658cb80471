//! `manage-connector`: what a workspace owns. Connectors, apps, keys, providers, webhooks, the trail of who did what; and its end.

mod apps;
mod audit;
mod connector;
mod doctor;
mod encryption_keys;
mod events;
mod foresight;
mod governance;
mod health;
mod identity;
mod identity_check;
mod key_set;
mod keys;
mod proposals;
mod providers;
mod sign_in;
mod users;
mod webhooks;
mod workspace;

use axum::{Router, extract::FromRef};
use connectors::{
    domain::fields::FieldError,
    journeys::{
        delete_workspace::DeleteWorkspace,
        doctor::Doctor,
        foresee_change::ForeseeChange,
        forget_user::ForgetUser,
        list_connections::ListConnections,
        manage::{Govern, ManageApps, ManageConnectors, ManageIdentity, ManageKeys, ManageProviders, ManageWebhooks},
        plan::KeepPlan,
        proposals::ProposeChanges,
        read_audit::ReadAudit,
        rotate_key::RotateKey,
        shared_connection::SharedConnections,
        sign_in::SignIn,
        survey::Survey,
    },
    services::Services,
    web::Callers,
};

pub use events::on_event;

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
    ("GET", "/api/workspace/{ws}/connector-governance"),
    ("PUT", "/api/workspace/{ws}/connector-governance"),
    ("GET", "/api/workspace/{ws}/connector-governance/bulk"),
    ("PUT", "/api/workspace/{ws}/connector-governance/bulk"),
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
    ("DELETE", "/api/workspace/{ws}/apps/{app}/keys/{key_id}"),
    ("GET", "/api/workspace/{ws}/keys"),
    ("POST", "/api/workspace/{ws}/keys"),
    ("DELETE", "/api/workspace/{ws}/keys/{key_id}"),
    ("GET", "/api/workspace/{ws}/encryption-keys"),
    ("POST", "/api/workspace/{ws}/encryption-keys"),
    ("PUT", "/api/workspace/{ws}/encryption-keys"),
    ("GET", "/api/workspace/{ws}/proposals"),
    ("POST", "/api/workspace/{ws}/proposals"),
    ("GET", "/api/workspace/{ws}/proposals/{proposal}"),
    ("POST", "/api/workspace/{ws}/proposals/{proposal}/confirm"),
    ("POST", "/api/workspace/{ws}/proposals/{proposal}/decline"),
    ("GET", "/api/workspace/{ws}/providers"),
    ("POST", "/api/workspace/{ws}/providers"),
    ("GET", "/api/workspace/{ws}/providers/{type}"),
    ("DELETE", "/api/workspace/{ws}/providers/{type}"),
    ("DELETE", "/api/workspace/{ws}/apps/{app}/users/{sub}"),
    ("GET", "/api/workspace/{ws}/apps/{app}/users/{sub}/connections"),
    ("GET", "/api/workspace/{ws}"),
    ("GET", "/api/workspace/{ws}/identity"),
    ("PUT", "/api/workspace/{ws}/identity"),
    ("DELETE", "/api/workspace/{ws}/identity"),
    ("GET", "/api/workspace/{ws}/sign-in"),
    ("POST", "/api/workspace/{ws}/sign-in/token"),
    ("DELETE", "/api/workspace/{ws}"),
    ("GET", "/api/workspace/{ws}/webhooks"),
    ("POST", "/api/workspace/{ws}/webhooks"),
    ("GET", "/api/workspace/{ws}/webhooks/{webhook}"),
    ("PUT", "/api/workspace/{ws}/webhooks/{webhook}"),
    ("DELETE", "/api/workspace/{ws}/webhooks/{webhook}"),
    ("POST", "/api/workspace/{ws}/webhooks/{webhook}/test"),
    ("POST", "/api/workspace/{ws}/webhooks/{webhook}/replay"),
    ("GET", "/api/workspace/{ws}/audit"),
    ("GET", "/api/workspace/{ws}/audit/verify"),
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
    shared: SharedConnections,
    govern: Govern,
    foresight: ForeseeChange,
    survey: Survey,
    apps: ManageApps,
    keys: ManageKeys,
    identity: ManageIdentity,
    sign_in: SignIn,
    encryption_keys: RotateKey,
    proposals: ProposeChanges,
    providers: ManageProviders,
    users: ForgetUser,
    webhooks: ManageWebhooks,
    plan: KeepPlan,
    workspace: DeleteWorkspace,
    audit: ReadAudit,
    base: PublicBaseUrl,
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
        shared: services.shared_connections(),
        govern: services.govern(),
        foresight: services.foresee_change(),
        survey: services.survey(),
        apps: services.manage_apps(),
        keys: services.manage_keys(),
        identity: services.manage_identity(),
        sign_in: services.sign_in(),
        encryption_keys: services.rotate_key(),
        proposals: services.propose_changes(),
        providers: services.manage_providers(),
        users: services.forget_user(),
        webhooks: services.manage_webhooks(),
        plan: services.keep_plan(),
        workspace: services.delete_workspace(),
        audit: services.read_audit(),
        base: PublicBaseUrl(services.public_base_url().to_owned()),
    };
    Router::new()
        .merge(connector::routes())
        .merge(doctor::routes())
        .merge(governance::routes())
        .merge(foresight::routes())
        .merge(health::routes())
        .merge(apps::routes())
        .merge(identity_check::routes())
        .merge(identity::routes())
        .merge(sign_in::routes())
        .merge(keys::routes())
        .merge(encryption_keys::routes())
        .merge(proposals::routes())
        .merge(providers::routes())
        .merge(users::routes())
        .merge(webhooks::routes())
        .merge(workspace::routes())
        .merge(audit::routes())
        .with_state(function)
}

/// A field that was not accepted.
fn field(pointer: &str, detail: impl Into<String>) -> FieldError {
    FieldError { pointer: pointer.to_owned(), detail: detail.into() }
}
