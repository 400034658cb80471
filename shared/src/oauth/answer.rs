//! Reads the answer of a token endpoint, as leniently as it can be read, before a strict parser sees it: a rotated
//! refresh token exists only in that answer, so nothing odd beside it may lose it. Pure.

use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    error::{ErrorCode, Outcome, TokenError, is_passing, passing_outcome},
    id_token, wire,
};
use crate::domain::{
    account::Account,
    provider::{Lifetime, Provider, first},
    scopes::Scopes,
    secret::Secret,
};

/// How long a token may be, in bytes. The longest in use are signed tokens of a few kilobytes.
const MAX_TOKEN: usize = 16 * 1024;

/// The longest life that is believed, in seconds: ten years. Adding more to a time could overflow.
const MAX_LIFE: u64 = 315_360_000;

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
}

impl oauth2::ExtraTokenFields for Extras {}

/// Reads an answer.
///
/// # Errors
/// [`TokenError`] by what the caller can do, if there is no access token in it. No error holds any part of the body.
pub(super) fn normalise(
    provider: &Provider,
    client_id: &str,
    answer: &Response<Vec<u8>>,
    now: Timestamp,
) -> Result<Normal, TokenError> {
    let (status, value) = (answer.status(), wire::object(answer.body()));
    let value = value.unwrap_or(Value::Null);
    if !status.is_success() {
        return Err(failure(provider, status, answer.headers(), &value, now));
    }
    let fields = &provider.token.response.fields;
    let refresh_token = first(&fields.refresh_token, &value).and_then(token);
    let Some(access_token) = first(&fields.access_token, &value).and_then(token) else {
        return Err(with_salvage(failure(provider, status, answer.headers(), &value, now), refresh_token));
    };
    let expiry = &provider.token.response.expiry;
    let expires_in = first(&fields.expires_in, &value).and_then(seconds).or(match expiry.assume {
        Lifetime::Seconds(seconds) => Some(seconds.into()),
        Lifetime::Never | Lifetime::Unknown => None,
    });
    Ok(Normal {
        access_token,
        token_type: value.get("token_type").and_then(Value::as_str).map_or("Bearer", token_type).to_owned(),
        expires_in,
        refresh_token,
        scope: scope(provider, &value),
        extras: Extras {
            refresh_expires_in: expiry.refresh_seconds.as_ref().and_then(|path| path.find(&value)).and_then(seconds),
            id_claims: id_token::claims(provider, client_id, &value),
        },
    })
}

/// What an answer without tokens means: the status speaks first where it speaks of the moment, then the error code, then
/// the status again.
pub(super) fn failure(
    provider: &Provider,
    status: StatusCode,
    headers: &HeaderMap,
    answer: &Value,
    now: Timestamp,
) -> TokenError {
    let reading = &provider.token.response.error;
    let raw = reading.code.iter().filter_map(|path| path.find(answer)).find_map(Value::as_str);
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
    let is_among = |words: &[String]| raw.is_some_and(|raw| words.iter().any(|word| word == raw));
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
        None if status.is_success() => passing(Outcome::Garbled),
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

/// A lifetime in seconds: a number, whole or not, or a text of one. Zero and less, with the providers that send it, say
/// nothing: a token that had ended already would be none.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|seconds| seconds.is_finite())?,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of ten years")]
    let whole = seconds.clamp(0.0, 315_360_000.0) as u64;
    (seconds > 0.0).then_some(whole.clamp(1, MAX_LIFE))
}

/// The token type as its registry writes it.
pub(super) fn token_type(given: &str) -> &'static str {
    OTHER_TYPES.iter().find(|known| known.eq_ignore_ascii_case(given)).copied().unwrap_or("Bearer")
}

/// The granted scopes, separated by spaces; `None` if the answer tells none, which means: as requested.
fn scope(provider: &Provider, answer: &Value) -> Option<String> {
    let response = &provider.token.response;
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
