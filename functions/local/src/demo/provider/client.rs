//! The apps that may send users here, and how one proves who it is (RFC 6749, section 2.3.1).

use axum::http::{HeaderMap, header};
use base64::{Engine, prelude::BASE64_STANDARD};
use url::form_urlencoded;

use super::{
    grants::{Grants, StorageError},
    token::TokenError,
};
use crate::digest::digest_of;

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// What the consent page calls it.
    pub name: String,
    /// The one place its users are sent back to, compared character by character.
    pub redirect_uri: String,
}

/// The parameters of a form, each at most once (RFC 6749, section 3.2).
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body; one with a parameter that is there twice is none.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        let repeats = |index: usize, name: &str| pairs.iter().take(index).any(|(earlier, _)| earlier == name);
        let repeated = pairs.iter().enumerate().any(|(index, (name, _))| repeats(index, name));
        (!repeated).then_some(Self(pairs))
    }

    /// A parameter; one without a value counts as absent (RFC 6749, section 3.2).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }
}

/// Who sends this request, by HTTP Basic or by the parameters of the form, never by both.
pub(super) fn authenticate(grants: &Grants, headers: &HeaderMap, form: &Form) -> Result<Client, TokenError> {
    let basic = headers.get(header::AUTHORIZATION).map(|value| value.to_str().ok().and_then(basic));
    let (id, secret) = match (basic, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => return Err(TokenError::InvalidRequest),
        (Some(Some((id, _))), Some(named), None) if id != named => return Err(TokenError::InvalidRequest),
        (Some(credentials), _, None) => credentials.ok_or(TokenError::InvalidClient)?,
        (None, Some(id), Some(secret)) => (id.to_owned(), secret.to_owned()),
        (None, _, _) => return Err(TokenError::InvalidClient),
    };
    let (client, secret_digest) = grants.client(&id)?.ok_or(TokenError::InvalidClient)?;
    // Digests of 256 random bits: how long the comparison takes tells nothing about the secret.
    if secret_digest == digest_of(&secret) { Ok(client) } else { Err(TokenError::InvalidClient) }
}

/// The id and secret of a Basic header, each form-encoded before they were joined.
fn basic(header: &str) -> Option<(String, String)> {
    let encoded = header.strip_prefix("Basic ")?;
    let joined = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = joined.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

/// The text whose `application/x-www-form-urlencoded` form this is. `=` and `&` cannot be in it, so it reads as one name.
fn form_decoded(text: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    let (name, value) = pairs.next()?;
    (value.is_empty() && pairs.next().is_none()).then(|| name.into_owned())
}

impl From<StorageError> for TokenError {
    fn from(_: StorageError) -> Self {
        Self::Storage
    }
}
