//! Connectors: a provider, and the client that a workspace registered there.

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil::Date};

use super::{
    app::words,
    call::CallRules,
    client_key::ClientKey,
    ids::{ConnectorId, WorkspaceId},
    provider::{Provider, ProviderType},
    scopes::Scopes,
    secret::{ClientSecret, Sealed},
    user::{ConnectionKey, Owner},
    workspace::DisplayName,
};

/// A provider with the client id, client secret and scopes of one workspace.
#[derive(Debug, Clone)]
pub struct Connector {
    /// Its id; part of the redirect URI.
    pub id: ConnectorId,
    /// The workspace that owns it.
    pub workspace: WorkspaceId,
    /// Which provider it connects to. Never changes.
    pub provider: ProviderType,
    /// The profile of a provider that the workspace defined itself, as it was when the connector was made. A change of
    /// the definition reaches new connectors only: no secret of this one ever goes to an endpoint it was not made for.
    pub pinned_profile: Option<Box<Provider>>,
    /// What people call it; unique in the workspace.
    pub name: DisplayName,
    /// The client identifier (RFC 6749, section 2.2).
    pub client_id: String,
    /// The client secret; absent for a public client.
    pub client_secret: Option<Sealed<ClientSecret>>,
    /// When the secret was last set.
    pub client_secret_changed_at: Option<Timestamp>,
    /// The last day on which the provider accepts the secret, if the workspace has said so.
    pub client_secret_expires_on: Option<Date>,
    /// Its own key, if its provider asks for one.
    pub client_key: Option<ClientKey>,
    /// What it asks for.
    pub scopes: Scopes,
    /// Counts changes of the scopes: a connection made under an earlier number may lack one.
    pub scopes_revision: u64,
    /// Details that the provider's API needs and the app reads along with a token.
    pub connection_config: BTreeMap<String, String>,
    /// What apps may call through it without seeing the token.
    pub call_rules: CallRules,
    /// Whether apps may have a user's token while that user is not there, if their key lets them.
    pub offline_use: bool,
    /// Whose accounts it connects. Never changes: a connection of one kind is never used as the other.
    pub kind: ConnectorKind,
    /// Since when its connections may be exported, a while later; never, if there is nothing.
    pub exportable_since: Option<Timestamp>,
    /// Since when its connections are on their way to another deployment, if they are: this one refreshes none of them any more,
    /// because of two who refresh one grant the second ends it, and makes no new one.
    pub moving_out_since: Option<Timestamp>,
    /// Whether it is in use.
    pub state: ConnectorState,
    /// Counts every change; the condition of the next one.
    pub revision: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How long a connector has to be exportable before anything leaves through it. Who has got hold of an admin key can allow
/// an export as well as ask for one; what they have not is a day in which the audit trail tells of it.
pub const EXPORTABLE_AFTER: Duration = Duration::from_hours(24);

/// How long connections that move out stay before they may leave: whatever was asked of the provider before has been stored by
/// then, with more than a lease and the drift of clocks to spare.
pub const SETTLED_AFTER: Duration = Duration::from_mins(1);

/// Whose accounts a connector connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectorKind {
    /// Each app user connects an account of their own.
    PerUser,
    /// An admin connects one account, once, for every app of the workspace.
    Shared,
}

words! {
    ConnectorKind { PerUser = "per_user", Shared = "shared" }
    ConnectorState { Active = "active", Deleting = "deleting" }
}

/// Whether a connector is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectorState {
    /// It is.
    Active,
    /// It was deleted; its connections are unusable, and what is left of them is being revoked.
    Deleting,
}

impl Connector {
    /// Where the provider sends people back to (RFC 6749, section 3.1.2): one address per connector, so that a response
    /// of one authorization server can never be taken for another's (RFC 9700, section 4.4).
    #[must_use]
    pub fn redirect_uri(&self, public_base_url: &str) -> String {
        redirect_uri(public_base_url, &self.id)
    }

    /// Where the provider finds the connector's public keys (RFC 7591, section 2: `jwks_uri`).
    #[must_use]
    pub fn jwks_uri(&self, public_base_url: &str) -> String {
        format!("{public_base_url}/api/external-auth/jwks/{}", self.id)
    }

    /// Whether connections of this owner can come through it.
    #[must_use]
    pub fn serves(&self, owner: &Owner) -> bool {
        match self.kind {
            ConnectorKind::PerUser => matches!(owner, Owner::User(_)),
            ConnectorKind::Shared => matches!(owner, Owner::Workspace),
        }
    }

    /// Whether it is in use, for connections of this owner.
    #[must_use]
    pub fn is_open_to(&self, owner: &Owner) -> bool {
        self.is_active() && self.serves(owner)
    }

    /// Where the connection of the whole workspace stands, if it has that kind.
    #[must_use]
    pub fn shared_place(&self) -> Option<ConnectionKey> {
        let (workspace, connector) = (self.workspace.clone(), self.id.clone());
        self.serves(&Owner::Workspace).then_some(ConnectionKey { workspace, owner: Owner::Workspace, connector })
    }

    /// From when on its connections may be exported, if they ever may.
    #[must_use]
    pub fn exportable_from(&self) -> Option<Timestamp> {
        Some(self.exportable_since?.checked_add(EXPORTABLE_AFTER).unwrap_or(Timestamp::MAX))
    }

    /// Whether its connections are on their way to another deployment.
    #[must_use]
    pub fn is_moving_out(&self) -> bool {
        self.moving_out_since.is_some()
    }

    /// From when on nothing that was begun before may still change its connections, if they are moving out.
    #[must_use]
    pub fn settled_from(&self) -> Option<Timestamp> {
        Some(self.moving_out_since?.checked_add(SETTLED_AFTER).unwrap_or(Timestamp::MAX))
    }

    /// Whether people may connect through it.
    #[must_use]
    pub fn takes_connections(&self) -> bool {
        self.is_active() && !self.is_moving_out()
    }

    /// Whether people can use it.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == ConnectorState::Active
    }
}

/// The redirect URI of a connector, known before it exists.
#[must_use]
pub fn redirect_uri(public_base_url: &str, id: &ConnectorId) -> String {
    format!("{public_base_url}/api/external-auth/callback/{id}")
}
