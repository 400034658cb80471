use serde_json::{Value, json};

use super::*;
use crate::{
    domain::secret::ClientSecret,
    oauth::{
        GrantTokens,
        egress::{Egress, EgressRefusal},
        signer::tests::{signer, verified},
        stub::{Asked, Reply, Stub, json as answer, with_headers},
    },
};

const TOKENS: &str = r#"{"access_token":"a1","token_type":"bearer","expires_in":60,"refresh_token":"r1"}"#;

fn at(stub: &Stub, token: &Value) -> Provider {
    let mut data = json!({"id": "p", "name": "P", "authorize": {"url": stub.url("/authorize")}, "token": token});
    data["token"]["url"] = stub.url("/token").into();
    Provider::parse_custom(data).expect("a provider")
}

fn local() -> ProviderClient {
    ProviderClient::new(Egress::allowing_plain_http_to_loopback())
}

fn scopes(raw: &str) -> Scopes {
    Scopes::parse(raw.split_whitespace()).expect("scopes")
}

async fn exchange(client: &ProviderClient, provider: &Provider) -> Result<TokenSet, TokenError> {
    let secret = Secret::<ClientSecret>::new("s3cret&=");
    let grant = CodeGrant {
        code: &Secret::new("the code"),
        verifier: &Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        redirect_uri: "https://c.example/api/external-auth/callback/con_1",
        requested: &scopes("a b"),
        proof: Proof::OnceRefused,
    };
    let credentials = Credentials { client_id: "client:1", client_secret: Some(&secret), signer: None };
    client.exchange(provider, credentials, grant, Timestamp::UNIX_EPOCH).await
}

async fn refresh(client: &ProviderClient, provider: &Provider) -> Result<TokenSet, TokenError> {
    let secret = Secret::<ClientSecret>::new("s3cret");
    let credentials = Credentials { client_id: "client", client_secret: Some(&secret), signer: None };
    let (refresh_token, access_token, granted) = (Secret::new("r0"), Secret::new("a0"), scopes("a b"));
    // What answers does so in time also where others use the processors; who is silent is waited for as long.
    let deadline = Duration::from_secs(2);
    let request = RefreshRequest {
        refresh_token: Some(&refresh_token),
        access_token: Some(&access_token),
        redirect_uri: "https://c.example/api/external-auth/callback/con_1",
        granted: &granted,
        is_bound: false,
        deadline,
    };
    client.refresh(provider, credentials, request, Timestamp::UNIX_EPOCH).await
}

fn parameters(asked: &Asked) -> Vec<String> {
    let mut names: Vec<String> =
        url::form_urlencoded::parse(asked.body.as_bytes()).map(|(name, _)| name.into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_code_becomes_tokens() {
    let stub = Stub::json(200, TOKENS);
    let tokens = exchange(&local(), &at(&stub, &json!({}))).await.expect("tokens");
    assert_eq!(tokens.access_token.expose(), "a1");
    assert_eq!(tokens.refresh_token.expect("a refresh token").expose(), "r1");
    assert_eq!(tokens.token_type, "Bearer");
    assert_eq!(tokens.expires_at.map(Timestamp::as_second), Some(60));
    assert_eq!(tokens.scopes, scopes("a b"), "RFC 6749, section 5.1: as requested");
}

#[tokio::test]
async fn the_exchange_has_what_the_rfcs_ask_for() {
    let stub = Stub::json(200, TOKENS);
    exchange(&local(), &at(&stub, &json!({}))).await.expect("tokens");
    let asked = stub.only();
    assert_eq!(asked.line, "POST /token HTTP/1.1");
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.header("accept"), Some("application/json"));
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "the code"),
        ("redirect_uri", "https://c.example/api/external-auth/callback/con_1"),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ("client_id", "client:1"),
        ("client_secret", "s3cret&="),
    ] {
        assert_eq!(asked.parameter(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(parameters(&asked).len(), 6);
}

#[tokio::test]
async fn the_client_is_presented_as_the_provider_wants_it() {
    for (auth, authorization, names) in [
        ("post", None, vec!["client_id", "client_secret", "code", "code_verifier", "grant_type", "redirect_uri"]),
        ("none", None, vec!["client_id", "code", "code_verifier", "grant_type", "redirect_uri"]),
        // Id and secret are form-encoded before they are joined (RFC 6749, section 2.3.1): client%3A1:s3cret%26%3D
        (
            "basic",
            Some("Basic Y2xpZW50JTNBMTpzM2NyZXQlMjYlM0Q="),
            vec!["code", "code_verifier", "grant_type", "redirect_uri"],
        ),
    ] {
        let stub = Stub::json(200, TOKENS);
        exchange(&local(), &at(&stub, &json!({"client_auth": auth}))).await.expect("tokens");
        assert_eq!(stub.only().header("authorization"), authorization, "{auth}");
        assert_eq!(parameters(&stub.only()), names, "{auth}");
    }
}

#[tokio::test]
async fn a_body_of_json_has_the_same_parameters() {
    let stub = Stub::json(200, TOKENS);
    let data = json!({"client_auth": "basic", "body": "json", "headers": {"Notion-Version": "1"}, "params": {"x": "y"}, "omit": ["redirect_uri"]});
    exchange(&local(), &at(&stub, &data)).await.expect("tokens");
    let asked = stub.only();
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.header("notion-version"), Some("1"));
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let expected = json!({"grant_type": "authorization_code", "code": "the code", "code_verifier": verifier, "x": "y"});
    assert_eq!(serde_json::from_str::<Value>(&asked.body).expect("JSON"), expected);
}

#[tokio::test]
async fn no_verifier_is_sent_where_pkce_is_forbidden() {
    let stub = Stub::json(200, TOKENS);
    let mut provider = at(&stub, &json!({}));
    provider.authorize.pkce = crate::domain::provider::Pkce::Forbidden;
    exchange(&local(), &provider).await.expect("tokens");
    assert_eq!(stub.only().parameter("code_verifier"), None);
}

#[tokio::test]
async fn a_refresh_without_a_new_refresh_token_says_so() {
    let stub = Stub::json(200, r#"{"access_token":"a2","expires_in":"60","scope":"a c"}"#);
    let tokens = refresh(&local(), &at(&stub, &json!({}))).await.expect("tokens");
    assert!(tokens.refresh_token.is_none());
    assert_eq!(tokens.scopes, scopes("a c"));
    let asked = stub.only();
    assert_eq!(asked.parameter("grant_type").as_deref(), Some("refresh_token"));
    assert_eq!(asked.parameter("refresh_token").as_deref(), Some("r0"));
    assert_eq!(asked.parameter("scope"), None);
}

#[tokio::test]
async fn what_became_of_an_unanswered_refresh_is_told() {
    let closing = Stub::new(|_| Reply::Close);
    let silent = Stub::new(|_| Reply::Silence);
    let garbled = Stub::json(200, "<html>");
    let failing = Stub::json(503, "");
    for (stub, expected) in [
        (&closing, Outcome::Unanswered),
        (&silent, Outcome::Unanswered),
        (&garbled, Outcome::Garbled),
        (&failing, Outcome::Failed),
    ] {
        match refresh(&local(), &at(stub, &json!({}))).await.expect_err("no tokens") {
            TokenError::Passing { outcome, .. } => assert_eq!(outcome, expected),
            error => panic!("{error:?}"),
        }
        assert_eq!(stub.asked().len(), 1, "a refresh is sent once");
    }
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_carries_nothing_away() {
    let sink = Stub::json(200, TOKENS);
    for status in [302, 307] {
        let to = sink.url("/sink");
        let stub = Stub::new(move |_| {
            Reply::Raw(format!("HTTP/1.1 {status} X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"))
        });
        let error = refresh(&local(), &at(&stub, &json!({}))).await.expect_err("no tokens");
        assert!(matches!(error, TokenError::Refused { status: told, .. } if told == status), "{error:?}");
    }
    assert!(sink.asked().is_empty());
}

#[tokio::test]
async fn the_deployed_client_sends_no_secret_to_this_machine() {
    let stub = Stub::json(200, TOKENS);
    let error = refresh(&ProviderClient::default(), &at(&stub, &json!({}))).await.expect_err("no tokens");
    assert!(matches!(error, TokenError::Blocked(EgressRefusal::Scheme)), "{error:?}");
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn an_error_with_status_200_is_an_error() {
    let stub = Stub::new(|_| Reply::Raw(answer(200, r#"{"error":"invalid_grant","error_description":"canary"}"#)));
    let error = exchange(&local(), &at(&stub, &json!({}))).await.expect_err("no tokens");
    assert!(matches!(&error, TokenError::Rejected { error, status: 200 } if error.as_str() == "invalid_grant"));
    assert!(!format!("{error:?} {error}").contains("canary"));
}

#[tokio::test]
async fn tokens_are_not_shown_when_they_are_printed() {
    let stub = Stub::json(200, &TOKENS.replace("a1", "canary-a").replace("r1", "canary-r"));
    let tokens = exchange(&local(), &at(&stub, &json!({}))).await.expect("tokens");
    assert!(!format!("{tokens:?}").contains("canary"));
}

#[test]
fn a_request_can_be_made_on_any_thread() {
    fn is_send<T: Send>(_: &T) {}
    let (client, stub) = (local(), Stub::json(200, TOKENS));
    let (provider, access_token) = (at(&stub, &json!({})), Secret::new("a1"));
    let credentials = Credentials { client_id: "client", client_secret: None, signer: None };
    let tokens = GrantTokens { access_token: Some(&access_token), refresh_token: None };
    is_send(&exchange(&client, &provider));
    is_send(&refresh(&client, &provider));
    is_send(&client.revoke(&provider, credentials, tokens, Timestamp::UNIX_EPOCH));
    is_send(&client.discover_issuer("https://p.example", json!({})));
}

/// Everything that signs, at a provider that wants a nonce in each proof.
#[tokio::test]
async fn a_refresh_that_is_asked_for_a_nonce_is_one_refresh_with_fresh_proofs() {
    let signer = signer();
    let key = signer.public().clone();
    let stub = Stub::new(move |asked: &Asked| {
        let (_, proof) = verified(asked.header("dpop").expect("a proof"), &key);
        Reply::Raw(match proof["nonce"].as_str() {
            Some("n1") => answer(200, &TOKENS.replace("bearer", "DPoP")),
            _ => with_headers(400, "dpop-nonce: n1\r\n", r#"{"error":"use_dpop_nonce"}"#),
        })
    });
    let provider = at(&stub, &json!({"client_auth": "private_key_jwt", "dpop": "required"}));
    let credentials = Credentials { client_id: "client", client_secret: None, signer: Some(&signer) };
    let (refresh_token, granted) = (Secret::new("r0"), scopes("a"));
    let request = RefreshRequest {
        refresh_token: Some(&refresh_token),
        access_token: None,
        redirect_uri: "https://c.example/cb",
        granted: &granted,
        is_bound: false,
        deadline: Duration::from_secs(8),
    };
    let tokens = local().refresh(&provider, credentials, request, Timestamp::UNIX_EPOCH).await.expect("tokens");
    assert_eq!(tokens.token_type, "DPoP");
    let asked = stub.asked();
    assert_eq!(asked.len(), 2);
    let assertions: Vec<_> = asked.iter().map(|asked| asked.parameter("client_assertion").expect("signed")).collect();
    assert_ne!(assertions[0], assertions[1], "servers take no assertion twice");
    for asked in &asked {
        assert_eq!(asked.parameter("refresh_token").as_deref(), Some("r0"));
        assert_eq!((asked.parameter("client_secret"), asked.header("authorization")), (None, None));
    }
}

/// A proof that does not count says nothing about the grant: three of them must not end it.
#[tokio::test]
async fn what_is_wrong_with_a_proof_is_held_against_the_client_and_never_the_grant() {
    let signer = signer();
    for (body, may_pass) in [(r#"{"error":"invalid_dpop_proof"}"#, false), (r#"{"error":"use_dpop_nonce"}"#, true)] {
        let stub = Stub::json(400, body);
        let provider = at(&stub, &json!({"client_auth": "none", "dpop": "required"}));
        let (refresh_token, granted) = (Secret::new("r0"), scopes("a"));
        for signer in [Some(&signer), None] {
            let request = RefreshRequest {
                refresh_token: Some(&refresh_token),
                access_token: None,
                redirect_uri: "https://c.example/cb",
                granted: &granted,
                is_bound: false,
                deadline: Duration::from_secs(8),
            };
            let credentials = Credentials { client_id: "client", client_secret: None, signer };
            let refused = local().refresh(&provider, credentials, request, Timestamp::UNIX_EPOCH).await;
            let error = refused.expect_err("no tokens");
            assert_eq!(error.outcome(), Outcome::Declined, "{body}");
            let is_passing = matches!(error, TokenError::Passing { .. });
            assert_eq!(is_passing, may_pass && signer.is_some(), "{body}");
            assert_eq!(matches!(error, TokenError::ClientRejected { .. }), !is_passing, "{body}");
        }
        assert_eq!(stub.asked().len(), 1, "nothing is sent without a key");
    }
}
