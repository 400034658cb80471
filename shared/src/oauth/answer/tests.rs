use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::{
    domain::provider::ProviderType,
    oauth::{catalogue, expiry::MAX_LIFE},
};

fn plain() -> Provider {
    let data = json!({
        "id": "p", "name": "P", "authorize": {"url": "https://p.example/a"}, "token": {"url": "https://p.example/t"},
        "oidc": {"issuer": "https://p.example"},
    });
    Provider::parse_custom(data).expect("a provider")
}

fn of_catalogue(id: &str) -> &'static Provider {
    catalogue::find(&ProviderType::parse(id).expect("an id")).expect("in the catalogue")
}

fn read(provider: &Provider, status: u16, body: &str) -> Result<Normal, TokenError> {
    read_with(provider, status, &[], body)
}

fn read_with(provider: &Provider, status: u16, headers: &[(&str, &str)], body: &str) -> Result<Normal, TokenError> {
    let answer =
        headers.iter().fold(Response::builder().status(status), |answer, (name, value)| answer.header(*name, *value));
    let answer = answer.body(body.as_bytes().to_vec());
    normalise(&Reading::of_code(provider, "client"), &answer.expect("an answer"), Timestamp::UNIX_EPOCH)
}

const SEVEN: Duration = Duration::from_secs(7);

/// What becomes of an answer, in one word.
fn verdict(provider: &Provider, status: u16, body: &str) -> &'static str {
    match read(provider, status, body) {
        Ok(_) => "tokens",
        Err(TokenError::Rejected { .. }) => "rejected",
        Err(TokenError::ClientRejected { .. }) => "client",
        Err(TokenError::Passing { outcome: Outcome::Garbled, .. }) => "unknown",
        Err(TokenError::Passing { .. }) => {
            let told = read_with(provider, status, &[("retry-after", "7")], body).err();
            let asked = |error| matches!(error, TokenError::Passing { retry_after: Some(SEVEN), .. });
            assert!(told.is_some_and(asked), "{body}");
            "passing"
        }
        Err(TokenError::Refused { .. }) => "refused",
        Err(TokenError::Blocked(_)) => "blocked",
    }
}

#[test]
fn the_example_of_rfc_6749_section_5_1_is_read() {
    let body = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"}"#;
    let normal = read(&plain(), 200, body).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(normal.access_token, "2YotnFZFEjr1zCsicMWpAA");
    assert_eq!(normal.refresh_token.as_deref(), Some("tGzv3JOkF0XG5Qx2TlKWIA"));
    assert_eq!((normal.expires_in, normal.scope), (Some(3600), None));
}

#[test]
fn whatever_is_odd_beside_it_a_rotated_refresh_token_is_kept() {
    for odd in [
        r#""expires_in":"3600""#,
        r#""expires_in":-1"#,
        r#""expires_in":1e300"#,
        r#""expires_in":18446744073709551615"#,
        r#""expires_in":99999999999999999999999"#,
        r#""expires_in":3599.7"#,
        r#""expires_in":"soon""#,
        r#""expires_in":null"#,
        r#""expires_in":{}"#,
        r#""token_type":null"#,
        r#""token_type":7"#,
        r#""token_type":["Bearer"]"#,
        r#""scope":null"#,
        r#""scope":[]"#,
        r#""scope":["a",1,null]"#,
        r#""scope":{"a":true}"#,
        r#""scope":"a,b c""#,
        r#""id_token":"not a token""#,
        r#""id_token":7"#,
        r#""error":null"#,
        r#""error":"""#,
        r#""error":"invalid_grant""#,
        r#""access_token ":1"#,
    ] {
        let body = format!(r#"{{"access_token":"new-access","refresh_token":"new-refresh",{odd}}}"#);
        let normal = read(&plain(), 200, &body).unwrap_or_else(|error| panic!("{odd}: {error}"));
        assert_eq!(normal.refresh_token.as_deref(), Some("new-refresh"), "{odd}");
        assert_eq!(normal.access_token, "new-access", "{odd}");
        assert!(serde_json::to_string(&normal).is_ok(), "{odd}");
    }
}

#[test]
fn lifetimes_are_clamped() {
    for (given, expected) in [
        ("3600", Some(3600)),
        (r#""3600""#, Some(3600)),
        (r#"" 3600.5 ""#, Some(3600)),
        ("-5", None),
        ("0", None),
        (r#""0""#, None),
        (r#""inf""#, None),
        (r#""NaN""#, None),
        ("1e300", Some(MAX_LIFE)),
        ("18446744073709551615", Some(MAX_LIFE)),
    ] {
        let body = format!(r#"{{"access_token":"a","expires_in":{given}}}"#);
        let normal = read(&plain(), 200, &body).unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!(normal.expires_in, expected, "{given}");
    }
}

#[test]
fn what_no_lifetime_means_is_the_provider_s_to_say() {
    for (provider, expected) in [("linkedin", Some(5_184_000)), ("github", None), ("notion", None)] {
        let normal = read(of_catalogue(provider), 200, r#"{"access_token":"a"}"#);
        assert_eq!(normal.unwrap_or_else(|error| panic!("{error}")).expires_in, expected, "{provider}");
    }
}

#[test]
fn an_odd_token_type_means_bearer() {
    for (given, expected) in [
        (r#""bearer""#, "Bearer"),
        (r#""user""#, "Bearer"),
        (r#""""#, "Bearer"),
        (r#""dpop""#, "DPoP"),
        ("1", "Bearer"),
    ] {
        let body = format!(r#"{{"access_token":"a","token_type":{given}}}"#);
        let normal = read(&plain(), 200, &body).unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!(normal.token_type, expected, "{given}");
    }
}

#[test]
fn each_provider_is_read_in_its_own_way() {
    for (provider, body, refresh_token, scope) in [
        ("github", "access_token=gho_1&scope=repo%2Cgist&token_type=bearer", None, Some("repo gist")),
        (
            "slack",
            r#"{"ok":true,"access_token":"xoxb","token_type":"bot","refresh_token":"bot-refresh","scope":"commands","authed_user":{"id":"U1","access_token":"gho_1","refresh_token":"user-refresh","scope":"chat:write,users:read","expires_in":43200}}"#,
            Some("user-refresh"),
            Some("chat:write users:read"),
        ),
        ("slack", r#"{"ok":true,"access_token":"gho_1","token_type":"user","refresh_token":"r2"}"#, Some("r2"), None),
        ("hubspot", r#"{"access_token":"gho_1","scopes":["oauth","a"],"expires_in":1800}"#, None, Some("oauth a")),
    ] {
        let normal = read(of_catalogue(provider), 200, body).unwrap_or_else(|error| panic!("{provider}: {error}"));
        assert_eq!(normal.access_token, "gho_1", "{provider}");
        assert_eq!((normal.refresh_token.as_deref(), normal.scope.as_deref()), (refresh_token, scope), "{provider}");
    }
}

#[test]
fn an_error_is_sorted_by_what_can_be_done_about_it() {
    for (status, body, expected) in [
        (400, r#"{"error":"invalid_grant"}"#, "rejected"),
        (401, r#"{"error":"invalid_grant"}"#, "rejected"),
        (200, r#"{"error":"invalid_grant"}"#, "rejected"),
        (400, "error=invalid_grant&error_description=x", "rejected"),
        (400, r#"{"error":"invalid_client"}"#, "client"),
        (401, r#"{"error":"invalid_client","error_description":"x"}"#, "client"),
        (400, r#"{"error":"unauthorized_client"}"#, "client"),
        (400, r#"{"error":"redirect_uri_mismatch"}"#, "client"),
        (401, "<html>", "client"),
        (401, "", "client"),
        (400, r#"{"error":"invalid_request"}"#, "refused"),
        (400, r#"{"error":{"message":"x"}}"#, "refused"),
        (400, "", "refused"),
        (403, "nope", "refused"),
        (302, "", "refused"),
        (400, r#"{"error":"temporarily_unavailable"}"#, "passing"),
        (408, "", "passing"),
        (425, "", "passing"),
        (429, r#"{"error":"invalid_grant"}"#, "passing"),
        (500, r#"{"error":"invalid_grant"}"#, "passing"),
        (503, "<html>", "passing"),
        (200, "<html>", "unknown"),
        (200, "", "unknown"),
        (200, "{}", "unknown"),
        (200, "[]", "unknown"),
        (200, r#"{"access_token":""}"#, "unknown"),
        (200, r#"{"access_token":{"a":1}}"#, "unknown"),
        (200, "{\"access_token\":\"a\\u0000b\"}", "unknown"),
        (204, "", "unknown"),
        (201, r#"{"access_token":"a"}"#, "tokens"),
    ] {
        assert_eq!(verdict(&plain(), status, body), expected, "{status} {body}");
    }
    for (provider, status, body, expected) in [
        ("slack", 200, r#"{"ok":false,"error":"invalid_refresh_token"}"#, "rejected"),
        ("slack", 200, r#"{"ok":false,"error":"bad_client_secret"}"#, "client"),
        ("slack", 200, r#"{"ok":false,"error":"ratelimited"}"#, "passing"),
        ("github", 200, r#"{"error":"bad_refresh_token"}"#, "rejected"),
        ("github", 200, "error=incorrect_client_credentials", "client"),
        ("hubspot", 400, r#"{"status":"BAD_REFRESH_TOKEN","message":"x"}"#, "rejected"),
    ] {
        assert_eq!(verdict(of_catalogue(provider), status, body), expected, "{provider} {status} {body}");
    }
}

#[test]
fn a_refusal_without_a_code_that_says_when_to_come_again_is_passing() {
    for (body, is_passing) in [("<html>", true), (r#"{"message":"slow down"}"#, true), (r#"{"error":"x"}"#, false)] {
        let refused = read_with(&plain(), 403, &[("retry-after", "7")], body).err();
        let passes = |error| matches!(error, TokenError::Passing { retry_after: Some(SEVEN), .. });
        assert_eq!(refused.is_some_and(passes), is_passing, "{body}");
    }
}

#[test]
fn a_refresh_token_without_an_access_token_is_handed_on() {
    let Err(TokenError::Passing { salvaged: Some(token), outcome, .. }) =
        read(&plain(), 200, r#"{"refresh_token":"r2"}"#)
    else {
        panic!("the refresh token is lost")
    };
    assert_eq!((token.expose(), outcome), ("r2", Outcome::Garbled));
}

#[test]
fn no_text_of_the_provider_is_in_an_error() {
    for body in [
        r#"{"error":"canary<script>","error_description":"canary"}"#,
        r#"{"error":"CANARY canary","access_tokens":"canary"}"#,
        "canary",
        r#"{"error":"invalid_grant","error_description":"canary"}"#,
        r#"{"error":{"code":"canary"}}"#,
    ] {
        for status in [200, 400, 401, 500] {
            let Err(error) = read(&plain(), status, body) else { panic!("no tokens there") };
            let told = format!("{error} {error:?}").to_lowercase();
            assert!(!told.contains("canary"), "{status} {body}: {told}");
        }
    }
}

#[test]
fn a_token_of_sixteen_kilobytes_is_taken_and_a_longer_one_is_not() {
    for (length, expected) in [(MAX_TOKEN, "tokens"), (MAX_TOKEN + 1, "unknown")] {
        let body = format!(r#"{{"access_token":"{}"}}"#, "a".repeat(length));
        assert_eq!(verdict(&plain(), 200, &body), expected, "{length}");
    }
}

#[test]
fn an_id_token_counts_when_it_is_of_this_issuer_and_for_this_client() {
    for (claims, id) in [
        (json!({"iss": "https://p.example", "aud": "client", "sub": "u1"}), Some("u1")),
        (json!({"iss": "https://p.example", "aud": ["x", "client"], "sub": "u1"}), Some("u1")),
        (json!({"iss": "https://evil.example", "aud": "client", "sub": "u1"}), None),
        (json!({"iss": "https://p.example", "aud": "other", "sub": "u1"}), None),
        (json!({"iss": "https://p.example", "sub": "u1"}), None),
        (json!({"iss": "https://p.example", "aud": "client"}), None),
        (json!({"iss": "https://p.example", "aud": "client", "sub": "u".repeat(300)}), None),
    ] {
        let id_token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let body = json!({"access_token": "a", "id_token": id_token}).to_string();
        let normal = read(&plain(), 200, &body).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(normal.extras.id_claims.map(|account| account.id).as_deref(), id, "{claims}");
    }
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    let whole = r#"{"access_token":"a","expires_in":"1","scope":["a"],"error":{"a":[1]}}"#;
    for end in 0..whole.len() {
        let _ = read(&plain(), 200, &whole[..end]);
    }
    for byte in 0..=255_u8 {
        let answer = Response::new(vec![byte; 64]);
        let _ = normalise(&Reading::of_code(&plain(), "client"), &answer, Timestamp::UNIX_EPOCH);
    }
}
