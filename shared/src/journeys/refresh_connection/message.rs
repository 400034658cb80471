//! What waits in queues for a connection's sake, on the wire. A message gives no right: the table decides. Tokens travel
//! sealed to the row that they belong to, and open nowhere else.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        connection::Connection,
        ids::{AppId, AttemptId, ConnectorId, Issuer, Subject, WorkspaceId},
        provider::Values,
        scopes::Scopes,
        secret::Sealed,
        user::{ConnectionKey, Owner, User},
    },
    store::{Claim, FreshAccess, Renewal},
};

/// A message in the refresh queue (`Look`) or in the ordered one behind it, in the group of its connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RefreshMessage {
    /// Look at a connection: it is due, or its refresher may have died.
    Look {
        /// Where it stands.
        place: PlaceOnWire,
    },
    /// Note that an attempt never came back: it stands behind whatever that attempt may have left.
    Settle {
        /// The connection it was made on.
        place: PlaceOnWire,
        /// The attempt.
        attempt: String,
    },
    /// Store tokens that the table did not take.
    Salvage {
        /// Where they belong.
        place: PlaceOnWire,
        /// The version that was refreshed.
        version: u64,
        /// The fence of the lease that it was refreshed under. Where a message lacks it, others may have had one since.
        #[serde(default)]
        fence: u64,
        /// The attempt that refreshed it.
        attempt: String,
        /// The sealed tokens.
        tokens: Box<RenewalOnWire>,
        /// What it takes to end them, if their connection is gone by then. Messages of an earlier version lack it.
        #[serde(default)]
        grant: Option<GrantOnWire>,
    },
}

/// Whose grant it is, on the wire: what it takes beside its tokens to end it at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GrantOnWire {
    pub(super) client_id: String,
    pub(super) account_id: Option<String>,
    /// Messages of an earlier version lack it.
    #[serde(default)]
    pub(super) details: Values,
}

impl GrantOnWire {
    /// The grant of a connection.
    #[must_use]
    pub fn of(connection: &Connection) -> Self {
        let account_id = connection.account.as_ref().map(|account| account.id.clone());
        Self { client_id: connection.client_id.clone(), account_id, details: connection.details.clone() }
    }
}

/// Where a connection stands, on the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlaceOnWire {
    workspace: String,
    #[serde(flatten)]
    owner: OwnerOnWire,
    connector: String,
}

/// Whose connection it is, on the wire. Messages of an earlier version know users only.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum OwnerOnWire {
    User { app: String, issuer: String, subject: String },
    Workspace { owner: TheWorkspace },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TheWorkspace {
    Workspace,
}

/// What a refresh brought, sealed, on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct RenewalOnWire {
    access: Option<AccessOnWire>,
    refresh: Option<String>,
    refresh_expires_at: Option<Timestamp>,
    granted: Option<Vec<String>>,
    /// Messages of an earlier version lack it.
    #[serde(default)]
    scopes_changed: bool,
    /// Messages of an earlier version lack it.
    #[serde(default)]
    details: Option<Values>,
    due_at: Option<Timestamp>,
    retry_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AccessOnWire {
    token: String,
    token_type: String,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    /// Messages of an earlier version lack it.
    #[serde(default)]
    refused_in_row: u32,
}

impl From<&ConnectionKey> for PlaceOnWire {
    fn from(key: &ConnectionKey) -> Self {
        Self {
            workspace: key.workspace.to_string(),
            owner: match &key.owner {
                Owner::User(user) => OwnerOnWire::User {
                    app: user.app.to_string(),
                    issuer: user.issuer.to_string(),
                    subject: user.subject.to_string(),
                },
                Owner::Workspace => OwnerOnWire::Workspace { owner: TheWorkspace::Workspace },
            },
            connector: key.connector.to_string(),
        }
    }
}

impl PlaceOnWire {
    /// The place, if the message holds one.
    #[must_use]
    pub fn parse(&self) -> Option<ConnectionKey> {
        Some(ConnectionKey {
            workspace: WorkspaceId::parse(&self.workspace).ok()?,
            owner: match &self.owner {
                OwnerOnWire::User { app, issuer, subject } => Owner::User(User {
                    app: AppId::parse(app).ok()?,
                    issuer: Issuer::parse(issuer).ok()?,
                    subject: Subject::parse(subject).ok()?,
                }),
                OwnerOnWire::Workspace { .. } => Owner::Workspace,
            },
            connector: ConnectorId::parse(&self.connector).ok()?,
        })
    }
}

impl RefreshMessage {
    /// A message to look at a connection.
    #[must_use]
    pub fn look(key: &ConnectionKey) -> Self {
        Self::Look { place: key.into() }
    }

    /// A message that an attempt on a connection never came back.
    #[must_use]
    pub fn settle(key: &ConnectionKey, attempt: &AttemptId) -> Self {
        Self::Settle { place: key.into(), attempt: attempt.to_string() }
    }

    /// A message to store a renewal that the table did not take.
    #[must_use]
    pub fn salvage(claim: &Claim, grant: GrantOnWire, renewal: &Renewal) -> Self {
        let access = |access: &FreshAccess| AccessOnWire {
            token: BASE64_STANDARD.encode(access.token.as_bytes()),
            token_type: access.token_type.clone(),
            issued_at: access.issued_at,
            expires_at: access.expires_at,
            refused_in_row: access.refused_in_row,
        };
        let tokens = RenewalOnWire {
            access: renewal.access.as_ref().map(access),
            refresh: renewal.refresh.as_ref().map(|sealed| BASE64_STANDARD.encode(sealed.as_bytes())),
            refresh_expires_at: renewal.refresh_expires_at,
            granted: renewal.granted.as_ref().map(|scopes| scopes.iter().map(str::to_owned).collect()),
            scopes_changed: renewal.scopes_changed,
            details: renewal.details.clone(),
            due_at: renewal.due_at,
            retry_at: renewal.retry_at,
        };
        Self::Salvage {
            place: (&claim.place).into(),
            version: claim.version,
            fence: claim.fence,
            attempt: claim.attempt.to_string(),
            tokens: Box::new(tokens),
            grant: Some(grant),
        }
    }
}

impl RenewalOnWire {
    /// The renewal, if the message holds one.
    pub(super) fn parse(&self) -> Option<Renewal> {
        Some(Renewal {
            access: match &self.access {
                None => None,
                Some(access) => Some(access.parse()?),
            },
            refresh: match &self.refresh {
                None => None,
                Some(text) => Some(sealed(text)?),
            },
            refresh_expires_at: self.refresh_expires_at,
            granted: match &self.granted {
                None => None,
                Some(scopes) => Some(Scopes::parse(scopes.iter().map(String::as_str)).ok()?),
            },
            scopes_changed: self.scopes_changed,
            details: self.details.clone(),
            due_at: self.due_at,
            retry_at: self.retry_at,
        })
    }
}

impl AccessOnWire {
    fn parse(&self) -> Option<FreshAccess> {
        Some(FreshAccess {
            token: sealed(&self.token)?,
            token_type: self.token_type.clone(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            refused_in_row: self.refused_in_row,
        })
    }
}

fn sealed<K>(text: &str) -> Option<Sealed<K>> {
    BASE64_STANDARD.decode(text).ok().map(Sealed::from_bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parsed(place: Value) -> Option<ConnectionKey> {
        serde_json::from_value::<PlaceOnWire>(place).ok()?.parse()
    }

    #[test]
    fn a_place_comes_back_as_it_was_sent_and_is_never_of_the_other_kind() {
        let connector = "con_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let of_user =
            json!({"workspace": "w", "app": "a", "issuer": "https://i", "subject": "s", "connector": connector});
        let shared = json!({"workspace": "w", "owner": "workspace", "connector": connector});
        for place in [of_user.clone(), shared.clone()] {
            let key = parsed(place.clone()).unwrap();
            assert_eq!(serde_json::to_value(PlaceOnWire::from(&key)).unwrap(), place);
        }
        assert!(matches!(parsed(of_user.clone()).unwrap().owner, Owner::User(_)), "messages of an earlier version");
        assert_eq!(parsed(shared).unwrap().owner, Owner::Workspace);
        let mut lacking = of_user;
        lacking.as_object_mut().unwrap().remove("subject");
        assert!(parsed(lacking).is_none());
        assert!(parsed(json!({"workspace": "w", "owner": "anybody", "connector": connector})).is_none());
    }
}
