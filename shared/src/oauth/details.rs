//! What a provider tells about an account by a call of its own, such as which host its API is on.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderValue, Request, Response, StatusCode, header};
use serde_json::Value;

use super::{
    Credentials, ProviderClient,
    answer::detail,
    egress::EgressRefusal,
    error::{ErrorCode, Outcome, TokenError, is_passing, passing_outcome},
    placeholders::Values,
    wire,
};
use crate::domain::{
    provider::{Choose, DiscoverStep, Provider},
    secret::{AccessToken, Secret},
};

impl ProviderClient {
    /// What the provider tells by one call about the account that the access token is to: the fields of its data, by their
    /// names. A field that the answer lacks is left out. The call's own variables have their values.
    ///
    /// # Errors
    /// [`TokenError`] if the call fails, or its answer has no entry that counts.
    #[tracing::instrument(skip_all, fields(provider.id = %provider.id))]
    pub async fn discover(
        &self,
        provider: &Provider,
        step: &DiscoverStep,
        credentials: Credentials<'_>,
        access_token: &Secret<AccessToken>,
        deadline: Duration,
    ) -> Result<BTreeMap<String, String>, TokenError> {
        // A call about an account shows the token, and never the client's secret.
        let values = Values {
            client_id: Some(credentials.client_id),
            access_token: Some(access_token.expose()),
            ..Values::default()
        };
        let url = values.fill_url(&step.url).ok_or(TokenError::Blocked(EgressRefusal::NotAUrl))?;
        let url = self.egress.check(&url).map_err(TokenError::Blocked)?;
        let mut request = Request::new(Vec::new());
        *request.method_mut() = wire::method(step.method);
        *request.uri_mut() = url.as_str().parse().map_err(|_| TokenError::Blocked(EgressRefusal::NotAUrl))?;
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(body) = step.body.as_ref().and_then(|body| values.fill_json(body)) {
            wire::put_json(&mut request, &body);
        }
        wire::put_headers(request.headers_mut(), &step.headers, &values);
        wire::add_query(&mut request, &wire::filled(&step.query, &values));
        wire::present(&mut request, provider, access_token.expose());
        read(step, &self.egress.send(request, deadline).await?)
    }
}

/// Reads the fields in an answer.
fn read(step: &DiscoverStep, answer: &Response<Vec<u8>>) -> Result<BTreeMap<String, String>, TokenError> {
    let status = answer.status();
    if is_passing(status) {
        return Err(TokenError::passing(passing_outcome(status), Some(status)));
    }
    if !status.is_success() {
        return Err(refused("", status));
    }
    let value = wire::json(answer.body()).ok_or(TokenError::passing(Outcome::Garbled, Some(status)))?;
    let entry = entry(step, &value).map_err(|code| refused(code, status))?;
    let found = step.into.iter().filter_map(|(name, path)| Some((name.clone(), detail(path.find(entry)?)?)));
    Ok(found.collect())
}

/// The entry of an answer that counts, or in a word why there is none.
fn entry<'v>(step: &DiscoverStep, answer: &'v Value) -> Result<&'v Value, &'static str> {
    let list = step.list.as_ref().map_or(Some(answer), |path| path.find(answer));
    let entries = match list {
        Some(Value::Array(entries)) => entries.as_slice(),
        Some(single) => std::slice::from_ref(single),
        None => &[],
    };
    let is_match = |entry: &&Value| step.matching.iter().all(|(path, wanted)| path.find(entry) == Some(wanted));
    let mut matching = entries.iter().filter(is_match);
    match (matching.next(), matching.next(), step.choose) {
        (None, ..) => Err("nothing_discovered"),
        (Some(_), Some(_), Choose::Only) => Err("several_discovered"),
        (Some(entry), ..) => Ok(entry),
    }
}

fn refused(code: &str, status: StatusCode) -> TokenError {
    TokenError::Refused { error: ErrorCode::of(code), status: status.as_u16() }
}

#[cfg(test)]
mod tests;
