//! What providers answer. Input: `token|identity|metadata|registration|jwks PROVIDER STATUS`, headers, an empty line, and
//! the body.
//!
//! Whatever an answer says, it is read within its limits, and no text of it comes out in an error.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use connectors::{
    auth::usable_keys,
    domain::{
        account::Account,
        provider::{Provider, ProviderType, Registration},
        scopes::Scopes,
        secret::Secret,
    },
    oauth::{
        Outcome, ProviderClient, TokenError, TokenSet, account_of_answer, catalogue, egress::MAX_BODY,
        metadata_of_answer,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;

use crate::{
    egress::assert_public,
    text::{choose, first_line},
};

/// Whom the metadata must be of.
const ISSUER: &str = "https://issuer.example/tenant";

/// The client that asks.
const CLIENT: &str = "client-1";

/// The longest token that is taken, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

type Reading = fn(&Provider, &Response<Vec<u8>>);

const READINGS: [(&str, Reading); 5] = [
    ("token", read_tokens),
    ("identity", read_account),
    ("metadata", read_metadata),
    ("registration", read_registration),
    ("jwks", read_keys),
];

/// Takes an input.
pub fn run(input: &[u8]) {
    let (first, rest) = first_line(input);
    let mut words = first.split_whitespace();
    let reading = choose(&READINGS, words.next().unwrap_or_default());
    let provider = provider(words.next().unwrap_or_default());
    let status = words.next().and_then(|word| StatusCode::from_bytes(word.as_bytes()).ok());
    reading(&provider, &answer(status.unwrap_or(StatusCode::OK), rest));
}

/// A provider of the catalogue, or one whose answers may say everything that the data can ask for.
fn provider(id: &str) -> Provider {
    let known = ProviderType::parse(id).ok().and_then(|id| catalogue::find(&id));
    known.cloned().unwrap_or_else(|| {
        let provider = Provider::from_value(&json!({
            "id": "everything",
            "name": "Everything",
            "authorize": {"url": "https://issuer.example/authorize"},
            "token": {"url": "https://issuer.example/token", "client_auth": "post"},
            "identity": {"url": "https://issuer.example/userinfo"},
            "oidc": {"issuer": ISSUER},
        }));
        provider.expect("a provider")
    })
}

fn answer(status: StatusCode, rest: &[u8]) -> Response<Vec<u8>> {
    let mut rest = rest;
    let mut answer = Response::new(Vec::new());
    *answer.status_mut() = status;
    loop {
        let (line, behind) = first_line(rest);
        rest = behind;
        let Some((name, value)) = line.split_once(':') else { break };
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.trim().parse::<HeaderValue>()) {
            answer.headers_mut().insert(name, value);
        }
    }
    *answer.body_mut() = rest[..rest.len().min(MAX_BODY)].to_vec();
    answer
}

fn now() -> Timestamp {
    "2026-11-22T10:00:00.123Z".parse().unwrap()
}

fn read_tokens(provider: &Provider, answer: &Response<Vec<u8>>) {
    let requested = Scopes::parse(["read"]).unwrap();
    match TokenSet::of_answer(provider, CLIENT, answer, &requested, now()) {
        Ok(tokens) => {
            assert!(answer.status().is_success(), "tokens out of {}", answer.status());
            assert_within_limits(&tokens);
        }
        Err(error) => {
            assert_silent(&format!("{error} {error:?}"), answer);
            assert_told_apart(&error, answer.status());
        }
    }
}

fn assert_within_limits(tokens: &TokenSet) {
    assert_is_a_token(&tokens.access_token);
    if let Some(refresh_token) = &tokens.refresh_token {
        assert_is_a_token(refresh_token);
    }
    assert!(["Bearer", "DPoP", "mac", "PoP", "N_A"].contains(&tokens.token_type.as_str()));
    let longest = now().checked_add(SignedDuration::from_secs(315_360_000)).unwrap();
    for end in [tokens.expires_at, tokens.refresh_expires_at].into_iter().flatten() {
        assert!((now()..=longest).contains(&end) && end.subsec_nanosecond() == 0, "a token ends at {end}");
    }
    if let Some(account) = &tokens.id_claims {
        assert_is_an_account(account);
    }
    assert_hidden(tokens);
}

/// A token is printed nowhere, except where the provider called something else by the same name.
fn assert_hidden(tokens: &TokenSet) {
    let printed = format!("{tokens:?}");
    let said_elsewhere =
        format!("{:?} {:?} {} {:?}", tokens.scopes, tokens.id_claims, tokens.token_type, tokens.expires_at);
    let secrets = [Some(tokens.access_token.expose()), tokens.refresh_token.as_ref().map(Secret::expose)];
    for secret in secrets.into_iter().flatten().filter(|secret| secret.len() >= 8) {
        let count = |text: &str| text.matches(secret).count();
        assert!(count(&printed) <= count(&said_elsewhere) || is_of_ours(secret), "a token is printed: {printed}");
    }
}

fn assert_is_a_token<K>(token: &Secret<K>) {
    let token = token.expose();
    assert!((1..=LONGEST_TOKEN).contains(&token.len()) && !token.chars().any(char::is_control), "{token:?}");
}

fn assert_told_apart(error: &TokenError, status: StatusCode) {
    match error {
        TokenError::Rejected { error, status: told }
        | TokenError::ClientRejected { error, status: told }
        | TokenError::Refused { error, status: told } => {
            assert_eq!(*told, status.as_u16());
            let code = error.as_str();
            assert!(
                (1..=64).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            );
            let passes = matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error();
            assert!(!passes, "a status that passes ended something");
        }
        TokenError::Passing { retry_after, status: told, outcome, salvaged, .. } => {
            assert_eq!(*told, Some(status.as_u16()));
            assert!(retry_after.is_none_or(|wait| wait <= Duration::from_hours(1)));
            assert!(matches!(outcome, Outcome::Declined | Outcome::Failed | Outcome::Garbled), "{outcome:?}");
            if let Some(token) = salvaged {
                assert_is_a_token(token);
            }
        }
        TokenError::Blocked(refusal) => panic!("the guard spoke of an answer: {refusal}"),
    }
}

fn read_account(provider: &Provider, answer: &Response<Vec<u8>>) {
    let Some(identity) = &provider.identity else { return };
    match account_of_answer(identity, answer) {
        Ok(account) => {
            assert!(answer.status().is_success(), "an account out of {}", answer.status());
            assert_is_an_account(&account);
        }
        Err(error) => assert_silent(&format!("{error} {error:?}"), answer),
    }
}

fn assert_is_an_account(account: &Account) {
    let fits = |text: &str| (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    assert!(fits(&account.id), "{account:?}");
    assert!(account.label.as_deref().is_none_or(fits) && account.email.as_deref().is_none_or(fits), "{account:?}");
    let is_plain =
        |url: &str| url.starts_with("https://") && url.len() <= 1024 && url.bytes().all(|b| b.is_ascii_graphic());
    assert!(account.avatar_url.as_deref().is_none_or(is_plain), "{account:?}");
}

fn read_metadata(_: &Provider, answer: &Response<Vec<u8>>) {
    match metadata_of_answer(ISSUER, answer) {
        Ok(metadata) => {
            assert_eq!(metadata["issuer"], ISSUER);
            let body = json!({"id": "found", "name": "Found", "issuer": ISSUER});
            if let Ok(Registration::Issuer { body, .. }) = Registration::parse(body)
                && let Ok(provider) = Provider::from_metadata(body, &metadata)
            {
                assert_usable(&provider);
            }
        }
        Err(error) => assert_silent(&format!("{error} {error:?}"), answer),
    }
}

/// What a person pastes is read by the same rules.
fn read_registration(_: &Provider, answer: &Response<Vec<u8>>) {
    let Ok(value) = serde_json::from_slice::<Value>(answer.body()) else { return };
    if let Ok(Registration::Endpoints(provider)) = Registration::parse(value) {
        assert_usable(&provider);
    }
}

/// A provider is stored as its data, and every endpoint of one that is stored is a public one.
fn assert_usable(provider: &Provider) {
    let stored = serde_json::to_value(provider).expect("a provider is written");
    let again = Provider::from_value(&stored).expect("what was written is read");
    assert_eq!(&again, provider);
    if ProviderClient::default().refused_endpoints(provider).is_empty() {
        for (_, url) in provider.endpoints() {
            assert_public(&Url::parse(url).expect("a URL"));
        }
    }
}

fn read_keys(_: &Provider, answer: &Response<Vec<u8>>) {
    let Some(keys) = usable_keys(answer.body()) else { return };
    assert!((1..=100).contains(&keys.len()), "{} keys", keys.len());
}

/// No text that the answer holds is in what is printed, save an error code.
fn assert_silent(printed: &str, answer: &Response<Vec<u8>>) {
    for text in texts(answer.body()) {
        assert!(text.len() < 8 || is_of_ours(&text) || !printed.contains(&text), "{text:?} is printed: {printed}");
    }
}

/// Whether a text has only what our own sentences and error codes are made of.
fn is_of_ours(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphabetic() || " _-:.,;'\"{}()".contains(c))
}

/// Every text in a body: of JSON, and of a form.
fn texts(body: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    if let Ok(value) = serde_json::from_slice(body) {
        collect(&value, &mut texts);
    }
    for (name, value) in url::form_urlencoded::parse(body) {
        texts.extend([name.into_owned(), value.into_owned()]);
    }
    texts
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(fields) => {
            for (name, value) in fields {
                texts.push(name.clone());
                collect(value, texts);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;

    #[test]
    fn seeds_that_are_good_answers_are_read_as_such() {
        for (name, seed) in Target::named("answers").seeds() {
            let (first, rest) = first_line(&seed);
            let words: Vec<&str> = first.split_whitespace().collect();
            let (provider, answer) = (provider(words[1]), answer(words[2].parse().unwrap(), rest));
            let requested = Scopes::parse(["read"]).unwrap();
            let body = || serde_json::from_slice(answer.body()).unwrap();
            let is_read = match name.split('-').next().unwrap() {
                "token" => TokenSet::of_answer(&provider, CLIENT, &answer, &requested, now()).is_ok(),
                "identity" => account_of_answer(provider.identity.as_ref().unwrap(), &answer).is_ok(),
                "metadata" => metadata_of_answer(ISSUER, &answer).is_ok(),
                "registration" => Registration::parse(body()).is_ok(),
                "jwks" => usable_keys(answer.body()).is_some(),
                _ => false,
            };
            let is_bad = ["error", "without", "html", "refused", "mismatch"].iter().any(|word| name.contains(word));
            assert_eq!(is_read, !is_bad, "{name}");
        }
    }

    #[test]
    fn whose_account_it_is_is_read_out_of_an_id_token() {
        let (_, seed) =
            Target::named("answers").seeds().into_iter().find(|(name, _)| name == "token-id-token").unwrap();
        let answer = answer(StatusCode::OK, first_line(&seed).1);
        let tokens = TokenSet::of_answer(&provider("everything"), CLIENT, &answer, &Scopes::default(), now()).unwrap();
        assert_eq!(tokens.id_claims.map(|account| account.id).as_deref(), Some("a"));
    }
}
