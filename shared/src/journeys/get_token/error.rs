//! Why there is no token.

use std::time::Duration;

use crate::{
    domain::scopes::Scopes, journeys::refresh_connection::RefreshError, oauth::TokenError, store::StoreError,
    vault::VaultError,
};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum GetTokenError {
    /// The user never connected, or disconnected; or there is no such connector.
    #[error("not connected")]
    NotConnected,
    /// The workspace has switched off this type of provider.
    #[error("the workspace's policy does not allow it")]
    BlockedByPolicy,
    /// The connector is kept from use while its user is away.
    #[error("the connector is not for use without its user")]
    NotWithoutUser,
    /// The grant is over; the user must connect again.
    #[error("the user must connect again")]
    ReconnectRequired,
    /// The grant lacks scopes that were asked for.
    #[error("the grant lacks scopes")]
    MissingScopes(Scopes),
    /// The provider does not accept the connector's client.
    #[error("the provider does not accept the connector's client")]
    Misconfigured(TokenError),
    /// The connector's client secret does not open.
    #[error("the connector's client secret does not open")]
    SecretUnreadable,
    /// The provider fails for now, and the old token works no more.
    #[error("the provider fails for now")]
    Unavailable {
        /// How long to wait.
        retry_after: Duration,
        /// What it said, if it was asked just now.
        cause: Option<TokenError>,
    },
    /// The connection is on its way to another deployment, which refreshes it from now on, and the old token works no more.
    #[error("the connection is moving out")]
    MovingOut,
    /// The token was renewed a moment ago because the provider had refused it, and the new one is refused as well: another
    /// would be, too.
    #[error("the token was renewed in vain")]
    RenewedInVain {
        /// How long to wait before it is renewed for that reason again.
        retry_after: Duration,
    },
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't open for now.
    #[error(transparent)]
    Vault(VaultError),
}

impl From<VaultError> for GetTokenError {
    /// Tokens that will never open again are as good as none: only the user can help.
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::DoesNotOpen | VaultError::NoKey => {
                tracing::error!(%error, "a connection's tokens can't be opened");
                Self::ReconnectRequired
            }
            VaultError::KeyService(_) | VaultError::Store(_) => Self::Vault(error),
        }
    }
}

/// How long a caller waits when somebody else's refresh takes long.
const BUSY_RETRY: Duration = Duration::from_secs(1);

impl From<RefreshError> for GetTokenError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Gone => Self::NotConnected,
            RefreshError::Ended => Self::ReconnectRequired,
            RefreshError::Misconfigured(cause) => Self::Misconfigured(cause),
            RefreshError::SecretUnreadable => Self::SecretUnreadable,
            RefreshError::MovingOut => Self::MovingOut,
            RefreshError::Unavailable { retry_after, cause } => Self::Unavailable { retry_after, cause },
            RefreshError::Busy | RefreshError::Crowded => Self::Unavailable { retry_after: BUSY_RETRY, cause: None },
            RefreshError::Store(cause) => Self::Store(cause),
            RefreshError::Vault(cause) => cause.into(),
        }
    }
}
