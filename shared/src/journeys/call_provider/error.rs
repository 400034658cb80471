//! Why a call was not tried.

use crate::{domain::call::CallRefusal, journeys::get_token::GetTokenError, store::StoreError, vault::VaultError};

/// Why a call was not tried.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// There is no token.
    #[error(transparent)]
    Token(#[from] GetTokenError),
    /// Several connectors of this type are there, and the user is connected through several of them, or through none.
    #[error("several connectors of this type")]
    Ambiguous,
    /// It may not be made, or can't be put together.
    #[error(transparent)]
    Refused(#[from] CallRefusal),
    /// The data of the provider, or of the connection, lacks something that its API needs.
    #[error("the provider's API can't be addressed")]
    Unaddressable,
}

impl From<StoreError> for CallError {
    fn from(error: StoreError) -> Self {
        Self::Token(error.into())
    }
}

impl From<VaultError> for CallError {
    fn from(error: VaultError) -> Self {
        Self::Token(error.into())
    }
}
