//! The audit trail: who did what to what, and when. Never a secret, never a token.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ids::WorkspaceId, person::Person, user::User};

/// One thing that somebody did.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// A ULID; later events sort behind earlier ones.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The workspace that it happened in.
    pub workspace: WorkspaceId,
    /// Who.
    pub actor: Actor,
    /// What, in the form `noun.verb`.
    pub action: String,
    /// To what: the id of a connector, app, key or connection.
    pub target: String,
    /// More, for people: names of changed fields, counts, outcomes.
    pub details: BTreeMap<String, String>,
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The holder of an API key, by the key's public part.
    Key(String),
    /// Somebody of the workspace's organisation.
    Person(Box<Person>),
    /// A user of an app.
    User(User),
    /// Who began, some time ago, what ends now: as they were described then.
    Recorded(String),
    /// Somebody of another workspace. Who that is stays theirs.
    Stranger,
    /// A function on its own: a schedule, a queue, a deployment's first event.
    System,
}

impl Actor {
    /// The actor as it is stored and shown: `key:…`, `person:{sub}`, `user:{app}:{sub}`, `stranger` or `system`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Key(id) => format!("key:{id}"),
            Self::Person(person) => format!("person:{}", person.subject),
            Self::User(user) => format!("user:{}:{}", user.app, user.subject),
            Self::Recorded(description) => description.clone(),
            Self::Stranger => "stranger".to_owned(),
            Self::System => "system".to_owned(),
        }
    }
}
