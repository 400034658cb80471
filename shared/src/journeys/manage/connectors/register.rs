//! A connector is registered.

use super::{ConnectorDraft, ConnectorError, ManageConnectors, Order};
use crate::{
    domain::{
        connector::{Connector, ConnectorState},
        event::EventKind,
        ids::{ConnectorId, WorkspaceId},
    },
    journeys::{
        manage::acceptance::{Accepted, takes_secret},
        plan::Planned,
    },
    store::ConnectorWrite,
};

impl ManageConnectors {
    /// Registers a connector.
    ///
    /// # Errors
    /// [`ConnectorError`]; nothing is stored then.
    #[tracing::instrument(skip_all)]
    pub async fn create(
        &self,
        workspace: &WorkspaceId,
        draft: ConnectorDraft,
        order: Order,
    ) -> Result<Connector, ConnectorError> {
        let accepted = self.accept(workspace, &draft).await?;
        if takes_secret(&accepted.provider) && draft.client_secret.is_none() {
            return Err(ConnectorError::SecretMissing);
        }
        let connector = self.drafted(workspace, draft, &accepted).await?;
        self.put_new(&connector, &accepted.planned, &order).await?;
        self.doctor.soon(&connector).await;
        Ok(connector)
    }

    /// The connector that a draft comes to, with its secret and key sealed.
    async fn drafted(
        &self,
        workspace: &WorkspaceId,
        draft: ConnectorDraft,
        accepted: &Accepted,
    ) -> Result<Connector, ConnectorError> {
        let provider = &accepted.provider;
        let now = self.clock.now();
        let id = draft.id.unwrap_or_else(|| ConnectorId::of_ulid(&self.random.ulid(now)));
        let client_secret = self.sealed(workspace, &id, draft.client_secret).await?;
        let client_key =
            if provider.needs_client_key() { Some(self.new_key(workspace, &id, None).await?) } else { None };
        Ok(Connector {
            workspace: workspace.clone(),
            provider: draft.provider,
            pinned_profile: accepted.is_own.then(|| Box::new(provider.as_ref().clone())),
            name: draft.name,
            client_id: draft.client_id,
            client_secret_changed_at: client_secret.as_ref().map(|_| now),
            client_secret,
            client_secret_expires_on: draft.client_secret_expires_on,
            client_key,
            scopes: draft.scopes,
            scopes_revision: 1,
            connection_config: accepted.connection_config.clone(),
            call_rules: draft.call_rules,
            offline_use: draft.offline_use,
            kind: draft.kind,
            exportable_since: None,
            moving_out_since: None,
            state: ConnectorState::Active,
            revision: 1,
            created_at: now,
            updated_at: now,
            id,
        })
    }

    async fn put_new(&self, connector: &Connector, planned: &Planned, order: &Order) -> Result<(), ConnectorError> {
        let details = [("integration_type", connector.provider.as_str()), ("name", connector.name.as_str())];
        let told = self.told(EventKind::ConnectorCreated, connector, &order.actor, &details);
        match self.connectors.put_new(connector, planned.most_connectors(), &told, order.verdict.as_ref()).await? {
            ConnectorWrite::Done => {
                self.publisher.made(&told).await;
                Ok(())
            }
            ConnectorWrite::Full => {
                // Others came first: it is full by now, or gone.
                let planned = self.plan.of(&connector.workspace).await?.ok_or(ConnectorError::NotFound)?;
                planned.has_room_for(connector.kind)?;
                Err(ConnectorError::Contended)
            }
            ConnectorWrite::NameTaken => Err(ConnectorError::NameTaken),
            ConnectorWrite::Conflict => Err(ConnectorError::IdTaken),
            ConnectorWrite::Decided => Err(ConnectorError::Decided),
        }
    }
}
