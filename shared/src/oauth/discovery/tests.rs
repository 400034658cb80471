use std::sync::OnceLock;

use serde_json::json;

use super::*;
use crate::{
    domain::provider::{ClientAuth, Pkce},
    oauth::{
        egress::Egress,
        stub::{Reply, Stub, json as answer},
    },
};

fn local() -> ProviderClient {
    ProviderClient::new(Egress::allowing_plain_http_to_loopback())
}

/// An issuer whose metadata is at `place`, below the stub's own URL, with `more` in it.
fn issuer(place: &'static str, path: &'static str, more: Value) -> (Stub, String) {
    let base = std::sync::Arc::new(OnceLock::<String>::new());
    let known = std::sync::Arc::clone(&base);
    let stub = Stub::new(move |asked| {
        let base = known.get().expect("set before the first request");
        if asked.line != format!("GET {place} HTTP/1.1") {
            return Reply::Raw(answer(404, "{}"));
        }
        let mut metadata = json!({
            "issuer": format!("{base}{path}"), "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/jwks"),
            "response_types_supported": ["code"], "an_extension": {"a": 1},
        });
        for (name, value) in more.as_object().expect("an object") {
            metadata[name] = value.clone();
        }
        Reply::Raw(answer(200, &metadata.to_string()))
    });
    base.set(stub.url("")).expect("set once");
    let issuer = stub.url(path);
    (stub, issuer)
}

fn body() -> Value {
    json!({"id": "mine", "name": "Mine"})
}

#[tokio::test]
async fn an_issuer_is_found_at_both_places() {
    for (place, path) in [
        ("/.well-known/openid-configuration", ""),
        ("/tenant/.well-known/openid-configuration", "/tenant"),
        ("/tenant/.well-known/openid-configuration", "/tenant/"),
        ("/.well-known/oauth-authorization-server", ""),
        ("/.well-known/oauth-authorization-server/tenant", "/tenant"),
    ] {
        let (stub, issuer) = issuer(place, path, json!({}));
        let provider =
            local().discover_issuer(&issuer, body()).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(provider.token.url, stub.url("/token"), "{place}");
        assert_eq!(provider.oidc.expect("an issuer").issuer, issuer, "{place}");
    }
}

#[tokio::test]
async fn what_the_metadata_says_is_kept_to() {
    let (stub, issuer) = issuer(
        "/.well-known/openid-configuration",
        "",
        json!({
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": true,
            "scopes_supported": ["openid"],
        }),
    );
    let said = json!({"id": "mine", "name": "Mine", "authorize": {"params": {"prompt": "consent"}}});
    let provider = local().discover_issuer(&issuer, said).await.expect("a provider");
    assert_eq!((provider.token.client_auth, provider.authorize.pkce), (ClientAuth::Post, Pkce::Supported));
    assert!(provider.oidc.expect("an issuer").iss_parameter_supported);
    assert_eq!(provider.authorize.params["prompt"], "consent");
    assert_eq!(provider.authorize.url, stub.url("/authorize"));
    assert_eq!(provider.revoke, None);
}

#[tokio::test]
async fn left_out_client_authentication_is_basic() {
    let (_stub, issuer) = issuer("/.well-known/openid-configuration", "", json!({}));
    let provider = local().discover_issuer(&issuer, body()).await.expect("a provider");
    assert_eq!(provider.token.client_auth, ClientAuth::Basic);
}

#[tokio::test]
async fn an_issuer_cannot_speak_for_another() {
    for other in ["https://other.example", "", "http://127.0.0.1:1/"] {
        let (_stub, issuer) = issuer("/.well-known/openid-configuration", "", json!({"issuer": other}));
        assert_eq!(local().discover_issuer(&issuer, body()).await, Err(DiscoveryError::IssuerMismatch), "{other}");
    }
    let (_stub, exact) = issuer("/.well-known/openid-configuration", "", json!({}));
    let result = local().discover_issuer(&format!("{exact}/"), body()).await;
    assert_eq!(result, Err(DiscoveryError::IssuerMismatch), "byte for byte");
}

#[tokio::test]
async fn metadata_cannot_lead_to_an_internal_address() {
    for endpoint in ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint"] {
        let (_stub, issuer) =
            issuer("/.well-known/openid-configuration", "", json!({ endpoint: "https://169.254.169.254/x" }));
        let result = local().discover_issuer(&issuer, body()).await;
        assert!(
            matches!(&result, Err(DiscoveryError::Unusable(errors)) if errors.len() == 1),
            "{endpoint}: {result:?}"
        );
    }
    let (_stub, issuer) =
        issuer("/.well-known/openid-configuration", "", json!({"jwks_uri": "https://169.254.169.254/x"}));
    assert_eq!(local().jwks_uri(&issuer).await, Err(DiscoveryError::Blocked(EgressRefusal::Host)));
}

#[tokio::test]
async fn an_issuer_that_cannot_be_used_is_told_apart() {
    let nothing = Stub::json(404, "");
    let broken = Stub::json(200, "<html>");
    let failing = Stub::json(503, "{}");
    let moved = Stub::new(|_| Reply::Raw("HTTP/1.1 302 X\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n".into()));
    for (stub, expected) in [
        (nothing, DiscoveryError::NotFound),
        (broken, DiscoveryError::NotFound),
        (moved, DiscoveryError::NotFound),
        (failing, DiscoveryError::Passing),
    ] {
        assert_eq!(local().discover_issuer(&stub.url(""), body()).await, Err(expected));
    }
    for (issuer, refusal) in [
        ("http://provider.example", EgressRefusal::Scheme),
        ("https://10.0.0.5", EgressRefusal::Host),
        ("nonsense", EgressRefusal::NotAUrl),
    ] {
        assert_eq!(local().discover_issuer(issuer, body()).await, Err(DiscoveryError::Blocked(refusal)), "{issuer}");
    }
}

#[tokio::test]
async fn keys_are_fetched_as_they_are_published() {
    let stub = Stub::json(200, r#"{"keys":[]}"#);
    assert_eq!(local().jwks(&stub.url("/jwks")).await, Ok(br#"{"keys":[]}"#.to_vec()));
    let broken = Stub::json(200, "[]");
    assert_eq!(local().jwks(&broken.url("/jwks")).await, Err(DiscoveryError::NotFound));
}
