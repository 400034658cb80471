//! Whose account it is, by the ID token that came with the tokens (OpenID Connect Core, section 2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::domain::{
    account::Account,
    provider::{Identity, Provider},
};

/// How long an ID token may be, in bytes.
const MAX_ID_TOKEN: usize = 16 * 1024;

/// The account that an ID token in a token answer names.
///
/// The signature is not checked: the token came from the token endpoint itself over TLS, which OpenID Connect Core,
/// section 3.1.3.7, number 6 lets stand for it. Issuer and audience are (numbers 2 and 3). A provider whose identity
/// request tells another id than `sub` is asked by that request instead, so that an account has one id only.
pub(super) fn claims(provider: &Provider, client_id: &str, answer: &Value) -> Option<Account> {
    let issuer = &provider.oidc.as_ref()?.issuer;
    if !provider.identity.as_ref().is_none_or(Identity::is_userinfo) {
        return None;
    }
    let id_token = answer.get("id_token")?.as_str().filter(|token| token.len() <= MAX_ID_TOKEN)?;
    let payload = id_token.split('.').nth(1)?.trim_end_matches('=');
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(issuer) || !is_for(&claims, client_id) {
        return None;
    }
    let account = Account::new(text("sub")?)?;
    let label = text("name").or(text("preferred_username")).or(text("email"));
    Some(account.with_label(label).with_email(text("email")).with_avatar(text("picture")))
}

/// Whether the client is the audience, or one of it.
fn is_for(claims: &Value, client_id: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(audience)) => audience == client_id,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == client_id),
        _ => false,
    }
}
