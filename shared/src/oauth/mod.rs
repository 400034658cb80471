//! The provider side: everything that is said to an authorization server, and how its answers are read.
//!
//! Requests are built by the crate `oauth2`, given the provider's form by its data (`domain::provider`), sent by the
//! guarded [`egress`], read leniently, and only then handed back to the crate. No provider has code of its own.

mod account;
mod answer;
mod assertion;
pub mod authorize;
mod call;
pub mod catalogue;
mod coding;
mod details;
mod discovery;
pub mod dpop;
pub mod egress;
mod error;
mod expiry;
mod id_token;
mod identity;
mod iss;
mod mask;
mod nonces;
mod par;
mod placeholders;
mod recipe;
mod response;
mod revoke;
mod sign_in;
mod signer;
#[cfg(test)]
mod stub;
mod token;
mod wire;

pub use self::{
    account::account_of_answer,
    call::{ApiRequest, Presented, says_expired},
    discovery::{DiscoveryError, metadata_of_answer},
    error::{ErrorCode, Outcome, TokenError},
    identity::AccountError,
    iss::{IssuerMismatch, check_iss},
    response::{Arrived, AuthorizationResponse, ResponseError},
    revoke::{GrantTokens, RevokeError, Revoked},
    sign_in::{SignInCode, SignInError},
    signer::{Signer, SigningError},
    token::{CodeGrant, RefreshRequest, TokenSet},
};
use self::{egress::Egress, nonces::Nonces};
use crate::{
    domain::secret::{ClientSecret, Secret},
    random::Random,
};

/// Who a connector is at its provider.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// The client secret; a public client has none.
    pub client_secret: Option<&'a Secret<ClientSecret>>,
    /// The connector's own key, where the provider asks for one.
    pub signer: Option<&'a Signer>,
}

/// Everything that can be asked of a provider.
#[derive(Debug, Default)]
pub struct ProviderClient {
    egress: Egress,
    nonces: Nonces,
    random: Random,
}

impl ProviderClient {
    /// A client that reaches as far as this egress.
    #[must_use]
    pub fn new(egress: Egress) -> Self {
        Self { egress, nonces: Nonces::default(), random: Random::default() }
    }

    /// The way out, to check endpoints before they are stored.
    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.egress
    }
}
