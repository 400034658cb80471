//! A connector is changed.

use super::{ConnectorChange, ConnectorError, ManageConnectors, Order, TRIES};
use crate::{
    domain::{
        connector::Connector,
        event::EventKind,
        ids::{ConnectorId, WorkspaceId},
        secret::{ClientSecret, Sealed},
    },
    journeys::profile,
    store::ConnectorWrite,
};

impl ManageConnectors {
    /// Changes a connector.
    ///
    /// # Errors
    /// [`ConnectorError`]; nothing is changed then.
    #[tracing::instrument(skip_all, fields(connector.id = %id))]
    pub async fn change(
        &self,
        workspace: &WorkspaceId,
        id: &ConnectorId,
        change: ConnectorChange,
        order: Order,
    ) -> Result<Connector, ConnectorError> {
        let secret = self.sealed(workspace, id, change.client_secret).await?;
        let change = ConnectorChange { client_secret: None, ..change };
        let metadata = if change.accept_endpoints { Some(self.metadata(workspace, id).await?) } else { None };
        for _ in 0..TRIES {
            let earlier = self.find(workspace, id).await?;
            if change.at_revision.is_some_and(|revision| revision != earlier.revision) {
                return Err(ConnectorError::Outdated);
            }
            let mut changed = self.changed(&earlier, &change, secret.as_ref())?;
            let accepted =
                metadata.as_ref().map(|metadata| self.accepted(&mut changed, metadata)).transpose()?.flatten();
            changed.client_key = self.key_of_changed(&changed, change.rotate_key).await?;
            let fields = differences(&earlier, &changed).join(" ");
            let told = self.told(EventKind::ConnectorChanged, &changed, &order.actor, &[("changed", &fields)]);
            match self.connectors.replace(&earlier, &changed, &told, order.verdict.as_ref()).await? {
                ConnectorWrite::Done => {
                    self.publisher.made(&told).await;
                    if let Some(metadata) = &metadata {
                        self.note_accepted(&changed, metadata, accepted.as_ref(), order.actor).await?;
                    }
                    self.doctor.soon(&changed).await;
                    return Ok(changed);
                }
                ConnectorWrite::NameTaken if earlier.name.folded() != changed.name.folded() => {
                    return Err(ConnectorError::NameTaken);
                }
                ConnectorWrite::Decided => return Err(ConnectorError::Decided),
                ConnectorWrite::NameTaken | ConnectorWrite::Conflict | ConnectorWrite::Full => {}
            }
        }
        Err(ConnectorError::Contended)
    }

    /// What a connector is after a change that is not made yet.
    pub(in crate::journeys::manage) fn changed(
        &self,
        earlier: &Connector,
        change: &ConnectorChange,
        secret: Option<&Sealed<ClientSecret>>,
    ) -> Result<Connector, ConnectorError> {
        let config = match (&change.connection_config, profile(earlier)) {
            (Some(config), Some(provider)) => {
                Some(provider.accept_change(&earlier.connection_config, config).map_err(ConnectorError::Config)?)
            }
            (config, _) => config.clone(),
        };
        let now = self.clock.now();
        let mut connector = earlier.clone();
        if let Some(name) = &change.name {
            connector.name = name.clone();
        }
        if let Some(client_id) = &change.client_id {
            connector.client_id.clone_from(client_id);
        }
        if let Some(secret) = secret {
            connector.client_secret = Some(secret.clone());
            connector.client_secret_changed_at = Some(now);
            connector.client_secret_expires_on = None;
        }
        if let Some(last_day) = change.client_secret_expires_on {
            connector.client_secret_expires_on = last_day;
        }
        if let Some(scopes) = &change.scopes
            && *scopes != earlier.scopes
        {
            connector.scopes = scopes.clone();
            connector.scopes_revision += 1;
        }
        if let Some(config) = config {
            connector.connection_config = config;
        }
        if let Some(exportable) = change.exportable {
            connector.exportable_since = exportable.then(|| earlier.exportable_since.unwrap_or(now));
        }
        if let Some(moving_out) = change.moving_out {
            connector.moving_out_since = moving_out.then(|| earlier.moving_out_since.unwrap_or(now));
        }
        if let Some(rules) = &change.call_rules {
            connector.call_rules = rules.clone();
        }
        connector.offline_use = change.offline_use.unwrap_or(connector.offline_use);
        connector.revision += 1;
        connector.updated_at = now;
        Ok(connector)
    }
}

/// The names of the fields that differ, for the audit trail.
fn differences(earlier: &Connector, changed: &Connector) -> Vec<&'static str> {
    let key = |connector: &Connector| connector.client_key.as_ref().map(|key| key.public.thumbprint());
    let fields = [
        ("name", earlier.name != changed.name),
        ("client_id", earlier.client_id != changed.client_id),
        ("client_secret", earlier.client_secret_changed_at != changed.client_secret_changed_at),
        ("client_secret_expires_on", earlier.client_secret_expires_on != changed.client_secret_expires_on),
        ("key", key(earlier) != key(changed)),
        ("scopes", earlier.scopes != changed.scopes),
        ("endpoints", earlier.pinned_profile != changed.pinned_profile),
        ("connection_config", earlier.connection_config != changed.connection_config),
        ("exportable", earlier.exportable_since != changed.exportable_since),
        ("moving_out", earlier.moving_out_since != changed.moving_out_since),
        ("call_rules", earlier.call_rules != changed.call_rules),
        ("offline_use", earlier.offline_use != changed.offline_use),
    ];
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
