//! What proves who a connector is at its provider, opened from where it is sealed.

use jiff::Timestamp;

use super::{client_secret, profile};
use crate::{
    domain::{
        client_key::ClientKey,
        connector::Connector,
        provider::Provider,
        secret::{ClientSecret, Secret},
    },
    oauth::{Credentials, Signer},
    random::Random,
    vault::{Place, Vault, VaultError},
};

/// A first key for a connector.
///
/// # Errors
/// [`VaultError`] if none can be made, or sealed.
pub(super) async fn new_key(vault: &Vault, connector: &Connector, now: Timestamp) -> Result<ClientKey, VaultError> {
    let (secret, public) = Signer::generate().map_err(|_| VaultError::NoKey)?;
    let sealed = vault.seal(&secret, &Place::connector(&connector.workspace, &connector.id)).await?;
    Ok(ClientKey { sealed, public, earlier: None, made_at: now })
}

/// A connector's client secret and key, as far as it has them.
#[derive(Debug, Default)]
pub(super) struct ClientProof {
    secret: Option<Secret<ClientSecret>>,
    signer: Option<Signer>,
}

impl ClientProof {
    /// Opens what the connector's provider asks for, as of `now`.
    ///
    /// # Errors
    /// [`VaultError`] if something does not open.
    pub(super) async fn open(
        vault: &Vault,
        random: &Random,
        connector: &Connector,
        now: Timestamp,
    ) -> Result<Self, VaultError> {
        let place = Place::connector(&connector.workspace, &connector.id);
        let secret = client_secret(vault, connector).await?;
        let is_needed = profile(connector).is_some_and(Provider::needs_client_key);
        let signer = match connector.client_key.as_ref().filter(|_| is_needed) {
            Some(key) => {
                let signer = match key.still_signing(now) {
                    Some(earlier) => Signer::open(&vault.open(&earlier.sealed, &place).await?, random.clone()),
                    None => Signer::open(&vault.open(&key.sealed, &place).await?, random.clone()),
                };
                Some(signer.map_err(|_| VaultError::DoesNotOpen)?)
            }
            None => None,
        };
        Ok(Self { secret, signer })
    }

    /// Who the connector is, as this client.
    pub(super) fn credentials<'a>(&'a self, client_id: &'a str) -> Credentials<'a> {
        Credentials { client_id, client_secret: self.secret.as_ref(), signer: self.signer.as_ref() }
    }
}
