use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{provider::ProviderType, secret::ClientSecret},
    oauth::{
        catalogue,
        egress::Egress,
        stub::{Reply, Stub, json as answer},
    },
};

fn at(stub: &Stub, revoke: &Value) -> Provider {
    let mut data = json!({"id": "p", "name": "P", "authorize": {"url": "https://p.example/a"}, "token": {"url": "https://p.example/t"}, "revoke": revoke});
    data["revoke"]["url"] = stub.url("/revoke").into();
    Provider::parse_custom(data).expect("a provider")
}

/// A provider of the catalogue whose revocation endpoint is the stub's.
fn of_catalogue(id: &str, stub: &Stub, path: &str) -> Provider {
    let mut provider = catalogue::find(&ProviderType::parse(id).expect("an id")).expect("in the catalogue").clone();
    provider.revoke.as_mut().expect("a revocation request").url = stub.url(path);
    provider
}

async fn revoke(provider: &Provider) -> Result<Revoked, RevokeError> {
    let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
    let secret = Secret::<ClientSecret>::new("s3cret");
    let credentials = Credentials { client_id: "client/1", client_secret: Some(&secret), signer: None };
    let (access_token, refresh_token) = (Secret::new("a1"), Secret::new("r1"));
    let tokens = GrantTokens { access_token: Some(&access_token), refresh_token: Some(&refresh_token) };
    client.revoke(provider, credentials, tokens, Timestamp::UNIX_EPOCH).await
}

#[tokio::test]
async fn both_tokens_are_revoked_the_refresh_token_first() {
    let stub = Stub::json(200, "");
    assert_eq!(revoke(&at(&stub, &json!({}))).await, Ok(Revoked::Done));
    let asked = stub.asked();
    let tokens: Vec<_> =
        asked.iter().map(|asked| (asked.parameter("token"), asked.parameter("token_type_hint"))).collect();
    let pair = |token: &str, hint: &str| (Some(token.to_owned()), Some(hint.to_owned()));
    assert_eq!(tokens, [pair("r1", "refresh_token"), pair("a1", "access_token")]);
    assert_eq!(asked[0].line, "POST /revoke HTTP/1.1");
    assert_eq!(asked[0].parameter("client_secret").as_deref(), Some("s3cret"));
}

#[tokio::test]
async fn what_the_provider_says_decides() {
    for (status, body, expected) in [
        (200, "", Ok(Revoked::Done)),
        (200, "<html>", Ok(Revoked::Done)),
        (204, "", Ok(Revoked::Done)),
        (200, r#"{"error":null}"#, Ok(Revoked::Done)),
        (200, r#"{"error":"token_not_found_or_so"}"#, Err(RevokeError::Refused { status: 200 })),
        (200, r#"{"error":"invalid_client"}"#, Err(RevokeError::ClientRejected { status: 200 })),
        (200, r#"{"error":"server_error"}"#, Err(RevokeError::Passing { retry_after: None })),
        (400, r#"{"error":"invalid_token"}"#, Ok(Revoked::Done)),
        (400, r#"{"error":"unsupported_token_type"}"#, Ok(Revoked::Unsupported)),
        (400, r#"{"error":"invalid_request"}"#, Err(RevokeError::Refused { status: 400 })),
        (401, r#"{"error":"invalid_client"}"#, Err(RevokeError::ClientRejected { status: 401 })),
        (400, r#"{"error":"invalid_client"}"#, Err(RevokeError::ClientRejected { status: 400 })),
        (401, "", Err(RevokeError::ClientRejected { status: 401 })),
        (404, "", Err(RevokeError::Refused { status: 404 })),
        (302, "", Err(RevokeError::Refused { status: 302 })),
        (500, "", Err(RevokeError::Passing { retry_after: None })),
        (503, "", Err(RevokeError::Passing { retry_after: None })),
        (429, "", Err(RevokeError::Passing { retry_after: None })),
    ] {
        let stub = Stub::json(status, body);
        assert_eq!(revoke(&at(&stub, &json!({}))).await, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn a_server_that_revokes_only_refresh_tokens_has_revoked_the_grant() {
    let stub = Stub::new(|asked| match asked.parameter("token_type_hint").as_deref() {
        Some("refresh_token") => Reply::Raw(answer(200, "")),
        _ => Reply::Raw(answer(400, r#"{"error":"unsupported_token_type"}"#)),
    });
    assert_eq!(revoke(&at(&stub, &json!({}))).await, Ok(Revoked::Done));
}

#[tokio::test]
async fn a_server_that_does_not_answer_can_be_asked_again() {
    let stub = Stub::new(|_| Reply::Close);
    assert_eq!(revoke(&at(&stub, &json!({}))).await, Err(RevokeError::Passing { retry_after: None }));
}

#[tokio::test]
async fn github_is_asked_to_delete_the_token_of_the_app() {
    let stub = Stub::new(|_| Reply::Raw("HTTP/1.1 204 X\r\n\r\n".into()));
    let provider = of_catalogue("github", &stub, "/applications/{client_id}/token");
    assert_eq!(revoke(&provider).await, Ok(Revoked::Done));
    let asked = stub.only();
    assert_eq!(asked.line, "DELETE /applications/client%2F1/token HTTP/1.1");
    assert!(asked.header("authorization").is_some_and(|value| value.starts_with("Basic ")));
    assert_eq!(asked.body, r#"{"access_token":"a1"}"#);
}

#[tokio::test]
async fn slack_is_asked_by_the_token_itself() {
    let stub = Stub::json(200, r#"{"ok":true,"revoked":true}"#);
    assert_eq!(revoke(&of_catalogue("slack", &stub, "/auth.revoke")).await, Ok(Revoked::Done));
    let asked = stub.only();
    assert_eq!(asked.header("authorization"), Some("Bearer a1"));
    assert_eq!(asked.body, "", "neither the token nor the client is in the body");
    for (body, expected) in [
        (r#"{"ok":false,"error":"token_revoked"}"#, Ok(Revoked::Done)),
        (r#"{"ok":false,"error":"ratelimited"}"#, Err(RevokeError::Passing { retry_after: None })),
        (r#"{"ok":false,"error":"fatal_error"}"#, Err(RevokeError::Refused { status: 200 })),
    ] {
        let stub = Stub::json(200, body);
        assert_eq!(revoke(&of_catalogue("slack", &stub, "/auth.revoke")).await, expected, "{body}");
    }
}

#[tokio::test]
async fn the_others_are_asked_once_in_their_own_form() {
    for (id, body) in [
        ("googlecalendar", "token=r1&token_type_hint=refresh_token&client_id=client%2F1&client_secret=s3cret"),
        ("hubspot", "token=r1&token_type_hint=refresh_token&client_id=client%2F1&client_secret=s3cret"),
        ("notion", r#"{"token":"a1"}"#),
    ] {
        let stub = Stub::json(200, "{}");
        assert_eq!(revoke(&of_catalogue(id, &stub, "/revoke")).await, Ok(Revoked::Done), "{id}");
        assert_eq!(stub.only().body, body, "{id}");
    }
}

#[tokio::test]
async fn a_provider_without_revocation_says_so() {
    let linkedin = catalogue::find(&ProviderType::parse("linkedin").expect("an id")).expect("in the catalogue");
    assert_eq!(revoke(linkedin).await, Ok(Revoked::Unsupported));
}

#[tokio::test]
async fn a_grant_is_ended_in_the_form_that_the_provider_wants() {
    for (revoke_table, token, line, authorization, body) in [
        (
            json!({"body": "json", "auth": "post", "names": {"token": "accessToken", "client_id": "clientId", "client_secret": "clientSecret"}, "token": "access_token"}),
            json!({}),
            "POST /revoke HTTP/1.1",
            None,
            r#"{"accessToken":"a1","clientId":"client/1","clientSecret":"s3cret"}"#,
        ),
        (
            json!({"body": "json", "auth": "header", "auth_header": "Client {client_secret}", "token": "access_token", "token_param": "access_token"}),
            json!({}),
            "POST /revoke HTTP/1.1",
            Some("Client s3cret"),
            r#"{"access_token":"a1","client_id":"client/1"}"#,
        ),
        (
            json!({"method": "GET", "auth": "none", "token": "access_token", "params": {"all": "yes"}, "query": {"v": "1"}}),
            json!({}),
            "GET /revoke?token=a1&client_id=client%2F1&all=yes&v=1 HTTP/1.1",
            None,
            "",
        ),
        (
            json!({"auth": "basic", "token": "refresh_token", "send_token": false, "headers": {"X-Token": "{refresh_token}"}, "params": {"client_id": "{client_id}"}}),
            json!({"client_auth": "basic_secret_only"}),
            "POST /revoke HTTP/1.1",
            Some("Basic czNjcmV0Og=="),
            "token_type_hint=refresh_token&client_id=client%2F1",
        ),
    ] {
        let stub = Stub::json(200, "{}");
        let mut provider = at(&stub, &revoke_table);
        if token["client_auth"].is_string() {
            provider.token.client_auth = ClientAuth::BasicSecretOnly;
        }
        assert_eq!(revoke(&provider).await, Ok(Revoked::Done), "{revoke_table}");
        let asked = stub.only();
        assert_eq!((asked.line.as_str(), asked.body.as_str()), (line, body), "{revoke_table}");
        assert_eq!(asked.header("authorization"), authorization, "{revoke_table}");
    }
}

#[tokio::test]
async fn a_token_in_the_url_stays_in_its_place_there() {
    let stub = Stub::json(204, "");
    let mut provider =
        at(&stub, &json!({"method": "DELETE", "auth": "none", "send_token": false, "token": "refresh_token"}));
    provider.revoke.as_mut().expect("a table").url = stub.url("/tokens/{refresh_token}?c={client_id}");
    assert_eq!(revoke(&provider).await, Ok(Revoked::Done));
    assert_eq!(stub.only().line, "DELETE /tokens/r1?c=client%2F1 HTTP/1.1");
}

#[tokio::test]
async fn nobody_is_asked_to_end_a_token_that_is_not_there() {
    let stub = Stub::json(200, "");
    let mut provider = at(&stub, &json!({"token": "refresh_token"}));
    provider.revoke.as_mut().expect("a table").url = stub.url("/tokens/{refresh_token}");
    let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
    let access_token = Secret::new("a1");
    let tokens = GrantTokens { access_token: Some(&access_token), refresh_token: None };
    let credentials = Credentials { client_id: "client", client_secret: None, signer: None };
    let revoked = client.revoke(&provider, credentials, tokens, Timestamp::UNIX_EPOCH).await;
    assert_eq!((revoked, stub.asked().len()), (Ok(Revoked::Unsupported), 0));
}
