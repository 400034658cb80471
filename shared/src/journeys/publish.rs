//! Telling what happened, and noting it. Both stand in the table before anybody is told, in the transaction that makes them
//! true; then whoever made the change notes it, and a message reminds whoever tells it. The schedule finds what nobody noted
//! and nobody was reminded of.

use std::time::Duration;

use super::{
    audit::{Audit, deed},
    reminders::Reminders,
};
use crate::{
    clock::Clock,
    domain::{
        audit::{Actor, Deed},
        connector::Connector,
        event::{Event, EventKind},
        ids::{AttemptId, EventId, WorkspaceId},
        notice::Notice,
        user::ConnectionKey,
    },
    random::Random,
    store::Outbox,
};

/// Leaves events to be told, and deeds to be noted.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    pub(crate) reminders: Reminders,
    pub(crate) audit: Audit,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Publisher {
    /// What is about to happen to a connection, to be stored with it.
    pub(super) fn of_connection(&self, kind: EventKind, place: &ConnectionKey) -> Event {
        Event::of_connection(self.id(), kind, place, self.clock.now())
    }

    /// What an attempt to refresh a connection brings about: the same, however often it is tried to be stored.
    pub(super) fn of_attempt(&self, attempt: &AttemptId, kind: EventKind, place: &ConnectionKey) -> Event {
        Event::of_connection(EventId::of_ulid(attempt.as_str()), kind, place, self.clock.now())
    }

    /// What is about to happen to a connector.
    pub(super) fn of_connector(&self, kind: EventKind, connector: &Connector) -> Event {
        Event::of_connector(self.id(), kind, (&connector.workspace, &connector.id), self.clock.now())
    }

    /// What somebody is about to do that nobody else is told of.
    pub(super) fn silent(&self, workspace: &WorkspaceId, deed: Deed) -> Notice {
        Notice::silent(self.id(), self.clock.now(), workspace.clone(), deed)
    }

    /// The change was made, and what is left of it stands in the table: it is noted, and soon told. In this order, so that
    /// whoever tells it finds nothing left to be noted and is done with it.
    pub(super) async fn made(&self, notice: &Notice) {
        self.audit.note_left(notice).await;
        self.remind(notice).await;
    }

    /// Has an event told soon that stands in the table.
    pub(super) async fn remind(&self, notice: &Notice) {
        if notice.event.is_some() {
            self.reminders.leave(Outbox::key(&notice.id), Duration::ZERO).await;
        }
    }

    /// Notes what was left beside a change, of which somebody was reminded before.
    pub(super) async fn note(&self, notice: &Notice) {
        self.audit.note_left(notice).await;
    }

    fn id(&self) -> EventId {
        EventId::of_ulid(&self.random.ulid(self.clock.now()))
    }
}

/// An event, and in the trail a deed of the same name.
pub(super) fn noticed(event: Event, actor: &Actor, target: &str, details: &[(&str, &str)]) -> Notice {
    let action = event.kind.as_str();
    noticed_as(event, actor, (action, target), details)
}

/// An event, and in the trail a deed of another name.
pub(super) fn noticed_as(
    event: Event,
    actor: &Actor,
    (action, target): (&str, &str),
    details: &[(&str, &str)],
) -> Notice {
    Notice::of(event, deed(actor, action, target, details))
}
