//! Ending a grant at its provider: now if the provider answers, else from the queue.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use super::{profile, refresh_connection::salvage::PlaceOnWire};
use crate::{
    clock::Clock,
    domain::{
        app::words,
        connection::SealedTokens,
        connector::Connector,
        ids::{ConnectorId, WorkspaceId},
        provider::{Provider, ProviderType},
        secret::{AccessToken, ClientSecret, RefreshToken, Sealed},
        user::ConnectionKey,
    },
    oauth::{Credentials, GrantTokens, ProviderClient, RevokeError, Revoked, catalogue},
    queue::{LONGEST_DELAY, Queue, QueueError},
    vault::{Place, Vault, VaultError},
};

/// The delay before the second try; each one after that is twice as long, up to the queue's limit.
const FIRST_DELAY: Duration = Duration::from_secs(15);

/// How many tries there are: with delays of up to a quarter of an hour, about a day.
const MOST_TRIES: u32 = 100;

/// Ends grants.
#[derive(Debug, Clone)]
pub(crate) struct RevokeGrant {
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) queue: Queue,
    pub(crate) clock: Clock,
}

/// What became of a grant at its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It is ended there.
    Revoked,
    /// The provider did not answer; it is tried again until it does.
    Pending,
    /// The provider has no way to end it; the tokens were destroyed here.
    Unsupported,
    /// The provider refused for good, or the tokens could not be opened; they were destroyed here.
    Failed,
}

words! {
    Revocation { Revoked = "revoked", Pending = "pending", Unsupported = "unsupported", Failed = "failed" }
}

/// A grant that is still to be ended, with everything that takes: the rows it came from may be gone by then. Everything
/// secret in it is sealed, and opens only as what it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PendingRevocation {
    place: PlaceOnWire,
    access: String,
    refresh: Option<String>,
    connector: ClientOnWire,
    tries: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct ClientOnWire {
    workspace: String,
    id: String,
    provider: String,
    profile: Option<Box<Provider>>,
    client_id: String,
    client_secret: Option<String>,
}

/// A pending revocation, read.
struct Order {
    key: ConnectionKey,
    workspace: WorkspaceId,
    connector: ConnectorId,
    provider: Box<Provider>,
    client_id: String,
    client_secret: Option<Sealed<ClientSecret>>,
    access: Sealed<AccessToken>,
    refresh: Option<Sealed<RefreshToken>>,
}

/// Why a grant was not ended.
#[derive(Debug, thiserror::Error)]
enum NotRevoked {
    #[error(transparent)]
    Provider(#[from] RevokeError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl RevokeGrant {
    /// Ends the grant whose row was just removed. What does not succeed now is left in the queue.
    pub(super) async fn end(&self, connector: &Connector, key: &ConnectionKey, tokens: &SealedTokens) -> Revocation {
        let Some(pending) = PendingRevocation::new(connector, key, tokens) else { return Revocation::Unsupported };
        match self.again(pending).await {
            Ok(revocation) => revocation,
            Err(error) => {
                tracing::error!(%error, connection.id = %key.id(), "a grant was neither revoked nor kept for a later try");
                Revocation::Failed
            }
        }
    }

    /// Tries a pending revocation once, and leaves it in the queue again if that may help.
    ///
    /// # Errors
    /// [`QueueError`] if it must be tried again and could not be left.
    pub(crate) async fn again(&self, pending: PendingRevocation) -> Result<Revocation, QueueError> {
        let Some(order) = pending.parse() else {
            tracing::error!("a message in the revocation queue can't be read");
            return Ok(Revocation::Failed);
        };
        match self.carry_out(&order).await {
            Ok(Revoked::Done) => Ok(Revocation::Revoked),
            Ok(Revoked::Unsupported) => Ok(Revocation::Unsupported),
            Err(error) => self.later(pending, &order, error).await,
        }
    }

    async fn later(
        &self,
        mut pending: PendingRevocation,
        order: &Order,
        error: NotRevoked,
    ) -> Result<Revocation, QueueError> {
        let asked = match &error {
            NotRevoked::Provider(RevokeError::Passing { retry_after }) => retry_after.unwrap_or_default(),
            NotRevoked::Vault(VaultError::KeyService(_) | VaultError::Store(_)) => Duration::ZERO,
            NotRevoked::Provider(RevokeError::Refused { .. } | RevokeError::Blocked(_)) | NotRevoked::Vault(_) => {
                tracing::error!(%error, connection.id = %order.key.id(), "a grant can't be revoked at its provider");
                return Ok(Revocation::Failed);
            }
        };
        pending.tries += 1;
        if pending.tries >= MOST_TRIES {
            tracing::error!(%error, connection.id = %order.key.id(), "gave up revoking a grant at its provider");
            return Ok(Revocation::Failed);
        }
        let doubled = FIRST_DELAY.saturating_mul(1 << (pending.tries - 1).min(6));
        self.queue.send(&RevocationMessage::Revoke(Box::new(pending)), doubled.max(asked).min(LONGEST_DELAY)).await?;
        Ok(Revocation::Pending)
    }

    async fn carry_out(&self, order: &Order) -> Result<Revoked, NotRevoked> {
        let place = Place::connection(&order.key);
        let access = self.vault.open(&order.access, &place).await?;
        let refresh = match &order.refresh {
            Some(sealed) => Some(self.vault.open(sealed, &place).await?),
            None => None,
        };
        let secret = match &order.client_secret {
            Some(sealed) => Some(self.vault.open(sealed, &Place::connector(&order.workspace, &order.connector)).await?),
            None => None,
        };
        let credentials = Credentials { client_id: &order.client_id, client_secret: secret.as_ref() };
        let tokens = GrantTokens { access_token: Some(&access), refresh_token: refresh.as_ref() };
        Ok(self.client.revoke(&order.provider, credentials, tokens, self.clock.now()).await?)
    }
}

/// A message in the revocation queue.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum RevocationMessage {
    /// End one grant.
    Revoke(Box<PendingRevocation>),
    /// End what is left of a deleted connector, or of a deleted app's users with one connector.
    Sweep {
        /// The workspace.
        workspace: String,
        /// The connector.
        connector: String,
        /// The app, if it is the app that was deleted.
        app: Option<String>,
        /// Whether the grants are ended at the provider too.
        revoke: bool,
    },
}

impl PendingRevocation {
    /// `None` if the provider has no way to end a grant.
    fn new(connector: &Connector, key: &ConnectionKey, tokens: &SealedTokens) -> Option<Self> {
        profile(connector)?.revoke.as_ref()?;
        let encoded = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        Some(Self {
            place: key.into(),
            access: encoded(tokens.access.as_bytes()),
            refresh: tokens.refresh.as_ref().map(|sealed| encoded(sealed.as_bytes())),
            connector: ClientOnWire {
                workspace: connector.workspace.to_string(),
                id: connector.id.to_string(),
                provider: connector.provider.to_string(),
                profile: connector.pinned_profile.clone(),
                client_id: connector.client_id.clone(),
                client_secret: connector.client_secret.as_ref().map(|sealed| encoded(sealed.as_bytes())),
            },
            tries: 0,
        })
    }

    fn parse(&self) -> Option<Order> {
        let client = &self.connector;
        let provider = match &client.profile {
            Some(profile) => profile.clone(),
            None => Box::new(catalogue::find(&ProviderType::parse(&client.provider).ok()?)?.clone()),
        };
        Some(Order {
            key: self.place.parse()?,
            workspace: WorkspaceId::parse(&client.workspace).ok()?,
            connector: ConnectorId::parse(&client.id).ok()?,
            provider,
            client_id: client.client_id.clone(),
            client_secret: sealed(client.client_secret.as_ref())?,
            access: sealed(Some(&self.access))??,
            refresh: sealed(self.refresh.as_ref())?,
        })
    }
}

/// A sealed value out of a message: `None` if it cannot be read, `Some(None)` if there is none.
#[expect(clippy::option_option, reason = "unreadable and absent are two things")]
fn sealed<K>(text: Option<&String>) -> Option<Option<Sealed<K>>> {
    match text {
        None => Some(None),
        Some(text) => BASE64_STANDARD.decode(text).ok().map(|bytes| Some(Sealed::from_bytes(bytes))),
    }
}
