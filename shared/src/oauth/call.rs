//! A call to a provider's API with a user's token, for an app that does not get to see it.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::{
    ProviderClient, coding,
    dpop::{self, PROOF},
    egress::{Allowance, FetchError, Fetched},
    mask::mask,
    nonces::wanted_nonce,
    placeholders::Values,
    signer::Signer,
    wire,
};
use crate::domain::{
    provider::{Api, Expired, Provider, TokenIn},
    secret::{AccessToken, Secret},
};

/// How long the answer of an API may be, in bytes. In the form in which binary data is handed on it grows by a third, and a
/// function may answer six megabytes.
pub(super) const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A request to an API, without what proves in whose name it is.
#[derive(Debug, Clone, Copy)]
pub struct ApiRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The address.
    pub url: &'a Url,
    /// The headers that the caller may set, by their names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    /// The body.
    pub body: Option<&'a [u8]>,
}

/// What proves in whose name a request is made.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The client that the token was issued to.
    pub client_id: &'a str,
    /// The token.
    pub access_token: &'a Secret<AccessToken>,
    /// The key that the token is bound to (RFC 9449), if it is.
    pub bound_to: Option<&'a Signer>,
}

impl ProviderClient {
    /// Calls an API. `provider` has all its values. The token is in no part of the answer, whatever the API repeats.
    ///
    /// # Errors
    /// [`FetchError`] if no status came.
    #[tracing::instrument(skip_all, fields(provider.id = %provider.id))]
    pub async fn call(
        &self,
        provider: &Provider,
        request: ApiRequest<'_>,
        presented: Presented<'_>,
        now: Timestamp,
        deadline: Duration,
    ) -> Result<Fetched, FetchError> {
        let began = Instant::now();
        let made = make(provider, request, presented).ok_or(FetchError::NotSent)?;
        let uri = made.uri().clone();
        let known = presented.bound_to.and_then(|_| self.nonces.of(&uri));
        let mut fetched = self.proven(made, presented, known.as_deref(), now, deadline).await?;
        // A server that wants a nonce says so before it does anything (section 9).
        let wanted = presented.bound_to.and_then(|_| wanted_nonce(&fetched.response));
        let left = deadline.saturating_sub(began.elapsed());
        if let (Some(nonce), false) = (wanted, left.is_zero()) {
            let made = make(provider, request, presented).ok_or(FetchError::NotSent)?;
            fetched = self.proven(made, presented, Some(&nonce), now, left).await?;
        }
        coding::undo(&mut fetched, MOST_BYTES);
        mask(&mut fetched.response, presented.access_token.expose());
        Ok(fetched)
    }

    async fn proven(
        &self,
        mut request: Request<Vec<u8>>,
        presented: Presented<'_>,
        nonce: Option<&str>,
        now: Timestamp,
        deadline: Duration,
    ) -> Result<Fetched, FetchError> {
        let uri = request.uri().clone();
        if let Some(signer) = presented.bound_to {
            let token = presented.access_token.expose();
            let proof = dpop::proof(signer, request.method().as_str(), &uri, Some(token), nonce, now);
            let proof = proof.ok().and_then(|proof| HeaderValue::try_from(proof).ok()).ok_or(FetchError::NotSent)?;
            request.headers_mut().insert(PROOF, proof);
        }
        let fetched = self.egress.fetch(request, Allowance { deadline, most_bytes: MOST_BYTES }).await?;
        if presented.bound_to.is_some() {
            self.nonces.learn(&uri, &fetched.response);
        }
        Ok(fetched)
    }
}

/// Whether an answer says that the token has expired: 401 (RFC 6750, section 3.1), or what the provider says instead.
#[must_use]
pub fn says_expired(api: &Api, status: StatusCode, body: &[u8]) -> bool {
    let told = |of: &Expired| match &of.body {
        _ if of.status != status.as_u16() => false,
        None => true,
        Some(success) => wire::json(body).is_some_and(|answer| success.holds(&answer)),
    };
    status == StatusCode::UNAUTHORIZED || api.expired.iter().any(told)
}

/// The request with what the API asks for, what the caller may say, and last, so that nothing takes its place, the token.
fn make(provider: &Provider, request: ApiRequest<'_>, presented: Presented<'_>) -> Option<Request<Vec<u8>>> {
    let mut made = Request::new(request.body.map(<[u8]>::to_vec).unwrap_or_default());
    *made.method_mut() = Method::from_bytes(request.method.as_bytes()).ok()?;
    *made.uri_mut() = request.url.as_str().parse().ok()?;
    let values = Values { client_id: Some(presented.client_id), ..Values::default() };
    wire::put_headers(made.headers_mut(), &provider.api.headers, &values);
    for (name, value) in request.headers {
        made.headers_mut().insert(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    // Some servers refuse a request that is to change something and does not say that it has no body (RFC 9110, section 8.6).
    if matches!(*made.method(), Method::POST | Method::PUT | Method::PATCH) && made.body().is_empty() {
        made.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    // Whoever says nothing of it takes any coding (RFC 9110, section 12.5.3).
    made.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    made.headers_mut().entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json, */*;q=0.5"));
    let token = presented.access_token.expose();
    if presented.bound_to.is_some() {
        made.headers_mut().insert(header::AUTHORIZATION, dpop::authorization(token)?);
    } else {
        wire::present(&mut made, provider, token);
    }
    (presented.bound_to.is_some() || is_presented(&made, provider)).then_some(made)
}

/// Whether the token stands where the API takes it: one that no header can carry was left out, and without it somebody else's
/// answer would be taken for the user's.
fn is_presented(made: &Request<Vec<u8>>, provider: &Provider) -> bool {
    match &provider.api.token_in {
        None => made.headers().contains_key(header::AUTHORIZATION),
        Some(TokenIn::Header { header, .. }) => made.headers().contains_key(header.as_str()),
        Some(TokenIn::Query { .. }) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::{
        egress::{Egress, Ending},
        signer::tests::{signer, verified},
        stub::{Asked, Reply, Stub, with_headers},
    };

    const TOKEN: &str = "at/secret+token=";

    fn provider(api: &Value) -> Provider {
        let value = json!({
            "id": "p", "name": "P", "authorize": {"url": "https://p.example/a"}, "token": {"url": "https://p.example/t"}, "api": api,
        });
        Provider::from_value(&value).expect("a provider")
    }

    async fn call(stub: &Stub, provider: &Provider, signer: Option<&Signer>) -> Fetched {
        let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
        let url = Url::parse(&stub.url("/v1/x?a=b")).expect("a URL");
        let headers = BTreeMap::from([("accept".to_owned(), "text/plain".to_owned())]);
        let request = ApiRequest { method: "PATCH", url: &url, headers: &headers, body: Some(b"{}") };
        let token = Secret::new(TOKEN);
        let presented = Presented { client_id: "c1", access_token: &token, bound_to: signer };
        let called = client.call(provider, request, presented, Timestamp::UNIX_EPOCH, Duration::from_secs(5)).await;
        called.expect("an answer")
    }

    #[tokio::test]
    async fn the_token_is_shown_where_the_api_takes_it() {
        for (api, line, name, value) in [
            (json!({}), "PATCH /v1/x?a=b HTTP/1.1", "authorization", format!("Bearer {TOKEN}")),
            (json!({"token_in": {"header": "X-Token"}}), "PATCH /v1/x?a=b HTTP/1.1", "x-token", TOKEN.to_owned()),
            (
                json!({"token_in": {"query": "token"}}),
                "PATCH /v1/x?a=b&token=at%2Fsecret%2Btoken%3D HTTP/1.1",
                "accept",
                "text/plain".to_owned(),
            ),
            (
                json!({"headers": {"X-Version": "{client_id}/2"}}),
                "PATCH /v1/x?a=b HTTP/1.1",
                "x-version",
                "c1/2".to_owned(),
            ),
        ] {
            let stub = Stub::json(200, "{}");
            call(&stub, &provider(&api), None).await;
            let asked = stub.only();
            assert_eq!((asked.line.as_str(), asked.header(name)), (line, Some(value.as_str())), "{api}");
            assert_eq!(asked.body, "{}");
        }
    }

    #[tokio::test]
    async fn a_bound_token_comes_with_a_proof_for_this_request_and_with_the_nonce_that_is_wanted() {
        let signer = signer();
        let key = signer.public().clone();
        let stub = Stub::new(move |asked: &Asked| {
            let (_, claims) = verified(asked.header("dpop").expect("a proof"), &key);
            Reply::Raw(match claims["nonce"].as_str() {
                Some("n1") => with_headers(200, "", "{}"),
                _ => with_headers(401, "dpop-nonce: n1\r\nwww-authenticate: DPoP error=\"use_dpop_nonce\"\r\n", ""),
            })
        });
        let fetched = call(&stub, &provider(&json!({})), Some(&signer)).await;
        assert_eq!((fetched.response.status(), fetched.ending), (StatusCode::OK, Ending::Whole));
        let asked = stub.asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[1].header("authorization"), Some(format!("DPoP {TOKEN}").as_str()));
        let (_, claims) = verified(asked[1].header("dpop").expect("a proof"), signer.public());
        assert_eq!((claims["htm"].as_str(), claims["htu"].as_str()), (Some("PATCH"), Some(stub.url("/v1/x").as_str())));
        assert!(claims["ath"].is_string());
    }

    #[tokio::test]
    async fn an_answer_that_repeats_the_token_is_handed_on_without_it() {
        let repeated = format!(
            r#"{{"next":"https://p.example/x?token=at%2Fsecret%2Btoken%3D","seen":"Bearer {TOKEN}","begins":"at/secret","{TOKEN}":1}}"#
        );
        let headers = format!("link: <https://p.example/?token={TOKEN}>\r\netag: \"1\"\r\n");
        let stub = Stub::new(move |_| Reply::Raw(with_headers(200, &headers, &repeated)));
        let Fetched { response, .. } = call(&stub, &provider(&json!({})), None).await;
        let stars = "*".repeat(TOKEN.len());
        let expected = json!({
            "next": format!("https://p.example/x?token={}", "*".repeat(22)), "seen": format!("Bearer {stars}"),
            "begins": "at/secret", stars: 1,
        });
        assert_eq!(serde_json::from_slice::<Value>(response.body()).expect("JSON"), expected);
        assert_eq!((response.headers().get("link"), response.headers().contains_key("etag")), (None, true));
    }

    #[tokio::test]
    async fn a_token_that_no_header_can_carry_sends_nothing() {
        for api in [json!({}), json!({"token_in": {"header": "X-Token"}})] {
            let stub = Stub::json(200, "{}");
            let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
            let (url, token) = (Url::parse(&stub.url("/x")).expect("a URL"), Secret::new("a\nb"));
            let request = ApiRequest { method: "GET", url: &url, headers: &BTreeMap::new(), body: None };
            let presented = Presented { client_id: "c1", access_token: &token, bound_to: None };
            let now = Timestamp::UNIX_EPOCH;
            let called = client.call(&provider(&api), request, presented, now, Duration::from_secs(5)).await;
            assert_eq!((called.err(), stub.asked().len()), (Some(FetchError::NotSent), 0), "{api}");
        }
    }

    #[test]
    fn what_means_that_a_token_has_expired_is_in_the_data() {
        let usual = provider(&json!({})).api;
        let own = json!({"expired": [{"status": 403}, {"status": 200, "body": {"path": "code", "equals": 190}}]});
        let own = provider(&own).api;
        for (status, body, of_usual, of_own) in [
            (401, "", true, true),
            (403, "{}", false, true),
            (200, r#"{"code":190}"#, false, true),
            (200, r#"{"code":1}"#, false, false),
            (500, "", false, false),
        ] {
            let status = StatusCode::from_u16(status).expect("a status");
            let told = (says_expired(&usual, status, body.as_bytes()), says_expired(&own, status, body.as_bytes()));
            assert_eq!(told, (of_usual, of_own), "{status} {body}");
        }
    }
}
