//! The doctor: looks at a connector as a person would who wonders why it does not work, and says what to do. When an
//! admin asks, soon after each change, and once a night.
//!
//! Nothing that it asks of a provider changes anything there: no user is needed and no token is shown. Its findings are
//! told in our own words. A connector that was made of an issuer's metadata follows it here, where that is safe.

mod client;
mod endpoints;
mod grants;
mod issuer;
mod metadata;
mod redirect;
mod scopes;

use std::{sync::Arc, time::Duration};

use futures::join;
use jiff::Timestamp;
use serde_json::{Map, Value};

use self::{client::Verdict, issuer::Followed};
use super::{client_proof::ClientProof, count_connections::BeginRecount, issuer_changes::IssuerChanges, profile};
use crate::{
    clock::Clock,
    domain::{
        connection::Connection,
        connector::Connector,
        finding::{Checkup, Finding, next_examination},
        ids::{ConnectorId, WorkspaceId},
        provider::Provider,
    },
    oauth::{DiscoveryError, ProviderClient},
    queue::{DueMessage, Queue},
    random::Random,
    store::{Checkups, Connections, Connectors, ItemKey, StoreError, Turn},
    vault::Vault,
};

/// How long one examination may take: somebody may be waiting for it.
pub const EXAMINATION: Duration = Duration::from_secs(12);

/// How long an issuer may take to tell about itself, before anything else is asked.
const METADATA: Duration = Duration::from_secs(6);

/// When an examination that nobody came back from is taken up again.
const TAKEN_FOR: Duration = Duration::from_mins(3);

/// How many connections are looked at. What happens to many of them shows in these.
const CONNECTIONS: usize = 100;

/// Examines connectors.
#[derive(Debug, Clone)]
pub struct Doctor {
    pub(crate) connectors: Connectors,
    pub(crate) connections: Connections,
    pub(crate) checkups: Checkups,
    pub(crate) issuers: IssuerChanges,
    pub(crate) recount: BeginRecount,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) public_base_url: String,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// Why a connector was not examined.
#[derive(Debug, thiserror::Error)]
pub enum NotExamined {
    /// There is no such connector in the workspace.
    #[error("no such connector")]
    NotFound,
    /// It was examined less than a minute ago.
    #[error("the connector was examined a moment ago")]
    TooSoon {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the provider said, or did not say, while it was asked.
struct Asked {
    obstacles: Vec<Finding>,
    verdict: Verdict,
}

impl Doctor {
    /// Examines a connector now, and answers what was found.
    ///
    /// # Errors
    /// [`NotExamined`].
    #[tracing::instrument(skip_all, fields(connector.id = %id))]
    pub async fn examine(&self, workspace: &WorkspaceId, id: &ConnectorId) -> Result<Checkup, NotExamined> {
        let connector = self.connectors.find(workspace, id).await?;
        let connector = connector.filter(Connector::is_active).ok_or(NotExamined::NotFound)?;
        match self.take_turn(&connector).await? {
            Turn::Taken(held) => Ok(Box::pin(self.examine_in_turn(connector, held)).await?),
            Turn::NotBefore(moment) => {
                let wait = moment.duration_since(self.clock.now()).unsigned_abs();
                Err(NotExamined::TooSoon { retry_after: wait.max(Duration::from_secs(1)) })
            }
        }
    }

    /// What was found when a connector was last examined.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub async fn last(&self, connector: &Connector) -> Result<Option<Checkup>, StoreError> {
        self.checkups.find(&connector.id).await
    }

    /// Examines the connector of a reminder, if it is still due. Once a night this comes by at every workspace, so it is
    /// also where one is noticed whose plan goes by connections that nobody has counted.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer; the connector stays due.
    #[tracing::instrument(skip_all)]
    pub(super) async fn examine_due(&self, pk: String, sk: String) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(due) = self.checkups.find_due(&ItemKey { pk, sk }, now).await? else { return Ok(()) };
        let connector = self.connectors.find(&due.workspace, &due.connector).await?;
        let Some(connector) = connector.filter(Connector::is_active) else {
            return self.checkups.remove(&due.connector).await;
        };
        self.recount.look_after(&due.workspace).await?;
        match self.take_turn(&connector).await? {
            Turn::Taken(held) => Box::pin(self.examine_in_turn(connector, held)).await.map(|_| ()),
            Turn::NotBefore(moment) => self.checkups.put_off(&due, moment).await,
        }
    }

    async fn take_turn(&self, connector: &Connector) -> Result<Turn, StoreError> {
        let now = self.clock.now();
        let until = now.checked_add(TAKEN_FOR).unwrap_or(Timestamp::MAX);
        self.checkups.take_turn(connector, now, until).await
    }

    async fn examine_in_turn(&self, connector: Connector, held: Timestamp) -> Result<Checkup, StoreError> {
        let noted = self.checkups.find(&connector.id).await?.and_then(|last| last.offered);
        let metadata = self.metadata(&connector).await;
        // What can't be read says nothing new.
        let Followed { connector, offered, told } = match &metadata {
            Some(Ok(metadata)) => Box::pin(self.follow(connector, metadata, noted.as_deref())).await?,
            _ => Followed { connector, offered: noted, told: None },
        };
        let mut findings = self.findings(&connector, metadata).await?;
        findings.sort_by_key(|finding| finding.severity);
        let checked_at = self.clock.now();
        let checkup = Checkup { checked_at, revision: connector.revision, findings, offered };
        let next = next_examination(&connector.id, checked_at);
        self.checkups.note(&connector.id, &checkup, (held, next), told.as_ref()).await?;
        if let Some(told) = &told {
            self.issuers.tell(told).await;
        }
        tracing::info!(findings = checkup.findings.len(), "a connector was examined");
        Ok(checkup)
    }

    async fn findings(
        &self,
        connector: &Connector,
        metadata: Option<Result<Map<String, Value>, DiscoveryError>>,
    ) -> Result<Vec<Finding>, StoreError> {
        let Some(provider) = profile(connector) else { return Ok(Vec::new()) };
        let redirect_uri = connector.redirect_uri(&self.public_base_url);
        let (asked, connections) =
            join!(Box::pin(self.ask(connector, provider, &redirect_uri)), self.connections_of(&connector.id));
        let (asked, connections) = (asked, connections?);
        let now = self.clock.now();
        let mut findings = redirect::findings(&redirect_uri, provider.authorize.redirect_uri, !connections.is_empty());
        findings.extend(asked.obstacles);
        findings.extend(client::findings(asked.verdict, &redirect_uri));
        findings.extend(client::expiry(connector.client_secret_expires_on, now));
        findings.extend(scopes::findings(connector, provider));
        findings.extend(grants::findings(provider, &connections));
        if let Some(metadata) = metadata {
            findings.extend(metadata::findings(connector, provider, &metadata));
        }
        Ok(findings)
    }

    /// What the issuer publishes, if there is one that answers in time. It is asked first: whom the client is presented to
    /// may depend on it.
    async fn metadata(&self, connector: &Connector) -> Option<Result<Map<String, Value>, DiscoveryError>> {
        let issuer = profile(connector)?.oidc.as_ref().map(|oidc| oidc.issuer.as_str())?;
        if endpoints::is_filled_later(issuer) {
            return None;
        }
        tokio::time::timeout(METADATA, Box::pin(self.client.metadata(issuer))).await.ok()
    }

    /// Asks the provider whatever there is to ask, all at once. What does not come in time is not known.
    async fn ask(&self, connector: &Connector, provider: &Provider, redirect_uri: &str) -> Asked {
        let (obstacles, verdict) =
            join!(endpoints::findings(&self.client, provider), self.present_client(connector, provider, redirect_uri),);
        Asked { obstacles, verdict }
    }

    /// Presents the client with a code that nobody was given. Where that does harm, or the secret does not open, nothing is
    /// known.
    async fn present_client(&self, connector: &Connector, provider: &Provider, redirect_uri: &str) -> Verdict {
        if provider.token.probe_harmful || endpoints::is_filled_later(&provider.token.url) {
            return Verdict::Unknown;
        }
        let proof = match ClientProof::open(&self.vault, &self.random, connector, self.clock.now()).await {
            Ok(proof) => proof,
            Err(error) => {
                tracing::warn!(%error, "what a client proves itself by can't be opened, and is not tried");
                return Verdict::Unknown;
            }
        };
        let probe =
            client::Probe { connector, provider, redirect_uri, credentials: proof.credentials(&connector.client_id) };
        let asked = Box::pin(probe.ask(&self.client, &self.random, self.clock.now()));
        tokio::time::timeout(EXAMINATION, asked).await.unwrap_or(Verdict::Unknown)
    }

    async fn connections_of(&self, connector: &ConnectorId) -> Result<Vec<Connection>, StoreError> {
        Ok(self.connections.of_connector(connector, None, None, CONNECTIONS).await?.connections)
    }
}

/// Has connectors examined soon.
#[derive(Debug, Clone)]
pub(crate) struct CallDoctor {
    pub(crate) checkups: Checkups,
    pub(crate) queue: Queue,
    pub(crate) clock: Clock,
}

impl CallDoctor {
    /// Has a connector examined that was made or changed. The change stands whether that can be written down or not.
    pub(super) async fn soon(&self, connector: &Connector) {
        if let Err(error) = self.checkups.ask(connector, self.clock.now()).await {
            tracing::warn!(%error, "a changed connector is not examined before the next night");
            return;
        }
        let due = Checkups::key(&connector.id);
        if let Err(error) = self.queue.send(&DueMessage::new(due.pk, due.sk), Duration::ZERO).await {
            tracing::warn!(%error, "nobody was reminded; the schedule will find what is due");
        }
    }
}
