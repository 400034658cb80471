//! Ends a grant at the provider: by RFC 7009, or by what the provider's data says instead.

use std::time::Duration;

use http::{Response, StatusCode, Uri, header};
use jiff::Timestamp;
use oauth2::{AsyncHttpClient, HttpRequest, RequestTokenError, RevocationUrl, StandardRevocableToken};
use serde_json::Value;
use url::Url;

use super::{
    Credentials, ProviderClient, assertion,
    egress::{DEADLINE, Egress, EgressError, EgressRefusal},
    error::is_passing,
    placeholders::Values,
    signer::SigningError,
    token::{Calling, client},
    wire::{self, Parameters},
};
use crate::domain::{
    provider::{Body, ClientAuth, Method, Provider, RevocationAuth, Revoke, RevokedToken},
    secret::{AccessToken, RefreshToken, Secret},
};

/// What a grant consists of.
#[derive(Debug, Clone, Copy)]
pub struct GrantTokens<'a> {
    /// The access token.
    pub access_token: Option<&'a Secret<AccessToken>>,
    /// The refresh token.
    pub refresh_token: Option<&'a Secret<RefreshToken>>,
}

/// What became of a grant at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// It is ended there, or had ended before.
    Done,
    /// The provider cannot be asked to: what is left of the access token's life runs out by itself.
    Unsupported,
}

/// Why a grant was not revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// It may go better later. Asking again is safe.
    #[error("the provider did not revoke the grant for now")]
    Passing {
        /// How long the provider asks to wait; at most one hour.
        retry_after: Option<Duration>,
    },
    /// The provider does not accept the connector's client. The grant itself is not in question, and the client's secret
    /// can be corrected.
    #[error("the provider does not accept the client that asks for the revocation (status {status})")]
    ClientRejected {
        /// The HTTP status.
        status: u16,
    },
    /// The provider refused.
    #[error("the provider refused to revoke the grant (status {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The guard of outgoing requests did not let it pass. Nothing was sent.
    #[error("the revocation endpoint {0}")]
    Blocked(EgressRefusal),
}

impl ProviderClient {
    /// Revokes a grant: the refresh token first, because no new access token can be had without it.
    ///
    /// # Errors
    /// [`RevokeError`]; the same call can be made again.
    #[tracing::instrument(skip_all, fields(provider.id = %provider.id))]
    pub async fn revoke(
        &self,
        provider: &Provider,
        credentials: Credentials<'_>,
        tokens: GrantTokens<'_>,
        now: Timestamp,
    ) -> Result<Revoked, RevokeError> {
        let Some(revoke) = &provider.revoke else { return Ok(Revoked::Unsupported) };
        let chosen = chosen(revoke.token, tokens);
        let mut outcome = if chosen.is_empty() { Revoked::Done } else { Revoked::Unsupported };
        let values = Values {
            access_token: tokens.access_token.map(Secret::expose),
            refresh_token: tokens.refresh_token.map(Secret::expose),
            ..Values::of(credentials)
        };
        for token in chosen {
            if self.revoke_token(provider, revoke, credentials, (token, values), now).await? == Revoked::Done {
                outcome = Revoked::Done;
            }
        }
        Ok(outcome)
    }

    async fn revoke_token(
        &self,
        provider: &Provider,
        revoke: &Revoke,
        credentials: Credentials<'_>,
        (token, values): (StandardRevocableToken, Values<'_>),
        now: Timestamp,
    ) -> Result<Revoked, RevokeError> {
        // A URL that has the place of a token which the grant lacks revokes nothing.
        let Some(url) = values.fill_url(&revoke.url) else { return Ok(Revoked::Unsupported) };
        let url = self.egress.check(&url).map_err(RevokeError::Blocked)?;
        let client = client(credentials, client_auth(revoke.auth)).set_revocation_url(as_https(&url));
        let request = client.revoke_token(token).map_err(|_| RevokeError::Blocked(EgressRefusal::Scheme))?;
        let endpoint =
            RevocationEndpoint { egress: &self.egress, provider, revoke, credentials, values, url: &url, now };
        match request.request_async(&endpoint).await {
            Ok(()) => Ok(Revoked::Done),
            Err(RequestTokenError::Request(error)) => Err(error),
            Err(_) => Ok(Revoked::Unsupported),
        }
    }
}

/// One call of a revocation endpoint: what the crate takes for its HTTP client.
struct RevocationEndpoint<'a> {
    egress: &'a Egress,
    provider: &'a Provider,
    revoke: &'a Revoke,
    credentials: Credentials<'a>,
    values: Values<'a>,
    url: &'a Url,
    now: Timestamp,
}

impl<'c> AsyncHttpClient<'c> for RevocationEndpoint<'_> {
    type Error = RevokeError;
    type Future = Calling<'c, RevokeError>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let answer = self.egress.send(self.shaped(request)?, DEADLINE).await.map_err(unanswered)?;
            verdict(self.revoke, &answer, self.now)
        })
    }
}

/// The tokens to revoke, in order.
fn chosen(which: RevokedToken, tokens: GrantTokens<'_>) -> Vec<StandardRevocableToken> {
    let refresh = tokens.refresh_token.map(|token| oauth2::RefreshToken::new(token.expose().to_owned()).into());
    let access = tokens.access_token.map(|token| oauth2::AccessToken::new(token.expose().to_owned()).into());
    match which {
        RevokedToken::Both => refresh.into_iter().chain(access).collect(),
        RevokedToken::RefreshToken => refresh.or(access).into_iter().collect(),
        RevokedToken::AccessToken => access.or(refresh).into_iter().collect(),
    }
}

fn client_auth(auth: RevocationAuth) -> ClientAuth {
    match auth {
        RevocationAuth::Basic => ClientAuth::Basic,
        RevocationAuth::Post => ClientAuth::Post,
        RevocationAuth::None | RevocationAuth::Bearer => ClientAuth::None,
        RevocationAuth::PrivateKeyJwt => ClientAuth::PrivateKeyJwt,
        RevocationAuth::Header => ClientAuth::Header,
    }
}

/// The crate builds no revocation request for plain http. Which schemes are allowed is for the egress to say: the crate
/// gets the https form, and [`shaped`] puts the real URL back.
fn as_https(url: &Url) -> RevocationUrl {
    let mut https = url.clone();
    // Between http and https this cannot fail, and the egress lets no other scheme pass.
    let _ = https.set_scheme("https");
    RevocationUrl::from_url(https)
}

impl RevocationEndpoint<'_> {
    /// The request in the provider's form.
    fn shaped(&self, mut request: HttpRequest) -> Result<HttpRequest, SigningError> {
        let revoke = self.revoke;
        if let Ok(uri) = Uri::try_from(self.url.as_str()) {
            *request.uri_mut() = uri;
        }
        let mut parameters = wire::parameters(&request);
        self.prove(&mut request, &mut parameters)?;
        let sends_hint = self.is_rfc();
        parameters.retain(|(name, _)| {
            (sends_hint || name != "token_type_hint")
                && (revoke.send_token || name != "token")
                && !revoke.params.contains_key(name)
        });
        for (name, _) in &mut parameters {
            name.clone_from(&self.name_of(name).to_owned());
        }
        parameters.extend(wire::filled(&revoke.params, &self.values));
        *request.method_mut() = wire::method(revoke.method);
        let body = if revoke.method == Method::Get { Body::Query } else { revoke.body };
        wire::put_parameters(&mut request, parameters, body);
        wire::add_query(&mut request, &wire::filled(&revoke.query, &self.values));
        wire::put_headers(request.headers_mut(), &revoke.headers, &self.values);
        Ok(request)
    }

    /// Adds the proof of who asks, where the crate does not know it.
    fn prove(&self, request: &mut HttpRequest, parameters: &mut Parameters) -> Result<(), SigningError> {
        match (self.revoke.auth, self.provider.token.client_auth) {
            (RevocationAuth::Bearer, _) => {
                let token = parameters.iter().find(|(name, _)| name == "token");
                if let Some(value) = token.and_then(|(_, token)| wire::bearer(token)) {
                    request.headers_mut().insert(header::AUTHORIZATION, value);
                }
                parameters.retain(|(name, _)| name != "client_id");
            }
            (RevocationAuth::Basic, ClientAuth::BasicSecretOnly) => {
                if let Some(value) = self.values.client_secret.and_then(wire::basic_of_secret) {
                    request.headers_mut().insert(header::AUTHORIZATION, value);
                }
            }
            (RevocationAuth::Header, _) => {
                if let Some(wanted) = self.provider.revoke_auth_header() {
                    wire::put_auth_header(request.headers_mut(), parameters, wanted, &self.values);
                }
            }
            (RevocationAuth::PrivateKeyJwt, _) => {
                assertion::add(parameters, self.provider, self.credentials, self.now)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the request is that of RFC 7009: others get no hint, for they would not know what it is.
    fn is_rfc(&self) -> bool {
        let revoke = self.revoke;
        revoke.auth != RevocationAuth::Bearer
            && (revoke.method, revoke.body, self.name_of("token")) == (Method::Post, Body::Form, "token")
    }

    /// The provider's name for a parameter.
    fn name_of<'n>(&'n self, standard: &'n str) -> &'n str {
        let named = self.revoke.names.get(standard).or_else(|| self.provider.names.get(standard));
        match named {
            Some(named) => named,
            None if standard == "token" => &self.revoke.token_param,
            None => standard,
        }
    }
}

/// What an answer means, in the words of RFC 7009, section 2.2: a token that was no longer valid counts as revoked; a
/// server that cannot revoke this kind of token says `unsupported_token_type`.
fn verdict(revoke: &Revoke, answer: &Response<Vec<u8>>, now: Timestamp) -> Result<Response<Vec<u8>>, RevokeError> {
    let status = answer.status();
    let value = wire::object(answer.body()).unwrap_or(Value::Null);
    let code = value.get("error").or(value.get("status")).and_then(Value::as_str);
    // RFC 7009 says nothing in the body of a success; whoever says `error` there all the same has not done it.
    let says_error = value.get("error").and_then(Value::as_str).is_some_and(|error| !error.is_empty());
    let is_success =
        status.is_success() && revoke.success.as_ref().map_or(!says_error, |success| success.holds(&value));
    let is_gone = code.is_some_and(|code| code == "invalid_token" || revoke.gone.iter().any(|gone| gone == code))
        || (revoke.method == Method::Delete && status == StatusCode::NOT_FOUND);
    if is_passing(status) || matches!(code, Some("temporarily_unavailable" | "server_error" | "ratelimited")) {
        return Err(RevokeError::Passing { retry_after: wire::retry_after(answer.headers(), now) });
    }
    if is_success || is_gone {
        return Ok(Response::new(Vec::new()));
    }
    if code == Some("unsupported_token_type") {
        let mut refusal = Response::new(br#"{"error":"unsupported_token_type"}"#.to_vec());
        *refusal.status_mut() = StatusCode::BAD_REQUEST;
        return Ok(refusal);
    }
    // Without a code, 401 speaks of whoever authenticates: the client, or the token itself where that is the proof.
    let by_client = revoke.auth.proves_client();
    if matches!(code, Some("invalid_client" | "unauthorized_client"))
        || (by_client && status == StatusCode::UNAUTHORIZED)
    {
        return Err(RevokeError::ClientRejected { status: status.as_u16() });
    }
    Err(RevokeError::Refused { status: status.as_u16() })
}

impl From<SigningError> for RevokeError {
    /// A connector without the key that its provider asks for: an admin has to save it again.
    fn from(_: SigningError) -> Self {
        Self::ClientRejected { status: 0 }
    }
}

fn unanswered(error: EgressError) -> RevokeError {
    match error {
        EgressError::Blocked(refusal) => RevokeError::Blocked(refusal),
        EgressError::NotSent | EgressError::Unanswered | EgressError::Cut(_) => {
            RevokeError::Passing { retry_after: None }
        }
    }
}

#[cfg(test)]
mod tests;
