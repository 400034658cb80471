//! Connectors: registered, viewed, changed, deleted.

use std::{collections::BTreeMap, sync::Arc};

use jiff::civil::Date;

use super::acceptance::{Accepted, takes_secret};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        call::CallRules,
        connector::{Connector, ConnectorKind, ConnectorState},
        event::EventKind,
        fields::FieldError,
        health::Health,
        ids::{ConnectorId, WorkspaceId},
        notice::Notice,
        plan::PlanRequired,
        provider::ProviderType,
        scopes::Scopes,
        secret::{ClientSecret, Sealed, Secret},
        workspace::DisplayName,
    },
    journeys::{
        doctor::CallDoctor,
        issuer_changes::IssuerChanges,
        plan::KeepPlan,
        profile,
        publish::{Publisher, noticed},
        sweep_connector::BeginSweep,
    },
    oauth::{DiscoveryError, ProviderClient, SigningError},
    random::Random,
    store::{ConnectorWrite, Connectors, CustomProviders, Healths, StoreError, Write},
    vault::{Place, Vault, VaultError},
};

/// How often a change is tried again when somebody else changed the connector at the same time.
const TRIES: usize = 3;

/// Manages connectors.
#[derive(Debug, Clone)]
pub struct ManageConnectors {
    pub(crate) connectors: Connectors,
    pub(crate) plan: KeepPlan,
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
    /// The workspace's plan does not have it.
    #[error("{0}")]
    Plan(PlanRequired),
    /// It is not at the revision that was to be changed.
    #[error("the connector was changed since it was looked at")]
    Outdated,
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
    /// Registers a connector.
    ///
    /// # Errors
    /// [`ConnectorError`]; nothing is stored then.
    #[tracing::instrument(skip_all)]
    pub async fn create(
        &self,
        workspace: &WorkspaceId,
        draft: ConnectorDraft,
        actor: Actor,
    ) -> Result<Connector, ConnectorError> {
        let Accepted { provider, is_own, connection_config, planned } = self.accept(workspace, &draft).await?;
        if takes_secret(&provider) && draft.client_secret.is_none() {
            return Err(ConnectorError::SecretMissing);
        }
        let now = self.clock.now();
        let id = draft.id.unwrap_or_else(|| ConnectorId::of_ulid(&self.random.ulid(now)));
        let client_secret = self.sealed(workspace, &id, draft.client_secret).await?;
        let client_key =
            if provider.needs_client_key() { Some(self.new_key(workspace, &id, None).await?) } else { None };
        let connector = Connector {
            workspace: workspace.clone(),
            provider: draft.provider,
            pinned_profile: is_own.then(|| Box::new(provider.into_owned())),
            name: draft.name,
            client_id: draft.client_id,
            client_secret_changed_at: client_secret.as_ref().map(|_| now),
            client_secret,
            client_secret_expires_on: draft.client_secret_expires_on,
            client_key,
            scopes: draft.scopes,
            scopes_revision: 1,
            connection_config,
            call_rules: draft.call_rules,
            offline_use: draft.offline_use,
            kind: draft.kind,
            exportable_since: None,
            state: ConnectorState::Active,
            revision: 1,
            created_at: now,
            updated_at: now,
            id,
        };
        let details = [("integration_type", connector.provider.as_str()), ("name", connector.name.as_str())];
        let told = self.told(EventKind::ConnectorCreated, &connector, &actor, &details);
        match self.connectors.put_new(&connector, planned.most_connectors(), &told).await? {
            ConnectorWrite::Done => self.publisher.made(&told).await,
            ConnectorWrite::Full => {
                // Others came first: it is full by now, or gone.
                let planned = self.plan.of(workspace).await?.ok_or(ConnectorError::NotFound)?;
                planned.has_room_for(connector.kind)?;
                return Err(ConnectorError::Contended);
            }
            ConnectorWrite::NameTaken => return Err(ConnectorError::NameTaken),
            ConnectorWrite::Conflict => return Err(ConnectorError::IdTaken),
        }
        self.doctor.soon(&connector).await;
        Ok(connector)
    }

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

    /// Changes a connector.
    ///
    /// # Errors
    /// [`ConnectorError`]; nothing is changed then.
    #[tracing::instrument(skip_all, fields(connector.id = %id))]
    pub async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
        change: ConnectorChange,
        actor: Actor,
    ) -> Result<Connector, ConnectorError> {
        let secret = self.sealed(workspace, id, change.client_secret).await?;
        let change = ConnectorChange { client_secret: None, ..change };
        let metadata = if change.accept_endpoints { Some(self.metadata(workspace, id).await?) } else { None };
        for _ in 0..TRIES {
            let earlier = self.find(workspace, id).await?;
            if change.at_revision.is_some_and(|revision| revision != earlier.revision) {
                return Err(ConnectorError::Outdated);
            }
            let mut changed = self.changed(&earlier, &change, secret.as_ref())?;
            let accepted =
                metadata.as_ref().map(|metadata| self.accepted(&mut changed, metadata)).transpose()?.flatten();
            changed.client_key = self.key_of_changed(&changed, change.rotate_key).await?;
            let fields = differences(&earlier, &changed).join(" ");
            let told = self.told(EventKind::ConnectorChanged, &changed, &actor, &[("changed", &fields)]);
            match self.connectors.replace(&earlier, &changed, &told).await? {
                ConnectorWrite::Done => {
                    self.publisher.made(&told).await;
                    if let Some(metadata) = &metadata {
                        self.note_accepted(&changed, metadata, accepted.as_ref(), actor).await?;
                    }
                    self.doctor.soon(&changed).await;
                    return Ok(changed);
                }
                ConnectorWrite::NameTaken if earlier.name.folded() != changed.name.folded() => {
                    return Err(ConnectorError::NameTaken);
                }
                ConnectorWrite::NameTaken | ConnectorWrite::Conflict | ConnectorWrite::Full => {}
            }
        }
        Err(ConnectorError::Contended)
    }

    /// Deletes a connector: its connections are unusable from now on; in the background they are removed and, if
    /// `revoke`, ended at the provider.
    ///
    /// # Errors
    /// [`ConnectorError`].
    #[tracing::instrument(skip_all, fields(connector.id = %id))]
    pub async fn delete(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
        revoke: bool,
        actor: Actor,
    ) -> Result<(), ConnectorError> {
        let connector = self.connectors.find(workspace, id).await?.ok_or(ConnectorError::NotFound)?;
        // Whoever deletes counts: so they are counted before.
        self.plan.of(workspace).await?;
        let now = self.clock.now();
        // Also for one that is being deleted already: whoever deletes again may have changed their mind about `revoke`.
        let began_at = if connector.is_active() { now } else { connector.updated_at };
        let sweep = self.sweep.of(&connector, None, revoke, began_at).await?;
        let details = [("revoke", if revoke { "true" } else { "false" })];
        let told = self.told(EventKind::ConnectorDeleted, &connector, &actor, &details);
        if self.mark_deleted(connector, &told).await? == Write::Done {
            self.publisher.made(&told).await;
        }
        self.sweep.start(&sweep).await;
        Ok(())
    }

    /// Marks a connector as deleted, as it is by now; [`Write::Conflict`] if somebody else has.
    async fn mark_deleted(&self, mut connector: Connector, told: &Notice) -> Result<Write, ConnectorError> {
        for _ in 0..TRIES {
            if !connector.is_active() {
                return Ok(Write::Conflict);
            }
            if self.connectors.mark_deleted(&connector, told).await? == Write::Done {
                return Ok(Write::Done);
            }
            let changed = self.connectors.find(&connector.workspace, &connector.id).await?;
            connector = changed.ok_or(ConnectorError::NotFound)?;
        }
        Err(ConnectorError::Contended)
    }

    /// What is told of a connector, and noted.
    fn told(&self, kind: EventKind, connector: &Connector, actor: &Actor, details: &[(&str, &str)]) -> Notice {
        noticed(self.publisher.of_connector(kind, connector), actor, connector.id.as_str(), details)
    }

    async fn sealed(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
        secret: Option<Secret<ClientSecret>>,
    ) -> Result<Option<Sealed<ClientSecret>>, ConnectorError> {
        let Some(secret) = secret else { return Ok(None) };
        Ok(Some(self.vault.seal(&secret, &Place::connector(workspace, id)).await?))
    }

    pub(super) fn changed(
        &self,
        earlier: &Connector,
        change: &ConnectorChange,
        secret: Option<&Sealed<ClientSecret>>,
    ) -> Result<Connector, ConnectorError> {
        let config = match (&change.connection_config, profile(earlier)) {
            (Some(config), Some(provider)) => {
                Some(provider.accept_change(&earlier.connection_config, config).map_err(ConnectorError::Config)?)
            }
            (config, _) => config.clone(),
        };
        let now = self.clock.now();
        let mut connector = earlier.clone();
        if let Some(name) = &change.name {
            connector.name = name.clone();
        }
        if let Some(client_id) = &change.client_id {
            connector.client_id.clone_from(client_id);
        }
        if let Some(secret) = secret {
            connector.client_secret = Some(secret.clone());
            connector.client_secret_changed_at = Some(now);
            connector.client_secret_expires_on = None;
        }
        if let Some(last_day) = change.client_secret_expires_on {
            connector.client_secret_expires_on = last_day;
        }
        if let Some(scopes) = &change.scopes
            && *scopes != earlier.scopes
        {
            connector.scopes = scopes.clone();
            connector.scopes_revision += 1;
        }
        if let Some(config) = config {
            connector.connection_config = config;
        }
        if let Some(exportable) = change.exportable {
            connector.exportable_since = exportable.then(|| earlier.exportable_since.unwrap_or(now));
        }
        if let Some(rules) = &change.call_rules {
            connector.call_rules = rules.clone();
        }
        connector.offline_use = change.offline_use.unwrap_or(connector.offline_use);
        connector.revision += 1;
        connector.updated_at = now;
        Ok(connector)
    }
}

/// The names of the fields that differ, for the audit trail.
fn differences(earlier: &Connector, changed: &Connector) -> Vec<&'static str> {
    let key = |connector: &Connector| connector.client_key.as_ref().map(|key| key.public.thumbprint());
    let fields = [
        ("name", earlier.name != changed.name),
        ("client_id", earlier.client_id != changed.client_id),
        ("client_secret", earlier.client_secret_changed_at != changed.client_secret_changed_at),
        ("client_secret_expires_on", earlier.client_secret_expires_on != changed.client_secret_expires_on),
        ("key", key(earlier) != key(changed)),
        ("scopes", earlier.scopes != changed.scopes),
        ("endpoints", earlier.pinned_profile != changed.pinned_profile),
        ("connection_config", earlier.connection_config != changed.connection_config),
        ("exportable", earlier.exportable_since != changed.exportable_since),
        ("call_rules", earlier.call_rules != changed.call_rules),
        ("offline_use", earlier.offline_use != changed.offline_use),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
