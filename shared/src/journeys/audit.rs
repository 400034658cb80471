//! Writing the audit trail.

use std::collections::BTreeMap;

use crate::{
    clock::Clock,
    domain::{
        audit::{Actor, AuditEvent},
        ids::WorkspaceId,
    },
    random::Random,
    store::AuditLog,
};

/// Writes the audit trail.
#[derive(Debug, Clone)]
pub struct Audit {
    pub(crate) log: AuditLog,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

impl Audit {
    /// Notes what was done. It has been done by then: a trail that cannot be written is an error in the log, not for
    /// the person who did it.
    pub async fn note(
        &self,
        workspace: &WorkspaceId,
        actor: Actor,
        action: &str,
        target: &str,
        details: &[(&str, &str)],
    ) {
        let at = self.clock.now();
        let mut details: BTreeMap<String, String> =
            details.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        // What people call somebody may change; who they are stands in the actor.
        if let Actor::Person(person) = &actor
            && let Some(name) = &person.name
        {
            details.insert("person".to_owned(), name.clone());
        }
        let event = AuditEvent {
            id: self.random.ulid(at),
            at,
            workspace: workspace.clone(),
            actor,
            action: action.to_owned(),
            target: target.to_owned(),
            details,
        };
        if let Err(error) = self.log.put(&event).await {
            tracing::error!(%error, action, target, "an event is missing from the audit trail");
        }
    }
}
