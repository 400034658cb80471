//! Telling what happened. An event stands in the table before anybody is told of it, where it can in the transaction that
//! makes it true; then a message reminds whoever tells it, and the schedule finds what nobody was reminded of.

use std::time::Duration;

use super::reminders::Reminders;
use crate::{
    clock::Clock,
    domain::{
        connector::Connector,
        event::{Event, EventKind},
        ids::EventId,
        user::ConnectionKey,
    },
    random::Random,
    store::Outbox,
};

/// Leaves events to be told.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    pub(crate) outbox: Outbox,
    pub(crate) reminders: Reminders,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Publisher {
    /// What has just happened to a connection, to be stored with what it tells of.
    pub(super) fn of_connection(&self, kind: EventKind, place: &ConnectionKey) -> Event {
        Event::of_connection(self.id(), kind, place, self.clock.now())
    }

    /// What has just happened to a connector.
    pub(super) fn of_connector(&self, kind: EventKind, connector: &Connector) -> Event {
        Event::of_connector(self.id(), kind, (&connector.workspace, &connector.id), self.clock.now())
    }

    /// Leaves an event of something that is done. What can't be left spoils nothing that was done, and is in the log.
    pub(super) async fn publish(&self, event: &Event) {
        match self.outbox.put(event).await {
            Ok(()) => self.remind(event).await,
            Err(error) => tracing::error!(%error, kind = event.kind.as_str(), "nobody is told of an event"),
        }
    }

    /// Has an event told soon that was stored with what it tells of.
    pub(super) async fn remind(&self, event: &Event) {
        self.reminders.leave(Outbox::key(&event.id), Duration::ZERO).await;
    }

    fn id(&self) -> EventId {
        EventId::of_ulid(&self.random.ulid(self.clock.now()))
    }
}
