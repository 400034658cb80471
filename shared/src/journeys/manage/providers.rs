//! Providers: the catalogue, and those that a workspace defines itself.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    domain::{
        audit::Actor,
        fields::FieldError,
        ids::WorkspaceId,
        plan::PlanRequired,
        provider::{Provider, ProviderType, Registration},
    },
    journeys::{audit::Audit, plan::KeepPlan},
    oauth::{DiscoveryError, ProviderClient, catalogue},
    store::{CustomProviders, StoreError, Write},
};

/// Defines and lists providers.
#[derive(Debug, Clone)]
pub struct ManageProviders {
    pub(crate) custom: CustomProviders,
    pub(crate) plan: KeepPlan,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) audit: Audit,
}

/// Why a provider was not defined.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Fields that can't be accepted.
    #[error("the definition has fields that can't be accepted")]
    Invalid(Vec<FieldError>),
    /// The issuer's metadata could not be used.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The catalogue or the workspace has a provider of this name.
    #[error("the name is taken")]
    Taken,
    /// The workspace's plan has no providers of its own.
    #[error("{0}")]
    Plan(PlanRequired),
    /// There is none of this name.
    #[error("no such provider")]
    NotFound,
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ManageProviders {
    /// Defines a provider, by its issuer's metadata or by its endpoints.
    ///
    /// # Errors
    /// [`ProviderError`]; nothing is stored then.
    #[tracing::instrument(skip_all)]
    pub async fn define(&self, workspace: &WorkspaceId, body: Value, actor: Actor) -> Result<Provider, ProviderError> {
        let planned = self.plan.of(workspace).await?.ok_or(ProviderError::NotFound)?;
        planned.has_custom_providers().map_err(ProviderError::Plan)?;
        let provider = match Registration::parse(body).map_err(ProviderError::Invalid)? {
            Registration::Endpoints(provider) => *provider,
            Registration::Issuer { issuer, body } => self.client.discover_issuer(&issuer, body).await?,
        };
        let refused = self.client.refused_endpoints(&provider);
        if !refused.is_empty() {
            return Err(ProviderError::Invalid(refused));
        }
        let told = self.audit.to_note(workspace, &actor, "provider.created", provider.id.as_str(), &[]);
        if catalogue::find(&provider.id).is_some()
            || self.custom.put_new(workspace, &provider, &told).await? == Write::Conflict
        {
            return Err(ProviderError::Taken);
        }
        self.audit.note_left(&told).await;
        Ok(provider)
    }

    /// The workspace's own providers.
    ///
    /// # Errors
    /// [`ProviderError::Store`].
    pub async fn of_workspace(&self, workspace: &WorkspaceId) -> Result<Vec<Provider>, ProviderError> {
        Ok(self.custom.of_workspace(workspace).await?)
    }

    /// One of the workspace's own providers.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn find(&self, workspace: &WorkspaceId, id: &ProviderType) -> Result<Provider, ProviderError> {
        self.custom.find(workspace, id).await?.ok_or(ProviderError::NotFound)
    }

    /// Removes one of the workspace's own providers. Connectors that were made with it go on as before.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub async fn delete(&self, workspace: &WorkspaceId, id: &ProviderType, actor: Actor) -> Result<(), ProviderError> {
        let told = self.audit.to_note(workspace, &actor, "provider.deleted", id.as_str(), &[]);
        if self.custom.delete(workspace, id, &told).await? == Write::Conflict {
            return Err(ProviderError::NotFound);
        }
        self.audit.note_left(&told).await;
        Ok(())
    }
}
