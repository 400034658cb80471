//! What becomes of the tokens that a code brought: a connection, or nothing that anybody could use.

use std::time::Duration;

use jiff::Timestamp;

use super::{Exchange, ExchangeError, Met};
use crate::{
    domain::{
        account::Account,
        connection::SealedTokens,
        ended::{EndedGrant, end_together},
        event::EventKind,
        ids::EndedId,
        notice::Notice,
        provider::{Provider, Step},
        schedule::Use,
        session::{FailureReason, Session, Stage},
    },
    journeys::{filled, publish::noticed, refresh_endpoint},
    oauth::{GrantTokens, TokenSet},
    store::{Completed, Completion, NewGrant, StoreError, Tally},
    vault::{Place, Ready},
};

/// How long the end of a session is tried to be stored: the code is spent, and there is no second one.
const STORE_FOR: Duration = Duration::from_secs(5);

/// How many first versions there are to draw from: two connections at one place share one by chance practically never,
/// and there is room to count on from it for ever.
const FIRST_VERSIONS: u64 = 1 << 62;

impl Exchange {
    pub(super) async fn store(
        &self,
        session: &Session,
        met: &Met<'_>,
        ready: &Ready<'_>,
        tokens: &TokenSet,
    ) -> Result<(), ExchangeError> {
        let give_up = self.clock.now().checked_add(STORE_FOR).unwrap_or(self.clock.now());
        let event = self.publisher.of_connection(kind_of(session), &session.key);
        let details = [("connector", session.key.connector.as_str()), ("scopes", &tokens.scopes.to_string())];
        let told = noticed(event, &session.begun_by, session.key.id().as_str(), &details);
        let kind = self.insist(session, met, ready, tokens, (&told, give_up)).await?;
        self.publisher.made(&told.turned_out(kind)).await;
        Ok(())
    }

    /// Asks the table until it has the connection, or it takes too long.
    async fn insist(
        &self,
        session: &Session,
        met: &Met<'_>,
        ready: &Ready<'_>,
        tokens: &TokenSet,
        (told, give_up): (&Notice, Timestamp),
    ) -> Result<EventKind, ExchangeError> {
        loop {
            let grant = self.grant(session, met, ready, tokens);
            let began_at = session.began_at();
            let tally = Tally { drawn: self.random.below(u64::MAX), room: session.pinned.room };
            let (renews, place) = (session.earlier.is_some(), &session.key);
            let completion = Completion { session: &session.id, began_at, place, grant, told, renews, tally };
            match self.completions.store(completion).await {
                Ok(Completed::Done(kind)) => return Ok(kind),
                Ok(Completed::Conflict) if self.is_completed(session).await? => return Ok(kind_of(session)),
                Ok(Completed::Conflict) => return Err(ExchangeError::Spent),
                Ok(Completed::Full) => {
                    return Err(ExchangeError::Failed { reason: FailureReason::PlanLimit, cause: None });
                }
                Err(error) if self.clock.now() >= give_up => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "a new connection was not stored yet"),
            }
            tokio::time::sleep(Duration::from_millis(50 + self.random.below(350))).await;
        }
    }

    /// Whether an earlier try was stored although its answer was lost.
    async fn is_completed(&self, session: &Session) -> Result<bool, StoreError> {
        let row = self.sessions.find(&session.id).await?;
        Ok(row.is_some_and(|row| matches!(row.stage, Stage::Completed)))
    }

    fn grant(&self, session: &Session, met: &Met<'_>, ready: &Ready<'_>, tokens: &TokenSet) -> NewGrant {
        let place = Place::connection(&session.key);
        let now = self.clock.now();
        let sealed = SealedTokens {
            access: ready.seal(&tokens.access_token, &place),
            refresh: tokens.refresh_token.as_ref().map(|token| ready.seal(token, &place)),
            token_type: tokens.token_type.clone(),
            issued_at: now,
            expires_at: tokens.expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
        };
        let jitter = u16::try_from(self.random.below(1_001)).unwrap_or(0);
        let usage = Use { provider: met.unfilled, last_used_on: None, connected_at: now, jitter };
        let keeps_earlier = keeps_earlier_refresh_token(session, met);
        NewGrant {
            client_id: session.pinned.client_id.clone(),
            scopes_revision: session.pinned.scopes_revision,
            granted: tokens.scopes.clone(),
            keeps_earlier_refresh_token: keeps_earlier,
            account: met.account.clone(),
            label: session.label.clone(),
            details: met.details.clone(),
            due_at: if keeps_earlier { sealed.due_once_kept(usage) } else { sealed.due_at(usage) },
            tokens: sealed,
            connected_at: now,
            connected_by: session.key.owner.user().is_none().then(|| session.begun_by.describe()),
            first_version: self.random.below(FIRST_VERSIONS),
        }
    }

    /// Ends a grant at the provider that is not kept. If the provider does not do it now, it is left, sealed, for the
    /// schedule to find.
    pub(super) async fn give_back(&self, session: &Session, met: &Met<'_>, ready: &Ready<'_>, tokens: &TokenSet) {
        if endangers_earlier(session, met.unfilled, met.account.as_ref()) {
            tracing::info!(
                "tokens that are not kept are left to run out: ending them would end the earlier connection"
            );
            return;
        }
        let grant =
            GrantTokens { access_token: Some(&tokens.access_token), refresh_token: tokens.refresh_token.as_ref() };
        let Ok(provider) = filled(met.unfilled, met.connector, &met.details, Step::Revoke) else { return };
        let Err(error) = self.client.revoke(&provider, met.credentials, grant, self.clock.now()).await else { return };
        tracing::warn!(%error, "tokens that are not kept are not revoked yet");
        let (now, place) = (self.clock.now(), Place::connection(&session.key));
        let ended = EndedGrant {
            id: EndedId::of_ulid(&self.random.ulid(now)),
            place: session.key.clone(),
            client_id: session.pinned.client_id.clone(),
            account_id: met.account.as_ref().map(|account| account.id.clone()),
            details: met.details.clone(),
            access: Some(ready.seal(&tokens.access_token, &place)),
            refresh: tokens.refresh_token.as_ref().map(|token| ready.seal(token, &place)),
            part_of: None,
            was_replaced: false,
            ended_at: now,
            tries: 1,
            due_at: now,
        };
        if let Err(error) = self.ended.put(&ended).await {
            tracing::error!(%error, "tokens that are not kept are not kept for a later revocation either");
        }
    }
}

/// What is told of the end of a session, unless something else was there by then than when it began.
fn kind_of(session: &Session) -> EventKind {
    if session.earlier.is_some() { EventKind::ConnectionReconnected } else { EventKind::ConnectionCreated }
}

/// Whether ending new tokens at the provider would end the user's earlier connection with them: where a revocation is wider
/// than its token, and both are the same account's, as far as is known.
fn endangers_earlier(session: &Session, provider: &Provider, account: Option<&Account>) -> bool {
    let account_id = account.map(|account| account.id.as_str());
    session.earlier.as_ref().is_some_and(|earlier| end_together(provider, earlier.account_id.as_deref(), account_id))
}

/// Whether the earlier grant's refresh token may serve the new one, if that brought none. Only where both are known to be
/// the same account's: else the next refresh might turn one person's connection into another's.
fn keeps_earlier_refresh_token(session: &Session, met: &Met<'_>) -> bool {
    session.earlier.as_ref().is_some_and(|earlier| {
        earlier.refresh_token_lives
            && earlier.refresh_endpoint == refresh_endpoint(met.unfilled, met.connector, &met.details)
            && met.account.as_ref().is_some_and(|account| earlier.account_id.as_ref() == Some(&account.id))
    })
}
