//! Who was recognised. Only the authenticator makes these, and what they may do is asked of them.

use std::sync::Arc;

use super::KnownPerson;
use crate::domain::{
    api_key::WorkspaceRole,
    app::App,
    audit::Actor,
    ids::{ConnectorId, Issuer, KeyId, Subject, WorkspaceId},
    person::Person,
    user::{ConnectionKey, Owner, User},
};

/// Somebody who may look at a workspace, at least at its connectors, and perhaps change it.
#[derive(Debug, Clone)]
pub struct Admin {
    pub(super) workspace: WorkspaceId,
    pub(super) role: WorkspaceRole,
    pub(super) proof: AdminProof,
}

/// By what somebody proved to be of a workspace.
#[derive(Debug, Clone)]
pub(super) enum AdminProof {
    Key(KeyId),
    Person(Person),
}

/// An app's backend.
#[derive(Debug, Clone)]
pub struct Service {
    pub(super) app: Arc<App>,
    pub(super) key: KeyId,
    pub(super) offline_tokens: bool,
}

/// A user of an app: by their own token, or by the app's backend in their name.
#[derive(Debug, Clone)]
pub struct AppUser {
    pub(super) app: Arc<App>,
    pub(super) user: User,
}

impl Admin {
    /// The workspace.
    #[must_use]
    pub fn workspace(&self) -> &WorkspaceId {
        &self.workspace
    }

    /// Who it is, for the audit trail.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match &self.proof {
            AdminProof::Key(key) => Actor::Key(key.to_string()),
            AdminProof::Person(person) => Actor::Person(Box::new(person.clone())),
        }
    }

    pub(super) fn of_person(workspace: &WorkspaceId, known: KnownPerson) -> Self {
        Self { workspace: workspace.clone(), role: known.role, proof: AdminProof::Person(known.person) }
    }

    /// Whether everything may be looked at, and not connectors and providers only.
    #[must_use]
    pub fn may_look(&self) -> bool {
        matches!(self.role, WorkspaceRole::Admin | WorkspaceRole::Reader)
    }

    /// Whether changes may be proposed.
    #[must_use]
    pub fn may_propose(&self) -> bool {
        matches!(self.role, WorkspaceRole::Admin | WorkspaceRole::Builder)
    }

    /// Whether anything may be changed.
    #[must_use]
    pub fn may_write(&self) -> bool {
        self.role == WorkspaceRole::Admin
    }
}

impl Service {
    /// The app.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The key that proved it, for the audit trail.
    #[must_use]
    pub fn key(&self) -> &KeyId {
        &self.key
    }

    /// Whether a user's token may be fetched without that user's session.
    #[must_use]
    pub fn may_fetch_offline(&self) -> bool {
        self.offline_tokens
    }

    /// Where the connection that all apps of the workspace share through a connector stands.
    #[must_use]
    pub fn shared_place(&self, connector: ConnectorId) -> ConnectionKey {
        ConnectionKey { workspace: self.app.workspace.clone(), owner: Owner::Workspace, connector }
    }

    /// A user of the app that the backend names, instead of showing their token. Proves nothing about that user: for
    /// what a backend may do by itself only.
    #[must_use]
    pub fn names(&self, issuer: Issuer, subject: Subject) -> AppUser {
        let user = User { app: self.app.id.clone(), issuer, subject };
        AppUser { app: Arc::clone(&self.app), user }
    }
}

impl AppUser {
    /// The app.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Where this user's connection through a connector stands.
    #[must_use]
    pub fn place(&self, connector: ConnectorId) -> ConnectionKey {
        let owner = Owner::User(self.user.clone());
        ConnectionKey { workspace: self.app.workspace.clone(), owner, connector }
    }
}
