//! What others are told of a refresh: nothing, unless it changed what a user or an admin has to do. What is told stands in
//! the table with what it tells of, or neither does.

use jiff::Timestamp;

use super::Refresher;
use crate::{
    domain::{
        audit::Actor,
        connection::{Connection, EndReason, Grant},
        connector::Connector,
        event::EventKind,
        expiring::noticed_at,
        notice::Notice,
        standing::Reason,
        user::ConnectionKey,
    },
    journeys::publish::noticed,
    store::{Claim, Lease, Renewal, Write},
};

impl Refresher {
    /// The grant is over: the user has to connect again.
    pub(super) fn news_of_end(&self, lease: &Lease, reason: EndReason) -> Notice {
        let place = &lease.connection.key;
        let event = self.publisher.of_attempt(&lease.attempt, EventKind::ConnectionReconnectRequired, place);
        let details = [("connector", place.connector.as_str()), ("reason", reason.as_str())];
        noticed(event.because(reason.as_str()), &Actor::System, place.id().as_str(), &details)
    }

    /// The provider changed what the grant may do, if it did.
    pub(super) fn news_of_scopes(&self, claim: &Claim, renewal: &Renewal) -> Option<Notice> {
        let granted = renewal.granted.as_ref().filter(|_| renewal.scopes_changed)?;
        let place = &claim.place;
        let event = self.publisher.of_attempt(&claim.attempt, EventKind::ConnectionScopesChanged, place);
        let details = [("connector", place.connector.as_str()), ("scopes", &granted.to_string())];
        Some(noticed(event, &Actor::System, place.id().as_str(), &details))
    }

    /// The user has to connect again, although no provider was asked.
    pub(in crate::journeys) fn news_of_loss(&self, place: &ConnectionKey, reason: Reason) -> Notice {
        let event = self.publisher.of_connection(EventKind::ConnectionReconnectRequired, place);
        let details = [("connector", place.connector.as_str()), ("reason", reason.as_str())];
        noticed(event.because(reason.as_str()), &Actor::System, place.id().as_str(), &details)
    }

    /// What is left in the table is noted, and soon told.
    pub(in crate::journeys) async fn tell(&self, notice: Option<&Notice>) {
        if let Some(notice) = notice {
            self.publisher.made(notice).await;
        }
    }

    /// The grant ends at `end` by itself, unless its user acts: told when that is near, and once. What can't be told now is
    /// told after the next refresh, or not: nothing else waits for it.
    pub(in crate::journeys) async fn tell_of_expiry(&self, connection: &Connection, end: Timestamp) {
        let now = self.clock.now();
        let is_near = noticed_at(connection.connected_at, end).is_some_and(|from| from <= now) && now < end;
        if !is_near || connection.grant != Grant::Live {
            return;
        }
        let place = &connection.key;
        let event = self.publisher.of_connection(EventKind::ConnectionExpiring, place).ending(end);
        let details = [("connector", place.connector.as_str()), ("expires_at", &end.to_string())];
        let notice = noticed(event, &Actor::System, place.id().as_str(), &details);
        match self.schedule.tell_of_expiry(place, end, &notice).await {
            Ok(Write::Done) => self.publisher.made(&notice).await,
            Ok(Write::Conflict) => {}
            Err(error) => tracing::warn!(%error, "nobody is told yet that a grant ends soon"),
        }
    }

    /// The provider does not accept the connector's client.
    pub(super) fn news_of_refusal(&self, connector: &Connector) -> Notice {
        let event = self.publisher.of_connector(EventKind::ConnectorMisconfigured, connector);
        noticed(event, &Actor::System, connector.id.as_str(), &[])
    }
}
