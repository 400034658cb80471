//! App users, and the place where one user's grant through one connector stands.

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

/// Where a connection stands: one user, one connector, inside one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConnectionKey {
    /// The workspace that owns the app and the connector.
    pub workspace: WorkspaceId,
    /// Whose connection it is.
    pub user: User,
    /// Through which connector.
    pub connector: ConnectorId,
}

impl ConnectionKey {
    /// The public id of the connection at this place.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        let User { app, issuer, subject } = &self.user;
        ConnectionId::of_place(&sha256(&joined(&[
            "connection",
            self.workspace.as_str(),
            app.as_str(),
            issuer.as_str(),
            subject.as_str(),
            self.connector.as_str(),
        ])))
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
        let key = |app: &str| ConnectionKey {
            workspace: WorkspaceId::parse("w").unwrap(),
            user: user(app, "i", "s"),
            connector: connector.clone(),
        };
        assert_eq!(key("a").id(), key("a").id());
        assert_ne!(key("a").id(), key("b").id());
        assert!(ConnectionId::parse(key("a").id().as_str()).is_ok());
    }
}
