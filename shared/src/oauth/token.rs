//! Token requests (RFC 6749, sections 4.1.3 and 6): built and read by the crate `oauth2`, with the provider's own ways
//! put in between.

mod answered;
mod swap;

use std::{pin::Pin, time::Duration};

use http::Response;
use jiff::Timestamp;
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EmptyExtraTokenFields, EndpointNotSet,
    EndpointSet, HttpRequest, PkceCodeVerifier, RedirectUrl, StandardRevocableToken,
    StandardTokenIntrospectionResponse, StandardTokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenType},
};
use tokio::time::Instant;

pub use self::answered::TokenSet;
use self::answered::{in_form_of_rfc, token_set};
use super::{
    Credentials, ProviderClient,
    answer::{Extras, Reading},
    assertion,
    dpop::{self, Proof, Proving},
    egress::{DEADLINE, EgressRefusal, LONGEST},
    error::{Outcome, TokenError},
    placeholders::Values,
    recipe::Recipe,
    signer::Signer,
    wire,
};
use crate::domain::{
    provider::{Body, ClientAuth, Provider, RefreshGrant},
    scopes::Scopes,
    secret::{AccessToken, AuthorizationCode as Code, CodeVerifier, RefreshToken, Secret},
};

/// A code to exchange, with everything that has to match the authorization request.
#[derive(Debug, Clone, Copy)]
pub struct CodeGrant<'a> {
    /// The authorization code.
    pub code: &'a Secret<Code>,
    /// The PKCE verifier; not sent to a provider that forbids PKCE.
    pub verifier: &'a Secret<CodeVerifier>,
    /// The redirect URI, byte for byte as in the authorization request.
    pub redirect_uri: &'a str,
    /// The scopes that were requested.
    pub requested: &'a Scopes,
    /// Whether the request proves that it has the key that tokens are bound to.
    pub proof: Proof,
}

/// A grant to refresh.
#[derive(Debug, Clone, Copy)]
pub struct RefreshRequest<'a> {
    /// The refresh token, where that is what is presented.
    pub refresh_token: Option<&'a Secret<RefreshToken>>,
    /// The access token, where the provider wants to see it.
    pub access_token: Option<&'a Secret<AccessToken>>,
    /// The redirect URI of the connector, which some providers want to see again.
    pub redirect_uri: &'a str,
    /// What the grant covers, in case the answer does not tell.
    pub granted: &'a Scopes,
    /// Whether the grant is bound to the connector's key, by the type of its token.
    pub is_bound: bool,
    /// How long it may take; never longer than [`super::egress::LONGEST`].
    pub deadline: Duration,
}

/// The crate's client, for answers that [`normalise`] has read.
pub(super) type OAuthClient<HasTokenUrl = EndpointNotSet, HasRevocationUrl = EndpointNotSet> = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<Extras, BasicTokenType>,
    StandardTokenIntrospectionResponse<EmptyExtraTokenFields, BasicTokenType>,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    HasRevocationUrl,
    HasTokenUrl,
>;

/// A request on its way, nameable and `Send`: the compiler does not see either of a closure's future here.
pub(super) type Calling<'c, E> = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, E>> + Send + 'c>>;

impl ProviderClient {
    /// Exchanges an authorization code for tokens. `now` is when the request is made; lifetimes count from there.
    ///
    /// # Errors
    /// [`TokenError`], by what the caller can do about it.
    #[tracing::instrument(skip_all, fields(provider.id = %provider.id))]
    pub async fn exchange(
        &self,
        provider: &Provider,
        credentials: Credentials<'_>,
        grant: CodeGrant<'_>,
        now: Timestamp,
    ) -> Result<TokenSet, TokenError> {
        let values = Values {
            code: Some(grant.code.expose()),
            redirect_uri: Some(grant.redirect_uri),
            ..Values::of(credentials)
        };
        let endpoint = TokenEndpoint {
            client: self,
            provider,
            credentials,
            recipe: Recipe::of_code(provider),
            reading: Reading::of_code(provider, credentials.client_id),
            values,
            proof: grant.proof,
            deadline: DEADLINE,
            now,
        };
        let refused = |_| TokenError::passing(Outcome::NotSent, None);
        let redirect_uri = RedirectUrl::new(grant.redirect_uri.to_owned()).map_err(refused)?;
        let client = endpoint.client()?.set_redirect_uri(redirect_uri);
        let mut request = client.exchange_code(AuthorizationCode::new(grant.code.expose().to_owned()));
        if provider.sends_pkce() {
            request = request.set_pkce_verifier(PkceCodeVerifier::new(grant.verifier.expose().to_owned()));
        }
        token_set(request.request_async(&endpoint).await, grant.requested, now)
    }

    /// Refreshes a grant. `now` is when the request is made; lifetimes count from there.
    ///
    /// # Errors
    /// [`TokenError`], by what the caller can do about it.
    #[tracing::instrument(skip_all, fields(provider.id = %provider.id))]
    pub async fn refresh(
        &self,
        provider: &Provider,
        credentials: Credentials<'_>,
        grant: RefreshRequest<'_>,
        now: Timestamp,
    ) -> Result<TokenSet, TokenError> {
        let access_token = grant.access_token.map(Secret::expose);
        let refresh_token = grant.refresh_token.map(Secret::expose);
        let scopes = grant.granted.join(&provider.authorize.scope.separator);
        let recipe = Recipe::of_refresh(provider);
        let presented = match provider.refresh.grant {
            RefreshGrant::AccessToken if recipe.places_access_token() => None,
            RefreshGrant::AccessToken => Some(access_token.ok_or(TokenError::passing(Outcome::NotSent, None))?),
            _ => Some(refresh_token.ok_or(TokenError::passing(Outcome::NotSent, None))?),
        };
        let endpoint = TokenEndpoint {
            client: self,
            provider,
            credentials,
            recipe: if presented.is_some() { recipe } else { recipe.without("refresh_token") },
            reading: Reading::of_refresh(provider, credentials.client_id, access_token),
            values: Values {
                access_token,
                refresh_token,
                redirect_uri: Some(grant.redirect_uri),
                scopes: Some(&scopes),
                ..Values::of(credentials)
            },
            proof: if grant.is_bound { Proof::With } else { Proof::Without },
            deadline: grant.deadline,
            now,
        };
        let presented = oauth2::RefreshToken::new(presented.unwrap_or_default().to_owned());
        let client = endpoint.client()?;
        let mut request = client.exchange_refresh_token(&presented);
        if provider.refresh.send_scope && !scopes.is_empty() {
            request = request.add_extra_param("scope", scopes.as_str());
        }
        token_set(request.request_async(&endpoint).await, grant.granted, now)
    }
}

/// The crate's client with the connector's credentials, presented as the provider wants them.
pub(super) fn client(credentials: Credentials<'_>, auth: ClientAuth) -> OAuthClient {
    let client = OAuthClient::new(ClientId::new(credentials.client_id.to_owned())).set_auth_type(match auth {
        ClientAuth::Basic => AuthType::BasicAuth,
        // What the crate does not know, or is another one each time, is put in when the request is sent.
        ClientAuth::Post
        | ClientAuth::None
        | ClientAuth::PrivateKeyJwt
        | ClientAuth::BasicSecretOnly
        | ClientAuth::Header => AuthType::RequestBody,
    });
    match credentials.client_secret {
        Some(secret) if matches!(auth, ClientAuth::Basic | ClientAuth::Post) => {
            client.set_client_secret(ClientSecret::new(secret.expose().to_owned()))
        }
        _ => client,
    }
}

/// One call of a token endpoint: what the crate takes for its HTTP client.
struct TokenEndpoint<'a> {
    client: &'a ProviderClient,
    provider: &'a Provider,
    credentials: Credentials<'a>,
    recipe: Recipe<'a>,
    reading: Reading<'a>,
    values: Values<'a>,
    proof: Proof,
    deadline: Duration,
    now: Timestamp,
}

impl<'c> AsyncHttpClient<'c> for TokenEndpoint<'_> {
    type Error = TokenError;
    type Future = Calling<'c, TokenError>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.answer(request))
    }
}

impl TokenEndpoint<'_> {
    /// The crate's client, for this endpoint. Where a value is lacking that belongs into its URL, nothing is sent.
    fn client(&self) -> Result<OAuthClient<EndpointSet>, TokenError> {
        let url = self.values.fill_url(self.recipe.url).ok_or(TokenError::Blocked(EgressRefusal::NotAUrl))?;
        let url = self.client.egress.check(&url).map_err(TokenError::Blocked)?;
        let client = client(self.credentials, self.recipe.client_auth.unwrap_or(ClientAuth::None));
        Ok(client.set_token_uri(TokenUrl::from_url(url)))
    }

    /// Sends a token request in the provider's form and gives its answer the form that the crate reads.
    async fn answer(&self, request: HttpRequest) -> Result<Response<Vec<u8>>, TokenError> {
        let (began, deadline) = (Instant::now(), self.deadline.min(LONGEST));
        let signer = dpop::signer(self.provider, self.credentials, self.proof)?;
        let answer = self.send(&request, signer, deadline).await?;
        let read = in_form_of_rfc(&self.reading, &answer, self.now);
        let signer = dpop::signer_once_refused(self.provider, self.credentials, self.proof, &answer);
        let (Some(signer), Err(refusal)) = (signer, &read) else { return read };
        let left = deadline.saturating_sub(began.elapsed());
        // An answer that comes too late may be lost with the tokens in it.
        if left < deadline / 2 {
            return read;
        }
        tracing::info!(%refusal, "a code was refused without a proof and is shown once more with one");
        self.client.nonces.learn(request.uri(), &answer);
        let proved = self.send(&request, Some(signer), left).await;
        // Whatever else is wrong, the first answer says it.
        proved.and_then(|answer| in_form_of_rfc(&self.reading, &answer, self.now)).or(read)
    }

    async fn send(
        &self,
        request: &HttpRequest,
        signer: Option<&Signer>,
        deadline: Duration,
    ) -> Result<Response<Vec<u8>>, TokenError> {
        let proving = Proving {
            egress: &self.client.egress,
            nonces: &self.client.nonces,
            signer,
            access_token: None,
            now: self.now,
            deadline,
        };
        proving.send(|| self.shaped(request.clone())).await
    }

    /// The request in the provider's form, with what is signed made anew.
    fn shaped(&self, mut request: HttpRequest) -> Result<HttpRequest, TokenError> {
        if self.recipe.client_auth == Some(ClientAuth::PrivateKeyJwt) {
            let mut parameters = wire::parameters(&request);
            assertion::add(&mut parameters, self.provider, self.credentials, self.now)?;
            wire::put_parameters(&mut request, parameters, Body::Form);
        }
        self.recipe.shape(&mut request, &self.values, self.now, &self.client.random);
        Ok(request)
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod forms;

#[cfg(test)]
mod proofs;
