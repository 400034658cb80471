//! Where a sealed value belongs. A value that is moved anywhere else does not open.

use crate::{
    domain::{
        digest::joined,
        ids::{ConnectorId, WebhookId, WorkspaceId},
        session::SessionId,
        user::{ConnectionKey, Owner},
    },
    store::keys,
};

/// Stands in the place of the app where a row belongs to the workspace as a whole. No app's id has such a sign.
const SHARED: &str = "#shared";

/// A row, and whose it is.
#[derive(Debug, Clone)]
pub struct Place {
    workspace: WorkspaceId,
    /// Table, partition key, sort key, app, connector, issuer, subject.
    parts: [String; 7],
}

impl Place {
    /// The row of a connection: where its tokens are sealed.
    #[must_use]
    pub fn connection(key: &ConnectionKey) -> Self {
        Self::owned("connections", keys::connection(key), key)
    }

    /// The row of a session: where its code, verifier and state are sealed.
    #[must_use]
    pub fn session(id: &SessionId, key: &ConnectionKey) -> Self {
        Self::owned("sessions", keys::session(id), key)
    }

    /// The row of a connector: where its client secret is sealed.
    #[must_use]
    pub fn connector(workspace: &WorkspaceId, connector: &ConnectorId) -> Self {
        let (pk, sk) = keys::connector(workspace, connector);
        let [none, issuer, subject] = [const { String::new() }; 3];
        let parts = ["registry".to_owned(), pk, sk, none, connector.to_string(), issuer, subject];
        Self { workspace: workspace.clone(), parts }
    }

    /// The row of a webhook: where its secrets are sealed.
    #[must_use]
    pub fn webhook(workspace: &WorkspaceId, webhook: &WebhookId) -> Self {
        let (pk, sk) = keys::webhook(workspace, webhook);
        let [no_app, no_connector, issuer, subject] = [const { String::new() }; 4];
        let parts = ["registry".to_owned(), pk, sk, no_app, no_connector, issuer, subject];
        Self { workspace: workspace.clone(), parts }
    }

    /// The row that says who vouches for a workspace's people: where the secret of its client is sealed.
    #[must_use]
    pub fn workspace_identity(workspace: &WorkspaceId) -> Self {
        let (pk, sk) = keys::workspace_identity(workspace);
        let [app, connector, issuer, subject] = [const { String::new() }; 4];
        Self { workspace: workspace.clone(), parts: ["registry".to_owned(), pk, sk, app, connector, issuer, subject] }
    }

    /// The row that holds what a workspace's audit trail is made with.
    #[must_use]
    pub fn audit_key(workspace: &WorkspaceId) -> Self {
        let (pk, sk) = keys::audit_key(workspace);
        let [app, connector, issuer, subject] = [const { String::new() }; 4];
        Self { workspace: workspace.clone(), parts: ["registry".to_owned(), pk, sk, app, connector, issuer, subject] }
    }

    fn owned(table: &str, (pk, sk): (String, String), key: &ConnectionKey) -> Self {
        let [app, issuer, subject] = match &key.owner {
            Owner::User(user) => [user.app.as_str(), user.issuer.as_str(), user.subject.as_str()],
            Owner::Workspace => [SHARED, "", ""],
        };
        let whose = [app, key.connector.as_str(), issuer, subject];
        let [app, connector, issuer, subject] = whose.map(str::to_owned);
        Self { workspace: key.workspace.clone(), parts: [table.to_owned(), pk, sk, app, connector, issuer, subject] }
    }

    /// The workspace whose key seals here.
    #[must_use]
    pub fn workspace(&self) -> &WorkspaceId {
        &self.workspace
    }

    /// The additional authenticated data of one field under one key: the same text for no two places.
    pub(super) fn authenticated_data(&self, field: &str, generation: u32) -> Vec<u8> {
        let generation = generation.to_string();
        let mut parts = vec!["connectors.v1", self.workspace.as_str(), field, &generation];
        parts.extend(self.parts.iter().map(String::as_str));
        joined(&parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ids::{AppId, Issuer, Subject},
        user::User,
    };

    const CONNECTOR: &str = "con_01ARZ3NDEKTSV4RRFFQ69G5FAV";

    fn key(owner: Owner) -> ConnectionKey {
        let workspace = WorkspaceId::parse("ws").unwrap();
        ConnectionKey { workspace, owner, connector: ConnectorId::parse(CONNECTOR).unwrap() }
    }

    fn alice() -> Owner {
        let (issuer, subject) = (Issuer::parse("https://idp.example").unwrap(), Subject::parse("alice").unwrap());
        Owner::User(User { app: AppId::parse("app").unwrap(), issuer, subject })
    }

    #[test]
    fn what_a_users_row_is_sealed_with_stays_as_it_was_written() {
        let key = key(alice());
        let (pk, sk) = keys::connection(&key);
        let parts = ["connectors.v1", "ws", "access_token", "1", "connections", &pk, &sk];
        let expected = joined(&[&parts[..], &["app", CONNECTOR, "https://idp.example", "alice"]].concat());
        assert_eq!(Place::connection(&key).authenticated_data("access_token", 1), expected);
    }

    #[test]
    fn a_shared_row_is_sealed_for_its_own_place() {
        let data = |owner| Place::connection(&key(owner)).authenticated_data("access_token", 1);
        assert_ne!(data(Owner::Workspace), data(alice()));
    }
}
