//! What follows when an issuer's metadata has changed: the workspace's own definition of the provider follows, keys are made
//! that it asks for, and the audit trail says what changed.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    audit::Audit,
    client_proof,
    publish::{Publisher, noticed_as},
};
use crate::{
    clock::Clock,
    domain::{
        audit::Actor,
        client_key::ClientKey,
        connector::Connector,
        event::EventKind,
        notice::Notice,
        provider::Provider,
        rediscovery::{Hosts, Rediscovery},
    },
    oauth::ProviderClient,
    store::{CustomProviders, StoreError, Write},
    vault::{Vault, VaultError},
};

/// Follows changes of issuers.
#[derive(Debug, Clone)]
pub(crate) struct IssuerChanges {
    pub(crate) custom: CustomProviders,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) audit: Audit,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Clock,
}

impl IssuerChanges {
    /// What the metadata says by now that the profile does not; `None` if that is nothing, or nothing that may be used.
    pub(super) fn of(&self, profile: &Provider, metadata: &Map<String, Value>, hosts: Hosts) -> Option<Rediscovery> {
        let Ok(rediscovery) = profile.rediscovered(metadata, hosts) else {
            tracing::info!("an issuer's metadata has changed and can't be used as it is now");
            return None;
        };
        if rediscovery.differences.is_empty() {
            return None;
        }
        let refused = self.client.refused_endpoints(&rediscovery.profile);
        if !refused.is_empty() {
            tracing::info!("an issuer's metadata has changed and names an endpoint that can't be used");
        }
        refused.is_empty().then_some(rediscovery)
    }

    /// The connector with the profile that it has from now on, and the key that this asks for.
    ///
    /// # Errors
    /// [`VaultError`] if a key can't be sealed.
    pub(super) async fn followed(&self, connector: &Connector, profile: Provider) -> Result<Connector, VaultError> {
        let mut changed = connector.clone();
        changed.client_key = match connector.client_key.clone() {
            None if profile.needs_client_key() => Some(self.new_key(connector).await?),
            key => key,
        };
        changed.pinned_profile = Some(Box::new(profile));
        changed.revision += 1;
        changed.updated_at = self.clock.now();
        Ok(changed)
    }

    async fn new_key(&self, connector: &Connector) -> Result<ClientKey, VaultError> {
        client_proof::new_key(&self.vault, connector, self.clock.now()).await
    }

    /// Lets the workspace's own definition of the connector's provider follow, so that new connectors get what is now. One
    /// that somebody else has changed, or made for another issuer, stays.
    ///
    /// # Errors
    /// [`StoreError`] if the storage does not answer.
    pub(super) async fn refresh_definition(
        &self,
        connector: &Connector,
        (metadata, hosts): (&Map<String, Value>, Hosts),
        actor: Actor,
    ) -> Result<(), StoreError> {
        let Some(definition) = self.custom.find(&connector.workspace, &connector.provider).await? else {
            return Ok(());
        };
        if issuer(&definition) != connector.pinned_profile.as_deref().and_then(issuer) || !definition.is_discovered() {
            return Ok(());
        }
        let Some(changes) = self.of(&definition, metadata, hosts) else { return Ok(()) };
        if hosts == Hosts::Known && !changes.stays_on_known_hosts() {
            return Ok(());
        }
        let differences = changes.told();
        let details: Vec<(&str, &str)> = differences.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (workspace, target) = (&connector.workspace, connector.provider.as_str());
        let told = self.audit.to_note(workspace, &actor, "provider.updated", target, &details);
        if self.custom.replace(workspace, &definition, &changes.profile, &told).await? == Write::Done {
            self.audit.note_left(&told).await;
        }
        Ok(())
    }

    /// What is told and noted of a connector that has other endpoints, or may do what its provider can do by now.
    pub(super) fn news_of_update(&self, connector: &Connector, actor: &Actor, changes: &Rediscovery) -> Notice {
        let told = changes.told();
        let details: Vec<(&str, &str)> = told.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let event = self.publisher.of_connector(EventKind::ConnectorChanged, connector);
        noticed_as(event, actor, ("connector.endpoints_updated", connector.id.as_str()), &details)
    }

    /// The change was made, and what is left of it stands in the table.
    pub(super) async fn tell(&self, notice: &Notice) {
        self.publisher.made(notice).await;
    }

    /// What is noted beside a change by which an admin accepts other endpoints, or what the provider can do by now.
    pub(super) fn note_of_update(&self, connector: &Connector, actor: &Actor, changes: &Rediscovery) -> Notice {
        self.note(connector, actor, "connector.endpoints_updated", changes)
    }

    /// What is noted where the metadata names endpoints elsewhere, which nobody has accepted.
    pub(super) fn note_of_move(&self, connector: &Connector, changes: &Rediscovery) -> Notice {
        self.note(connector, &Actor::System, "connector.endpoints_moved", changes)
    }

    fn note(&self, connector: &Connector, actor: &Actor, action: &str, changes: &Rediscovery) -> Notice {
        let told = changes.told();
        let details: Vec<(&str, &str)> = told.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.audit.to_note(&connector.workspace, actor, action, connector.id.as_str(), &details)
    }
}

fn issuer(provider: &Provider) -> Option<&str> {
    provider.oidc.as_ref().map(|oidc| oidc.issuer.as_str())
}
