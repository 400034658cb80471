//! Reads the answer of a token endpoint, as leniently as it can be read, before a strict parser sees it: a rotated
//! refresh token exists only in that answer, so nothing odd beside it may lose it. Pure.

use std::collections::BTreeMap;

use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    account::account as account_named,
    error::{ErrorCode, Outcome, TokenError, is_passing, passing_outcome},
    expiry::{life, seconds},
    id_token, wire,
};
use crate::domain::{
    account::Account,
    gather::Gather,
    provider::{IdentityFrom, Path, Provider, RefreshGrant, Source, TokenResponse, first},
    scopes::Scopes,
    secret::Secret,
};

/// How long a token may be, in bytes. The longest in use are signed tokens of a few kilobytes.
const MAX_TOKEN: usize = 16 * 1024;

/// How long a text may be that is kept with a connection, in bytes: a URL, an identifier.
const MAX_KEPT: usize = 2048;

/// Token types that are not presented as a bearer token (the registry of RFC 6749, section 11.1). Whatever else a
/// provider writes there means Bearer.
const OTHER_TYPES: [&str; 4] = ["DPoP", "mac", "PoP", "N_A"];

/// A token answer as RFC 6749, section 5.1 has it, whatever it looked like when it came.
#[derive(Serialize, Deserialize)]
pub(super) struct Normal {
    access_token: String,
    token_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(flatten)]
    extras: Extras,
}

/// What an answer may hold beyond the RFC.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Extras {
    /// The life of the refresh token, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refresh_expires_in: Option<u64>,
    /// Whose account it is, by the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id_claims: Option<Account>,
    /// What is kept with the connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) kept: BTreeMap<String, String>,
}

impl oauth2::ExtraTokenFields for Extras {}

/// How one answer is to be read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    provider: &'a Provider,
    client_id: &'a str,
    response: &'a TokenResponse,
    /// The life of a token, in seconds, where the answer tells none.
    ttl: Option<u32>,
    /// The access token that lives on if the answer has no other.
    lives_on: Option<&'a str>,
}

impl<'a> Reading<'a> {
    /// How the answer to a code is read.
    pub(super) fn of_code(provider: &'a Provider, client_id: &'a str) -> Self {
        Self { provider, client_id, response: &provider.token.response, ttl: None, lives_on: None }
    }

    /// How the answer to a refresh is read, to which `presented` was the access token if it was part of the request.
    pub(super) fn of_refresh(provider: &'a Provider, client_id: &'a str, presented: Option<&'a str>) -> Self {
        let lives_on = presented.filter(|_| provider.refresh.extends);
        Self { ttl: provider.refresh.ttl_seconds, lives_on, ..Self::of_code(provider, client_id) }
    }

    /// How the answer to a step is read that swaps one token for another.
    pub(super) fn of_step(provider: &'a Provider, client_id: &'a str, response: &'a TokenResponse) -> Self {
        Self { response, ..Self::of_code(provider, client_id) }
    }
}

/// Reads an answer.
///
/// # Errors
/// [`TokenError`] by what the caller can do, if there is no access token in it. No error holds any part of the body.
pub(super) fn normalise(
    reading: &Reading<'_>,
    answer: &Response<Vec<u8>>,
    now: Timestamp,
) -> Result<Normal, TokenError> {
    let (status, response) = (answer.status(), reading.response);
    let object = wire::object(answer.body());
    let is_readable = object.is_some() || answer.body().trim_ascii().is_empty();
    let value = object.unwrap_or(Value::Null);
    if !status.is_success() {
        return Err(failure(response, status, answer.headers(), &value, now));
    }
    let refresh_token = first(&response.fields.refresh_token, &value).and_then(token);
    let access_token = first(&response.fields.access_token, &value).and_then(token);
    let lives_on = || reading.lives_on.filter(|_| is_readable && says_no_error(response, &value)).map(str::to_owned);
    let Some(access_token) = access_token.or_else(lives_on) else {
        // Where it is the access token that is presented, a refresh token alone renews nothing.
        let salvaged = refresh_token.filter(|_| reading.provider.refresh.grant != RefreshGrant::AccessToken);
        return Err(with_salvage(failure(response, status, answer.headers(), &value, now), salvaged));
    };
    let refresh_life = response.expiry.refresh_seconds.as_ref().and_then(|path| path.find(&value)).and_then(seconds);
    Ok(Normal {
        access_token,
        token_type: value.get("token_type").and_then(Value::as_str).map_or("Bearer", token_type).to_owned(),
        expires_in: life(response, reading.ttl, &value, now),
        refresh_token,
        scope: scope(response, &value),
        extras: Extras {
            refresh_expires_in: refresh_life,
            id_claims: account(reading, &value),
            kept: kept(reading.provider, response, &value),
        },
    })
}

/// Whose account it is, as far as a token answer says so.
fn account(reading: &Reading<'_>, answer: &Value) -> Option<Account> {
    match reading.provider.identity.as_ref().filter(|identity| identity.from == IdentityFrom::TokenAnswer) {
        Some(identity) => account_named(identity, answer),
        None => id_token::claims(reading.provider, reading.client_id, answer),
    }
}

/// What the provider's data keeps of an answer, variables among it: texts, numbers, and what is true or false.
fn kept(provider: &Provider, response: &TokenResponse, answer: &Value) -> BTreeMap<String, String> {
    let vars = provider.vars.iter().filter_map(|(name, var)| match &var.from {
        Source::Token(path) => Some((name, path)),
        _ => None,
    });
    let found = |(name, path): (&String, &Path)| Some((name.clone(), detail(path.find(answer)?)?));
    response.keep.iter().chain(vars).filter_map(found).gathered()
}

/// A value that can be kept with a connection, as a text.
pub(super) fn detail(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => return None,
    };
    ((1..=MAX_KEPT).contains(&text.len()) && !text.chars().any(char::is_control)).then_some(text)
}

/// Whether an answer without a token says that what was asked for is done.
fn says_no_error(response: &TokenResponse, answer: &Value) -> bool {
    let mut codes = response.error.code.iter().filter_map(|path| path.find(answer));
    match &response.success {
        Some(success) => success.holds(answer),
        None => codes.all(|code| code.as_str().is_some_and(str::is_empty)),
    }
}

/// What an answer without tokens means: the status speaks first where it speaks of the moment, then the error code, then
/// the status again.
pub(super) fn failure(
    response: &TokenResponse,
    status: StatusCode,
    headers: &HeaderMap,
    answer: &Value,
    now: Timestamp,
) -> TokenError {
    let reading = &response.error;
    let found: Vec<&Value> = reading.code.iter().filter_map(|path| path.find(answer)).collect();
    let raw = found.iter().find_map(|code| code.as_str());
    let code = raw.map(ErrorCode::of);
    let error = code.clone().unwrap_or_else(|| ErrorCode::of(""));
    let http_status = status.as_u16();
    let asked = wire::retry_after(headers, now);
    let passing = |outcome| TokenError::Passing {
        retry_after: asked,
        status: Some(http_status),
        error: code.clone(),
        outcome,
        salvaged: None,
    };
    if is_passing(status) {
        return passing(passing_outcome(status));
    }
    // A code may be a number; of those, only the ones that the data knows say anything.
    let is_among = |words: &[String]| found.iter().filter_map(|code| detail(code)).any(|code| words.contains(&code));
    let says_failure = response.success.as_ref().is_some_and(|success| success.is_denied(answer));
    match raw {
        Some("invalid_grant") => TokenError::Rejected { error, status: http_status },
        _ if is_among(&reading.invalid_grant) => TokenError::Rejected { error, status: http_status },
        // A proof that does not count (RFC 9449, section 5) says nothing about the grant that it came with.
        Some("invalid_client" | "unauthorized_client" | "redirect_uri_mismatch" | "invalid_dpop_proof") => {
            TokenError::ClientRejected { error, status: http_status }
        }
        _ if is_among(&reading.invalid_client) => TokenError::ClientRejected { error, status: http_status },
        Some(
            "temporarily_unavailable"
            | "server_error"
            | "slow_down"
            | "ratelimited"
            | "rate_limited"
            | "use_dpop_nonce",
        ) => passing(Outcome::Declined),
        // RFC 6749, section 5.2: 401 is for a client that failed to authenticate.
        None if status == StatusCode::UNAUTHORIZED => TokenError::ClientRejected { error, status: http_status },
        None if status.is_success() && !says_failure => passing(Outcome::Garbled),
        // A wall that says when to come again speaks of the moment and not of the grant.
        None if asked.is_some() => passing(Outcome::Declined),
        _ => TokenError::Refused { error, status: http_status },
    }
}

/// Hands a refresh token on that came without an access token.
fn with_salvage(error: TokenError, refresh_token: Option<String>) -> TokenError {
    match (error, refresh_token) {
        (TokenError::Passing { retry_after, status, error, outcome, .. }, Some(token)) => {
            TokenError::Passing { retry_after, status, error, outcome, salvaged: Some(Secret::new(token)) }
        }
        (error, _) => error,
    }
}

/// A token: text, or a number by a provider that did not quote it.
fn token(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    ((1..=MAX_TOKEN).contains(&text.len()) && !text.chars().any(char::is_control)).then_some(text)
}

/// The token type as its registry writes it.
pub(super) fn token_type(given: &str) -> &'static str {
    OTHER_TYPES.iter().find(|known| known.eq_ignore_ascii_case(given)).copied().unwrap_or("Bearer")
}

/// The granted scopes, separated by spaces; `None` if the answer tells none, which means: as requested.
fn scope(response: &TokenResponse, answer: &Value) -> Option<String> {
    let raw = match first(&response.fields.scope, answer)? {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => return None,
    };
    let scopes = Scopes::lenient(&raw, &response.scope_separator);
    (!scopes.is_empty()).then(|| scopes.to_string())
}

#[cfg(test)]
mod tests;
