use serde_json::json;

use super::*;
use crate::oauth::{egress::Egress, stub::Stub};

async fn discover(stub: &Stub, step: &Value) -> Result<BTreeMap<String, String>, TokenError> {
    let mut data = json!({
        "id": "p", "name": "P", "authorize": {"url": "https://p.example/a"}, "token": {"url": "https://p.example/t"},
        "discover": [step],
    });
    data["discover"][0]["url"] = stub.url("/sites").into();
    let provider = Provider::parse_custom(data).expect("a provider");
    let client = ProviderClient::new(Egress::allowing_plain_http_to_loopback());
    let credentials = Credentials { client_id: "client", client_secret: None, signer: None };
    client.discover(&provider, &provider.discover[0], credentials, &Secret::new("a1"), Duration::from_secs(5)).await
}

/// What an answer tells, as `name=value` pairs, or the word for why it tells nothing.
async fn told(step: &Value, status: u16, answer: &str) -> String {
    match discover(&Stub::json(status, answer), step).await {
        Ok(fields) => fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "),
        Err(TokenError::Refused { error, .. }) => error.to_string(),
        Err(TokenError::Passing { outcome, .. }) => format!("{outcome:?}"),
        Err(error) => format!("{error}"),
    }
}

#[tokio::test]
async fn the_fields_of_the_entry_that_counts_are_told() {
    let plain = json!({"into": {"dc": "dc", "api": "urls.api"}});
    let only = json!({"list": "accounts", "choose": "only", "into": {"id": "id"}});
    let default = json!({"list": "accounts", "match": {"is_default": true}, "into": {"id": "id"}});
    let several = r#"{"accounts":[{"id":1},{"id":2,"is_default":true},{"id":3,"is_default":true}]}"#;
    for (step, answer, expected) in [
        (&plain, r#"{"dc":"us1","urls":{"api":"https://us1.p.example"},"x":1}"#, "api=https://us1.p.example dc=us1"),
        (&plain, r#"{"dc":7,"urls":null}"#, "dc=7"),
        (&plain, r#"[{"dc":"a"},{"dc":"b"}]"#, "dc=a"),
        (&plain, r#"{"dc":{"a":1}}"#, ""),
        (&plain, "[]", "nothing_discovered"),
        (&plain, "<html>", "Garbled"),
        (&only, r#"{"accounts":[{"id":"x"}]}"#, "id=x"),
        (&only, several, "several_discovered"),
        (&only, r#"{"accounts":[]}"#, "nothing_discovered"),
        (&only, "{}", "nothing_discovered"),
        (&default, several, "id=2"),
        (&default, r#"{"accounts":[{"id":1,"is_default":"true"}]}"#, "nothing_discovered"),
    ] {
        assert_eq!(told(step, 200, answer).await, expected, "{step} {answer}");
    }
}

#[tokio::test]
async fn a_call_that_fails_is_told_by_what_can_be_done_about_it() {
    let step = json!({"into": {"id": "id"}});
    for (status, expected) in [(401, "other"), (302, "other"), (500, "Failed"), (429, "Declined")] {
        assert_eq!(told(&step, status, r#"{"id":"canary"}"#).await, expected, "{status}");
    }
}

#[tokio::test]
async fn the_access_token_asks_in_the_header() {
    let stub = Stub::json(200, r#"{"data":{"me":{"id":"u1"}}}"#);
    let body = json!({"query": "{ me { id } }"});
    let step = json!({"method": "POST", "body": body, "query": {"v": "2", "for": "{client_id}"}, "headers": {"X-Api": "1"}, "list": "data.me", "into": {"id": "id"}});
    let fields = discover(&stub, &step).await.expect("fields");
    assert_eq!(fields["id"], "u1");
    let asked = stub.only();
    assert_eq!(asked.line, "POST /sites?for=client&v=2 HTTP/1.1");
    assert_eq!((asked.header("authorization"), asked.header("x-api")), (Some("Bearer a1"), Some("1")));
    assert_eq!(serde_json::from_str::<Value>(&asked.body).expect("JSON"), body);
}
