//! What is left in the refresh queue. A message gives no right: the table decides. Tokens travel sealed to the row that
//! they belong to, and open nowhere else.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RefreshError, Refresher};
use crate::{
    domain::{
        ids::{AppId, AttemptId, ConnectorId, Issuer, Subject, WorkspaceId},
        scopes::Scopes,
        secret::{AccessToken, RefreshToken, Sealed},
        user::{ConnectionKey, User},
    },
    store::{Claim, Commit, FreshTokens},
    vault::{Place, VaultError},
};

/// A message in the refresh queue.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RefreshMessage {
    /// Look at a connection: it is due, or its refresher may have died.
    Look {
        /// Where it stands.
        place: PlaceOnWire,
    },
    /// Store tokens that the table did not take.
    Salvage {
        /// Where they belong.
        place: PlaceOnWire,
        /// The version that was refreshed.
        version: u64,
        /// The attempt that refreshed it.
        attempt: String,
        /// The sealed tokens.
        tokens: Box<TokensOnWire>,
    },
}

/// Where a connection stands, on the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlaceOnWire {
    workspace: String,
    app: String,
    issuer: String,
    subject: String,
    connector: String,
}

/// Sealed tokens on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct TokensOnWire {
    access: String,
    refresh: Option<String>,
    token_type: String,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    refresh_expires_at: Option<Timestamp>,
    granted: Option<Vec<String>>,
    due_at: Option<Timestamp>,
}

impl From<&ConnectionKey> for PlaceOnWire {
    fn from(key: &ConnectionKey) -> Self {
        Self {
            workspace: key.workspace.to_string(),
            app: key.user.app.to_string(),
            issuer: key.user.issuer.to_string(),
            subject: key.user.subject.to_string(),
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
            user: User {
                app: AppId::parse(&self.app).ok()?,
                issuer: Issuer::parse(&self.issuer).ok()?,
                subject: Subject::parse(&self.subject).ok()?,
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

    /// A message to store tokens that the table did not take.
    #[must_use]
    pub fn salvage(claim: &Claim, fresh: &FreshTokens) -> Self {
        let tokens = TokensOnWire {
            access: BASE64_STANDARD.encode(fresh.access.as_bytes()),
            refresh: fresh.refresh.as_ref().map(|sealed| BASE64_STANDARD.encode(sealed.as_bytes())),
            token_type: fresh.token_type.clone(),
            issued_at: fresh.issued_at,
            expires_at: fresh.expires_at,
            refresh_expires_at: fresh.refresh_expires_at,
            granted: fresh.granted.as_ref().map(|scopes| scopes.iter().map(str::to_owned).collect()),
            due_at: fresh.due_at,
        };
        Self::Salvage {
            place: (&claim.place).into(),
            version: claim.version,
            attempt: claim.attempt.to_string(),
            tokens: Box::new(tokens),
        }
    }
}

impl TokensOnWire {
    fn parse(&self) -> Option<FreshTokens> {
        let bytes = |text: &String| BASE64_STANDARD.decode(text).ok();
        Some(FreshTokens {
            access: Sealed::from_bytes(bytes(&self.access)?),
            refresh: match &self.refresh {
                None => None,
                Some(text) => Some(Sealed::from_bytes(bytes(text)?)),
            },
            token_type: self.token_type.clone(),
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            refresh_expires_at: self.refresh_expires_at,
            granted: match &self.granted {
                None => None,
                Some(scopes) => Some(Scopes::parse(scopes.iter().map(String::as_str)).ok()?),
            },
            due_at: self.due_at,
        })
    }
}

impl Refresher {
    /// Stores tokens that an earlier attempt could not store, unless something newer is there.
    ///
    /// # Errors
    /// [`RefreshError::Store`] if the table still does not answer: the message must come again.
    pub async fn store_salvaged(
        &self,
        place: ConnectionKey,
        version: u64,
        attempt: &str,
        tokens: &TokensOnWire,
    ) -> Result<(), RefreshError> {
        let (Ok(attempt), Some(fresh)) = (AttemptId::parse(attempt), tokens.parse()) else {
            tracing::error!("a message in the refresh queue can't be read");
            return Ok(());
        };
        let fresh = self.sealed_by_newest(&place, fresh).await;
        match self.leases.salvage(&Claim { place, version, attempt }, &fresh).await? {
            Commit::Done => tracing::info!(outcome = "salvaged", "stored tokens that had waited in the queue"),
            Commit::Refused(_) => tracing::info!(outcome = "superseded", "something newer was stored in the meantime"),
        }
        Ok(())
    }
    /// What waited may have been sealed by a key that was replaced in the meantime, and whoever seals anew has passed by. As
    /// it is it opens too: nothing is lost if the vault can't answer now.
    async fn sealed_by_newest(&self, place: &ConnectionKey, fresh: FreshTokens) -> FreshTokens {
        match self.resealed(place, &fresh).await {
            Ok((access, refresh)) => {
                FreshTokens { access: access.unwrap_or(fresh.access), refresh: refresh.or(fresh.refresh), ..fresh }
            }
            Err(error) => {
                tracing::warn!(%error, "tokens that had waited in the queue are not sealed anew");
                fresh
            }
        }
    }

    async fn resealed(
        &self,
        place: &ConnectionKey,
        fresh: &FreshTokens,
    ) -> Result<(Option<Sealed<AccessToken>>, Option<Sealed<RefreshToken>>), VaultError> {
        let (ready, place) = (self.vault.make_ready(&place.workspace).await?, Place::connection(place));
        let refresh = match &fresh.refresh {
            Some(sealed) => ready.reseal(sealed, &place).await?,
            None => None,
        };
        Ok((ready.reseal(&fresh.access, &place).await?, refresh))
    }
}
