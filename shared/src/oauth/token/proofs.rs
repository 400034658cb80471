//! Codes and refresh tokens at a server that binds tokens if it is asked with a proof (RFC 9449), and may give no others.

use serde_json::json;

use super::*;
use crate::oauth::{
    egress::Egress,
    signer::tests::{signer, verified},
    stub::{Asked, Reply, Stub, json as answer, with_headers},
};

const BEARER: &str = r#"{"access_token":"a1","token_type":"Bearer"}"#;
const BOUND_TOKENS: &str = r#"{"access_token":"a1","refresh_token":"r1","token_type":"DPoP"}"#;
const INVALID_GRANT: &str = r#"{"error":"invalid_grant"}"#;

fn at(stub: &Stub, dpop: &str) -> Provider {
    let token = json!({"url": stub.url("/token"), "client_auth": "none", "dpop": dpop});
    let data = json!({"id": "p", "name": "P", "authorize": {"url": "https://p.example/a"}, "token": token});
    Provider::from_value(&data).expect("a provider")
}

fn client() -> ProviderClient {
    ProviderClient::new(Egress::allowing_plain_http_to_loopback())
}

async fn exchange(stub: &Stub, dpop: &str, signer: Option<&Signer>, proof: Proof) -> Result<TokenSet, TokenError> {
    let (code, verifier) = (Secret::new("c0de"), Secret::new("verifier"));
    let requested = Scopes::default();
    let redirect_uri = "https://c.example/cb";
    let grant = CodeGrant { code: &code, verifier: &verifier, redirect_uri, requested: &requested, proof };
    let credentials = Credentials { client_id: "client", client_secret: None, signer };
    client().exchange(&at(stub, dpop), credentials, grant, Timestamp::UNIX_EPOCH).await
}

async fn refresh(stub: &Stub, signer: &Signer, is_bound: bool) -> Result<TokenSet, TokenError> {
    let (refresh_token, granted) = (Secret::new("r0"), Scopes::default());
    let request = RefreshRequest {
        refresh_token: Some(&refresh_token),
        access_token: None,
        redirect_uri: "https://c.example/cb",
        granted: &granted,
        is_bound,
        deadline: Duration::from_secs(8),
    };
    let credentials = Credentials { client_id: "client", client_secret: None, signer: Some(signer) };
    client().refresh(&at(stub, "when_asked"), credentials, request, Timestamp::UNIX_EPOCH).await
}

/// A server that refuses with this whatever has no proof, and takes whatever has one.
fn demanding(refusal: &'static str) -> Stub {
    Stub::new(move |asked: &Asked| {
        Reply::Raw(match asked.header("dpop") {
            Some(_) => answer(200, BOUND_TOKENS),
            None => with_headers(400, "", refusal),
        })
    })
}

fn proved(stub: &Stub) -> Vec<bool> {
    stub.asked().iter().map(|asked| asked.header("dpop").is_some()).collect()
}

#[tokio::test]
async fn a_code_that_is_refused_without_a_proof_is_shown_once_more_with_one() {
    let signer = signer();
    for refusal in [
        r#"{"error":"invalid_dpop_proof"}"#,
        r#"{"error":"use_dpop_nonce"}"#,
        r#"{"error":"invalid_request"}"#,
        INVALID_GRANT,
    ] {
        let stub = demanding(refusal);
        let tokens = exchange(&stub, "when_asked", Some(&signer), Proof::OnceRefused).await.expect("tokens");
        assert!(tokens.is_bound());
        assert_eq!(proved(&stub), [false, true], "{refusal}");
        assert_eq!(stub.asked()[1].parameter("code").as_deref(), Some("c0de"));
    }
}

#[tokio::test]
async fn tokens_stay_bearer_where_nobody_asks_for_a_proof() {
    let (signer, stub) = (signer(), Stub::json(200, BEARER));
    let tokens = exchange(&stub, "when_asked", Some(&signer), Proof::OnceRefused).await.expect("tokens");
    assert!(!tokens.is_bound());
    assert_eq!(proved(&stub), [false]);
}

#[tokio::test]
async fn a_provider_known_to_want_a_proof_gets_it_at_once() {
    let (signer, stub) = (signer(), demanding(INVALID_GRANT));
    exchange(&stub, "when_asked", Some(&signer), Proof::With).await.expect("tokens");
    assert_eq!(proved(&stub), [true]);
}

#[tokio::test]
async fn no_other_refusal_and_no_other_provider_is_asked_twice() {
    let signer = signer();
    for (status, body, dpop, signer, proof) in [
        (401, r#"{"error":"invalid_client"}"#, "when_asked", Some(&signer), Proof::OnceRefused),
        (500, INVALID_GRANT, "when_asked", Some(&signer), Proof::OnceRefused),
        (200, INVALID_GRANT, "when_asked", Some(&signer), Proof::OnceRefused),
        (400, INVALID_GRANT, "when_asked", Some(&signer), Proof::Without),
        (400, INVALID_GRANT, "when_asked", None, Proof::OnceRefused),
        (400, INVALID_GRANT, "supported", Some(&signer), Proof::OnceRefused),
        (400, INVALID_GRANT, "required", Some(&signer), Proof::OnceRefused),
    ] {
        let stub = Stub::json(status, body);
        exchange(&stub, dpop, signer, proof).await.expect_err("refused");
        assert_eq!(stub.asked().len(), 1, "{status} {body} {dpop} {proof:?}");
    }
}

#[tokio::test]
async fn whatever_comes_of_the_second_try_the_first_refusal_is_told() {
    let signer = signer();
    for second in [with_headers(401, "", r#"{"error":"invalid_client"}"#), with_headers(503, "", ""), answer(200, "{}")]
    {
        let stub = Stub::new(move |asked: &Asked| {
            Reply::Raw(match asked.header("dpop") {
                Some(_) => second.clone(),
                None => with_headers(400, "", INVALID_GRANT),
            })
        });
        let refused = exchange(&stub, "when_asked", Some(&signer), Proof::OnceRefused).await.expect_err("no tokens");
        assert!(matches!(refused, TokenError::Rejected { status: 400, .. }), "{refused:?}");
        assert_eq!(stub.asked().len(), 2);
    }
}

#[tokio::test]
async fn the_nonce_that_comes_with_the_refusal_is_in_the_proof() {
    let signer = signer();
    let key = signer.public().clone();
    let stub = Stub::new(move |asked: &Asked| {
        let nonce = asked.header("dpop").map(|proof| verified(proof, &key).1["nonce"].clone());
        Reply::Raw(match nonce {
            Some(nonce) if nonce == "n1" => answer(200, BOUND_TOKENS),
            _ => with_headers(400, "dpop-nonce: n1\r\n", r#"{"error":"use_dpop_nonce"}"#),
        })
    });
    exchange(&stub, "when_asked", Some(&signer), Proof::OnceRefused).await.expect("tokens");
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn a_refresh_goes_by_what_is_stored_and_is_never_tried_with_a_proof_after_one_without() {
    let signer = signer();
    let stub = demanding(INVALID_GRANT);
    refresh(&stub, &signer, false).await.expect_err("refused");
    assert_eq!(proved(&stub), [false], "a second use of a refresh token may end its grant");
    let stub = demanding(INVALID_GRANT);
    refresh(&stub, &signer, true).await.expect("tokens");
    assert_eq!(proved(&stub), [true]);
}
