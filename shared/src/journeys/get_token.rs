//! Handing out a user's access token, always fresh.

mod error;

use std::sync::Arc;

use aws_lc_rs::constant_time;
use jiff::civil::Date;

pub use self::error::GetTokenError;
use super::{
    profile,
    refresh_connection::{Occasion, RefreshError, Refresher},
    rotate_key::RemindOfKeys,
};
use crate::{
    clock::Clock,
    domain::{
        connection::Connection,
        connector::Connector,
        digest::sha256,
        freshness::{Freshness, MinTtl},
        policy::Policy,
        provider::Provider,
        refused_token::Witness,
        schedule::Use,
        scopes::Scopes,
        secret::{AccessToken, Secret},
        standing::Standing,
        user::ConnectionKey,
    },
    metrics::Metric,
    random::Random,
    store::{Schedule, TokenRead, TokenReads},
    vault::{Place, Vault},
};

/// Hands out access tokens.
#[derive(Debug, Clone)]
pub struct GetToken {
    pub(crate) reads: TokenReads,
    pub(crate) schedule: Schedule,
    pub(crate) refresher: Refresher,
    pub(crate) vault: Arc<Vault>,
    pub(crate) remind: RemindOfKeys,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
}

/// What the caller asks of the token.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// How much life it must have.
    pub min_ttl: MinTtl,
    /// What it must be good for.
    pub required_scopes: Scopes,
    /// The SHA-256 of a token that the provider refused, and who knows that.
    pub rejected: Option<([u8; 32], Witness)>,
    /// Whether the user is away: the connector may be kept from that.
    pub offline: bool,
}

/// An access token, and what is known of its connection.
#[derive(Debug)]
pub struct Issued {
    /// The access token.
    pub access_token: Secret<AccessToken>,
    /// The connection it is of.
    pub connection: Connection,
    /// The connector it came through.
    pub connector: Connector,
    /// How the connection stands.
    pub standing: Standing,
}

impl GetToken {
    /// The user's access token, refreshed if it is not fresh enough.
    ///
    /// # Errors
    /// [`GetTokenError`], by what the caller can do about it.
    #[tracing::instrument(skip_all, fields(connector.id = %place.connector))]
    pub async fn get(&self, place: &ConnectionKey, wish: &Wish) -> Result<Issued, GetTokenError> {
        let TokenRead { connection, connector, policy } = self.reads.find(place).await?;
        let connector = connector.filter(|found| found.is_open_to(&place.owner)).ok_or(GetTokenError::NotConnected)?;
        let mut connection = connection.ok_or(GetTokenError::NotConnected)?;
        let provider = profile(&connector).ok_or(GetTokenError::NotConnected)?;
        permitted(&policy, &connector, wish)?;
        suffices(provider, &connection, wish)?;
        let today = self.clock.today();
        let used_before = connection.last_used_on.replace(today);
        let (connection, access_token) = if self.will_do(&connection, wish) {
            self.opened(connection).await?
        } else {
            let current = Box::pin(self.current(connection, &connector, wish)).await?;
            self.still_permitted(place, wish).await?;
            current
        };
        // A refresh may have narrowed the grant.
        suffices(provider, &connection, wish)?;
        let standing = Standing::of(&connection, &connector, provider, self.clock.now());
        if used_before.is_none_or(|day| day < today) {
            self.note_use(&connection, provider, used_before, today).await;
        }
        self.remind.remind().await;
        self.refresher.metrics.record(Metric::TokensRead, 1);
        Ok(Issued { access_token, connection, connector, standing })
    }

    /// Whether the stored token is what was asked for, or was just now refreshed for it and has no more life than that, so that
    /// nobody has to be waited for.
    fn will_do(&self, connection: &Connection, wish: &Wish) -> bool {
        let (tokens, now) = (&connection.tokens, self.clock.now());
        let is_good = match tokens.freshness(now, wish.min_ttl) {
            Freshness::Fresh => true,
            Freshness::Expiring => connection.refresh.last_commit.is_some() && tokens.are_young(now),
            Freshness::Expired => false,
        };
        wish.rejected.is_none() && !connection.refresh.unproven && is_good
    }

    /// Passes if nobody has switched anything off, or disconnected, while a refresh was waited for, whether or not it came to
    /// something. What it brought is kept.
    async fn still_permitted(&self, place: &ConnectionKey, wish: &Wish) -> Result<(), GetTokenError> {
        let TokenRead { connector, policy, connection } = self.reads.find(place).await?;
        connection.ok_or(GetTokenError::NotConnected)?;
        let connector = connector.filter(|found| found.is_open_to(&place.owner)).ok_or(GetTokenError::NotConnected)?;
        permitted(&policy, &connector, wish)
    }

    /// The connection with a token that will do where the stored one may not: a refreshed one, or, while a refresh is not to
    /// be had, the stored one for as long as it works.
    async fn current(
        &self,
        connection: Connection,
        connector: &Connector,
        wish: &Wish,
    ) -> Result<(Connection, Secret<AccessToken>), GetTokenError> {
        let freshness = connection.tokens.freshness(self.clock.now(), wish.min_ttl);
        let stored = match (freshness, wish.rejected) {
            (Freshness::Expired, _) => None,
            (_, None) if connection.refresh.unproven => return self.proven(connection, connector).await,
            (Freshness::Fresh | Freshness::Expiring, None) => Some(connection.clone()),
            (_, Some((rejected, witness))) => {
                let (connection, token) = self.opened(connection).await?;
                let is_stored =
                    constant_time::verify_slices_are_equal(&sha256(token.expose().as_bytes()), &rejected).is_ok();
                let is_unproven = connection.refresh.unproven;
                if is_stored && !is_unproven {
                    return self.unless_in_vain(connection, connector, witness).await;
                }
                if !is_unproven && freshness == Freshness::Fresh {
                    return Ok((connection, token));
                }
                let works = (!is_unproven).then(|| connection.clone());
                return self.renewed(connection, connector, works).await;
            }
        };
        self.renewed(connection, connector, stored).await
    }

    /// The connection with another token than the one that the provider refused, unless that was renewed for the same reason a
    /// moment ago.
    async fn unless_in_vain(
        &self,
        connection: Connection,
        connector: &Connector,
        witness: Witness,
    ) -> Result<(Connection, Secret<AccessToken>), GetTokenError> {
        if let Some(retry_after) = connection.renewed_in_vain(witness, self.clock.now()) {
            return Err(GetTokenError::RenewedInVain { retry_after });
        }
        let refreshed = Box::pin(self.refresher.refresh(connection, connector, Occasion::Refused)).await;
        self.opened(refreshed?).await
    }

    /// Notes that the provider took a token which was renewed because it had refused the one before. A note that fails spoils
    /// nothing: the next refusal within minutes is told as it is then.
    pub(super) async fn note_taken(&self, connection: &Connection) {
        if connection.refresh.refused_in_row > 0
            && let Err(error) = self.refresher.renewals.note_taken(connection).await
        {
            tracing::warn!(%error, "that a renewed token is taken was not noted");
        }
    }

    async fn renewed(
        &self,
        connection: Connection,
        connector: &Connector,
        still_works: Option<Connection>,
    ) -> Result<(Connection, Secret<AccessToken>), GetTokenError> {
        let occasion = if still_works.is_some() { Occasion::Wanted } else { Occasion::Needed };
        match (self.refresher.refresh(connection, connector, occasion).await, still_works) {
            (Ok(renewed), _) => self.opened(renewed).await,
            (Err(RefreshError::Gone), _) => Err(GetTokenError::NotConnected),
            (Err(_), Some(stored)) => self.opened(stored).await,
            (Err(error), None) => Err(error.into()),
        }
    }

    /// The tokens may have been ended by now, and a refresh tells. Where the provider does not, they are the best there is.
    async fn proven(
        &self,
        connection: Connection,
        connector: &Connector,
    ) -> Result<(Connection, Secret<AccessToken>), GetTokenError> {
        match self.refresher.refresh(connection.clone(), connector, Occasion::Needed).await {
            Ok(renewed) => self.opened(renewed).await,
            Err(
                RefreshError::Unavailable { .. }
                | RefreshError::Misconfigured(_)
                | RefreshError::SecretUnreadable
                | RefreshError::MovingOut,
            ) => self.opened(connection).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn opened(&self, connection: Connection) -> Result<(Connection, Secret<AccessToken>), GetTokenError> {
        let token = self.vault.open(&connection.tokens.access, &Place::connection(&connection.key)).await?;
        Ok((connection, token))
    }

    /// Once a day at most: reads stay free of writes. What was idle until now is refreshed ahead of its end again. A note
    /// that fails spoils nothing.
    async fn note_use(&self, connection: &Connection, provider: &Provider, before: Option<Date>, today: Date) {
        let jitter = u16::try_from(self.random.below(1_001)).unwrap_or(0);
        let usage = |last_used_on| Use { provider, last_used_on, connected_at: connection.connected_at, jitter };
        // What nothing renews waits for its end only, used or not.
        let renews = connection.tokens.have_what_renews(provider);
        let was_idle = renews && !usage(before).is_recent(self.clock.now());
        let due_at = was_idle.then(|| connection.tokens.due_at(usage(Some(today)))).flatten();
        let due_at = due_at.filter(|at| connection.refresh.due_at.is_some_and(|due| *at < due));
        if let Err(error) = self.schedule.note_use(connection, today, due_at).await {
            tracing::warn!(%error, "the day of a connection's last use was not noted");
        }
    }
}

/// Whether the workspace allows the connector's use, and the connector what is asked of it.
fn permitted(policy: &Policy, connector: &Connector, wish: &Wish) -> Result<(), GetTokenError> {
    if !policy.allows(connector.kind, &connector.provider) {
        return Err(GetTokenError::BlockedByPolicy);
    }
    if connector.offline_use || !wish.offline { Ok(()) } else { Err(GetTokenError::NotWithoutUser) }
}

/// Whether the grant has every scope that was asked for.
fn suffices(provider: &Provider, connection: &Connection, wish: &Wish) -> Result<(), GetTokenError> {
    let lacking = provider.missing(&wish.required_scopes, &connection.granted);
    if lacking.is_empty() { Ok(()) } else { Err(GetTokenError::MissingScopes(lacking)) }
}
