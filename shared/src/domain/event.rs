//! What happened to connections, connectors and webhooks, as it is told to whoever wants to know: on the bus and by webhooks. Never a
//! secret, never a token, never a provider's own words.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    gather::Gather,
    ids::{ConnectorId, EventId, WebhookId, WorkspaceId},
    user::ConnectionKey,
};

/// The version of the form that events are told in. Fields may be added to it.
const VERSION: &str = "1";

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What kind of thing happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The kind as it is told.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// A user connected an account.
    ConnectionCreated = "connection.created";
    /// A user who had a connection connected again.
    ConnectionReconnected = "connection.reconnected";
    /// The grant is over: the user has to connect again.
    ConnectionReconnectRequired = "connection.reconnect_required";
    /// The provider changed what the grant may do.
    ConnectionScopesChanged = "connection.scopes_changed";
    /// The grant ends by itself, some days from now, unless its user connects again.
    ConnectionExpiring = "connection.expiring";
    /// The connection was ended here.
    ConnectionDisconnected = "connection.disconnected";
    /// The provider did not end an ended connection's grant, and is not asked again.
    ConnectionRevocationFailed = "connection.revocation_failed";
    /// A connector was made.
    ConnectorCreated = "connector.created";
    /// A connector was changed.
    ConnectorChanged = "connector.changed";
    /// A connector was deleted.
    ConnectorDeleted = "connector.deleted";
    /// The provider does not accept the connector's client id or secret.
    ConnectorMisconfigured = "connector.misconfigured";
    /// A webhook took nothing for days, or its receiver said that it is gone: nothing more is sent there.
    WebhookGivenUp = "webhook.given_up";
}

impl EventKind {
    /// The kind of this name.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == raw)
    }
}

/// What an event is about.
#[derive(Debug, Clone)]
pub enum About {
    /// A connection, by its place.
    Connection(ConnectionKey),
    /// A connector.
    Connector(ConnectorId),
    /// A webhook.
    Webhook(WebhookId),
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its id: whoever is told twice knows it by that.
    pub id: EventId,
    /// What kind.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// The workspace that it happened in.
    pub workspace: WorkspaceId,
    /// What it happened to.
    pub about: About,
    /// Why, in a word of ours.
    pub reason: Option<&'static str>,
    /// When what it is about ends, if it is about an end to come.
    pub expires_at: Option<Timestamp>,
}

impl Event {
    /// Something that happened to a connection.
    #[must_use]
    pub fn of_connection(id: EventId, kind: EventKind, place: &ConnectionKey, at: Timestamp) -> Self {
        let (workspace, about) = (place.workspace.clone(), About::Connection(place.clone()));
        Self { id, kind, at, workspace, about, reason: None, expires_at: None }
    }

    /// Something that happened to a connector.
    #[must_use]
    pub fn of_connector(
        id: EventId,
        kind: EventKind,
        (workspace, connector): (&WorkspaceId, &ConnectorId),
        at: Timestamp,
    ) -> Self {
        let (workspace, about) = (workspace.clone(), About::Connector(connector.clone()));
        Self { id, kind, at, workspace, about, reason: None, expires_at: None }
    }

    /// A webhook was given up, and why.
    #[must_use]
    pub fn webhook_given_up(
        id: EventId,
        (workspace, webhook): (&WorkspaceId, &WebhookId),
        reason: &'static str,
        at: Timestamp,
    ) -> Self {
        let (workspace, about) = (workspace.clone(), About::Webhook(webhook.clone()));
        Self { id, kind: EventKind::WebhookGivenUp, at, workspace, about, reason: Some(reason), expires_at: None }
    }

    /// The same, and why.
    #[must_use]
    pub fn because(self, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// The same, and when that end will be.
    #[must_use]
    pub fn ending(self, at: Timestamp) -> Self {
        Self { expires_at: Some(at), ..self }
    }

    /// The event as it is told, the same text to everybody.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut fields = envelope(&self.id, self.kind.as_str(), self.at, &self.workspace);
        fields.extend(self.about.fields().map(|(name, value)| (name.to_owned(), value)));
        if let Some(reason) = self.reason {
            fields.insert("reason".to_owned(), reason.into());
        }
        if let Some(at) = self.expires_at {
            fields.insert("expires_at".to_owned(), at.to_string().into());
        }
        Value::Object(fields).to_string()
    }
}

impl About {
    fn fields(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let (id, place) = match self {
            Self::Connection(place) => (("connector_id", place.connector.as_str()), Some(place)),
            Self::Connector(connector) => (("connector_id", connector.as_str()), None),
            Self::Webhook(webhook) => (("webhook_id", webhook.as_str()), None),
        };
        let user = place.and_then(|place| place.owner.user());
        let more = [
            place.map(|place| ("connection_id", place.id().as_str().into())),
            user.map(|user| ("app_id", user.app.as_str().into())),
            user.map(|user| ("user", json!({"issuer": user.issuer.as_str(), "sub": user.subject.as_str()}))),
        ];
        [(id.0, id.1.into())].into_iter().chain(more.into_iter().flatten())
    }
}

/// The text of an event that nothing has happened for, by which a receiver is tried.
#[must_use]
pub fn trial(id: &EventId, workspace: &WorkspaceId, at: Timestamp) -> String {
    Value::Object(envelope(id, "webhook.test", at, workspace)).to_string()
}

fn envelope(id: &EventId, kind: &str, at: Timestamp, workspace: &WorkspaceId) -> Map<String, Value> {
    let at = at.to_string();
    let fields = [
        ("id", id.as_str()),
        ("type", kind),
        ("version", VERSION),
        ("time", &at),
        // What the standard of webhooks calls it, for who goes by that.
        ("timestamp", &at),
        ("workspace", workspace.as_str()),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.into())).into_iter().gathered()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ids::{AppId, Issuer, Subject},
        user::{Owner, User},
    };

    #[test]
    fn an_event_says_of_a_connection_whose_it_is_and_of_a_connector_nothing_of_users() {
        let (workspace, connector) =
            (WorkspaceId::parse("ws").unwrap(), ConnectorId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        let user = User {
            app: AppId::parse("app").unwrap(),
            issuer: Issuer::parse("https://id.example").unwrap(),
            subject: Subject::parse("alice").unwrap(),
        };
        let place =
            ConnectionKey { workspace: workspace.clone(), owner: Owner::User(user), connector: connector.clone() };
        let (id, at) = (EventId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"), Timestamp::UNIX_EPOCH);
        let event = Event::of_connection(id.clone(), EventKind::ConnectionReconnectRequired, &place, at);
        let told: Value = serde_json::from_str(&event.because("refresh_rejected").to_json()).unwrap();
        let expected = json!({
            "id": "evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "type": "connection.reconnect_required", "version": "1",
            "time": "1970-01-01T00:00:00Z", "timestamp": "1970-01-01T00:00:00Z", "workspace": "ws", "connector_id": connector.as_str(),
            "connection_id": place.id().as_str(), "app_id": "app",
            "user": {"issuer": "https://id.example", "sub": "alice"}, "reason": "refresh_rejected",
        });
        assert_eq!(told, expected);
        let event = Event::of_connector(id, EventKind::ConnectorCreated, (&workspace, &connector), at);
        let told: Value = serde_json::from_str(&event.to_json()).unwrap();
        assert_eq!((&told["user"], &told["app_id"]), (&Value::Null, &Value::Null));
        let (id, webhook) =
            (EventId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"), WebhookId::of_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
        let event = Event::webhook_given_up(id, (&workspace, &webhook), "gone", at);
        let told: Value = serde_json::from_str(&event.to_json()).unwrap();
        assert_eq!((&told["webhook_id"], &told["connector_id"]), (&json!(webhook.as_str()), &Value::Null));
    }

    #[test]
    fn a_kind_is_read_by_its_name_and_by_no_other() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventKind::parse("connection.stolen"), None);
    }
}
