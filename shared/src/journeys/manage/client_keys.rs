//! Keys of connectors: made when a provider asks for one, and followed by another when an admin asks for it.

use super::connectors::{ConnectorError, ManageConnectors};
use crate::{
    domain::{
        client_key::{ClientKey, EarlierKey},
        connector::Connector,
        ids::{ConnectorId, WorkspaceId},
        secret::Secret,
    },
    journeys::profile,
    oauth::Signer,
    vault::Place,
};

impl ManageConnectors {
    /// The key of a connector that is being changed: the one it has, one more if its provider asks for one by now, or a
    /// new one beside whose public half the present one's stays published.
    pub(super) async fn key_of_changed(
        &self,
        earlier: &Connector,
        rotate: bool,
    ) -> Result<Option<ClientKey>, ConnectorError> {
        let provider = profile(earlier).ok_or(ConnectorError::UnknownProvider)?;
        let is_missing = provider.needs_client_key() && earlier.client_key.is_none();
        if rotate && !provider.needs_client_key() {
            return Err(ConnectorError::NoKey);
        }
        let may_bind = provider.may_bind_tokens() && self.healths.is_bound(&earlier.id).await?;
        if rotate && (provider.binds_tokens() || may_bind) && !is_missing {
            return Err(ConnectorError::KeyBound);
        }
        let present = earlier.client_key.as_ref();
        if rotate && present.is_some_and(|key| key.still_signing(self.clock.now()).is_some()) {
            return Err(ConnectorError::KeyTooNew);
        }
        if !rotate && !is_missing {
            return Ok(present.cloned());
        }
        self.new_key(&earlier.workspace, &earlier.id, present).await.map(Some)
    }

    /// A new key for a connector; `earlier` is the one that it follows.
    pub(super) async fn new_key(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
        earlier: Option<&ClientKey>,
    ) -> Result<ClientKey, ConnectorError> {
        let (secret, public) = Signer::generate()?;
        let place = Place::connector(workspace, id);
        let earlier = match earlier {
            Some(key) => {
                let opened = self.vault.open(&key.sealed, &place).await?;
                let sealed = self.vault.seal(&Secret::new(opened.expose()), &place).await?;
                Some(EarlierKey { sealed, public: key.public.clone() })
            }
            None => None,
        };
        Ok(ClientKey { sealed: self.vault.seal(&secret, &place).await?, public, earlier, made_at: self.clock.now() })
    }
}
