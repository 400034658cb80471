//! Connectors: viewed here; registered, changed and deleted in rooms of their own.

mod change;
mod delete;
mod register;

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;

use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        call::CallRules,
        connector::{Connector, ConnectorKind},
        event::EventKind,
        fields::FieldError,
        health::Health,
        ids::{ConnectorId, WorkspaceId},
        notice::Notice,
        plan::PlanRequired,
        proposal::Verdict,
        provider::ProviderType,
        scopes::Scopes,
        secret::{ClientSecret, Sealed, Secret},
        workspace::DisplayName,
    },
    journeys::{
        doctor::CallDoctor,
        issuer_changes::IssuerChanges,
        plan::KeepPlan,
        publish::{Publisher, noticed},
        sweep_connector::BeginSweep,
    },
    oauth::{DiscoveryError, ProviderClient, SigningError},
    random::Random,
    store::{Connectors, CustomProviders, Healths, Policies, StoreError},
    vault::{Place, Vault, VaultError},
};

/// How often a change is tried again when somebody else changed the connector at the same time.
const TRIES: usize = 3;

/// Manages connectors.
#[derive(Debug, Clone)]
pub struct ManageConnectors {
    pub(crate) connectors: Connectors,
    pub(crate) plan: KeepPlan,
    pub(crate) policies: Policies,
    pub(crate) custom: CustomProviders,
    pub(crate) issuers: IssuerChanges,
    pub(crate) healths: Healths,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) doctor: CallDoctor,
    pub(crate) vault: Arc<Vault>,
    pub(crate) sweep: BeginSweep,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// At whose word a connector is registered, changed or deleted.
#[derive(Debug)]
pub struct Order {
    /// Who says so.
    pub(in crate::journeys) actor: Actor,
    /// The proposal that is decided by it, if it was proposed: in the same moment, so that neither is without the other.
    pub(in crate::journeys) verdict: Option<Verdict>,
}

impl From<Actor> for Order {
    fn from(actor: Actor) -> Self {
        Self { actor, verdict: None }
    }
}

/// A connector to be registered.
#[derive(Debug)]
pub struct ConnectorDraft {
    /// Its id, if the workspace chose one.
    pub id: Option<ConnectorId>,
    /// Its provider: one of the catalogue, or of the workspace's own.
    pub provider: ProviderType,
    /// Its name.
    pub name: DisplayName,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: Option<Secret<ClientSecret>>,
    /// The last day on which the provider accepts it.
    pub client_secret_expires_on: Option<Date>,
    /// What it asks for.
    pub scopes: Scopes,
    /// Details that the app reads along with a token.
    pub connection_config: BTreeMap<String, String>,
    /// What apps may call through it.
    pub call_rules: CallRules,
    /// Whether apps may use it while its users are away.
    pub offline_use: bool,
    /// Whose accounts it connects.
    pub kind: ConnectorKind,
}

/// What is to be changed of a connector; what is `None` stays.
#[derive(Debug, Default)]
pub struct ConnectorChange {
    /// A new name.
    pub name: Option<DisplayName>,
    /// A new client: everybody has to connect again.
    pub client_id: Option<String>,
    /// A new secret of the same client: nobody notices.
    pub client_secret: Option<Secret<ClientSecret>>,
    /// Another last day of the secret, or none. Left out, it stays, unless the secret is a new one: then nobody knows.
    pub client_secret_expires_on: Option<Option<Date>>,
    /// Other scopes: whoever lacks one has to connect again.
    pub scopes: Option<Scopes>,
    /// Other details.
    pub connection_config: Option<BTreeMap<String, String>>,
    /// Whether its connections may be exported, a day later.
    pub exportable: Option<bool>,
    /// Whether its connections move to another deployment: nothing is refreshed here then, and nobody connects.
    pub moving_out: Option<bool>,
    /// Other rules of what apps may call; empty ones are none.
    pub call_rules: Option<CallRules>,
    /// Whether apps may use it while its users are away.
    pub offline_use: Option<bool>,
    /// A new key pair in the place of the present one.
    pub rotate_key: bool,
    /// The only revision that may be changed, if whoever asks has seen no other.
    pub at_revision: Option<u64>,
    /// The endpoints that the issuer's metadata names by now, wherever they are.
    pub accept_endpoints: bool,
}

/// Why a connector was not registered, changed or deleted.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// There is no such connector in the workspace.
    #[error("no such connector")]
    NotFound,
    /// Neither the catalogue nor the workspace has this provider.
    #[error("no such provider")]
    UnknownProvider,
    /// The provider lets nobody connect this way today, for this reason.
    #[error("the provider is unavailable")]
    Unavailable(String),
    /// Details that the provider does not take.
    #[error("details are missing or wrong")]
    Config(Vec<FieldError>),
    /// The provider authenticates clients by a secret, and none was given.
    #[error("a client secret is missing")]
    SecretMissing,
    /// A new key was asked for, and the provider asks for none.
    #[error("the provider asks for no key")]
    NoKey,
    /// A new key was asked for, and grants may be bound to the present one (RFC 9449, section 5): none of them could be
    /// refreshed any more.
    #[error("grants are bound to the connector's key")]
    KeyBound,
    /// A new key was asked for, and the last one does not sign yet: the provider would have to learn of two at once.
    #[error("the newest key does not sign yet")]
    KeyTooNew,
    /// The endpoints of an issuer were to be accepted, and the provider has none, or is the catalogue's.
    #[error("the provider was not made of an issuer's metadata")]
    NoIssuer,
    /// The issuer's metadata could not be used.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// No key could be made.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// Another connector of the workspace has this name.
    #[error("the name is taken")]
    NameTaken,
    /// The id is in use.
    #[error("the id is taken")]
    IdTaken,
    /// The workspace has switched off this type of provider.
    #[error("the workspace's policy does not allow it")]
    BlockedByPolicy,
    /// The workspace's plan does not have it.
    #[error("{0}")]
    Plan(PlanRequired),
    /// It is not at the revision that was to be changed.
    #[error("the connector was changed since it was looked at")]
    Outdated,
    /// The proposal that it comes of does not wait for a decision any more.
    #[error("the proposal was decided, or is too old")]
    Decided,
    /// Others keep changing it.
    #[error("somebody else changed the connector at the same time")]
    Contended,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't seal.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl From<PlanRequired> for ConnectorError {
    fn from(required: PlanRequired) -> Self {
        Self::Plan(required)
    }
}

impl ManageConnectors {
    /// The workspace's connectors.
    ///
    /// # Errors
    /// [`ConnectorError::Store`].
    pub async fn list(&self, workspace: &WorkspaceId) -> Result<Vec<Connector>, ConnectorError> {
        let connectors = self.connectors.of_workspace(workspace).await?;
        Ok(connectors.into_iter().filter(Connector::is_active).collect())
    }

    /// One of the workspace's connectors.
    ///
    /// # Errors
    /// [`ConnectorError`].
    pub async fn find(&self, workspace: &WorkspaceId, id: &ConnectorId) -> Result<Connector, ConnectorError> {
        let connector = self.connectors.find(workspace, id).await?;
        connector.filter(Connector::is_active).ok_or(ConnectorError::NotFound)
    }

    /// How its provider does, as seen by everybody who refreshes through it.
    ///
    /// # Errors
    /// [`ConnectorError::Store`].
    pub async fn health(&self, connector: &Connector) -> Result<Health, ConnectorError> {
        Ok(self.healths.find(&connector.id).await?)
    }

    /// What is told of a connector, and noted.
    fn told(&self, kind: EventKind, connector: &Connector, actor: &Actor, details: &[(&str, &str)]) -> Notice {
        noticed(self.publisher.of_connector(kind, connector), actor, connector.id.as_str(), details)
    }

    /// A client secret, sealed for this connector.
    async fn sealed(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
        secret: Option<Secret<ClientSecret>>,
    ) -> Result<Option<Sealed<ClientSecret>>, ConnectorError> {
        let Some(secret) = secret else { return Ok(None) };
        Ok(Some(self.vault.seal(&secret, &Place::connector(workspace, id)).await?))
    }
}
