//! Storing from the queue what the table did not take at first.

use std::time::Duration;

use super::{
    RefreshError, Refresher,
    message::{GrantOnWire, RenewalOnWire},
};
use crate::{
    domain::{
        connection::Connection,
        ended::EndedGrant,
        ids::{AttemptId, EndedId},
        secret::{AccessToken, RefreshToken, Sealed},
        user::ConnectionKey,
    },
    store::{Claim, Commit, Renewal, StoreError},
    vault::{Place, VaultError},
};

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
            details: grant.details,
            access: renewal.access.map(|access| access.token),
            refresh: renewal.refresh,
            part_of: None,
            was_replaced: false,
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
        let told = self.news_of_scopes(claim, renewal);
        let outcome = match self.renewals.commit(claim, renewal, told.as_ref()).await? {
            Commit::Refused(Some(row)) if row.version == claim.version => {
                self.renewals.salvage(claim, renewal, self.clock.now(), told.as_ref()).await?
            }
            outcome => outcome,
        };
        if matches!(outcome, Commit::Done) {
            self.tell(told.as_ref()).await;
        }
        Ok(outcome)
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
