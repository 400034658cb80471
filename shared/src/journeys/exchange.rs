//! The end of a session: from the authorization code to a connection.

mod keep;

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::Timestamp;
use url::Url;

use super::{carried_through, client_proof::ClientProof, filled, profile, publish::Publisher, values};
use crate::{
    clock::Clock,
    domain::{
        account::Account,
        connection::kept,
        connector::Connector,
        provider::{Provider, Step, Unfilled, Values},
        session::{FailureReason, Session},
    },
    oauth::{Arrived, CodeGrant, Credentials, ProviderClient, TokenError, TokenSet, dpop::Proof},
    random::Random,
    store::{Completions, Connectors, EndedGrants, Healths, Policies, Sessions, StoreError, Write},
    vault::{Place, Ready, Vault, VaultError},
};

/// How long the provider is asked for tokens, all steps together: a user waits, and a code does not live long.
const ASK_FOR: Duration = Duration::from_secs(10);

/// Exchanges codes.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) connectors: Connectors,
    pub(crate) policies: Policies,
    pub(crate) completions: Completions,
    pub(crate) sessions: Sessions,
    pub(crate) ended: EndedGrants,
    pub(crate) healths: Healths,
    pub(crate) vault: Arc<Vault>,
    pub(crate) client: Arc<ProviderClient>,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// Which way a session is claimed for its exchange.
#[derive(Debug, Clone, Copy)]
pub(super) enum ClaimBy {
    /// By the browser it is bound to.
    Browser,
    /// By the digest of its one-time handle.
    Handle([u8; 32]),
}

/// Why a code did not become a connection.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// Somebody else claimed the session, or it ended.
    #[error("the session is spent")]
    Spent,
    /// The session came to nothing, and is marked so.
    #[error("the session came to nothing")]
    Failed {
        /// Why.
        reason: FailureReason,
        /// What the provider said, if it was asked.
        cause: Option<TokenError>,
    },
    /// The storage can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault can't open or seal.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// What is known of who a grant is from, on the way to a connection.
pub(super) struct Met<'a> {
    pub(super) connector: &'a Connector,
    /// The provider, before any value is in it.
    pub(super) unfilled: &'a Provider,
    pub(super) credentials: Credentials<'a>,
    pub(super) details: Values,
    account: Option<Account>,
}

impl Exchange {
    /// Claims the session, exchanges the code and stores the connection. Goes on to its end even if the caller goes
    /// away.
    pub(super) async fn run(&self, session: Session, arrived: Arrived, claim: ClaimBy) -> Result<(), ExchangeError> {
        let exchange = self.clone();
        carried_through(async move {
            let outcome = Box::pin(exchange.carry_out(&session, &arrived, claim)).await;
            if let Err(ExchangeError::Failed { reason, .. }) = &outcome {
                exchange.sessions.fail(&session.id, *reason).await?;
            }
            outcome
        })
        .await
    }

    async fn carry_out(&self, session: &Session, arrived: &Arrived, claim: ClaimBy) -> Result<(), ExchangeError> {
        let connector = self.connectors.find(&session.key.workspace, &session.key.connector).await?;
        let connector = connector.filter(Connector::takes_connections).ok_or(changed())?;
        if !self.policies.allow(&connector).await? {
            return Err(blocked());
        }
        let pinned = as_pinned(session, &connector).ok_or(changed())?;
        let unfilled = &*pinned;
        let mut details = session.inputs.clone();
        details.extend(arrived.details.clone());
        let provider = filled(unfilled, &connector, &details, Step::Token).map_err(rejected)?;
        let place = Place::session(&session.id, &session.key);
        let verifier = self.vault.open(session.verifier.as_ref().ok_or(ExchangeError::Spent)?, &place).await?;
        let proof = ClientProof::open(&self.vault, &self.random, &connector, self.clock.now()).await?;
        let ready = self.vault.make_ready(&session.key.workspace).await?;
        self.claim(session, claim).await?;
        let credentials = proof.credentials(&connector.client_id);
        let (redirect_uri, began) = (&session.pinned.redirect_uri, self.clock.now());
        let requested = arrived.scopes.as_ref().unwrap_or(&session.requested);
        let proof = if session.pinned.bound { Proof::With } else { Proof::OnceRefused };
        let grant = CodeGrant { code: &arrived.code, verifier: &verifier, redirect_uri, requested, proof };
        let tokens = self.client.exchange(&provider, credentials, grant, began).await.map_err(failed)?;
        self.note_bound(session, unfilled, &tokens).await;
        details.extend(tokens.kept.clone());
        let mut met = Met { connector: &connector, unfilled, credentials, details, account: None };
        let (tokens, kept) = match self.swapped(&provider, credentials, tokens, began).await {
            Ok(tokens) => {
                let kept = self.keep(session, &mut met, &ready, &tokens, began).await;
                (tokens, kept)
            }
            Err((tokens, error)) => (tokens, Err(failed(error))),
        };
        if let Err(error) = kept {
            self.give_back(session, &met, &ready, &tokens).await;
            return Err(error);
        }
        Ok(())
    }

    /// Makes a connection of the tokens, unless nothing is to come of them after all.
    async fn keep(
        &self,
        session: &Session,
        met: &mut Met<'_>,
        ready: &Ready<'_>,
        tokens: &TokenSet,
        began: Timestamp,
    ) -> Result<(), ExchangeError> {
        self.get_to_know(session, met, tokens, began).await?;
        if self.was_switched_off(met.connector).await {
            return Err(blocked());
        }
        self.store(session, met, ready, tokens).await
    }

    /// Remembers that the provider wanted a proof, so that the next code is shown with one at once.
    async fn note_bound(&self, session: &Session, provider: &Provider, tokens: &TokenSet) {
        if session.pinned.bound || !provider.may_bind_tokens() || !tokens.is_bound() {
            return;
        }
        if let Err(error) = self.healths.note_bound(&session.key.connector, self.clock.now()).await {
            tracing::warn!(%error, "that a provider wants proofs is not remembered; the next code is refused once again");
        }
    }

    /// Finds out what is told of the account behind the tokens, and that it can be used with what is known then.
    async fn get_to_know(
        &self,
        session: &Session,
        met: &mut Met<'_>,
        tokens: &TokenSet,
        began: Timestamp,
    ) -> Result<(), ExchangeError> {
        met.details.extend(tokens.kept.clone());
        self.discover(met, tokens, began).await?;
        met.details = kept(std::mem::take(&mut met.details));
        if met.unfilled.refreshes() {
            filled(met.unfilled, met.connector, &met.details, Step::Refresh).map_err(rejected)?;
        }
        filled(met.unfilled, met.connector, &met.details, Step::Api).map_err(rejected)?;
        if let Ok(provider) = filled(met.unfilled, met.connector, &met.details, Step::Identity) {
            met.account = self.account(&provider, met.credentials, tokens).await;
        }
        if is_another(session, met.account.as_ref()) {
            return Err(ExchangeError::Failed { reason: FailureReason::AccountChanged, cause: None });
        }
        Ok(())
    }

    /// The token that is to be kept: the code's own, or what it is swapped for. With an error come the tokens that were not
    /// swapped.
    async fn swapped(
        &self,
        provider: &Provider,
        credentials: Credentials<'_>,
        tokens: TokenSet,
        began: Timestamp,
    ) -> Result<TokenSet, (TokenSet, TokenError)> {
        if provider.exchange.is_empty() {
            return Ok(tokens);
        }
        match self.client.swap(provider, credentials, &tokens, self.left(began), self.clock.now()).await {
            Ok(swapped) => Ok(swapped.unwrap_or(tokens)),
            Err(error) => Err((tokens, error)),
        }
    }

    /// How much of the time is left in which the provider's token requests are made.
    pub(super) fn left(&self, began: Timestamp) -> Duration {
        let spent = Duration::try_from(self.clock.now().duration_since(began)).unwrap_or_default();
        ASK_FOR.saturating_sub(spent)
    }

    /// Whether the type was switched off while the provider was asked. If nobody can tell, it counts as on: a connection that
    /// is off is of no use to anybody, and a grant that is given back does not return with the switch.
    async fn was_switched_off(&self, connector: &Connector) -> bool {
        let allowed = self.policies.allow(connector).await;
        let allowed = allowed.inspect_err(|error| tracing::warn!(%error, "the policy could not be read once more"));
        !allowed.unwrap_or(true)
    }

    async fn claim(&self, session: &Session, claim: ClaimBy) -> Result<(), ExchangeError> {
        let now = self.clock.now();
        let claimed = match claim {
            ClaimBy::Browser => self.sessions.claim_pending(&session.id, now).await?,
            ClaimBy::Handle(digest) => self.sessions.claim_parked(&session.id, &digest, now).await?,
        };
        if claimed == Write::Done { Ok(()) } else { Err(ExchangeError::Spent) }
    }

    /// Whose account it is. Not knowing is no reason to turn the user away.
    async fn account(&self, provider: &Provider, credentials: Credentials<'_>, tokens: &TokenSet) -> Option<Account> {
        let account = self.client.account(provider, credentials, tokens, self.clock.now()).await;
        account.inspect_err(|error| tracing::info!(%error, "the account's name is not known")).ok()
    }
}

/// The connector's provider, if everything that was fixed when the session began still is as it was (RFC 9700, section 4.4).
/// Where the token endpoint followed its issuer on the same host meanwhile, the code goes to the one that it was made for.
fn as_pinned<'c>(session: &Session, connector: &'c Connector) -> Option<Cow<'c, Provider>> {
    let is_same = connector.serves(&session.key.owner) && session.pinned.client_id == connector.client_id;
    let provider = profile(connector).filter(|_| is_same)?;
    let endpoint = &provider.with_known(&values(connector, &session.inputs)).token.url;
    if session.pinned.token_endpoint == *endpoint {
        return Some(Cow::Borrowed(provider));
    }
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    let (before, now) = (origin(&session.pinned.token_endpoint)?, origin(endpoint)?);
    let mut provider = Some(provider).filter(|provider| provider.vars.is_empty() && before == now)?.clone();
    provider.token.url.clone_from(&session.pinned.token_endpoint);
    Some(Cow::Owned(provider))
}

/// What a completed session is to whoever is told of it.
fn is_another(session: &Session, account: Option<&Account>) -> bool {
    let earlier = session.earlier.as_ref().and_then(|earlier| earlier.account_id.as_ref());
    matches!((earlier, account), (Some(earlier), Some(account)) if *earlier != account.id)
}

/// What came back lacks a value, or has one that is not allowed.
pub(super) fn rejected(_: Unfilled) -> ExchangeError {
    ExchangeError::Failed { reason: FailureReason::ResponseRejected, cause: None }
}

fn blocked() -> ExchangeError {
    ExchangeError::Failed { reason: FailureReason::BlockedByPolicy, cause: None }
}

fn changed() -> ExchangeError {
    ExchangeError::Failed { reason: FailureReason::ConnectorChanged, cause: None }
}

pub(super) fn failed(cause: TokenError) -> ExchangeError {
    let reason = match &cause {
        TokenError::Rejected { .. } | TokenError::Refused { .. } => FailureReason::ProviderRefused,
        TokenError::ClientRejected { .. } => FailureReason::ConnectorMisconfigured,
        TokenError::Passing { .. } | TokenError::Blocked(_) => FailureReason::ProviderUnavailable,
    };
    ExchangeError::Failed { reason, cause: Some(cause) }
}
