//! The beginning of a session: from "Connect" to the provider's consent page.

mod fresh;
mod shared;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    client_proof::ClientProof,
    connection_quota::ConnectionQuotas,
    filled,
    open_link::{self, LinkError},
    profile,
};
use crate::{
    auth::AppUser,
    clock::Clock,
    domain::{
        app::ReturnUrl,
        audit::Actor,
        connector::Connector,
        digest::sha256,
        fields::FieldError,
        ids::{ConnectionId, ConnectorId},
        plan::PlanRequired,
        provider::{Provider, Step, Unfilled, Values},
        scopes::Scopes,
        secret::{BrowserBinding, CodeVerifier, Secret, State},
        session::{Binding, Session, SessionId, Wishes},
        user::ConnectionKey,
    },
    oauth::{
        ProviderClient, TokenError,
        authorize::{AuthorizationRequest, authorization_url},
        dpop,
    },
    random::Random,
    store::{Apps, Connections, Connectors, Healths, Policies, Sessions, Starts, StoreError},
    vault::{Place, Vault, VaultError},
};

pub use shared::SharedWanted;

/// Begins sessions.
#[derive(Debug, Clone)]
pub struct StartAuthorization {
    pub(crate) apps: Apps,
    pub(crate) connectors: Connectors,
    pub(crate) policies: Policies,
    pub(crate) quotas: ConnectionQuotas,
    pub(crate) connections: Connections,
    pub(crate) sessions: Sessions,
    pub(crate) starts: Starts,
    pub(crate) healths: Healths,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) public_base_url: String,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What the caller wants of the session.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Where the user is to be sent afterwards; the app's first registered address if not given.
    pub return_to: Option<String>,
    /// Less than everything that the connector asks for.
    pub scopes: Option<Scopes>,
    /// Whom the provider should sign in.
    pub login_hint: Option<String>,
    /// The connection that is to be renewed.
    pub connection_id: Option<ConnectionId>,
    /// What the user calls the connection.
    pub label: Option<String>,
    /// Whether who opens the link sees the user's connection and may end it.
    pub manages: bool,
    /// Values of variables that the connector leaves to its users.
    pub connection_config: Values,
}

/// A session that the user, or an admin, began themselves.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes now.
    pub redirect_url: String,
    /// The session.
    pub session_id: SessionId,
    /// The connection that it will make or renew.
    pub connection_id: ConnectionId,
    /// Whether the user has a connection that needs nothing.
    pub already_authorized: bool,
    /// What the browser is to remember for this session.
    pub cookie: Secret<BrowserBinding>,
}

/// A session that waits behind a link.
#[derive(Debug)]
pub struct Linked {
    /// The session.
    pub session_id: SessionId,
    /// The link.
    pub connect_url: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Why no session began.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such connector in the app's workspace.
    #[error("no such connector")]
    UnknownConnector,
    /// The workspace has switched off this type of provider.
    #[error("the workspace's policy does not allow it")]
    BlockedByPolicy,
    /// The connector's connections are on their way to another deployment.
    #[error("the connections are moving out")]
    MovingOut,
    /// It would be a connection more, and the workspace's plan has no room for it.
    #[error("{0}")]
    Plan(PlanRequired),
    /// The connection to renew is not this user's, or not of this connector.
    #[error("no such connection")]
    UnknownConnection,
    /// The connector does not ask for these scopes.
    #[error("the connector does not have these scopes")]
    ScopesNotAllowed(Scopes),
    /// The return address is not registered for the app.
    #[error("the return address is not registered")]
    ReturnUrlNotRegistered,
    /// The provider lets nobody connect this way today, for this reason.
    #[error("the provider is unavailable")]
    Unavailable(String),
    /// Values that the user has to bring are missing or wrong.
    #[error("values for the connection are missing or wrong")]
    Config(Vec<FieldError>),
    /// A request to the provider lacks a value.
    #[error(transparent)]
    Unfilled(#[from] Unfilled),
    /// The app has no return address at all.
    #[error("the app has no return address")]
    NoReturnUrl,
    /// The user, or all users of the app together, began so many sessions that they have to wait.
    #[error("too many sessions were begun")]
    TooMany {
        /// For how long.
        retry_after: Duration,
    },
    /// The link leads nowhere, or not for this browser.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The provider did not take the request that was pushed to it. Nothing else happened there.
    #[error("the provider did not take the request")]
    NotPushed(#[source] TokenError),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't seal or open.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What the provider is asked.
struct Asked<'a> {
    session: &'a Session,
    state: &'a Secret<State>,
    verifier: &'a Secret<CodeVerifier>,
    login_hint: Option<String>,
}

/// Who begins a session, and how it is to end.
struct Beginner {
    actor: Actor,
    return_url: ReturnUrl,
    wishes: Wishes,
}

impl Beginner {
    /// A user of an app, who is sent back to one of the app's registered addresses.
    fn user(user: &AppUser, return_to: Option<&str>) -> Result<Self, StartError> {
        let app = user.app();
        let return_url = app.return_url(return_to).ok_or(match return_to {
            Some(_) => StartError::ReturnUrlNotRegistered,
            None => StartError::NoReturnUrl,
        })?;
        Ok(Self {
            actor: Actor::User(user.user().clone()),
            return_url: return_url.clone(),
            wishes: Wishes { session_binding: app.session_binding, handle_delivery: app.handle_delivery },
        })
    }
}

impl StartAuthorization {
    /// Begins a session at the request of the user's own browser, which is handed a cookie.
    ///
    /// # Errors
    /// [`StartError`].
    #[tracing::instrument(skip_all, fields(connector.id = %connector))]
    pub async fn begin(&self, user: &AppUser, connector: ConnectorId, wanted: Wanted) -> Result<Begun, StartError> {
        let (connector, place) = self.usable(user, connector).await?;
        let provider = profile(&connector).ok_or(StartError::UnknownConnector)?;
        let cookie = Secret::<BrowserBinding>::new(self.random.token());
        let bound = sha256(cookie.expose().as_bytes());
        let login_hint = wanted.login_hint.clone();
        let beginner = Beginner::user(user, wanted.return_to.as_deref())?;
        let fresh =
            self.fresh(beginner, &connector, provider, place, wanted, |_| Binding::Begun { cookie: bound }).await?;
        let provider = filled(provider, &connector, &fresh.session.inputs, Step::Authorize)?;
        let asked = Asked { session: &fresh.session, state: &fresh.state, verifier: &fresh.verifier, login_hint };
        let redirect_url = self.address(&connector, &provider, asked).await?;
        self.sessions.put_new(&fresh.session).await?;
        Ok(fresh.begun(redirect_url, cookie))
    }

    /// Begins a session at the request of the app's backend, for a user who will open a link.
    ///
    /// # Errors
    /// [`StartError`].
    #[tracing::instrument(skip_all, fields(connector.id = %connector))]
    pub async fn link(&self, user: &AppUser, connector: ConnectorId, wanted: Wanted) -> Result<Linked, StartError> {
        let (connector, place) = self.usable(user, connector).await?;
        let provider = profile(&connector).ok_or(StartError::UnknownConnector)?;
        let ready = self.vault.make_ready(&place.workspace).await?;
        let manages = wanted.manages;
        let seal = |(id, key, state): (&SessionId, &ConnectionKey, &Secret<State>)| Binding::Link {
            opened_by: None,
            manages,
            state: ready.seal(state, &Place::session(id, key)),
        };
        let beginner = Beginner::user(user, wanted.return_to.as_deref())?;
        let fresh = self.fresh(beginner, &connector, provider, place, wanted, seal).await?;
        filled(provider, &connector, &fresh.session.inputs, Step::Authorize)?;
        self.sessions.put_new(&fresh.session).await?;
        Ok(Linked {
            connect_url: format!("{}/connect/{}", self.public_base_url, fresh.session.id.as_str()),
            expires_at: fresh.session.expires_at,
            session_id: fresh.session.id,
        })
    }

    /// Leads the browser that opened a link on to the provider. As often as it likes: what was pushed to a provider does not
    /// live long.
    ///
    /// # Errors
    /// [`StartError::Link`] if the link leads nowhere, or not for this browser; others if something does not answer.
    #[tracing::instrument(skip_all)]
    pub async fn lead_on(&self, id: &SessionId, cookie: Option<&Secret<BrowserBinding>>) -> Result<String, StartError> {
        let session = open_link::opened(&self.sessions, id, cookie, self.clock.now()).await?;
        let (Binding::Link { state, .. }, Some(verifier)) = (&session.binding, &session.verifier) else {
            return Err(LinkError::Over.into());
        };
        let connector = self.connectors.find(&session.key.workspace, &session.key.connector).await?;
        let connector = connector.filter(Connector::is_active).ok_or(LinkError::Over)?;
        self.allowed(&connector).await?;
        let provider = profile(&connector).ok_or(LinkError::Over)?;
        let provider = filled(provider, &connector, &session.inputs, Step::Authorize)?;
        let place = Place::session(id, &session.key);
        let (state, verifier) = (self.vault.open(state, &place).await?, self.vault.open(verifier, &place).await?);
        let asked = Asked { session: &session, state: &state, verifier: &verifier, login_hint: None };
        self.address(&connector, &provider, asked).await
    }

    /// Where the browser goes: with the whole request, or with a reference to it where the provider takes it directly.
    async fn address(
        &self,
        connector: &Connector,
        provider: &Provider,
        asked: Asked<'_>,
    ) -> Result<String, StartError> {
        let request = AuthorizationRequest {
            client_id: &asked.session.pinned.client_id,
            redirect_uri: &asked.session.pinned.redirect_uri,
            scopes: &asked.session.requested,
            state: asked.state,
            verifier: asked.verifier,
            login_hint: asked.login_hint.as_deref(),
        };
        let mut url = authorization_url(provider, &request).map_err(|_| StartError::UnknownConnector)?;
        let is_bound = provider.binds_tokens() || asked.session.pinned.bound;
        if let Some(key) = connector.client_key.as_ref().filter(|_| is_bound) {
            dpop::bind_code(&mut url, &key.public);
        }
        if !provider.takes_pushed_requests() {
            return Ok(url.into());
        }
        let now = self.clock.now();
        let proof = ClientProof::open(&self.vault, &self.random, connector, now).await?;
        let credentials = proof.credentials(&asked.session.pinned.client_id);
        let pushed = self.client.push(provider, credentials, url, now).await;
        pushed.map(Into::into).map_err(StartError::NotPushed)
    }

    async fn usable(&self, user: &AppUser, connector: ConnectorId) -> Result<(Connector, ConnectionKey), StartError> {
        let place = user.place(connector);
        let connector = self.connectors.find(&place.workspace, &place.connector).await?;
        let connector = connector.filter(|found| found.is_open_to(&place.owner)).ok_or(StartError::UnknownConnector)?;
        self.allowed(&connector).await?;
        Ok((connector, place))
    }

    /// Passes if the workspace's policy allows the connector, and it stays here.
    async fn allowed(&self, connector: &Connector) -> Result<(), StartError> {
        if connector.is_moving_out() {
            return Err(StartError::MovingOut);
        }
        if self.policies.allow(connector).await? { Ok(()) } else { Err(StartError::BlockedByPolicy) }
    }
}
