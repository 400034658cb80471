//! Asks a provider whose account a grant is to.

use http::{HeaderValue, Request, header};
use serde_json::Value;
use url::Url;

use super::{
    Credentials, ProviderClient, TokenSet,
    egress::{DEADLINE, EgressError, EgressRefusal},
    error::is_passing,
    wire::{self, Parameters},
};
use crate::domain::{
    account::Account,
    provider::{Body, ClientAuth, Identity, IdentityAuth, Path, Provider, first},
};

/// Why it is not known whose account it is. The grant is good all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The provider has no such request, or the grant lacks the scope for it.
    #[error("the provider does not tell whose account it is")]
    Unsupported,
    /// It may go better later.
    #[error("the provider did not tell whose account it is for now")]
    Passing,
    /// The provider answered something else.
    #[error("the provider's answer does not tell whose account it is")]
    Unreadable,
    /// The guard of outgoing requests did not let it pass. Nothing was sent.
    #[error("the identity endpoint {0}")]
    Blocked(EgressRefusal),
}

impl ProviderClient {
    /// Whose account the tokens are for: by the ID token among them, else by the provider's identity request.
    ///
    /// # Errors
    /// [`AccountError`]; none of them is a reason not to keep the tokens.
    #[tracing::instrument(skip_all, fields(provider.id = %provider.id))]
    pub async fn account(
        &self,
        provider: &Provider,
        credentials: Credentials<'_>,
        tokens: &TokenSet,
    ) -> Result<Account, AccountError> {
        if let Some(account) = &tokens.id_claims {
            return Ok(account.clone());
        }
        let identity = provider.identity.as_ref().ok_or(AccountError::Unsupported)?;
        if identity.needs_scope.as_ref().is_some_and(|scope| !tokens.scopes.contains(scope)) {
            return Err(AccountError::Unsupported);
        }
        let mut url = self.egress.check(&identity.url).map_err(AccountError::Blocked)?;
        if !identity.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&identity.query);
        }
        let request = request(provider, identity, &url, credentials, tokens.access_token.expose());
        let answer = self.egress.send(request, DEADLINE).await.map_err(unanswered)?;
        if is_passing(answer.status()) {
            return Err(AccountError::Passing);
        }
        let value = Some(answer).filter(|answer| answer.status().is_success());
        let value = value.and_then(|answer| wire::object(answer.body())).ok_or(AccountError::Unreadable)?;
        account(identity, &value).ok_or(AccountError::Unreadable)
    }
}

fn request(
    provider: &Provider,
    identity: &Identity,
    url: &Url,
    credentials: Credentials<'_>,
    access_token: &str,
) -> Request<Vec<u8>> {
    let mut request = Request::new(Vec::new());
    *request.method_mut() = wire::method(identity.method);
    if let Ok(uri) = url.as_str().parse() {
        *request.uri_mut() = uri;
    }
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    wire::put_headers(request.headers_mut(), &identity.headers);
    match identity.auth {
        IdentityAuth::Bearer => {
            if let Some(value) = wire::bearer(access_token) {
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
        }
        IdentityAuth::Client => {
            let mut parameters: Parameters = vec![("token".into(), access_token.into())];
            let secret = credentials.client_secret.map(|secret| secret.expose());
            match (provider.token.client_auth, secret) {
                (ClientAuth::Basic, Some(secret)) => {
                    if let Some(value) = wire::basic(credentials.client_id, secret) {
                        request.headers_mut().insert(header::AUTHORIZATION, value);
                    }
                }
                (_, secret) => {
                    parameters.push(("client_id".into(), credentials.client_id.into()));
                    parameters.extend(secret.map(|secret| ("client_secret".into(), secret.into())));
                }
            }
            wire::put_parameters(&mut request, parameters, Body::Form);
        }
    }
    request
}

/// Reads the answer; without every part of the id there is no account.
fn account(identity: &Identity, answer: &Value) -> Option<Account> {
    if identity.success.as_ref().is_some_and(|success| !success.holds(answer)) {
        return None;
    }
    let parts: Option<Vec<String>> = identity.id.iter().map(|path| path.find(answer).and_then(text)).collect();
    let found = |paths: &[Path]| first(paths, answer).and_then(text);
    let account = Account::new(&parts?.join(":"))?;
    Some(
        account
            .with_label(found(&identity.label).as_deref())
            .with_email(found(&identity.email).as_deref())
            .with_avatar(found(&identity.avatar).as_deref()),
    )
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn unanswered(error: EgressError) -> AccountError {
    match error {
        EgressError::Blocked(refusal) => AccountError::Blocked(refusal),
        EgressError::NotSent | EgressError::Unanswered => AccountError::Passing,
        EgressError::Cut(_) => AccountError::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{domain::provider::ProviderType, oauth::catalogue};

    fn identity(id: &str) -> &'static Identity {
        let provider = catalogue::find(&ProviderType::parse(id).expect("an id")).expect("in the catalogue");
        provider.identity.as_ref().expect("an identity request")
    }

    #[test]
    fn each_provider_tells_it_in_its_own_way() {
        for (provider, answer, id, label) in [
            ("googlecalendar", json!({"sub": "107", "email": "a@x.example"}), "107", Some("a@x.example")),
            ("github", json!({"id": 583_231, "login": "octocat", "email": null}), "583231", Some("octocat")),
            (
                "hubspot",
                json!({"active": true, "hub_id": 7, "user_id": 9, "user": "a@x.example"}),
                "7:9",
                Some("a@x.example"),
            ),
            ("slack", json!({"ok": true, "team_id": "T1", "user_id": "U1", "team": "Acme"}), "T1:U1", Some("Acme")),
            (
                "notion",
                json!({"bot": {"workspace_name": "Acme", "owner": {"user": {"id": "u-1", "person": {"email": "a@x.example"}}}}}),
                "u-1",
                Some("Acme"),
            ),
        ] {
            let account = account(identity(provider), &answer).expect(provider);
            assert_eq!((account.id.as_str(), account.label.as_deref()), (id, label), "{provider}");
        }
    }

    #[test]
    fn an_answer_without_the_whole_id_names_no_account() {
        for (provider, answer) in [
            ("slack", json!({"ok": false, "team_id": "T1", "user_id": "U1"})),
            ("slack", json!({"ok": true, "user_id": "U1"})),
            ("hubspot", json!({"active": false, "hub_id": 7, "user_id": 9})),
            ("github", json!({"id": {"a": 1}})),
            ("googlecalendar", json!({"sub": ""})),
        ] {
            assert_eq!(account(identity(provider), &answer), None, "{provider}: {answer}");
        }
    }
}
