//! Token requests in the forms of odd providers, as a server sees them.

use serde_json::{Value, json};

use super::*;
use crate::{
    domain::secret::ClientSecret,
    oauth::{
        egress::Egress,
        stub::{Asked, Reply, Stub, json as answer},
    },
};

const TOKENS: &str = r#"{"access_token":"a1","refresh_token":"r1","expires_in":60}"#;
const REDIRECT_URI: &str = "https://c.example/callback/con_1";

/// A provider of these tables, all of whose URLs are the stub's.
fn at(stub: &Stub, tables: &Value) -> Provider {
    let mut data = json!({"id": "p", "name": "P", "authorize": {}, "token": {}});
    for (name, table) in tables.as_object().expect("tables") {
        data[name] = table.clone();
    }
    data["authorize"]["url"] = stub.url("/authorize").into();
    data["token"]["url"] = stub.url("/token").into();
    let steps = data.get_mut("exchange").and_then(Value::as_array_mut);
    for (index, step) in steps.into_iter().flatten().enumerate() {
        step["url"] = stub.url(&format!("/swap/{index}")).into();
    }
    if let Some(url) = data.pointer_mut("/refresh/url") {
        *url = stub.url(url.as_str().expect("a path")).into();
    }
    Provider::parse_custom(data).expect("a provider")
}

fn client() -> ProviderClient {
    ProviderClient::new(Egress::allowing_plain_http_to_loopback())
}

fn scopes() -> Scopes {
    Scopes::parse(["a", "b"]).expect("scopes")
}

async fn exchange(provider: &Provider) -> Result<TokenSet, TokenError> {
    let secret = Secret::<ClientSecret>::new("s3cret");
    let (code, verifier) = (Secret::new("c0de"), Secret::new("verifier"));
    let grant = CodeGrant {
        code: &code,
        verifier: &verifier,
        redirect_uri: REDIRECT_URI,
        requested: &scopes(),
        proof: Proof::OnceRefused,
    };
    let credentials = Credentials { client_id: "client", client_secret: Some(&secret), signer: None };
    let tokens = client().exchange(provider, credentials, grant, Timestamp::UNIX_EPOCH).await?;
    let swapped = client().swap(provider, credentials, &tokens, DEADLINE, Timestamp::UNIX_EPOCH).await?;
    Ok(swapped.unwrap_or(tokens))
}

async fn refresh(provider: &Provider) -> Result<TokenSet, TokenError> {
    let secret = Secret::<ClientSecret>::new("s3cret");
    let (refresh_token, access_token) = (Secret::new("r0"), Secret::new("a0"));
    let by_itself = provider.refresh.grant == RefreshGrant::AccessToken;
    let request = RefreshRequest {
        refresh_token: (!by_itself).then_some(&refresh_token),
        access_token: provider.shows_access_token().then_some(&access_token),
        redirect_uri: REDIRECT_URI,
        granted: &scopes(),
        is_bound: false,
        deadline: DEADLINE,
    };
    let credentials = Credentials { client_id: "client", client_secret: Some(&secret), signer: None };
    client().refresh(provider, credentials, request, Timestamp::UNIX_EPOCH).await
}

/// Everything that a request says: its line without the version, its proof, and its body with the parameters in order.
fn said(asked: &Asked) -> String {
    let line = asked.line.trim_end_matches(" HTTP/1.1");
    let proof = asked.header("authorization").map(|proof| format!(" [{proof}]")).unwrap_or_default();
    let mut parameters: Vec<&str> = asked.body.split('&').filter(|pair| !pair.is_empty()).collect();
    parameters.sort_unstable();
    format!("{line}{proof} {}", parameters.join("&")).trim_end().to_owned()
}

#[tokio::test]
async fn a_code_is_exchanged_in_the_form_that_the_provider_wants() {
    for (tables, expected) in [
        (
            json!({"token": {"method": "GET", "query": {"v": "2"}}}),
            "GET /token?grant_type=authorization_code&code=c0de&code_verifier=verifier&client_id=client&client_secret=s3cret&redirect_uri=https%3A%2F%2Fc.example%2Fcallback%2Fcon_1&v=2",
        ),
        (
            json!({"authorize": {"pkce": "forbidden"}, "token": {"body": "query", "omit": ["redirect_uri"]}}),
            "POST /token?grant_type=authorization_code&code=c0de&client_id=client&client_secret=s3cret",
        ),
        (
            json!({"names": {"client_id": "client_key"}, "token": {"omit": ["redirect_uri", "grant_type"], "names": {"code": "auth_code", "client_secret": "secret"}}}),
            "POST /token auth_code=c0de&client_key=client&code_verifier=verifier&secret=s3cret",
        ),
        (
            json!({"names": {"client_id": "client_key"}, "token": {"omit": ["redirect_uri"], "names": {"client_id": "app_id"}, "params": {"grant_type": "auth"}}}),
            "POST /token app_id=client&client_secret=s3cret&code=c0de&code_verifier=verifier&grant_type=auth",
        ),
        (
            json!({"token": {"client_auth": "basic_secret_only", "omit": ["redirect_uri"]}}),
            "POST /token [Basic czNjcmV0Og==] code=c0de&code_verifier=verifier&grant_type=authorization_code",
        ),
        (
            json!({"token": {"client_auth": "header", "auth_header": "Client {client_secret}", "omit": ["redirect_uri"]}}),
            "POST /token [Client s3cret] client_id=client&code=c0de&code_verifier=verifier&grant_type=authorization_code",
        ),
        (
            json!({"token": {"client_auth": "header", "auth_header": "Key {client_id}:{client_secret}", "omit": ["redirect_uri"]}}),
            "POST /token [Key client:s3cret] code=c0de&code_verifier=verifier&grant_type=authorization_code",
        ),
        (
            json!({"token": {"client_auth": "none", "omit": ["redirect_uri", "client_id"], "derive": {"proof": {"fn": "base64", "over": "{client_id}:{client_secret}:{code}"}, "at": {"fn": "now_s"}}}}),
            "POST /token at=0&code=c0de&code_verifier=verifier&grant_type=authorization_code&proof=Y2xpZW50OnMzY3JldDpjMGRl",
        ),
    ] {
        let stub = Stub::json(200, TOKENS);
        exchange(&at(&stub, &tables)).await.expect("tokens");
        assert_eq!(said(&stub.only()), expected, "{tables}");
    }
}

#[tokio::test]
async fn a_header_may_name_the_client() {
    let stub = Stub::json(200, TOKENS);
    let tables = json!({"token": {"headers": {"X-Client": "{client_id}", "X-Secretless": "{access_token}"}}});
    exchange(&at(&stub, &tables)).await.expect("tokens");
    let asked = stub.only();
    assert_eq!((asked.header("x-client"), asked.header("x-secretless")), (Some("client"), None));
}

#[tokio::test]
async fn a_grant_is_refreshed_in_the_form_that_the_provider_wants() {
    for (tables, expected) in [
        (json!({}), "POST /token client_id=client&client_secret=s3cret&grant_type=refresh_token&refresh_token=r0"),
        (
            json!({"token": {"params": {"grant_type": "code", "expiring": "1"}, "names": {"client_id": "key"}}, "refresh": {"url": "/refresh", "names": {"refresh_token": "rt"}}}),
            "POST /refresh client_secret=s3cret&expiring=1&grant_type=refresh_token&key=client&rt=r0",
        ),
        (
            json!({"token": {"client_auth": "basic", "body": "json"}, "refresh": {"client_auth": "none", "body": "form", "send_scope": true, "omit": ["client_id"]}}),
            "POST /token grant_type=refresh_token&refresh_token=r0&scope=a+b",
        ),
        (
            json!({"refresh": {"params": {"redirect_uri": "{redirect_uri}", "for": "{scopes}", "old": "{access_token}"}, "client_auth": "none"}}),
            "POST /token client_id=client&for=a+b&grant_type=refresh_token&old=a0&redirect_uri=https%3A%2F%2Fc.example%2Fcallback%2Fcon_1&refresh_token=r0",
        ),
        (
            json!({"refresh": {"grant": "access_token", "url": "/again", "method": "GET", "client_auth": "none", "params": {"grant_type": "ig_refresh_token", "access_token": "{access_token}"}, "omit": ["client_id"]}}),
            "GET /again?access_token=a0&grant_type=ig_refresh_token",
        ),
        (
            json!({"token": {"client_auth": "header", "auth_header": "Client {client_secret}"}}),
            "POST /token [Client s3cret] client_id=client&grant_type=refresh_token&refresh_token=r0",
        ),
        (
            json!({"refresh": {"client_auth": "header", "auth_header": "Again {client_secret}", "omit": ["client_id"]}}),
            "POST /token [Again s3cret] grant_type=refresh_token&refresh_token=r0",
        ),
        (
            json!({"refresh": {"grant": "access_token", "names": {"refresh_token": "token"}}}),
            "POST /token client_id=client&client_secret=s3cret&grant_type=refresh_token&token=a0",
        ),
    ] {
        let stub = Stub::json(200, TOKENS);
        refresh(&at(&stub, &tables)).await.expect("tokens");
        assert_eq!(said(&stub.only()), expected, "{tables}");
    }
}

#[tokio::test]
async fn a_token_that_lives_on_need_not_be_told_again() {
    let extending = json!({"refresh": {"grant": "access_token", "extends": true, "ttl_seconds": 600}});
    let mut marked = extending.clone();
    marked["token"] = json!({"response": {"success": {"path": "ok", "equals": true}}});
    for (tables, status, body, expected) in [
        (&extending, 200, "{}", Ok(("a0", Some(600)))),
        (&extending, 204, "", Ok(("a0", Some(600)))),
        (&extending, 200, r#"{"expires_in":90}"#, Ok(("a0", Some(90)))),
        (&extending, 200, r#"{"access_token":"a2"}"#, Ok(("a2", Some(600)))),
        (&extending, 200, r#"{"error":"invalid_grant"}"#, Err("Declined")),
        (&extending, 200, "<html>", Err("Garbled")),
        (&extending, 401, "{}", Err("Declined")),
        (&marked, 200, r#"{"ok":true}"#, Ok(("a0", Some(600)))),
        (&marked, 200, r#"{"ok":false}"#, Err("Declined")),
        (&marked, 200, "", Err("Garbled")),
        (&json!({"refresh": {"grant": "access_token"}}), 200, "{}", Err("Garbled")),
    ] {
        let raw = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let stub = Stub::new(move |_| Reply::Raw(raw.clone()));
        let told = refresh(&at(&stub, tables)).await;
        let told =
            told.as_ref().map(|tokens| (tokens.access_token.expose(), tokens.expires_at.map(Timestamp::as_second)));
        assert_eq!(
            told.map_err(|error| format!("{:?}", error.outcome())),
            expected.map_err(str::to_owned),
            "{status} {body}"
        );
    }
}

/// A server that answers the code with `first`, and each step with what `steps` says for it.
fn swapping(first: &'static str, steps: [&'static str; 2]) -> Stub {
    Stub::new(move |asked| {
        let path = asked.line.split([' ', '?']).nth(1).unwrap_or_default();
        Reply::Raw(match path {
            "/token" => answer(200, first),
            "/swap/0" => answer(200, steps[0]),
            _ => answer(200, steps[1]),
        })
    })
}

#[tokio::test]
async fn a_short_lived_token_is_swapped_step_by_step() {
    let stub = swapping(
        r#"{"access_token":"short","refresh_token":"r1","expires_in":60,"scope":"a","open_id":"o1","user":{"id":7}}"#,
        [r#"{"data":{"token":"longer","ends":900}}"#, r#"{"access_token":"longest","site":"s1"}"#],
    );
    let provider = at(
        &stub,
        &json!({
            "token": {"response": {"keep": {"open_id": "open_id"}}},
            "identity": {"from": "token_answer", "id": "user.id"},
            "exchange": [
                {
                    "method": "GET",
                    "params": {"grant_type": "swap", "client_secret": "{client_secret}", "access_token": "{access_token}"},
                    "response": {"fields": {"access_token": "data.token"}, "expiry": {"at": {"path": "data.ends", "format": "epoch_s"}}},
                },
                {"client_auth": "basic", "params": {"token": "{access_token}"}, "response": {"keep": {"site": "site"}}},
            ],
        }),
    );
    let tokens = exchange(&provider).await.expect("tokens");
    assert_eq!(tokens.access_token.expose(), "longest");
    assert_eq!(tokens.expires_at, None, "what the last answer says counts");
    assert_eq!(tokens.refresh_token.expect("it stays").expose(), "r1");
    assert_eq!(tokens.scopes.to_string(), "a");
    assert_eq!(tokens.id_claims.expect("an account").id, "7");
    let kept: Vec<(&str, &str)> = tokens.kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(kept, [("open_id", "o1"), ("site", "s1")]);
    let asked: Vec<String> = stub.asked().iter().skip(1).map(said).collect();
    assert_eq!(
        asked,
        [
            "GET /swap/0?access_token=short&client_secret=s3cret&grant_type=swap",
            "POST /swap/1 [Basic Y2xpZW50OnMzY3JldA==] token=longer",
        ]
    );
}

#[tokio::test]
async fn a_step_that_fails_says_why_and_ends_the_chain() {
    let stub = swapping(TOKENS, [r#"{"error":"invalid_client"}"#, TOKENS]);
    let provider =
        at(&stub, &json!({"exchange": [{"params": {"t": "{access_token}"}}, {"params": {"t": "{access_token}"}}]}));
    let error = exchange(&provider).await.expect_err("no tokens");
    assert!(matches!(error, TokenError::ClientRejected { .. }), "{error:?}");
    assert_eq!(stub.asked().len(), 2);
}

#[tokio::test]
async fn what_an_answer_tells_beside_the_tokens_is_kept() {
    let body = r#"{"access_token":"a1","instance_url":"https://x.example","id":7,"admin":true,"none":null,"list":[1],"bad":"a\u0000b"}"#;
    let keep = json!({"url": "instance_url", "id": "id", "admin": "admin", "none": "none", "list": "list", "bad": "bad", "gone": "gone"});
    let stub = Stub::json(200, body);
    let tokens = exchange(&at(&stub, &json!({"token": {"response": {"keep": keep}}}))).await.expect("tokens");
    let kept: Vec<String> = tokens.kept.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(kept, ["admin=true", "id=7", "url=https://x.example"]);
}

#[tokio::test]
async fn a_failure_that_the_body_alone_tells_is_no_lost_answer() {
    let response = json!({"success": {"path": "code", "equals": 0}, "error": {"code": "code", "invalid_grant": ["40105"]}, "fields": {"access_token": "data.token"}});
    for (body, expected) in [
        (r#"{"code":0,"data":{"token":"a1"}}"#, "tokens"),
        (r#"{"code":40105,"message":"canary"}"#, "rejected"),
        (r#"{"code":50000,"message":"canary"}"#, "refused"),
        (r#"{"message":"canary"}"#, "unknown"),
    ] {
        let stub = Stub::json(200, body);
        let told = match refresh(&at(&stub, &json!({"token": {"response": response}}))).await {
            Ok(_) => "tokens",
            Err(error) if format!("{error} {error:?}").contains("canary") => "leaked",
            Err(TokenError::Rejected { .. }) => "rejected",
            Err(TokenError::Refused { .. }) => "refused",
            Err(_) => "unknown",
        };
        assert_eq!(told, expected, "{body}");
    }
}
