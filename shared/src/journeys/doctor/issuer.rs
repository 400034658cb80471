//! A connector whose provider was made of its issuer's metadata follows it, as far as that is safe.

use std::slice;

use serde_json::{Map, Value};

use super::Doctor;
use crate::{
    domain::{audit::Actor, connector::Connector, notice::Notice, rediscovery::Hosts},
    store::{ConnectorWrite, StoreError},
};

/// A connector, and what its issuer's metadata names that it does not follow.
pub(super) struct Followed {
    /// The connector as it is from now on.
    pub(super) connector: Connector,
    /// What is not followed, by a digest.
    pub(super) offered: Option<String>,
    /// What is to be noted of that, unless it is known already.
    pub(super) told: Option<Notice>,
}

impl Followed {
    /// Nothing is left that is not followed.
    fn all(connector: Connector) -> Self {
        Self { connector, offered: None, told: None }
    }
}

impl Doctor {
    /// Takes over what an issuer's metadata says by now, if no endpoint leaves the hosts that the connector's were on. Of
    /// what does leave them nothing is taken over; `noted` is what the audit trail has of it already, by its digest. Where
    /// somebody changes the connector at the same time, that goes before, and the next examination follows.
    pub(super) async fn follow(
        &self,
        connector: Connector,
        metadata: &Map<String, Value>,
        noted: Option<&str>,
    ) -> Result<Followed, StoreError> {
        let Some(profile) = connector.pinned_profile.as_deref().filter(|profile| profile.is_discovered()) else {
            return Ok(Followed::all(connector));
        };
        self.issuers.refresh_definition(&connector, (metadata, Hosts::Known), Actor::System).await?;
        let Some(changes) = self.issuers.of(profile, metadata, Hosts::Known) else {
            return Ok(Followed::all(connector));
        };
        if !changes.stays_on_known_hosts() {
            let offered = changes.digest();
            let is_new = noted != Some(offered.as_str());
            let told = is_new.then(|| self.issuers.note_of_move(&connector, &changes));
            return Ok(Followed { connector, offered: Some(offered), told });
        }
        let following = match self.issuers.followed(&connector, changes.profile.clone()).await {
            Ok(following) => following,
            Err(error) => {
                tracing::warn!(%error, "a connector does not follow its issuer, because the key it needs can't be made");
                return Ok(Followed::all(connector));
            }
        };
        let told = self.issuers.news_of_update(&following, &Actor::System, &changes);
        let write = self.connectors.replace(&connector, &following, slice::from_ref(&told), None).await?;
        if write != ConnectorWrite::Done {
            tracing::info!("a connector that is being changed does not follow its issuer before the next examination");
            return Ok(Followed::all(connector));
        }
        self.issuers.tell(&told).await;
        Ok(Followed::all(following))
    }
}
