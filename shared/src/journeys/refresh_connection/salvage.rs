//! What waits in queues for a connection's sake. A message gives no right: the table decides. Tokens travel sealed to the
//! row that they belong to, and open nowhere else.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{RefreshError, Refresher};
use crate::{
    domain::{
        connection::Connection,
        ended::EndedGrant,
        ids::{AppId, AttemptId, ConnectorId, EndedId, Issuer, Subject, WorkspaceId},
        scopes::Scopes,
        secret::{AccessToken, RefreshToken, Sealed},
        user::{ConnectionKey, User},
    },
    store::{Claim, Commit, FreshAccess, Renewal, StoreError},
    vault::{Place, VaultError},
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
    client_id: String,
    account_id: Option<String>,
}

impl GrantOnWire {
    /// The grant of a connection.
    #[must_use]
    pub fn of(connection: &Connection) -> Self {
        let account_id = connection.account.as_ref().map(|account| account.id.clone());
        Self { client_id: connection.client_id.clone(), account_id }
    }
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

/// What a refresh brought, sealed, on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct RenewalOnWire {
    access: Option<AccessOnWire>,
    refresh: Option<String>,
    refresh_expires_at: Option<Timestamp>,
    granted: Option<Vec<String>>,
    due_at: Option<Timestamp>,
    retry_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AccessOnWire {
    token: String,
    token_type: String,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
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
        };
        let tokens = RenewalOnWire {
            access: renewal.access.as_ref().map(access),
            refresh: renewal.refresh.as_ref().map(|sealed| BASE64_STANDARD.encode(sealed.as_bytes())),
            refresh_expires_at: renewal.refresh_expires_at,
            granted: renewal.granted.as_ref().map(|scopes| scopes.iter().map(str::to_owned).collect()),
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
    fn parse(&self) -> Option<Renewal> {
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
        })
    }
}

fn sealed<K>(text: &str) -> Option<Sealed<K>> {
    BASE64_STANDARD.decode(text).ok().map(Sealed::from_bytes)
}

/// How long one message is tried for at a time: most of the time that the function has. The message holds up its own
/// connection only.
const TRY_FOR: Duration = Duration::from_secs(100);

/// How long sealing anew may take: storing comes first.
const RESEALING: Duration = Duration::from_millis(500);

/// How often it is tried.
const TRY_EVERY: Duration = Duration::from_millis(300);

/// How long one try may take.
const TRY: Duration = Duration::from_millis(2_500);

impl Refresher {
    /// Stores a renewal that an earlier attempt could not store, unless something newer is there. If the connection is gone,
    /// or another account's by now, the renewal is left to be ended at the provider.
    ///
    /// # Errors
    /// [`RefreshError::Store`] if the message can't be read, the table does not answer for long, or what is to be ended could not be left: the message
    /// must come again, and nothing behind it in its group before it. (Left anew, it would stand behind a message that says
    /// it does not exist.)
    pub async fn store_salvaged(
        &self,
        place: ConnectionKey,
        (version, fence): (u64, u64),
        attempt: &str,
        tokens: &RenewalOnWire,
        grant: Option<GrantOnWire>,
    ) -> Result<(), RefreshError> {
        let (Ok(attempt), Some(renewal)) = (AttemptId::parse(attempt), tokens.parse()) else {
            return Err(StoreError::Unreadable("salvaged tokens").into());
        };
        let renewal = self.sealed_by_newest(&place, renewal).await;
        let claim = Claim { place, version, fence, attempt };
        if let Ok(outcome) = tokio::time::timeout(TRY_FOR, self.salvaged(&claim, &renewal)).await {
            tell(&outcome, &claim);
            return self.end_orphan(outcome, claim, renewal, grant).await;
        }
        tracing::error!("the table still takes no tokens; their sealed form goes on waiting");
        Err(StoreError::Unavailable("timeout".to_owned()).into())
    }

    /// What belongs to no connection any more is left to be ended at the provider, once however often the message comes:
    /// nobody else knows these tokens.
    async fn end_orphan(
        &self,
        outcome: Commit,
        claim: Claim,
        renewal: Renewal,
        grant: Option<GrantOnWire>,
    ) -> Result<(), RefreshError> {
        let (standing, grant) = match (outcome, grant) {
            (Commit::Done, _) | (_, None) => return Ok(()),
            (Commit::Refused(standing), Some(grant)) => (standing, grant),
        };
        let now = self.clock.now();
        let ended = EndedGrant {
            id: EndedId::of_ulid(claim.attempt.as_str()),
            place: claim.place,
            client_id: grant.client_id,
            account_id: grant.account_id,
            access: renewal.access.map(|access| access.token),
            refresh: renewal.refresh,
            ended_at: now,
            tries: 0,
            due_at: now,
        };
        let is_stored = |row: &Connection| row.refresh.last_commit.as_ref() == Some(&claim.attempt);
        if standing.is_some_and(|row| is_stored(&row) || ended.is_superseded_by(&row)) {
            return Ok(());
        }
        self.ended.put(&ended).await?;
        tracing::info!("tokens that had waited in the queue belong to nobody and are to be revoked");
        Ok(())
    }

    /// Asks the table until it answers.
    async fn salvaged(&self, claim: &Claim, renewal: &Renewal) -> Commit {
        loop {
            match tokio::time::timeout(TRY, self.stored_late(claim, renewal)).await {
                Ok(Ok(outcome)) => return outcome,
                Ok(Err(error)) => tracing::warn!(%error, "the table took no salvaged tokens yet"),
                Err(_) => tracing::warn!("the table does not answer"),
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    }

    async fn stored_late(&self, claim: &Claim, renewal: &Renewal) -> Result<Commit, StoreError> {
        match self.renewals.commit(claim, renewal).await? {
            Commit::Refused(Some(row)) if row.version == claim.version => {
                self.renewals.salvage(claim, renewal, self.clock.now()).await
            }
            outcome => Ok(outcome),
        }
    }

    /// What waited may have been sealed by a key that was replaced in the meantime, and whoever seals anew has passed by. As
    /// it is it opens too: nothing is lost if the vault can't answer now.
    async fn sealed_by_newest(&self, place: &ConnectionKey, mut renewal: Renewal) -> Renewal {
        match tokio::time::timeout(RESEALING, self.resealed(place, &renewal)).await {
            Ok(Ok((access, refresh))) => {
                if let (Some(fresh), Some(resealed)) = (&mut renewal.access, access) {
                    fresh.token = resealed;
                }
                renewal.refresh = refresh.or(renewal.refresh);
            }
            Ok(Err(error)) => tracing::warn!(%error, "tokens that had waited in the queue are not sealed anew"),
            Err(_) => tracing::warn!("tokens that had waited in the queue are not sealed anew in time"),
        }
        renewal
    }

    async fn resealed(
        &self,
        place: &ConnectionKey,
        renewal: &Renewal,
    ) -> Result<(Option<Sealed<AccessToken>>, Option<Sealed<RefreshToken>>), VaultError> {
        let (ready, place) = (self.vault.make_ready(&place.workspace).await?, Place::connection(place));
        let access = match &renewal.access {
            Some(fresh) => ready.reseal(&fresh.token, &place).await?,
            None => None,
        };
        let refresh = match &renewal.refresh {
            Some(sealed) => ready.reseal(sealed, &place).await?,
            None => None,
        };
        Ok((access, refresh))
    }
}

fn tell(outcome: &Commit, claim: &Claim) {
    match outcome {
        Commit::Done => tracing::info!(outcome = "salvaged", "stored tokens that had waited in the queue"),
        Commit::Refused(Some(row)) if row.refresh.last_commit.as_ref() == Some(&claim.attempt) => {
            tracing::info!(outcome = "stored", "the tokens that had waited in the queue were stored already");
        }
        Commit::Refused(_) => tracing::info!(outcome = "superseded", "something newer was stored in the meantime"),
    }
}
