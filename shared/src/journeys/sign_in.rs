//! A person of a workspace signs in to the console at the workspace's own issuer. The page makes state, nonce and verifier,
//! and keeps them; here the code becomes an ID token, which is what the page shows from then on.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    auth::{Authenticator, KnownPerson, PersonFlaw},
    clock::Clock,
    domain::{
        ids::WorkspaceId,
        person::{SignInEndpoints, WorkspaceIdentity},
        secret::{AuthorizationCode, CodeVerifier, Secret, UserToken},
    },
    oauth::{ProviderClient, SignInCode, SignInError as ExchangeError},
    store::StoreError,
    vault::{Place, Vault, VaultError},
};

/// The page that people are sent back to, below the deployment's address.
pub const SIGNED_IN_PAGE: &str = "/console/signed-in";

/// What is asked of an issuer.
pub const SIGN_IN_SCOPES: &str = "openid profile email";

/// How many codes of a workspace one process exchanges within [`WINDOW`]: anybody can send one that was made up, and the
/// issuer sees each with the client's secret.
const MOST_EXCHANGES: u32 = 30;

const WINDOW: Duration = Duration::from_mins(1);

/// How many workspaces are counted at once.
const MOST_COUNTED: usize = 1_024;

/// Signs people in.
#[derive(Debug, Clone)]
pub struct SignIn {
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) public_base_url: String,
    pub(crate) exchanges: Exchanges,
    pub(crate) clock: Clock,
}

/// Exchanges of the present minute, by workspace.
#[derive(Debug, Clone, Default)]
pub struct Exchanges(Arc<Mutex<HashMap<WorkspaceId, (u32, Timestamp)>>>);

/// Where a person is to be sent, and as which client.
#[derive(Debug)]
pub struct WayIn {
    /// Where the browser is sent.
    pub authorization_endpoint: String,
    /// The workspace's client.
    pub client_id: String,
}

/// What came back with the browser, and what the page had kept for it.
#[derive(Debug)]
pub struct Returned {
    /// The code.
    pub code: Secret<AuthorizationCode>,
    /// The verifier of the challenge that was sent.
    pub verifier: Secret<CodeVerifier>,
    /// What was sent, and must stand in the ID token.
    pub nonce: String,
    /// Who the issuer says it is, beside the code (RFC 9207).
    pub issuer: Option<String>,
}

/// A person who is signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who, what they may do, and until when.
    pub person: KnownPerson,
    /// What proves it.
    pub token: Secret<UserToken>,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// There is no such workspace, or it has no issuer to sign in at: which of the two is nobody's business.
    #[error("nobody can sign in there")]
    Nowhere,
    /// So many tried within a minute that this one has to wait.
    #[error("too many sign-ins within a minute")]
    TooMany,
    /// The answer is of another issuer than the one that was asked.
    #[error("the answer is of another issuer")]
    Mixed,
    /// The issuer gave no token for the code.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The token is none that lets somebody in.
    #[error("the ID token lets nobody in")]
    Person(PersonFlaw),
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client's secret can't be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl SignIn {
    /// Where people of this workspace sign in.
    ///
    /// # Errors
    /// [`SignInError::Nowhere`], [`SignInError::Store`].
    pub async fn way_in(&self, workspace: &WorkspaceId) -> Result<WayIn, SignInError> {
        let (identity, endpoints) = self.issuer(workspace).await?;
        Ok(WayIn { authorization_endpoint: endpoints.authorization, client_id: identity.issuer.audience.clone() })
    }

    /// The redirect URI that has to be registered at the issuer.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("{}{SIGNED_IN_PAGE}", self.public_base_url)
    }

    /// Turns a person's code into their ID token, if it lets them in.
    ///
    /// # Errors
    /// [`SignInError`].
    #[tracing::instrument(skip_all)]
    pub async fn finish(&self, workspace: &WorkspaceId, returned: Returned) -> Result<SignedIn, SignInError> {
        let (identity, endpoints) = self.issuer(workspace).await?;
        let is_own = match &returned.issuer {
            Some(issuer) => issuer == identity.issuer.issuer.as_str(),
            None => !endpoints.sends_issuer,
        };
        if !is_own {
            return Err(SignInError::Mixed);
        }
        if !self.exchanges.allows(workspace, self.clock.now()) {
            return Err(SignInError::TooMany);
        }
        let client_secret = match &identity.client_secret {
            Some(sealed) => Some(self.vault.open(sealed, &Place::workspace_identity(workspace)).await?),
            None => None,
        };
        let grant = SignInCode {
            client_id: &identity.issuer.audience,
            client_secret: client_secret.as_ref(),
            code: &returned.code,
            verifier: &returned.verifier,
            redirect_uri: &self.redirect_uri(),
        };
        let token = self.client.id_token(&endpoints, grant).await?;
        let person = self.authenticator.signed_in(token.expose(), &identity, &returned.nonce).await;
        Ok(SignedIn { person: person.map_err(SignInError::Person)?, token })
    }

    async fn issuer(&self, workspace: &WorkspaceId) -> Result<(Arc<WorkspaceIdentity>, SignInEndpoints), SignInError> {
        let identity = self.authenticator.identity_of(workspace).await?.ok_or(SignInError::Nowhere)?;
        let endpoints = identity.sign_in.clone().ok_or(SignInError::Nowhere)?;
        Ok((identity, endpoints))
    }
}

impl Exchanges {
    fn allows(&self, workspace: &WorkspaceId, now: Timestamp) -> bool {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= MOST_COUNTED {
            counted.retain(|_, (_, until)| *until > now);
        }
        if counted.len() >= MOST_COUNTED && !counted.contains_key(workspace) {
            return false;
        }
        let fresh = || (0, now.checked_add(WINDOW).unwrap_or(now));
        let (count, until) = counted.entry(workspace.clone()).or_insert_with(fresh);
        if *until <= now {
            (*count, *until) = fresh();
        }
        *count += 1;
        *count <= MOST_EXCHANGES
    }
}
