//! Composition: the environment becomes clients, clients become journeys. Each function builds the journeys it needs and
//! no others.

use std::{sync::Arc, time::Duration};

use aws_config::{Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider as Tls, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use axum::Router;

use crate::{
    auth::Authenticator,
    clock::Clock,
    config::{AwsConfig, Config, EgressSetting},
    journeys::{
        ask_provider::AskProvider,
        audit::Audit,
        complete_authorization::CompleteAuthorization,
        delete_workspace::DeleteWorkspace,
        disconnect::Disconnect,
        dispatch_due::DispatchDue,
        end_connection::EndConnection,
        exchange::Exchange,
        forget_user::ForgetUser,
        get_token::GetToken,
        list_connections::ListConnections,
        manage::{FoundWorkspace, ManageApps, ManageConnectors, ManageKeys, ManageProviders},
        refresh_connection::{Crowd, Refresher},
        refresh_due::RefreshDue,
        reminders::Reminders,
        reseal::Reseal,
        revoke_grant::RevokeGrant,
        rotate_key::{RemindOfKeys, RotateKey},
        start_authorization::StartAuthorization,
        sweep_connector::{BeginSweep, SweepConnector},
        work_endings::WorkEndings,
    },
    metrics::Metrics,
    oauth::{ProviderClient, egress::Egress},
    queue::Queue,
    random::Random,
    store::{
        ApiKeys, Apps, AuditLog, Completions, Connections, Connectors, CustomProviders, EndedGrants, Endings,
        ForgottenUsers, Healths, Leases, Paces, Purges, Renewals, Schedule, SealedRows, Sessions, Sweeps, TokenReads,
        WorkspaceKeys, Workspaces,
    },
    vault::Vault,
    web::{self, Callers, Origins},
};

/// The certificate authorities that AWS endpoints are signed by. Reading these few, and not the operating system's
/// hundred and fifty, makes a cold start five milliseconds shorter.
const AMAZON_ROOTS: &[u8] = include_bytes!("../certificates/amazon-roots.pem");

/// How long AWS may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long one try of one request may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a request may take, all tries together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

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
    vault: Arc<Vault>,
    client: Arc<ProviderClient>,
    authenticator: Arc<Authenticator>,
}

/// AWS clients could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the certificate authorities of AWS can't be read")]
pub struct ServicesError;

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
        let aws = aws(&config.aws)?;
        let mut dynamodb = aws_sdk_dynamodb::config::Builder::from(&aws);
        dynamodb.set_endpoint_url(config.aws.dynamodb_endpoint.clone());
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.build());
        let mut kms = aws_sdk_kms::config::Builder::from(&aws);
        kms.set_endpoint_url(config.aws.kms_endpoint.clone());
        let mut sqs = aws_sdk_sqs::config::Builder::from(&aws);
        sqs.set_endpoint_url(config.aws.sqs_endpoint.clone());
        let sqs = aws_sdk_sqs::Client::from_conf(sqs.build());
        let random = Random::default();
        let tables = &config.tables;
        let vault = Arc::new(Vault::new(
            aws_sdk_kms::Client::from_conf(kms.build()),
            config.kms_key_id.clone(),
            config.deployment.clone(),
            config.max_key_age,
            WorkspaceKeys::new(&dynamodb, tables),
            clock.clone(),
            random.clone(),
        ));
        let client = Arc::new(ProviderClient::new(match config.egress {
            EgressSetting::Guarded => Egress::new(),
            EgressSetting::AllowingPlainHttpToLoopback => Egress::allowing_plain_http_to_loopback(),
        }));
        let keys = ApiKeys::new(&dynamodb, tables);
        let authenticator = Authenticator::new(keys, Apps::new(&dynamodb, tables), Arc::clone(&client), clock.clone());
        Ok(Arc::new(Self {
            refresh_queue: Queue::new(sqs.clone(), config.refresh_queue_url.clone()),
            revocation_queue: Queue::new(sqs, config.revocation_queue_url.clone()),
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

    /// The journey that begins sessions.
    #[must_use]
    pub fn start_authorization(&self) -> StartAuthorization {
        StartAuthorization {
            connectors: self.connectors(),
            connections: self.connections(),
            sessions: self.sessions(),
            vault: Arc::clone(&self.vault),
            public_base_url: self.config.public_base_url.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that completes sessions.
    #[must_use]
    pub fn complete_authorization(&self) -> CompleteAuthorization {
        CompleteAuthorization {
            sessions: self.sessions(),
            connectors: self.connectors(),
            exchange: Exchange {
                connectors: self.connectors(),
                completions: Completions::new(&self.dynamodb, &self.config.tables),
                sessions: self.sessions(),
                vault: Arc::clone(&self.vault),
                client: Arc::clone(&self.client),
                audit: self.audit(),
                clock: self.clock.clone(),
                random: self.random.clone(),
            },
            vault: Arc::clone(&self.vault),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that hands out tokens.
    #[must_use]
    pub fn get_token(&self) -> GetToken {
        GetToken {
            reads: TokenReads::new(&self.dynamodb, &self.config.tables),
            schedule: self.schedule(),
            refresher: self.refresher(),
            vault: Arc::clone(&self.vault),
            remind: self.remind_of_keys(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that finds what is due.
    #[must_use]
    pub fn dispatch_due(&self) -> DispatchDue {
        DispatchDue {
            schedule: self.schedule(),
            refresh_queue: self.refresh_queue.clone(),
            revocation_queue: self.revocation_queue.clone(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that works off the refresh queue.
    #[must_use]
    pub fn refresh_due(&self) -> RefreshDue {
        RefreshDue {
            connectors: self.connectors(),
            connections: self.connections(),
            schedule: self.schedule(),
            refresher: self.refresher(),
            rotate: self.rotate_key(),
            reseal: Reseal {
                keys: self.workspace_keys(),
                rows: SealedRows::new(&self.dynamodb, &self.config.tables),
                vault: Arc::clone(&self.vault),
                queue: self.refresh_queue.clone(),
                audit: self.audit(),
                clock: self.clock.clone(),
            },
            remind: self.remind_of_keys(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that makes new keys for workspaces.
    #[must_use]
    pub fn rotate_key(&self) -> RotateKey {
        RotateKey {
            keys: self.workspace_keys(),
            workspaces: self.workspaces(),
            vault: Arc::clone(&self.vault),
            queue: self.refresh_queue.clone(),
            audit: self.audit(),
            clock: self.clock.clone(),
            max_age: self.config.max_key_age,
        }
    }

    /// The journey that disconnects.
    #[must_use]
    pub fn disconnect(&self) -> Disconnect {
        Disconnect {
            connectors: self.connectors(),
            end: self.end_connection(),
            revoke: self.revoke_grant(),
            audit: self.audit(),
        }
    }

    /// The journey that works off the queue of what is left to be done after something ended.
    #[must_use]
    pub fn work_endings(&self) -> WorkEndings {
        WorkEndings {
            endings: Endings::new(&self.dynamodb, &self.config.tables),
            revoke: self.revoke_grant(),
            sweep: SweepConnector {
                apps: self.apps(),
                connectors: self.connectors(),
                connections: self.connections(),
                healths: self.healths(),
                sweeps: self.sweeps(),
                end: self.end_connection(),
                revoke: self.revoke_grant(),
                reminders: self.reminders(),
                audit: self.audit(),
                clock: self.clock.clone(),
            },
            forgotten: ForgottenUsers::new(&self.dynamodb, &self.config.tables),
            workspaces: self.delete_workspace(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that deletes what is kept of a user.
    #[must_use]
    pub fn forget_user(&self) -> ForgetUser {
        ForgetUser {
            apps: self.apps(),
            connections: self.connections(),
            forgotten: ForgottenUsers::new(&self.dynamodb, &self.config.tables),
            end: self.end_connection(),
            reminders: self.reminders(),
            audit: self.audit(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that deletes workspaces.
    #[must_use]
    pub fn delete_workspace(&self) -> DeleteWorkspace {
        DeleteWorkspace {
            workspaces: self.workspaces(),
            wrapped_keys: WorkspaceKeys::new(&self.dynamodb, &self.config.tables),
            api_keys: ApiKeys::new(&self.dynamodb, &self.config.tables),
            apps: self.apps(),
            connectors: self.connectors(),
            connections: self.connections(),
            healths: self.healths(),
            purges: Purges::new(&self.dynamodb, &self.config.tables),
            reminders: self.reminders(),
            audit: self.audit(),
            clock: self.clock.clone(),
        }
    }

    /// The journey that lists connections.
    #[must_use]
    pub fn list_connections(&self) -> ListConnections {
        ListConnections { connectors: self.connectors(), connections: self.connections(), clock: self.clock.clone() }
    }

    /// The journey that manages connectors.
    #[must_use]
    pub fn manage_connectors(&self) -> ManageConnectors {
        ManageConnectors {
            connectors: self.connectors(),
            custom: CustomProviders::new(&self.dynamodb, &self.config.tables),
            healths: self.healths(),
            vault: Arc::clone(&self.vault),
            sweep: self.begin_sweep(),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that manages apps.
    #[must_use]
    pub fn manage_apps(&self) -> ManageApps {
        ManageApps {
            apps: self.apps(),
            connectors: self.connectors(),
            client: Arc::clone(&self.client),
            sweep: self.begin_sweep(),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that manages API keys.
    #[must_use]
    pub fn manage_keys(&self) -> ManageKeys {
        ManageKeys {
            keys: ApiKeys::new(&self.dynamodb, &self.config.tables),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// The journey that manages providers.
    #[must_use]
    pub fn manage_providers(&self) -> ManageProviders {
        ManageProviders {
            custom: CustomProviders::new(&self.dynamodb, &self.config.tables),
            client: Arc::clone(&self.client),
            audit: self.audit(),
        }
    }

    /// The journey that founds workspaces.
    #[must_use]
    pub fn found_workspace(&self) -> FoundWorkspace {
        FoundWorkspace {
            workspaces: self.workspaces(),
            keys: self.manage_keys(),
            vault: Arc::clone(&self.vault),
            audit: self.audit(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    /// Workspaces.
    #[must_use]
    pub fn workspaces(&self) -> Workspaces {
        Workspaces::new(&self.dynamodb, &self.config.tables)
    }

    /// The audit trail, to be read.
    #[must_use]
    pub fn audit_log(&self) -> AuditLog {
        AuditLog::new(&self.dynamodb, &self.config.tables)
    }

    fn audit(&self) -> Audit {
        Audit { log: self.audit_log(), clock: self.clock.clone(), random: self.random.clone() }
    }

    fn refresher(&self) -> Refresher {
        Refresher {
            leases: Leases::new(&self.dynamodb, &self.config.tables),
            renewals: Renewals::new(&self.dynamodb, &self.config.tables),
            connections: self.connections(),
            healths: self.healths(),
            paces: self.paces.clone(),
            vault: Arc::clone(&self.vault),
            client: Arc::clone(&self.client),
            ended: self.ended_grants(),
            provider: self.ask_provider(),
            queue: self.refresh_queue.clone(),
            crowd: self.crowd.clone(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn remind_of_keys(&self) -> RemindOfKeys {
        RemindOfKeys { vault: Arc::clone(&self.vault), queue: self.refresh_queue.clone() }
    }

    fn workspace_keys(&self) -> WorkspaceKeys {
        WorkspaceKeys::new(&self.dynamodb, &self.config.tables)
    }

    fn revoke_grant(&self) -> RevokeGrant {
        RevokeGrant {
            connectors: self.connectors(),
            connections: self.connections(),
            ended: self.ended_grants(),
            provider: self.ask_provider(),
            reminders: self.reminders(),
            audit: self.audit(),
            metrics: self.metrics(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn end_connection(&self) -> EndConnection {
        EndConnection {
            connections: self.connections(),
            ended: self.ended_grants(),
            clock: self.clock.clone(),
            random: self.random.clone(),
        }
    }

    fn ask_provider(&self) -> AskProvider {
        AskProvider { vault: Arc::clone(&self.vault), client: Arc::clone(&self.client), clock: self.clock.clone() }
    }

    fn begin_sweep(&self) -> BeginSweep {
        BeginSweep { sweeps: self.sweeps(), reminders: self.reminders(), clock: self.clock.clone() }
    }

    fn reminders(&self) -> Reminders {
        Reminders(self.revocation_queue.clone())
    }

    fn ended_grants(&self) -> EndedGrants {
        EndedGrants::new(&self.dynamodb, &self.config.tables)
    }

    fn sweeps(&self) -> Sweeps {
        Sweeps::new(&self.dynamodb, &self.config.tables)
    }

    fn healths(&self) -> Healths {
        Healths::new(&self.dynamodb, &self.config.tables)
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

    fn connections(&self) -> Connections {
        Connections::new(&self.dynamodb, &self.config.tables)
    }

    fn sessions(&self) -> Sessions {
        Sessions::new(&self.dynamodb, &self.config.tables)
    }
}

fn aws(config: &AwsConfig) -> Result<SdkConfig, ServicesError> {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build().map_err(|_| ServicesError)?;
    let http = Builder::new().tls_provider(Tls::Rustls(CryptoMode::AwsLc)).tls_context(context).build_https();
    let (id, secret, token) = config.credentials.clone();
    let credentials = Credentials::new(id, secret, token, None, "environment");
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    Ok(SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(timeouts)
        .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .build())
}
