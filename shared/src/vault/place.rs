//! Where a sealed value belongs. A value that is moved anywhere else does not open.

use crate::{
    domain::{
        digest::joined,
        ids::{ConnectorId, WorkspaceId},
        session::SessionId,
        user::ConnectionKey,
    },
    store::keys,
};

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

    /// The row that says who vouches for a workspace's people: where the secret of its client is sealed.
    #[must_use]
    pub fn workspace_identity(workspace: &WorkspaceId) -> Self {
        let (pk, sk) = keys::workspace_identity(workspace);
        let [app, connector, issuer, subject] = [const { String::new() }; 4];
        Self { workspace: workspace.clone(), parts: ["registry".to_owned(), pk, sk, app, connector, issuer, subject] }
    }

    fn owned(table: &str, (pk, sk): (String, String), key: &ConnectionKey) -> Self {
        let user = &key.user;
        let whose =
            [user.app.to_string(), key.connector.to_string(), user.issuer.to_string(), user.subject.to_string()];
        let [app, connector, issuer, subject] = whose;
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
