//! Asks a provider whose account a grant is to.

use http::{HeaderValue, Request, header};
use jiff::Timestamp;
use url::Url;

use super::{
    Credentials, ProviderClient, TokenSet,
    account::account_of_answer,
    assertion,
    dpop::{self, Proving},
    egress::{DEADLINE, EgressError, EgressRefusal},
    placeholders::Values,
    signer::SigningError,
    wire::{self, Parameters},
};
use crate::domain::{
    account::Account,
    provider::{Body, Identity, IdentityAuth, Provider},
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
        now: Timestamp,
    ) -> Result<Account, AccountError> {
        if let Some(account) = &tokens.id_claims {
            return Ok(account.clone());
        }
        let identity = provider.identity.as_ref().ok_or(AccountError::Unsupported)?;
        if identity.needs_scope.as_ref().is_some_and(|scope| !tokens.scopes.contains(scope)) {
            return Err(AccountError::Unsupported);
        }
        let values = Values { access_token: Some(tokens.access_token.expose()), ..Values::of(credentials) };
        let url = identity.url.as_deref().ok_or(AccountError::Unsupported)?;
        let url = values.fill_url(url).ok_or(AccountError::Unsupported)?;
        let url = self.egress.check(&url).map_err(AccountError::Blocked)?;
        let is_bound = tokens.is_bound() && identity.auth == IdentityAuth::Bearer;
        let proving = Proving {
            egress: &self.egress,
            nonces: &self.nonces,
            signer: credentials.signer.filter(|_| is_bound),
            access_token: values.access_token,
            now,
            deadline: DEADLINE,
        };
        let make = || {
            let mut request = request((provider, identity), &url, credentials, &values, now)?;
            if let Some(value) = values.access_token.filter(|_| is_bound).and_then(dpop::authorization) {
                request.headers_mut().insert(header::AUTHORIZATION, value);
            }
            Ok::<_, AccountError>(request)
        };
        let answer = proving.send(make).await?;
        account_of_answer(identity, &answer)
    }
}

fn request(
    (provider, identity): (&Provider, &Identity),
    url: &Url,
    credentials: Credentials<'_>,
    values: &Values<'_>,
    now: Timestamp,
) -> Result<Request<Vec<u8>>, SigningError> {
    let mut request = Request::new(Vec::new());
    *request.method_mut() = wire::method(identity.method);
    if let Ok(uri) = url.as_str().parse() {
        *request.uri_mut() = uri;
    }
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(body) = identity.body.as_ref().and_then(|body| values.fill_json(body)) {
        wire::put_json(&mut request, &body);
    }
    wire::put_headers(request.headers_mut(), &identity.headers, values);
    wire::add_query(&mut request, &wire::filled(&identity.query, values));
    match identity.auth {
        IdentityAuth::Bearer => wire::present(&mut request, provider, values.access_token.unwrap_or_default()),
        IdentityAuth::Client => {
            // RFC 7662, section 2.1.
            let mut parameters: Parameters = vec![("token".into(), values.access_token.unwrap_or_default().into())];
            assertion::present(request.headers_mut(), &mut parameters, provider, credentials, now)?;
            wire::put_parameters(&mut request, parameters, Body::Form);
        }
        IdentityAuth::None => {}
    }
    Ok(request)
}

impl From<EgressError> for AccountError {
    fn from(error: EgressError) -> Self {
        match error {
            EgressError::Blocked(refusal) => Self::Blocked(refusal),
            EgressError::NotSent | EgressError::Unanswered => Self::Passing,
            EgressError::Cut(_) => Self::Unreadable,
        }
    }
}

impl From<SigningError> for AccountError {
    fn from(_: SigningError) -> Self {
        Self::Unsupported
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        domain::{
            provider::ProviderType,
            scopes::Scopes,
            secret::{ClientSecret, Secret},
        },
        oauth::{
            catalogue,
            egress::Egress,
            signer::tests::{signer, verified},
            stub::Stub,
        },
    };

    fn granted(scopes: &str) -> TokenSet {
        TokenSet {
            access_token: Secret::new("a1"),
            refresh_token: None,
            token_type: "Bearer".into(),
            expires_at: None,
            refresh_expires_at: None,
            scopes: Scopes::parse(scopes.split_whitespace()).expect("scopes"),
            id_claims: None,
            kept: std::collections::BTreeMap::new(),
        }
    }

    /// Asks a provider of the catalogue, whose identity request goes to the stub.
    async fn ask(id: &str, stub: &Stub, granted_scopes: &str) -> Result<Account, AccountError> {
        let mut provider = catalogue::find(&ProviderType::parse(id).expect("an id")).expect("in the catalogue").clone();
        provider.identity.as_mut().expect("an identity request").url = Some(stub.url("/me"));
        let tokens = granted(granted_scopes);
        let secret = Secret::<ClientSecret>::new("s3cret");
        let credentials = Credentials { client_id: "client", client_secret: Some(&secret), signer: None };
        let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
        client.account(&provider, credentials, &tokens, Timestamp::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn the_access_token_asks_in_the_header_and_never_in_the_url() {
        let stub = Stub::json(200, r#"{"id":7,"login":"octocat"}"#);
        assert_eq!(ask("github", &stub, "").await.expect("an account").id, "7");
        let asked = stub.only();
        assert_eq!(asked.line, "GET /me HTTP/1.1");
        assert_eq!(asked.header("authorization"), Some("Bearer a1"));
        assert_eq!(asked.header("accept"), Some("application/vnd.github+json"));
    }

    #[tokio::test]
    async fn introspection_has_the_token_and_the_client_in_the_body() {
        let stub = Stub::json(200, r#"{"active":true,"hub_id":7,"user_id":9}"#);
        assert_eq!(ask("hubspot", &stub, "oauth").await.expect("an account").id, "7:9");
        let asked = stub.only();
        assert_eq!(asked.line, "POST /me HTTP/1.1");
        assert_eq!(asked.body, "token=a1&client_id=client&client_secret=s3cret");
        assert_eq!(asked.header("authorization"), None);
    }

    #[tokio::test]
    async fn a_bound_token_asks_with_a_proof_for_it() {
        let (stub, signer) = (Stub::json(200, r#"{"sub":"1"}"#), signer());
        let mut data = json!({"id": "p", "name": "P", "authorize": {"url": "https://p.example/a"}, "token": {"url": "https://p.example/t", "dpop": "required"}});
        data["identity"] = json!({"url": stub.url("/me?a=b")});
        let provider = Provider::parse_custom(data).expect("a provider");
        let mut tokens = granted("");
        tokens.token_type = "DPoP".into();
        let credentials = Credentials { client_id: "client", client_secret: None, signer: Some(&signer) };
        let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
        let account = client.account(&provider, credentials, &tokens, Timestamp::UNIX_EPOCH).await;
        assert_eq!(account.expect("an account").id, "1");
        let asked = stub.only();
        assert_eq!(asked.header("authorization"), Some("DPoP a1"));
        let (_, claims) = verified(asked.header("dpop").expect("a proof"), signer.public());
        assert_eq!((claims["htm"].as_str(), claims["htu"].as_str()), (Some("GET"), Some(stub.url("/me").as_str())));
        assert!(claims["ath"].is_string());
    }

    #[tokio::test]
    async fn a_provider_is_asked_in_the_form_that_it_wants() {
        for (identity, line, authorization, body) in [
            (
                json!({"url": "/graphql", "method": "POST", "body": {"query": "{ viewer { id } }"}, "id": "data.viewer.id"}),
                "POST /graphql HTTP/1.1",
                Some("Bearer a/1"),
                r#"{"query":"{ viewer { id } }"}"#,
            ),
            (
                json!({"url": "/tokens/{access_token}", "auth": "none", "query": {"of": "{client_id}"}, "id": "data.viewer.id"}),
                "GET /tokens/a%2F1?of=client HTTP/1.1",
                None,
                "",
            ),
        ] {
            let stub = Stub::json(200, r#"{"data":{"viewer":{"id":"u1"}}}"#);
            let mut identity = identity;
            identity["url"] = stub.url(identity["url"].as_str().expect("a path")).into();
            let data = json!({"id": "p", "name": "P", "authorize": {"url": "https://p.example/a"}, "token": {"url": "https://p.example/t"}, "identity": identity});
            let provider = Provider::parse_custom(data).expect("a provider");
            let tokens = TokenSet { access_token: Secret::new("a/1"), ..granted("") };
            let credentials = Credentials { client_id: "client", client_secret: None, signer: None };
            let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
            assert_eq!(
                client.account(&provider, credentials, &tokens, Timestamp::UNIX_EPOCH).await.expect("an account").id,
                "u1"
            );
            let asked = stub.only();
            assert_eq!(
                (asked.line.as_str(), asked.header("authorization"), asked.body.as_str()),
                (line, authorization, body)
            );
        }
    }

    #[tokio::test]
    async fn nobody_is_asked_without_the_scope_for_it() {
        let stub = Stub::json(200, r#"{"sub":"1"}"#);
        assert_eq!(ask("linkedin", &stub, "w_member_social").await, Err(AccountError::Unsupported));
        assert!(stub.asked().is_empty());
    }

    #[tokio::test]
    async fn an_answer_that_tells_nothing_is_a_value_and_not_a_panic() {
        for (status, body, expected) in [
            (200, "<html>", AccountError::Unreadable),
            (200, "[]", AccountError::Unreadable),
            (401, r#"{"id":7}"#, AccountError::Unreadable),
            (302, "", AccountError::Unreadable),
            (500, "", AccountError::Passing),
            (429, "", AccountError::Passing),
        ] {
            let stub = Stub::json(status, body);
            assert_eq!(ask("github", &stub, "").await, Err(expected), "{status} {body}");
        }
    }
}
