//! Whether a connector may be as somebody wants it: asked before it is stored, and by who only proposes it.

use std::borrow::Cow;

use super::connectors::{ConnectorChange, ConnectorDraft, ConnectorError, ManageConnectors};
use crate::{
    domain::{
        connector::Connector,
        fields::FieldError,
        ids::{ConnectorId, WorkspaceId},
        provider::{ClientAuth, Provider, ProviderType, Values},
        workspace::DisplayName,
    },
    journeys::{plan::Planned, profile},
    oauth::catalogue,
};

/// A draft that may be registered.
pub(super) struct Accepted {
    pub(super) provider: Cow<'static, Provider>,
    pub(super) is_own: bool,
    pub(super) connection_config: Values,
    pub(super) planned: Planned,
}

impl ManageConnectors {
    /// Whether a connector could be registered like this, if whoever does has the secret. Says whether one is needed.
    ///
    /// # Errors
    /// [`ConnectorError`], as when it is registered.
    pub async fn try_out(&self, workspace: &WorkspaceId, draft: &ConnectorDraft) -> Result<bool, ConnectorError> {
        let accepted = self.accept(workspace, draft).await?;
        self.is_free(workspace, &draft.name, None).await?;
        if let Some(id) = &draft.id
            && self.connectors.find(workspace, id).await?.is_some()
        {
            return Err(ConnectorError::IdTaken);
        }
        Ok(takes_secret(&accepted.provider))
    }

    /// Whether whoever registers a connector like this needs a secret, whatever it is called.
    ///
    /// # Errors
    /// [`ConnectorError`], as when it is registered under a name that is free.
    pub async fn needs_secret(&self, workspace: &WorkspaceId, draft: &ConnectorDraft) -> Result<bool, ConnectorError> {
        Ok(takes_secret(&self.accept(workspace, draft).await?.provider))
    }

    /// What a connector would be after this change, which is not made.
    ///
    /// # Errors
    /// [`ConnectorError`], as when it is changed.
    pub async fn try_change(&self, earlier: &Connector, change: &ConnectorChange) -> Result<Connector, ConnectorError> {
        let changed = self.changed(earlier, change, None)?;
        self.is_free(&earlier.workspace, &changed.name, Some(&earlier.id)).await?;
        Ok(changed)
    }

    /// Passes if no other connector of the workspace has this name.
    async fn is_free(
        &self,
        workspace: &WorkspaceId,
        name: &DisplayName,
        except: Option<&ConnectorId>,
    ) -> Result<(), ConnectorError> {
        let is_other = |known: &Connector| Some(&known.id) != except && known.name.folded() == name.folded();
        if self.list(workspace).await?.iter().any(is_other) { Err(ConnectorError::NameTaken) } else { Ok(()) }
    }

    /// What a draft comes to, if its provider and the workspace's policy and plan take it.
    pub(super) async fn accept(
        &self,
        workspace: &WorkspaceId,
        draft: &ConnectorDraft,
    ) -> Result<Accepted, ConnectorError> {
        let (provider, is_own) = self.provider(workspace, &draft.provider).await?;
        if let Some(reason) = &provider.unavailable {
            return Err(ConnectorError::Unavailable(reason.clone()));
        }
        let connection_config = self.config(&provider, &draft.connection_config)?;
        if !self.policies.find(workspace).await?.policy.allows(draft.kind, &draft.provider) {
            return Err(ConnectorError::BlockedByPolicy);
        }
        let planned = self.plan.of(workspace).await?.ok_or(ConnectorError::NotFound)?;
        planned.has_room_for(draft.kind)?;
        Ok(Accepted { provider, is_own, connection_config, planned })
    }

    /// The provider of this name, and whether it is the workspace's own: then it is to be pinned.
    async fn provider(
        &self,
        workspace: &WorkspaceId,
        id: &ProviderType,
    ) -> Result<(Cow<'static, Provider>, bool), ConnectorError> {
        if let Some(provider) = catalogue::find(id) {
            return Ok((Cow::Borrowed(provider), false));
        }
        let own = self.custom.find(workspace, id).await?.ok_or(ConnectorError::UnknownProvider)?;
        Ok((Cow::Owned(own), true))
    }

    /// The details of a new connector, if its endpoints may be spoken to with them.
    fn config(&self, provider: &Provider, config: &Values) -> Result<Values, ConnectorError> {
        let config = provider.accept_config(config).map_err(ConnectorError::Config)?;
        let refused =
            if config.is_empty() { Vec::new() } else { self.client.refused_endpoints(&provider.with_known(&config)) };
        let named = |error: FieldError| FieldError {
            pointer: "/connection_config".to_owned(),
            detail: format!("makes an address that can't be used: {} {}", error.pointer, error.detail),
        };
        if refused.is_empty() {
            Ok(config)
        } else {
            Err(ConnectorError::Config(refused.into_iter().map(named).collect()))
        }
    }
}

/// Whether clients are known by a secret there.
pub(super) fn takes_secret(provider: &Provider) -> bool {
    !matches!(provider.token.client_auth, ClientAuth::None | ClientAuth::PrivateKeyJwt)
}

/// Whether a change brings another client, which has another secret where clients are known by one.
pub(in crate::journeys) fn needs_new_secret(connector: &Connector, change: &ConnectorChange) -> bool {
    let is_another = change.client_id.as_ref().is_some_and(|client| *client != connector.client_id);
    is_another && profile(connector).is_some_and(takes_secret)
}
