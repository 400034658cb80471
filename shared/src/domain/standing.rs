//! How a connection stands, derived when it is read: a changed connector touches one item, not a million.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    app::words,
    connection::{Connection, EndReason, Grant},
    connector::Connector,
    freshness::{Freshness, MinTtl},
    policy::Policy,
    provider::Provider,
    scopes::Scopes,
};

/// How a connection stands to its connector, right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// In one word.
    pub status: Status,
    /// Why the user must connect again, if so.
    pub reason: Option<Reason>,
    /// Scopes of the connector that were not granted.
    pub missing: Scopes,
}

/// How a connection stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It works.
    Active,
    /// The user must connect again. What still works is still served.
    ReconnectRequired,
    /// Refreshes fail for a passing reason.
    Degraded,
    /// The workspace has switched off this type of provider. What there is stays as it is.
    Disabled,
    /// There is none.
    Disconnected,
}

/// Why a user must connect again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The provider refused the refresh token.
    RefreshRejected,
    /// A rotated refresh token was lost on its way here.
    RotationLost,
    /// The stored tokens cannot be opened any more.
    Unreadable,
    /// The access token has ended and the provider gave nothing to renew it with.
    Expired,
    /// The connector asks for scopes that this grant lacks.
    ScopesChanged,
    /// The connector has another client id.
    ClientChanged,
}

words! {
    Status {
        Active = "active", ReconnectRequired = "reconnect_required", Degraded = "degraded", Disabled = "disabled", Disconnected = "disconnected"
    }
    Reason {
        RefreshRejected = "refresh_rejected", RotationLost = "rotation_lost", Unreadable = "unreadable", Expired = "expired",
        ScopesChanged = "scopes_changed", ClientChanged = "client_changed"
    }
}

impl Standing {
    /// How `connection` stands to `connector` at `now`.
    #[must_use]
    pub fn of(connection: &Connection, connector: &Connector, provider: &Provider, now: Timestamp) -> Self {
        let missing = provider.missing(&connector.scopes, &connection.granted);
        let reason = reason(connection, connector, provider, &missing, now);
        let status = match reason {
            Some(_) => Status::ReconnectRequired,
            None if connection.refresh.failures > 0 || connection.refresh.refusals > 0 => Status::Degraded,
            None => Status::Active,
        };
        Self { status, reason, missing }
    }

    /// The same under the workspace's policy: whatever it does not allow is disabled, and nobody has to do anything about it.
    #[must_use]
    pub fn under(self, policy: &Policy, connector: &Connector) -> Self {
        if policy.allows(connector.kind, &connector.provider) {
            self
        } else {
            Self { status: Status::Disabled, reason: None, ..self }
        }
    }

    /// Whether the user must connect again.
    #[must_use]
    pub fn reconnect_required(&self) -> bool {
        self.status == Status::ReconnectRequired
    }
}

fn reason(
    connection: &Connection,
    connector: &Connector,
    provider: &Provider,
    missing: &Scopes,
    now: Timestamp,
) -> Option<Reason> {
    match connection.grant {
        Grant::Ended { reason: EndReason::RefreshRejected, .. } => return Some(Reason::RefreshRejected),
        Grant::Ended { reason: EndReason::RotationLost, .. } => return Some(Reason::RotationLost),
        Grant::Live => {}
    }
    if connection.quarantine.is_some() {
        return Some(Reason::Unreadable);
    }
    let tokens = &connection.tokens;
    let expired = tokens.freshness(now, MinTtl::Asked(Duration::ZERO)) == Freshness::Expired;
    if connection.client_id != connector.client_id {
        Some(Reason::ClientChanged)
    } else if expired && !tokens.are_renewable(provider, now) {
        Some(Reason::Expired)
    } else if connection.scopes_revision < connector.scopes_revision && !missing.is_empty() {
        Some(Reason::ScopesChanged)
    } else {
        None
    }
}
