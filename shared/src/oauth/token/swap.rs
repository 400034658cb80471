//! A token swapped for another right after the code was exchanged, such as a short-lived one for one that lives long.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    super::{
        Credentials, ProviderClient,
        answer::Reading,
        dpop::Proof,
        error::{Outcome, TokenError},
        placeholders::Values,
        recipe::Recipe,
    },
    TokenEndpoint, TokenSet,
    answered::token_set,
};
use crate::domain::{
    provider::{ExchangeStep, Provider},
    secret::Secret,
};

impl ProviderClient {
    /// Swaps the token that a code gave for the one that the provider's data goes on to, step by step. What a step does
    /// not tell stays as it was. `deadline` is for all of them together.
    ///
    /// # Errors
    /// [`TokenError`] of the first step that fails. The token before it may live on at the provider.
    #[tracing::instrument(skip_all, fields(provider.id = %provider.id))]
    pub async fn swap(
        &self,
        provider: &Provider,
        credentials: Credentials<'_>,
        tokens: &TokenSet,
        deadline: Duration,
        now: Timestamp,
    ) -> Result<Option<TokenSet>, TokenError> {
        let swapped = async {
            let mut swapped: Option<TokenSet> = None;
            for step in &provider.exchange {
                let before = swapped.as_ref().unwrap_or(tokens);
                swapped = Some(self.swap_once(provider, credentials, step, before, deadline, now).await?);
            }
            Ok(swapped)
        };
        tokio::time::timeout(deadline, swapped).await.unwrap_or(Err(TokenError::passing(Outcome::Unanswered, None)))
    }

    async fn swap_once(
        &self,
        provider: &Provider,
        credentials: Credentials<'_>,
        step: &ExchangeStep,
        before: &TokenSet,
        deadline: Duration,
        now: Timestamp,
    ) -> Result<TokenSet, TokenError> {
        let values = Values {
            access_token: Some(before.access_token.expose()),
            refresh_token: before.refresh_token.as_ref().map(Secret::expose),
            ..Values::of(credentials)
        };
        let endpoint = TokenEndpoint {
            client: self,
            provider,
            credentials,
            recipe: Recipe::of_step(provider, step),
            reading: Reading::of_step(provider, credentials.client_id, &step.response),
            values,
            proof: if before.is_bound() { Proof::With } else { Proof::Without },
            deadline,
            now,
        };
        let client = endpoint.client()?;
        // The crate knows no such request: its parameters are all in the recipe, and its answer is a token answer.
        let request = client.exchange_client_credentials();
        let after = token_set(request.request_async(&endpoint).await, &before.scopes, now)?;
        Ok(after.following(before))
    }
}
