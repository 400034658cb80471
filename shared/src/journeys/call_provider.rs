//! Calling a provider's API for an app, which says what it wants and does not get to see the token.

mod error;
mod outcome;

use std::{borrow::Cow, sync::Arc, time::Duration};

use futures::future::try_join_all;
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
        ids::{ConnectorId, WorkspaceId},
        provider::{Provider, ProviderType, Step},
        refused_token::Witness,
        user::ConnectionKey,
    },
    metrics::{Metric, Metrics},
    oauth::{ApiRequest, Presented, ProviderClient, egress::Fetched, says_expired},
    random::Random,
    store::{Connections, Connectors, StoreError},
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
            match self.through(user, provider).await?.as_slice() {
                [only] => return Ok(user.place(only.clone())),
                [] => {}
                _ => return Err(CallError::Ambiguous),
            }
        }
        let shared = self.shared.of_type(workspace, provider).await?.ok_or(GetTokenError::NotConnected)?;
        // Who could connect an account of their own never speaks with that of all.
        if user.is_some() && self.is_for_users(workspace, provider).await? {
            return Err(GetTokenError::NotConnected.into());
        }
        Ok(shared)
    }

    /// The connectors of this type that the user is connected through. No others are read: a workspace may have many.
    async fn through(&self, user: &AppUser, provider: &ProviderType) -> Result<Vec<ConnectorId>, StoreError> {
        let workspace = &user.app().workspace;
        let known = self.connections.connectors_of_user(user.user()).await?;
        let found = try_join_all(known.iter().map(|id| self.connectors.find(workspace, id))).await?;
        let of_type = found.into_iter().flatten().filter(|connector| is_users_own(connector, provider));
        Ok(of_type.map(|connector| connector.id).collect())
    }

    /// Whether users of the workspace's apps connect accounts of their own to this type.
    async fn is_for_users(&self, workspace: &WorkspaceId, provider: &ProviderType) -> Result<bool, StoreError> {
        let connectors = self.connectors.of_workspace(workspace).await?;
        Ok(connectors.iter().any(|connector| is_users_own(connector, provider)))
    }

    /// Calls the API with the token of the connection at this place. If the provider says that the token has expired, it is
    /// refreshed, once, and the call made again: a provider that does not take the token has not done anything.
    ///
    /// # Errors
    /// [`CallError`]; the provider has done nothing then.
    #[tracing::instrument(skip_all, fields(connector.id = %place.connector))]
    pub async fn call(&self, place: &ConnectionKey, call: &Call) -> Result<Called, CallError> {
        let ends_at = Instant::now() + PATIENCE;
        let issued = self.token(place, Wish::default(), ends_at).await?;
        let provider = addressed(&issued)?;
        let prepared = PreparedCall::of(&provider.api, &issued.connector.call_rules, call)?;
        let fetched = Box::pin(self.send(&provider, &prepared, &issued, ends_at)).await?;
        // Where nothing renews a token, the provider's own answer says more than that it is over.
        let may_be_renewed = issued.connection.tokens.have_what_renews(&provider);
        let is_time = ends_at.saturating_duration_since(Instant::now()) > LEAST;
        let again = may_be_renewed && is_time && is_expired(&provider, fetched.as_ref());
        let mut called = Called::of(&provider, &prepared, fetched);
        if again {
            let rejected = Some((sha256(issued.access_token.expose().as_bytes()), Witness::Ourselves));
            match self.token(place, Wish { rejected, ..Wish::default() }, ends_at).await {
                Ok(renewed) => called = Box::pin(self.once_more(call, &renewed, ends_at)).await?.unwrap_or(called),
                Err(error @ (GetTokenError::ReconnectRequired | GetTokenError::NotConnected)) => {
                    return Err(error.into());
                }
                // The provider's own answer says more.
                Err(_) => {}
            }
        }
        self.metrics.record(if called.status.is_some() { Metric::CallsAnswered } else { Metric::CallsUnanswered }, 1);
        tracing::info!(
            phase = called.phase.as_str(),
            status = called.status.map(|status| status.as_u16()),
            "called an API"
        );
        Ok(called)
    }

    /// Makes the call with a renewed token. `None` if nothing was sent: what came of it before is the answer then.
    async fn once_more(&self, call: &Call, renewed: &Issued, ends_at: Instant) -> Result<Option<Called>, CallError> {
        // What the connection tells of its API may have changed with it.
        let provider = addressed(renewed)?;
        let prepared = PreparedCall::of(&provider.api, &renewed.connector.call_rules, call)?;
        let fetched = self.send(&provider, &prepared, renewed, ends_at).await?;
        if fetched.is_ok() && !is_expired(&provider, fetched.as_ref()) {
            self.tokens.note_taken(&renewed.connection).await;
        }
        let left_nothing = fetched.as_ref().is_err_and(NotFetched::left_nothing);
        Ok((!left_nothing).then(|| Called::of(&provider, &prepared, fetched)))
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

/// Whether users connect accounts of their own to this type through a connector.
fn is_users_own(connector: &Connector, provider: &ProviderType) -> bool {
    connector.is_active() && connector.kind == ConnectorKind::PerUser && connector.provider == *provider
}

/// The provider, with everything that the connection tells about where its API is.
fn addressed(issued: &Issued) -> Result<Cow<'_, Provider>, CallError> {
    let provider = profile(&issued.connector).ok_or(GetTokenError::NotConnected)?;
    filled(provider, &issued.connector, &issued.connection.details, Step::Api).map_err(|_| CallError::Unaddressable)
}

fn is_expired(provider: &Provider, fetched: Result<&Fetched, &NotFetched>) -> bool {
    fetched.is_ok_and(|fetched| says_expired(&provider.api, fetched.response.status(), fetched.response.body()))
}
