//! App users, and the place where a grant through one connector stands: one user's, or a whole workspace's.

use super::{
    digest::{hex, joined, sha256},
    ids::{AppId, ConnectionId, ConnectorId, Issuer, Subject, WorkspaceId},
};

/// A person signed in to an app: the pair of issuer and subject inside that one app, never the token that proved it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct User {
    /// The app that the person uses.
    pub app: AppId,
    /// Who vouches for the person.
    pub issuer: Issuer,
    /// Who the person is to that issuer.
    pub subject: Subject,
}

impl User {
    /// A text of fixed length that stands for issuer and subject in keys.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(&sha256(&joined(&[self.issuer.as_str(), self.subject.as_str()])))
    }
}

/// Whose a connection is. One kind never passes for the other: neither its row, nor its id, nor what is sealed in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A user's own, for the one app that they use.
    User(User),
    /// The workspace's: an admin connected it once, and every app of the workspace uses it.
    Workspace,
}

impl Owner {
    /// The user, if it is a user's own.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Workspace => None,
        }
    }
}

/// Where a connection stands: one owner, one connector, inside one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectionKey {
    /// The workspace that owns the app and the connector.
    pub workspace: WorkspaceId,
    /// Whose connection it is.
    pub owner: Owner,
    /// Through which connector.
    pub connector: ConnectorId,
}

impl ConnectionKey {
    /// The public id of the connection at this place.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        let (workspace, connector) = (self.workspace.as_str(), self.connector.as_str());
        let place = match &self.owner {
            Owner::User(User { app, issuer, subject }) => {
                joined(&["connection", workspace, app.as_str(), issuer.as_str(), subject.as_str(), connector])
            }
            Owner::Workspace => joined(&["shared_connection", workspace, connector]),
        };
        ConnectionId::of_place(&sha256(&place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(app: &str, issuer: &str, subject: &str) -> User {
        User {
            app: AppId::parse(app).unwrap(),
            issuer: Issuer::parse(issuer).unwrap(),
            subject: Subject::parse(subject).unwrap(),
        }
    }

    #[test]
    fn the_same_subject_of_another_issuer_is_another_user() {
        assert_ne!(user("a", "https://one", "alice").digest(), user("a", "https://two", "alice").digest());
        assert_ne!(user("a", "https://one", "2alice").digest(), user("a", "https://one2", "alice").digest());
    }

    #[test]
    fn a_connection_id_depends_on_every_part_of_its_place_and_parses() {
        let connector = ConnectorId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV");
        let key = |workspace: &str, owner: Owner| ConnectionKey {
            workspace: WorkspaceId::parse(workspace).unwrap(),
            owner,
            connector: connector.clone(),
        };
        let of_user = |app: &str| key("w", Owner::User(user(app, "i", "s"))).id();
        let shared = |workspace: &str| key(workspace, Owner::Workspace).id();
        assert_eq!(of_user("a"), of_user("a"));
        assert_ne!(of_user("a"), of_user("b"));
        assert_ne!(shared("w"), shared("v"));
        assert_ne!(shared("w"), of_user("a"));
        for id in [of_user("a"), shared("w")] {
            assert!(ConnectionId::parse(id.as_str()).is_ok());
        }
    }
}
