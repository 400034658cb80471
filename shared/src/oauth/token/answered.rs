//! The tokens of one grant, made of an answer.

use std::collections::BTreeMap;

use http::{HeaderValue, Response, header};
use jiff::{SignedDuration, Timestamp};
use oauth2::{
    ClientId, HttpRequest, RequestTokenError, StandardTokenResponse, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicTokenType},
};

use super::{
    super::{
        answer::{Extras, Reading, normalise, token_type},
        egress::EgressRefusal,
        error::{Outcome, TokenError},
    },
    OAuthClient,
};
use crate::domain::{
    account::Account,
    client_key::BOUND,
    provider::Provider,
    scopes::Scopes,
    secret::{AccessToken, RefreshToken, Secret},
};

/// The tokens of one grant, as they came.
#[derive(Debug)]
pub struct TokenSet {
    /// The access token.
    pub access_token: Secret<AccessToken>,
    /// The refresh token. After a refresh, `None` means that the old one stays (RFC 6749, section 6).
    pub refresh_token: Option<Secret<RefreshToken>>,
    /// How the access token is presented; nearly always `Bearer`.
    pub token_type: String,
    /// When the access token ends; `None` if it does not, or nobody knows.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends; `None` if it does not, or nobody knows.
    pub refresh_expires_at: Option<Timestamp>,
    /// What was granted; what was requested, where the answer does not tell (RFC 6749, section 5.1).
    pub scopes: Scopes,
    /// Whose account it is, where an ID token or the answer itself tells.
    pub id_claims: Option<Account>,
    /// What else of the answer is kept with the connection, by the names of the provider's data.
    pub kept: BTreeMap<String, String>,
}

pub(super) type Answer =
    Result<StandardTokenResponse<Extras, BasicTokenType>, RequestTokenError<TokenError, BasicErrorResponse>>;

impl TokenSet {
    /// Reads the answer of a token endpoint as [`ProviderClient::exchange`] and [`ProviderClient::refresh`] read it,
    /// without asking anybody. `requested` is what the scopes default to, `now` is when the request was made.
    ///
    /// # Errors
    /// [`TokenError`] by what the caller can do, if there is no access token in it. No error holds any part of the body.
    pub fn of_answer(
        provider: &Provider,
        client_id: &str,
        answer: &Response<Vec<u8>>,
        requested: &Scopes,
        now: Timestamp,
    ) -> Result<Self, TokenError> {
        let url = TokenUrl::new(provider.token.url.clone()).map_err(|_| TokenError::Blocked(EgressRefusal::NotAUrl))?;
        let client = OAuthClient::new(ClientId::new(client_id.to_owned())).set_token_uri(url);
        let reading = Reading::of_code(provider, client_id);
        let read = |_: HttpRequest| in_form_of_rfc(&reading, answer, now);
        token_set(client.exchange_client_credentials().request(&read), requested, now)
    }
}

impl TokenSet {
    /// Whether the access token is of use only to who has the connector's key.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.token_type == BOUND
    }

    /// This token set, with what the one before it had and this one lacks.
    pub(super) fn following(mut self, before: &Self) -> Self {
        if self.refresh_token.is_none() {
            self.refresh_token = before.refresh_token.as_ref().map(Secret::duplicate);
            self.refresh_expires_at = before.refresh_expires_at;
        }
        self.id_claims = before.id_claims.clone().or(self.id_claims);
        for (name, value) in &before.kept {
            self.kept.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }
}

/// An answer with tokens as RFC 6749, section 5.1 has it, for the crate to read.
pub(super) fn in_form_of_rfc(
    reading: &Reading<'_>,
    answer: &Response<Vec<u8>>,
    now: Timestamp,
) -> Result<Response<Vec<u8>>, TokenError> {
    let normal = normalise(reading, answer, now)?;
    let unreadable = |_| TokenError::passing(Outcome::Garbled, Some(answer.status()));
    let mut response = Response::new(serde_json::to_vec(&normal).map_err(unreadable)?);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

pub(super) fn token_set(answer: Answer, requested: &Scopes, now: Timestamp) -> Result<TokenSet, TokenError> {
    let answer = answer.map_err(|error| match error {
        RequestTokenError::Request(error) => error,
        // What `normalise` has written is always read; the other errors hold the body and are dropped.
        _ => TokenError::passing(Outcome::Garbled, None),
    })?;
    // From the beginning of the second: what is told in whole seconds must not end earlier than it says.
    let start = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let ends = |seconds: u64| start.checked_add(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok();
    let granted = answer.scopes().map(|scopes| Scopes::parse(scopes.iter().map(|scope| scope.as_str())));
    Ok(TokenSet {
        access_token: Secret::new(answer.access_token().secret().as_str()),
        refresh_token: answer.refresh_token().map(|token| Secret::new(token.secret().as_str())),
        // The crate writes it in lower case; the registry and most APIs do not.
        token_type: token_type(answer.token_type().as_ref()).to_owned(),
        expires_at: answer.expires_in().and_then(|life| ends(life.as_secs())),
        refresh_expires_at: answer.extra_fields().refresh_expires_in.and_then(ends),
        scopes: granted.and_then(Result::ok).unwrap_or_else(|| requested.clone()),
        id_claims: answer.extra_fields().id_claims.clone(),
        kept: answer.extra_fields().kept.clone(),
    })
}
