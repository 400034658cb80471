//! What a change leaves behind for others, in one transaction with it: an event to tell, a deed to note.

use jiff::Timestamp;

use super::{
    audit::Deed,
    event::{Event, EventKind},
    ids::{EventId, WorkspaceId},
};

/// What is left of one change until everybody was told and it stands in the audit trail.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its id, which is the event's.
    pub id: EventId,
    /// When the change was made.
    pub at: Timestamp,
    /// The workspace that it was made in.
    pub workspace: WorkspaceId,
    /// What is told.
    pub event: Option<Event>,
    /// What is noted.
    pub deed: Option<Deed>,
}

impl Notice {
    /// An event that is told, and the deed behind it.
    #[must_use]
    pub fn of(event: Event, deed: Deed) -> Self {
        Self {
            id: event.id.clone(),
            at: event.at,
            workspace: event.workspace.clone(),
            event: Some(event),
            deed: Some(deed),
        }
    }

    /// An event that is told, of a deed that is noted as another.
    #[must_use]
    pub fn told(event: Event) -> Self {
        Self { id: event.id.clone(), at: event.at, workspace: event.workspace.clone(), event: Some(event), deed: None }
    }

    /// A deed that nobody else is told of.
    #[must_use]
    pub fn silent(id: EventId, at: Timestamp, workspace: WorkspaceId, deed: Deed) -> Self {
        Self { id, at, workspace, event: None, deed: Some(deed) }
    }

    /// The same, of another kind: which it is may be known only when it happens.
    #[must_use]
    pub fn turned_out(self, kind: EventKind) -> Self {
        Self {
            event: self.event.map(|event| Event { kind, ..event }),
            deed: self.deed.map(|deed| Deed { action: kind.as_str().to_owned(), ..deed }),
            ..self
        }
    }

    /// The same, with one detail more in what is noted.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        Self { deed: self.deed.map(|deed| deed.with(name, value)), ..self }
    }
}
