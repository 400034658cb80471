//! Primary keys of the rows in which something is sealed: a sealed value is bound to them.

use super::{audit_keys, connections, connectors, sessions, webhooks, workspace_identities, workspaces};
use crate::domain::{
    ids::{ConnectorId, WebhookId, WorkspaceId},
    session::SessionId,
    user::ConnectionKey,
};

/// Partition and sort key of a connection's row.
pub(crate) fn connection(key: &ConnectionKey) -> (String, String) {
    (connections::partition(key), connections::sk(&key.connector))
}

/// Partition and sort key of a session's row.
pub(crate) fn session(id: &SessionId) -> (String, String) {
    (sessions::pk(id), sessions::META.to_owned())
}

/// Partition and sort key of a connector's row.
pub(crate) fn connector(workspace: &WorkspaceId, id: &ConnectorId) -> (String, String) {
    (workspaces::pk(workspace), connectors::sk(id))
}

/// Partition and sort key of a webhook's row.
pub(crate) fn webhook(workspace: &WorkspaceId, id: &WebhookId) -> (String, String) {
    (workspaces::pk(workspace), webhooks::sk(id))
}

/// Partition and sort key of the row that says who vouches for a workspace's people.
pub(crate) fn workspace_identity(workspace: &WorkspaceId) -> (String, String) {
    (workspaces::pk(workspace), workspace_identities::SK.to_owned())
}

/// Partition and sort key of the row that holds what a workspace's audit trail is made with.
pub(crate) fn audit_key(workspace: &WorkspaceId) -> (String, String) {
    (workspaces::pk(workspace), audit_keys::SK.to_owned())
}
