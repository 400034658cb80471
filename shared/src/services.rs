//! Composition: the environment becomes clients, clients become journeys. Each function builds the journeys it needs and
//! no others.

mod aws;
mod life;
mod management;

use std::sync::Arc;

use axum::Router;

use self::aws::AwsClients;
use crate::{
    auth::Authenticator,
    clock::Clock,
    config::{Config, EgressSetting},
    journeys::{
        audit::Audit, count_connections::BeginRecount, doctor::Doctor, issuer_changes::IssuerChanges,
        publish::Publisher, refresh_connection::Crowd, reminders::Reminders, rotate_key::RemindOfKeys,
    },
    metrics::Metrics,
    network::NetworkError,
    oauth::{
        ProviderClient,
        egress::{Egress, Names},
    },
    queue::{OrderedQueue, Queue},
    random::Random,
    store::{
        ApiKeys, Apps, AuditKeys, AuditLog, Checkups, ClientKeys, ConnectionCounts, Connections, Connectors,
        CustomProviders, EndedGrants, Healths, Outbox, Paces, Policies, Recounts, Schedule, Sessions, Sweeps,
        ToldEvents, Webhooks, WorkspaceIdentities, WorkspaceKeys, Workspaces,
    },
    vault::Vault,
    web::{self, Callers, Origins},
};

/// Everything that journeys are made of.
#[derive(Debug)]
pub struct Services {
    config: Config,
    clock: Clock,
    random: Random,
    dynamodb: aws_sdk_dynamodb::Client,
    paces: Paces,
    crowd: Crowd,
    refresh_queue: Queue,
    revocation_queue: Queue,
    salvage_queue: OrderedQueue,
    event_queue: Queue,
    vault: Arc<Vault>,
    client: Arc<ProviderClient>,
    authenticator: Arc<Authenticator>,
}

/// AWS clients could not be made.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ServicesError(#[from] NetworkError);

impl Services {
    /// Services that go by the system's clock.
    ///
    /// # Errors
    /// [`ServicesError`].
    pub fn new(config: &Config) -> Result<Arc<Self>, ServicesError> {
        Self::with_clock(config, Clock::system())
    }

    /// Services that go by this clock.
    ///
    /// # Errors
    /// [`ServicesError`].
    pub fn with_clock(config: &Config, clock: Clock) -> Result<Arc<Self>, ServicesError> {
        Self::with(config, clock, Names::system())
    }

    /// Services that go by this clock, and find providers by these names.
    ///
    /// # Errors
    /// [`ServicesError`].
    pub fn with(config: &Config, clock: Clock, names: Names) -> Result<Arc<Self>, ServicesError> {
        let AwsClients { dynamodb, kms, sqs } = AwsClients::new(&config.aws)?;
        let random = Random::default();
        let tables = &config.tables;
        let vault = Arc::new(Vault::new(
            kms,
            config.kms_key_id.clone(),
            config.deployment.clone(),
            config.max_key_age,
            WorkspaceKeys::new(&dynamodb, tables),
            clock.clone(),
            random.clone(),
        ));
        let egress = match config.egress {
            EgressSetting::Guarded => Egress::new(),
            EgressSetting::AllowingPlainHttpToLoopback => Egress::allowing_plain_http_to_loopback(),
        };
        let client = Arc::new(ProviderClient::new(egress.resolving_by(names)));
        let keys = ApiKeys::new(&dynamodb, tables);
        let (apps, identities) = (Apps::new(&dynamodb, tables), WorkspaceIdentities::new(&dynamodb, tables));
        let authenticator = Authenticator::new(keys, apps, identities, Arc::clone(&client), clock.clone());
        Ok(Arc::new(Self {
            refresh_queue: Queue::new(sqs.clone(), config.refresh_queue_url.clone()),
            revocation_queue: Queue::new(sqs.clone(), config.revocation_queue_url.clone()),
            event_queue: Queue::new(sqs.clone(), config.event_queue_url.clone()),
            salvage_queue: OrderedQueue::new(sqs, config.salvage_queue_url.clone()),
            config: config.clone(),
            authenticator: Arc::new(authenticator),
            paces: Paces::new(&dynamodb, tables),
            crowd: Crowd::default(),
            clock,
            random,
            dynamodb,
            vault,
            client,
        }))
    }

    /// Gives a function's routes what all have in common.
    pub fn dress(&self, routes: Router) -> Router {
        web::dress(routes, Origins::new(Arc::clone(&self.authenticator)), self.clock.clone(), self.random.clone())
    }

    /// What extractors need to know who is calling.
    #[must_use]
    pub fn callers(&self) -> Callers {
        Callers(Arc::clone(&self.authenticator))
    }

    /// Where people and providers reach this deployment.
    #[must_use]
    pub fn public_base_url(&self) -> &str {
        &self.config.public_base_url
    }

    /// The present.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The journey that examines connectors.
    #[must_use]
    pub fn doctor(&self) -> Doctor {
        Doctor {
            connectors: self.connectors(),
            connections: self.connections(),
            checkups: self.checkups(),
            issuers: self.issuer_changes(),
            recount: self.begin_recount(),
            vault: Arc::clone(&self.vault),
            client: Arc::clone(&self.client),
            public_base_url: self.config.public_base_url.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// Workspaces.
    #[must_use]
    pub fn workspaces(&self) -> Workspaces {
        Workspaces::new(&self.dynamodb, &self.config.tables)
    }

    /// The public keys of connectors, to be read.
    #[must_use]
    pub fn client_keys(&self) -> ClientKeys {
        ClientKeys::new(&self.dynamodb, &self.config.tables)
    }

    /// The audit trail, to be read.
    #[must_use]
    pub fn audit_log(&self) -> AuditLog {
        AuditLog::new(&self.dynamodb, &self.config.tables)
    }
}

/// What several journeys are made of.
impl Services {
    fn audit(&self) -> Audit {
        Audit {
            log: self.audit_log(),
            keys: self.audit_keys(),
            vault: Arc::clone(&self.vault),
            outbox: self.outbox(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            begins_signing: false,
        }
    }

    /// The same, for those whose role may make a workspace's keys.
    fn signing_audit(&self) -> Audit {
        Audit { begins_signing: true, ..self.audit() }
    }

    fn told_events(&self) -> ToldEvents {
        ToldEvents::new(&self.dynamodb, &self.config.tables)
    }

    fn audit_keys(&self) -> AuditKeys {
        AuditKeys::new(&self.dynamodb, &self.config.tables)
    }

    fn publisher(&self) -> Publisher {
        Publisher {
            reminders: self.event_reminders(),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn outbox(&self) -> Outbox {
        Outbox::new(&self.dynamodb, &self.config.tables)
    }

    fn webhooks(&self) -> Webhooks {
        Webhooks::new(&self.dynamodb, &self.config.tables)
    }

    fn event_reminders(&self) -> Reminders {
        Reminders(self.event_queue.clone())
    }

    fn issuer_changes(&self) -> IssuerChanges {
        IssuerChanges {
            custom: self.custom_providers(),
            vault: Arc::clone(&self.vault),
            client: Arc::clone(&self.client),
            audit: self.audit(),
            publisher: self.publisher(),
            clock: self.clock.clone(),
        }
    }

    fn custom_providers(&self) -> CustomProviders {
        CustomProviders::new(&self.dynamodb, &self.config.tables)
    }

    fn remind_of_keys(&self) -> RemindOfKeys {
        RemindOfKeys { vault: Arc::clone(&self.vault), queue: self.refresh_queue.clone() }
    }

    fn workspace_keys(&self) -> WorkspaceKeys {
        WorkspaceKeys::new(&self.dynamodb, &self.config.tables)
    }

    fn reminders(&self) -> Reminders {
        Reminders(self.revocation_queue.clone())
    }

    fn ended_grants(&self) -> EndedGrants {
        EndedGrants::new(&self.dynamodb, &self.config.tables)
    }

    fn recounts(&self) -> Recounts {
        Recounts::new(&self.dynamodb, &self.config.tables)
    }

    fn begin_recount(&self) -> BeginRecount {
        BeginRecount {
            workspaces: self.workspaces(),
            recounts: self.recounts(),
            reminders: self.reminders(),
            plans: self.config.plans.clone(),
            clock: self.clock.clone(),
        }
    }

    fn sweeps(&self) -> Sweeps {
        Sweeps::new(&self.dynamodb, &self.config.tables)
    }

    fn healths(&self) -> Healths {
        Healths::new(&self.dynamodb, &self.config.tables)
    }

    fn checkups(&self) -> Checkups {
        Checkups::new(&self.dynamodb, &self.config.tables)
    }

    fn apps(&self) -> Apps {
        Apps::new(&self.dynamodb, &self.config.tables)
    }

    fn metrics(&self) -> Metrics {
        Metrics::new(&self.config.deployment)
    }

    fn schedule(&self) -> Schedule {
        Schedule::new(&self.dynamodb, &self.config.tables)
    }

    fn connectors(&self) -> Connectors {
        Connectors::new(&self.dynamodb, &self.config.tables)
    }

    fn policies(&self) -> Policies {
        Policies::new(&self.dynamodb, &self.config.tables)
    }

    fn connection_counts(&self) -> ConnectionCounts {
        ConnectionCounts::new(&self.dynamodb, &self.config.tables)
    }

    fn connections(&self) -> Connections {
        Connections::new(&self.dynamodb, &self.config.tables)
    }

    fn sessions(&self) -> Sessions {
        Sessions::new(&self.dynamodb, &self.config.tables)
    }
}
