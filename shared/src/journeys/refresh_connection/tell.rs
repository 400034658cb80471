//! What others are told of a refresh: nothing, unless it changed what a user or an admin has to do.

use super::Refresher;
use crate::{
    domain::{
        audit::Actor,
        connection::{Connection, EndReason},
        connector::Connector,
        event::EventKind,
        scopes::Scopes,
    },
    store::StoreError,
};

impl Refresher {
    /// The grant is over: the user has to connect again.
    pub(super) async fn tell_of_end(&self, connection: &Connection, reason: EndReason) {
        let (kind, place) = (EventKind::ConnectionReconnectRequired, &connection.key);
        let details = [("connector", place.connector.as_str()), ("reason", reason.as_str())];
        self.audit.note(&place.workspace, Actor::System, kind.as_str(), place.id().as_str(), &details).await;
        self.publisher.publish(&self.publisher.of_connection(kind, place).because(reason.as_str())).await;
    }

    /// The provider changed what the grant may do, if it did.
    pub(super) async fn tell_of_scopes(&self, before: &Connection, granted: &Scopes) {
        if before.granted == *granted {
            return;
        }
        let (kind, place) = (EventKind::ConnectionScopesChanged, &before.key);
        let details = [("connector", place.connector.as_str()), ("scopes", &granted.to_string())];
        self.audit.note(&place.workspace, Actor::System, kind.as_str(), place.id().as_str(), &details).await;
        self.publisher.publish(&self.publisher.of_connection(kind, place)).await;
    }

    /// The provider does not accept the connector's client. Once for each of its revisions: an admin who changed it wants to
    /// know whether that helped.
    pub(super) async fn tell_of_refusal(&self, connector: &Connector) -> Result<(), StoreError> {
        let noted = self.healths.find(&connector.id).await?.refusal;
        if noted.is_some_and(|refusal| refusal.revision == connector.revision) {
            return Ok(());
        }
        let kind = EventKind::ConnectorMisconfigured;
        self.audit.note(&connector.workspace, Actor::System, kind.as_str(), connector.id.as_str(), &[]).await;
        self.publisher.publish(&self.publisher.of_connector(kind, connector)).await;
        Ok(())
    }
}
