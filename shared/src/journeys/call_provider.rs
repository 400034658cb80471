//! Calling a provider's API for an app, which says what it wants and does not get to see the token.

mod error;
mod outcome;

use std::{borrow::Cow, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use self::outcome::NotFetched;
pub use self::{
    error::CallError,
    outcome::{Called, NoBody, Phase},
};
use super::{
    client_proof::ClientProof,
    filled,
    get_token::{GetToken, GetTokenError, Issued, Wish},
    profile,
    shared_connection::SharedConnections,
};
use crate::{
    auth::{AppUser, Service},
    clock::Clock,
    domain::{
        call::{Call, PreparedCall},
        connector::{Connector, ConnectorKind},
        digest::sha256,
        ids::ConnectorId,
        provider::{Provider, ProviderType, Step},
        refused_token::Witness,
        user::ConnectionKey,
    },
    metrics::{Metric, Metrics},
    oauth::{ApiRequest, Presented, ProviderClient, egress::Fetched, says_expired},
    random::Random,
    store::{Connections, Connectors},
    vault::Vault,
};

/// How long all of it may take. The gateway hangs up after twenty-nine seconds; the answer must be on its way by then.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// What must be left of it to begin a call: less would leave most of them without an answer.
const LEAST: Duration = Duration::from_secs(2);

/// Calls APIs.
#[derive(Debug, Clone)]
pub struct CallProvider {
    pub(crate) tokens: GetToken,
    pub(crate) shared: SharedConnections,
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl CallProvider {
    /// Where the connection of this type stands, for the app: the user's own, if there is a user, and a connector of this
    /// type that users connect through; else the one that the workspace shares.
    ///
    /// # Errors
    /// [`CallError`] if there is none, or it is not clear which one is meant.
    pub async fn place(
        &self,
        service: &Service,
        user: Option<&AppUser>,
        provider: &ProviderType,
    ) -> Result<ConnectionKey, CallError> {
        let workspace = &service.app().workspace;
        if let Some(user) = user {
            let is_meant = |connector: &Connector| {
                connector.is_active() && connector.kind == ConnectorKind::PerUser && connector.provider == *provider
            };
            let connectors = self.connectors.of_workspace(workspace).await?.into_iter().filter(is_meant);
            let connectors: Vec<ConnectorId> = connectors.map(|connector| connector.id).collect();
            if !connectors.is_empty() {
                return Ok(user.place(self.connected(user, connectors).await?));
            }
        }
        let place = self.shared.of_type(workspace, provider).await?;
        Ok(place.ok_or(GetTokenError::NotConnected)?)
    }

    /// The only one of these connectors, or the only one that the user is connected through.
    async fn connected(&self, user: &AppUser, connectors: Vec<ConnectorId>) -> Result<ConnectorId, CallError> {
        if let [only] = connectors.as_slice() {
            return Ok(only.clone());
        }
        let through = self.connections.connectors_of_user(user.user()).await?;
        let mut connected = connectors.into_iter().filter(|connector| through.contains(connector));
        match (connected.next(), connected.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(GetTokenError::NotConnected.into()),
            (Some(_), Some(_)) => Err(CallError::Ambiguous),
        }
    }

    /// Calls the API with the token of the connection at this place. If the provider says that the token has expired, it is
    /// refreshed, once, and the call made again: a provider that does not take the token has not done anything.
    ///
    /// # Errors
    /// [`CallError`]; nothing was sent then.
    #[tracing::instrument(skip_all, fields(connector.id = %place.connector))]
    pub async fn call(&self, place: &ConnectionKey, call: &Call) -> Result<Called, CallError> {
        let ends_at = Instant::now() + PATIENCE;
        let issued = self.token(place, Wish::default(), ends_at).await?;
        let provider = addressed(&issued)?;
        let prepared = PreparedCall::of(&provider.api, &issued.connector.call_rules, call)?;
        let mut fetched = Box::pin(self.send(&provider, &prepared, &issued, ends_at)).await?;
        // Where nothing renews a token, the provider's own answer says more than that it is over.
        let may_be_renewed = issued.connection.tokens.have_what_renews(&provider);
        let is_time = ends_at.saturating_duration_since(Instant::now()) > LEAST;
        if may_be_renewed && is_time && is_expired(&provider, fetched.as_ref()) {
            let rejected = Some((sha256(issued.access_token.expose().as_bytes()), Witness::Ourselves));
            match self.token(place, Wish { rejected, ..Wish::default() }, ends_at).await {
                Ok(renewed) => {
                    // What the connection tells of its API may have changed with it.
                    let provider = addressed(&renewed)?;
                    let prepared = PreparedCall::of(&provider.api, &renewed.connector.call_rules, call)?;
                    let again = Box::pin(self.send(&provider, &prepared, &renewed, ends_at)).await?;
                    if again.is_ok() && !is_expired(&provider, again.as_ref()) {
                        Box::pin(self.tokens.note_taken(&renewed.connection)).await;
                    }
                    if again.as_ref().err().is_none_or(|error| !error.left_nothing()) {
                        fetched = again;
                    }
                }
                Err(error @ (GetTokenError::ReconnectRequired | GetTokenError::NotConnected)) => {
                    return Err(error.into());
                }
                // The provider's own answer says more.
                Err(_) => {}
            }
        }
        let called = Called::of(&provider, &prepared, fetched);
        self.metrics.record(if called.status.is_some() { Metric::CallsAnswered } else { Metric::CallsUnanswered }, 1);
        tracing::info!(
            phase = called.phase.as_str(),
            status = called.status.map(|status| status.as_u16()),
            "called an API"
        );
        Ok(called)
    }

    /// A token, in time. What a refresh has begun it finishes, whoever waits.
    async fn token(&self, place: &ConnectionKey, wish: Wish, ends_at: Instant) -> Result<Issued, GetTokenError> {
        let unavailable = GetTokenError::Unavailable { retry_after: Duration::from_secs(1), cause: None };
        timeout_at(ends_at, Box::pin(self.tokens.get(place, &wish))).await.unwrap_or(Err(unavailable))
    }

    async fn send(
        &self,
        provider: &Provider,
        prepared: &PreparedCall<'_>,
        issued: &Issued,
        ends_at: Instant,
    ) -> Result<Result<Fetched, NotFetched>, CallError> {
        let now = self.clock.now();
        let is_bound = issued.connection.tokens.is_bound();
        let proof = if is_bound {
            ClientProof::open(&self.vault, &self.random, &issued.connector, now).await?
        } else {
            ClientProof::default()
        };
        let client_id = issued.connection.client_id.as_str();
        let bound_to = proof.credentials(client_id).signer;
        if is_bound && bound_to.is_none() {
            return Err(CallError::Unaddressable);
        }
        let left = ends_at.saturating_duration_since(Instant::now());
        if left < LEAST {
            return Ok(Err(NotFetched::NoTime));
        }
        let presented = Presented { client_id, access_token: &issued.access_token, bound_to };
        let request = ApiRequest {
            method: prepared.method.as_str(),
            url: prepared.target.url(),
            headers: &prepared.headers,
            body: prepared.body.as_deref(),
        };
        let fetched = self.client.call(provider, request, presented, now, left).await;
        Ok(fetched.map_err(NotFetched::Failed))
    }
}

/// The provider, with everything that the connection tells about where its API is.
fn addressed(issued: &Issued) -> Result<Cow<'_, Provider>, CallError> {
    let provider = profile(&issued.connector).ok_or(GetTokenError::NotConnected)?;
    filled(provider, &issued.connector, &issued.connection.details, Step::Api).map_err(|_| CallError::Unaddressable)
}

fn is_expired(provider: &Provider, fetched: Result<&Fetched, &NotFetched>) -> bool {
    fetched.is_ok_and(|fetched| says_expired(&provider.api, fetched.response.status(), fetched.response.body()))
}
