//! What a provider tells about an account by calls of its own, right after the code was exchanged.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    exchange::{Exchange, ExchangeError, Met, failed, rejected},
    filled,
};
use crate::{
    domain::provider::{DiscoverStep, Step, Values},
    oauth::TokenSet,
};

/// How long a call may take that tells nothing but what is good to know: a user waits.
const DETAILS_FOR: Duration = Duration::from_secs(3);

impl Exchange {
    /// Makes the calls in order, each with what those before it told. One without which the connection can be used is no
    /// reason to turn the user away.
    ///
    /// # Errors
    /// [`ExchangeError::Failed`] if a call fails that tells what a request or an address is made of.
    pub(super) async fn discover(
        &self,
        met: &mut Met<'_>,
        tokens: &TokenSet,
        began: Timestamp,
    ) -> Result<(), ExchangeError> {
        let provider = met.unfilled;
        if provider.discover.is_empty() {
            return Ok(());
        }
        let needed = provider.needed_discoveries();
        for (index, step) in provider.discover.iter().enumerate() {
            let is_needed = needed.contains(&index);
            let left = self.left(began);
            let deadline = if is_needed { left } else { left.min(DETAILS_FOR) };
            match self.told(met, (index, step), tokens, deadline).await {
                Ok(told) => met.details.extend(told),
                Err(ExchangeError::Failed { cause, .. }) if !is_needed => {
                    let error = cause.as_ref().map(tracing::field::display);
                    tracing::info!(error, "something about the account is not known");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn told(
        &self,
        met: &Met<'_>,
        (index, step): (usize, &DiscoverStep),
        tokens: &TokenSet,
        deadline: Duration,
    ) -> Result<Values, ExchangeError> {
        let provider = filled(met.unfilled, met.connector, &met.details, Step::Discover(index)).map_err(rejected)?;
        let step = provider.discover.get(index).unwrap_or(step);
        let told = self.client.discover(&provider, step, met.credentials, &tokens.access_token, deadline).await;
        told.map_err(failed)
    }
}
