//! Endpoints of an issuer that have moved, accepted by an admin.

use serde_json::{Map, Value};

use super::connectors::{ConnectorError, ManageConnectors};
use crate::{
    domain::{
        connector::Connector,
        ids::{ConnectorId, WorkspaceId},
        rediscovery::{Hosts, Rediscovery},
    },
    oauth::DiscoveryError,
};

impl ManageConnectors {
    /// What the issuer of a connector's provider publishes now.
    pub(super) async fn metadata(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
    ) -> Result<Map<String, Value>, ConnectorError> {
        let connector = self.find(workspace, id).await?;
        let own = connector.pinned_profile.as_deref().and_then(|profile| profile.oidc.as_ref());
        let oidc = own.filter(|oidc| !oidc.issuer_template).ok_or(ConnectorError::NoIssuer)?;
        Ok(self.client.metadata(&oidc.issuer).await?)
    }

    /// Pins what the metadata says now, wherever its endpoints are; what of it is new, if anything is.
    pub(super) fn accepted(
        &self,
        connector: &mut Connector,
        metadata: &Map<String, Value>,
    ) -> Result<Option<Rediscovery>, ConnectorError> {
        let profile = connector.pinned_profile.as_deref().ok_or(ConnectorError::NoIssuer)?;
        let rediscovery = profile.rediscovered(metadata, Hosts::All).map_err(DiscoveryError::Unusable)?;
        let refused = self.client.refused_endpoints(&rediscovery.profile);
        if !refused.is_empty() {
            return Err(DiscoveryError::Unusable(refused).into());
        }
        connector.pinned_profile = Some(Box::new(rediscovery.profile.clone()));
        Ok(Some(rediscovery).filter(|rediscovery| !rediscovery.differences.is_empty()))
    }
}
