//! What happens: one struct a journey, which knows no HTTP and no event format. Whoever holds one may call it; what it
//! holds is what it may touch.

pub(crate) mod ask_provider;
pub mod audit;
pub mod call_provider;
mod client_proof;
pub mod complete_authorization;
pub(crate) mod connection_quota;
pub(crate) mod count_connections;
pub mod delete_workspace;
pub mod deliver_events;
pub mod disconnect;
mod discover;
pub mod dispatch_due;
pub mod doctor;
pub mod end_connection;
pub(crate) mod exchange;
pub mod export_grants;
pub mod foresee_change;
pub mod forget_user;
pub mod get_token;
pub mod import_grants;
pub(crate) mod issuer_changes;
mod known_tokens;
pub mod list_connections;
pub mod manage;
pub mod open_link;
pub mod plan;
pub mod proposals;
pub(crate) mod publish;
pub mod read_audit;
pub mod refresh_connection;
pub mod refresh_due;
pub(crate) mod reminders;
pub mod reseal;
pub(crate) mod revoke_grant;
pub mod revoke_matching;
pub mod rotate_key;
pub mod shared_connection;
pub mod sign_in;
pub mod start_authorization;
pub mod survey;
pub(crate) mod sweep_connector;
mod walk;
pub mod work_endings;

use std::{borrow::Cow, future::Future};

use tracing::Instrument;

use crate::{
    domain::{
        connector::Connector,
        provider::{Provider, Step, Unfilled, Values},
        secret::{ClientSecret, Secret},
    },
    oauth::catalogue,
    vault::{Place, Vault, VaultError},
};

/// Carries something through to its end, even if whoever asked for it goes away in the middle. What was begun at a
/// provider must be finished here: an answer that nobody waits for may hold the only token that works.
async fn carried_through<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let work = audit::caused_from(audit::origin(), work);
    match tokio::spawn(work.in_current_span()).await {
        Ok(done) => done,
        Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
    }
}

/// What the connector's provider is like: the profile it was made with, or the catalogue's.
#[must_use]
pub fn profile(connector: &Connector) -> Option<&Provider> {
    connector.pinned_profile.as_deref().or_else(|| catalogue::find(&connector.provider))
}

/// The values of a connection's variables, as far as they are known: the connector's own go before everything that the
/// user, or the provider, brought.
fn values(connector: &Connector, details: &Values) -> Values {
    let mut values = details.clone();
    values.extend(connector.connection_config.clone());
    values
}

/// The profile with the values of a connection in it, for the requests of one step.
///
/// # Errors
/// [`Unfilled`] if one is missing; no request may be made then.
fn filled<'p>(
    provider: &'p Provider,
    connector: &Connector,
    details: &Values,
    step: Step,
) -> Result<Cow<'p, Provider>, Unfilled> {
    let filled = provider.filled(&values(connector, details), step);
    filled.inspect_err(|error| tracing::error!(connector.id = %connector.id, %error, "a request can't be made"))
}

/// Where a refresh token is shown, where this differs between connections.
fn refresh_endpoint(provider: &Provider, connector: &Connector, details: &Values) -> Option<String> {
    if provider.vars.is_empty() {
        return None;
    }
    let provider = provider.filled(&values(connector, details), Step::Refresh).ok()?;
    Some(provider.refresh_url().to_owned())
}

/// The connector's client secret, if it has one.
async fn client_secret(vault: &Vault, connector: &Connector) -> Result<Option<Secret<ClientSecret>>, VaultError> {
    let Some(sealed) = &connector.client_secret else { return Ok(None) };
    vault.open(sealed, &Place::connector(&connector.workspace, &connector.id)).await.map(Some)
}
