//! Pushed authorization requests (RFC 9126): the request goes to the provider directly, and the browser carries nothing but
//! a reference to it.

use http::{Request, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::{
    Credentials, ProviderClient,
    answer::failure,
    assertion,
    authorize::name_of,
    dpop::{self, Proof, Proving},
    egress::{DEADLINE, EgressRefusal},
    error::{Outcome, TokenError},
    wire::{self, Parameters},
};
use crate::domain::provider::{Body, Provider};

/// How long a reference may be, in bytes: it travels in an address.
const MAX_REFERENCE: usize = 2_048;

impl ProviderClient {
    /// Pushes an authorization request where the provider takes it (`authorize.par_url`), and answers where the browser is
    /// sent instead of `url`. Anywhere else it is sent to `url` itself.
    ///
    /// # Errors
    /// [`TokenError`], by what the caller can do: there is no grant yet that could be lost.
    #[tracing::instrument(skip_all, fields(provider.id = %provider.id))]
    pub async fn push(
        &self,
        provider: &Provider,
        credentials: Credentials<'_>,
        url: Url,
        now: Timestamp,
    ) -> Result<Url, TokenError> {
        let Some(endpoint) = &provider.authorize.par_url else { return Ok(url) };
        let endpoint = self.egress.check(endpoint).map_err(TokenError::Blocked)?;
        let address = own_address(provider)?;
        let own: Vec<_> = address.query_pairs().collect();
        let wanted: Parameters = url.query_pairs().filter(|pair| !own.contains(pair)).map(owned).collect();
        let proving = Proving {
            egress: &self.egress,
            nonces: &self.nonces,
            signer: dpop::signer(provider, credentials, Proof::Without)?,
            access_token: None,
            now,
            deadline: DEADLINE,
        };
        let make = || request(provider, credentials, &endpoint, wanted.clone(), now);
        let answer = proving.send(make).await?;
        let reference = reference(provider, &answer, now)?;
        let mut referring = by_reference(provider, address.clone(), credentials.client_id, &reference);
        referring.set_fragment(url.fragment());
        Ok(referring)
    }
}

fn owned((name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)) -> (String, String) {
    (name.into_owned(), value.into_owned())
}

fn own_address(provider: &Provider) -> Result<Url, TokenError> {
    Url::parse(&provider.authorize.url).map_err(|_| TokenError::Blocked(EgressRefusal::NotAUrl))
}

fn request(
    provider: &Provider,
    credentials: Credentials<'_>,
    endpoint: &Url,
    mut parameters: Parameters,
    now: Timestamp,
) -> Result<Request<Vec<u8>>, TokenError> {
    let request = Request::post(endpoint.as_str()).header(header::ACCEPT, "application/json").body(Vec::new());
    let mut request = request.map_err(|_| TokenError::Blocked(EgressRefusal::NotAUrl))?;
    assertion::present(request.headers_mut(), &mut parameters, provider, credentials, now)?;
    wire::put_parameters(&mut request, parameters, Body::Form);
    Ok(request)
}

/// Reads the answer (section 2.2): `request_uri`, and a status of success.
fn reference(provider: &Provider, answer: &Response<Vec<u8>>, now: Timestamp) -> Result<String, TokenError> {
    let value = wire::json(answer.body()).unwrap_or(Value::Null);
    let reference = value.get("request_uri").and_then(Value::as_str);
    match reference.filter(|text| (1..=MAX_REFERENCE).contains(&text.len())) {
        Some(reference) if answer.status().is_success() => Ok(reference.to_owned()),
        _ if answer.status() == StatusCode::OK => Err(TokenError::passing(Outcome::Garbled, Some(answer.status()))),
        _ => Err(failure(&provider.token.response, answer.status(), answer.headers(), &value, now)),
    }
}

/// The address for the browser (section 4): the reference, and whose it is.
fn by_reference(provider: &Provider, mut address: Url, client_id: &str, reference: &str) -> Url {
    address
        .query_pairs_mut()
        .append_pair(name_of(provider, "client_id"), client_id)
        .append_pair("request_uri", reference);
    address
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        domain::secret::{ClientSecret, Secret},
        oauth::{
            egress::Egress,
            signer::tests::{signer, verified},
            stub::Stub,
        },
    };

    const TAKEN: &str = r#"{"request_uri":"urn:example:1","expires_in":60}"#;

    fn provider(stub: &Stub, token: &Value) -> Provider {
        let mut data = json!({"id": "p", "name": "P", "authorize": {"url": "https://p.example/authorize?tenant=1", "par_url": stub.url("/par")}, "token": token});
        data["token"]["url"] = "https://p.example/token".into();
        Provider::parse_custom(data).expect("a provider")
    }

    async fn push(provider: &Provider, credentials: Credentials<'_>) -> Result<Url, TokenError> {
        let url = "https://p.example/authorize?tenant=1&response_type=code&client_id=client&state=st%26te&scope=a+b";
        let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
        client.push(provider, credentials, url.parse().expect("a URL"), Timestamp::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn the_browser_carries_the_reference_and_nothing_else() {
        let stub = Stub::json(201, TAKEN);
        let secret = Secret::<ClientSecret>::new("s3cret");
        let credentials = Credentials { client_id: "client", client_secret: Some(&secret), signer: None };
        let url = push(&provider(&stub, &json!({"client_auth": "post"})), credentials).await.expect("an address");
        assert_eq!(url.as_str(), "https://p.example/authorize?tenant=1&client_id=client&request_uri=urn%3Aexample%3A1");
        let asked = stub.only();
        assert_eq!(asked.line, "POST /par HTTP/1.1");
        assert_eq!(asked.parameter("state").as_deref(), Some("st&te"));
        assert_eq!(asked.parameter("client_secret").as_deref(), Some("s3cret"));
        assert_eq!(asked.parameter("tenant"), None, "what the endpoint's own address says stays there");
    }

    #[tokio::test]
    async fn the_client_is_presented_as_at_the_token_endpoint() {
        let (secret, signer) = (Secret::<ClientSecret>::new("s3cret"), signer());
        let credentials = Credentials { client_id: "client", client_secret: Some(&secret), signer: Some(&signer) };
        let basic = Stub::json(201, TAKEN);
        push(&provider(&basic, &json!({"client_auth": "basic"})), credentials).await.expect("an address");
        assert_eq!(basic.only().header("authorization"), Some("Basic Y2xpZW50OnMzY3JldA=="));
        assert_eq!(basic.only().parameter("client_secret"), None);
        let own = Stub::json(201, TAKEN);
        let data = json!({"client_auth": "header", "auth_header": "Client {client_secret}"});
        push(&provider(&own, &data), credentials).await.expect("an address");
        assert_eq!(own.only().header("authorization"), Some("Client s3cret"));
        let asserting = Stub::json(201, TAKEN);
        let data = json!({"client_auth": "private_key_jwt", "dpop": "required"});
        push(&provider(&asserting, &data), credentials).await.expect("an address");
        let asked = asserting.only();
        verified(&asked.parameter("client_assertion").expect("an assertion"), signer.public());
        verified(asked.header("dpop").expect("a proof"), signer.public());
        assert_eq!((asked.parameter("client_secret"), asked.header("authorization")), (None, None));
    }

    #[tokio::test]
    async fn what_the_provider_does_not_take_is_an_error_and_no_address() {
        for (status, body, client_is_refused, may_pass) in [
            (401, r#"{"error":"invalid_client"}"#, true, false),
            (400, r#"{"error":"invalid_request"}"#, false, false),
            (503, "", false, true),
            (200, "{}", false, true),
            (201, r#"{"request_uri":""}"#, false, true),
            (302, "", false, false),
        ] {
            let stub = Stub::json(status, body);
            let credentials = Credentials { client_id: "client", client_secret: None, signer: None };
            let error = push(&provider(&stub, &json!({"client_auth": "none"})), credentials).await.expect_err(body);
            assert_eq!(matches!(error, TokenError::ClientRejected { .. }), client_is_refused, "{status} {body}");
            assert_eq!(matches!(error, TokenError::Passing { .. }), may_pass, "{status} {body}");
        }
    }

    #[tokio::test]
    async fn nothing_is_pushed_where_nobody_takes_it() {
        let stub = Stub::json(201, TAKEN);
        let mut provider = provider(&stub, &json!({}));
        provider.authorize.par_url = None;
        let credentials = Credentials { client_id: "client", client_secret: None, signer: None };
        let url = push(&provider, credentials).await.expect("an address");
        assert!(url.query().is_some_and(|query| query.contains("state")));
        assert!(stub.asked().is_empty());
    }
}
