//! How things that several functions answer with look on the wire.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{account::Account, connection::Connection, scopes::Scopes, standing::Standing, user::User};

/// Whose account a connection is to.
#[derive(Debug, Serialize)]
pub struct AccountOnWire {
    id: String,
    label: Option<String>,
    email: Option<String>,
    avatar_url: Option<String>,
}

impl From<&Account> for AccountOnWire {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.clone(),
            label: account.label.clone(),
            email: account.email.clone(),
            avatar_url: account.avatar_url.clone(),
        }
    }
}

/// A connection, as a backend or an admin sees it. One that a workspace shares has neither app nor user.
#[derive(Debug, Serialize)]
pub struct ConnectionOnWire {
    connection_id: String,
    connector_id: String,
    app_id: Option<String>,
    user: Option<UserOnWire>,
    label: Option<String>,
    status: &'static str,
    reason: Option<&'static str>,
    reconnect_required: bool,
    account: Option<AccountOnWire>,
    granted_scopes: Vec<String>,
    missing_scopes: Vec<String>,
    connected_at: Timestamp,
    last_used_on: Option<String>,
}

#[derive(Debug, Serialize)]
struct UserOnWire {
    issuer: String,
    sub: String,
}

impl ConnectionOnWire {
    /// A connection and how it stands.
    #[must_use]
    pub fn new(connection: &Connection, standing: &Standing) -> Self {
        let user = connection.key.owner.user();
        let known = |user: &User| UserOnWire { issuer: user.issuer.to_string(), sub: user.subject.to_string() };
        Self {
            connection_id: connection.key.id().to_string(),
            connector_id: connection.key.connector.to_string(),
            app_id: user.map(|user| user.app.to_string()),
            user: user.map(known),
            label: connection.label.clone(),
            status: standing.status.as_str(),
            reason: standing.reason.map(crate::domain::standing::Reason::as_str),
            reconnect_required: standing.reconnect_required(),
            account: connection.account.as_ref().map(AccountOnWire::from),
            granted_scopes: list(&connection.granted),
            missing_scopes: list(&standing.missing),
            connected_at: seconds(connection.connected_at),
            last_used_on: connection.last_used_on.map(|day| day.to_string()),
        }
    }
}

/// Scopes, as a list of texts.
#[must_use]
pub fn list(scopes: &Scopes) -> Vec<String> {
    scopes.iter().map(str::to_owned).collect()
}

/// A moment in whole seconds: nobody needs more of it.
#[must_use]
pub fn seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
