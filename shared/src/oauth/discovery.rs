//! Finds out about an issuer by its metadata (OpenID Connect Discovery 1.0; RFC 8414), and fetches its keys.

use std::borrow::Cow;

use http::{HeaderValue, Request, Response, header};
use serde_json::{Map, Value};
use url::Url;

use super::{
    ProviderClient,
    egress::{DEADLINE, EgressError, EgressRefusal},
    error::is_passing,
    wire,
};
use crate::domain::{fields::FieldError, provider::Provider};

/// Why nothing was found out about an issuer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The guard of outgoing requests does not let the issuer, or something that it names, pass.
    #[error("the address {0}")]
    Blocked(EgressRefusal),
    /// It may go better later.
    #[error("the issuer did not answer")]
    Passing,
    /// There is no metadata at either place, or it is not a JSON object.
    #[error("the issuer has no metadata")]
    NotFound,
    /// The metadata is another issuer's.
    #[error("the metadata is not of this issuer")]
    IssuerMismatch,
    /// The metadata, or what was said beside it, does not make a provider that can be used.
    #[error("the metadata cannot be used")]
    Unusable(Vec<FieldError>),
}

impl From<EgressError> for DiscoveryError {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Blocked(refusal) => Self::Blocked(refusal),
            EgressError::NotSent | EgressError::Unanswered => Self::Passing,
            EgressError::Cut(_) => Self::NotFound,
        }
    }
}

impl ProviderClient {
    /// Makes a provider of an issuer's metadata and of `body`, what a person said beside the issuer
    /// (`Registration::Issuer`). Its endpoints are the ones that the metadata has now; they are not looked up again.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    #[tracing::instrument(skip_all)]
    pub async fn discover_issuer(&self, issuer: &str, body: Value) -> Result<Provider, DiscoveryError> {
        let metadata = self.metadata(issuer).await?;
        let provider = Provider::from_metadata(body, &metadata).map_err(DiscoveryError::Unusable)?;
        match self.refused_endpoints(&provider) {
            refused if refused.is_empty() => Ok(provider),
            refused => Err(DiscoveryError::Unusable(refused)),
        }
    }

    /// The endpoints of a provider that may not be spoken to, each with the reason. To be asked before it is stored.
    #[must_use]
    pub fn refused_endpoints(&self, provider: &Provider) -> Vec<FieldError> {
        let refused = |(pointer, url): (Cow<'static, str>, &str)| {
            let refusal = self.egress.check(url).err()?;
            Some(FieldError { pointer: pointer.into_owned(), detail: refusal.to_string() })
        };
        let samples = provider.samples();
        let mut refused: Vec<FieldError> =
            samples.iter().flat_map(|sample| sample.endpoints().filter_map(refused)).collect();
        refused.dedup();
        refused
    }

    /// Where an issuer publishes its keys (OpenID Connect Discovery, section 3: `jwks_uri`).
    ///
    /// # Errors
    /// [`DiscoveryError`].
    #[tracing::instrument(skip_all)]
    pub async fn jwks_uri(&self, issuer: &str) -> Result<Url, DiscoveryError> {
        let metadata = self.metadata(issuer).await?;
        let uri = metadata.get("jwks_uri").and_then(Value::as_str).ok_or(DiscoveryError::NotFound)?;
        self.egress.check(uri).map_err(DiscoveryError::Blocked)
    }

    /// A set of keys (RFC 7517, section 5), as it was published: a JSON object, not looked into any further.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    #[tracing::instrument(skip_all)]
    pub async fn jwks(&self, url: &str) -> Result<Vec<u8>, DiscoveryError> {
        let answer = self.fetch(url).await?;
        object(&answer).map(|_| answer.into_body()).ok_or(DiscoveryError::NotFound)
    }

    /// The metadata of an issuer, not looked into any further.
    ///
    /// # Errors
    /// [`DiscoveryError`].
    #[tracing::instrument(skip_all)]
    pub async fn metadata(&self, issuer: &str) -> Result<Map<String, Value>, DiscoveryError> {
        let url = self.egress.check(issuer).map_err(DiscoveryError::Blocked)?;
        if url.query().is_some() {
            return Err(DiscoveryError::NotFound);
        }
        for place in places(&url) {
            match metadata_of_answer(issuer, &self.fetch(place.as_str()).await?) {
                Err(DiscoveryError::NotFound) => {}
                outcome => return outcome,
            }
        }
        Err(DiscoveryError::NotFound)
    }

    async fn fetch(&self, url: &str) -> Result<Response<Vec<u8>>, DiscoveryError> {
        // As it was written: a request's URI has lost its fragment already.
        let url = self.egress.check(url).map_err(DiscoveryError::Blocked)?;
        let request = Request::get(url.as_str()).header(header::ACCEPT, HeaderValue::from_static("application/json"));
        let request = request.body(Vec::new()).map_err(|_| DiscoveryError::Blocked(EgressRefusal::NotAUrl))?;
        let answer = self.egress.send(request, DEADLINE).await?;
        if is_passing(answer.status()) { Err(DiscoveryError::Passing) } else { Ok(answer) }
    }
}

/// The places where an issuer's metadata may be: below its path (OpenID Connect Discovery, section 4), and with its path
/// at the end (RFC 8414, section 3.1).
fn places(issuer: &Url) -> [Url; 2] {
    let path = issuer.path().trim_end_matches('/');
    let [mut below, mut inserted] = [issuer.clone(), issuer.clone()];
    below.set_path(&format!("{path}/.well-known/openid-configuration"));
    inserted.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    [below, inserted]
}

/// Reads the answer to a request for an issuer's metadata. The issuer in it must be the one that was asked, byte for byte
/// (RFC 8414, section 3.3): else one issuer could speak for another.
///
/// # Errors
/// [`DiscoveryError::NotFound`] if there is none in it, [`DiscoveryError::IssuerMismatch`] if it is another's.
pub fn metadata_of_answer(issuer: &str, answer: &Response<Vec<u8>>) -> Result<Map<String, Value>, DiscoveryError> {
    let metadata = object(answer).ok_or(DiscoveryError::NotFound)?;
    let is_own = metadata.get("issuer").and_then(Value::as_str) == Some(issuer);
    is_own.then_some(metadata).ok_or(DiscoveryError::IssuerMismatch)
}

fn object(answer: &Response<Vec<u8>>) -> Option<Map<String, Value>> {
    if !answer.status().is_success() {
        return None;
    }
    match wire::json(answer.body()) {
        Some(Value::Object(fields)) => Some(fields),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
