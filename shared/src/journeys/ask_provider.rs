//! Asking a provider to end a grant that has ended here.

use std::{sync::Arc, time::Duration};

use super::{client_proof::ClientProof, filled, known_tokens::KnownTokens, profile};
use crate::{
    clock::Clock,
    domain::{
        connection::Connection,
        connector::Connector,
        ended::EndedGrant,
        provider::Step,
        secret::{Kind, Sealed, Secret},
    },
    oauth::{GrantTokens, ProviderClient, RevokeError, Revoked},
    random::Random,
    vault::{Place, Vault, VaultError},
};

/// How long somebody who waits for an answer lets the provider take. A grant whose provider takes longer is tried again
/// when nobody waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks providers to end grants.
#[derive(Debug, Clone)]
pub(crate) struct AskProvider {
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// Why a grant was not ended at its provider.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRevoked {
    /// The provider did not do it.
    #[error(transparent)]
    Provider(#[from] RevokeError),
    /// The tokens, or the client's secret, could not be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Nobody waited any longer.
    #[error("the provider did not answer while somebody waited")]
    TooSlow,
    /// The connector has another client by now. The secret of the one before is not kept, and no provider lets one client
    /// end what was granted to another.
    #[error("the connector has another client by now")]
    ClientChanged,
    /// The connector is gone, its client's secret with it.
    #[error("the connector is gone")]
    ConnectorGone,
}

impl NotRevoked {
    /// Whether it may go better later. A client that is not accepted can be corrected by an admin.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Provider(RevokeError::Passing { .. } | RevokeError::ClientRejected { .. })
            | Self::Vault(VaultError::KeyService(_) | VaultError::Store(_))
            | Self::TooSlow => true,
            Self::Provider(RevokeError::Refused { .. } | RevokeError::Blocked(_))
            | Self::Vault(VaultError::NoKey | VaultError::DoesNotOpen)
            | Self::ClientChanged
            | Self::ConnectorGone => false,
        }
    }

    /// How long the provider wants to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Provider(RevokeError::Passing { retry_after }) => *retry_after,
            _ => None,
        }
    }
}

impl AskProvider {
    /// Asks the provider to end a grant, with the connector's client as it is now.
    pub(super) async fn to_revoke(&self, connector: &Connector, ended: &EndedGrant) -> Result<Revoked, NotRevoked> {
        let Some((provider, revoke)) =
            profile(connector).and_then(|provider| Some((provider, provider.revoke.as_ref()?)))
        else {
            return Ok(Revoked::Unsupported);
        };
        let Ok(provider) = filled(provider, connector, &ended.details, Step::Revoke) else {
            return Ok(Revoked::Unsupported);
        };
        let proves_client = revoke.auth.proves_client();
        if proves_client && ended.client_id != connector.client_id {
            return Err(NotRevoked::ClientChanged);
        }
        let place = Place::connection(&ended.place);
        // A grant that was imported without an access token, and never refreshed, has an empty one.
        let access = self.opened(ended.access.as_ref(), &place).await?.filter(|token| !token.is_empty());
        let refresh = self.opened(ended.refresh.as_ref(), &place).await?;
        let proof = if proves_client {
            ClientProof::open(&self.vault, &self.random, connector, self.clock.now()).await?
        } else {
            ClientProof::default()
        };
        let credentials = proof.credentials(&ended.client_id);
        let tokens = GrantTokens { access_token: access.as_ref(), refresh_token: refresh.as_ref() };
        Ok(self.client.revoke(&provider, credentials, tokens, self.clock.now()).await?)
    }

    /// Whether a grant that has ended here is the one of this connection.
    pub(super) async fn is_same_grant(&self, ended: &EndedGrant, standing: &Connection) -> Result<bool, VaultError> {
        let place = &ended.place;
        let (access, refresh) = (ended.access.as_ref(), ended.refresh.as_ref());
        let ended = KnownTokens::open(&self.vault, place, access, refresh).await?;
        let (access, refresh) = (Some(&standing.tokens.access), standing.tokens.refresh.as_ref());
        Ok(ended.overlap(&KnownTokens::open(&self.vault, place, access, refresh).await?))
    }

    async fn opened<K: Kind>(
        &self,
        sealed: Option<&Sealed<K>>,
        place: &Place,
    ) -> Result<Option<Secret<K>>, VaultError> {
        let Some(sealed) = sealed else { return Ok(None) };
        self.vault.open(sealed, place).await.map(Some)
    }

    /// The same while somebody waits.
    pub(super) async fn to_revoke_soon(
        &self,
        connector: &Connector,
        ended: &EndedGrant,
    ) -> Result<Revoked, NotRevoked> {
        tokio::time::timeout(PATIENCE, self.to_revoke(connector, ended)).await.unwrap_or(Err(NotRevoked::TooSlow))
    }
}
