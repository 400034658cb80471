use serde_json::{Value, json};

use super::*;

/// A provider with every trait that its requests and answers may have.
fn odd() -> Value {
    json!({
        "id": "p", "name": "P",
        "authorize": {"url": "https://p.example/a"},
        "token": {
            "url": "https://p.example/t", "method": "GET", "body": "query", "client_auth": "basic_secret_only",
            "also_accepts": ["post", "basic"], "params": {"kind": "web"}, "query": {"v": "2"},
            "headers": {"X-Client": "{client_id}"}, "names": {"client_id": "app_id", "code": "auth_code"},
            "omit": ["redirect_uri", "client_id"],
            "derive": {"sign": {"fn": "sha256_hex", "over": "{client_secret}|{code}"}, "t": {"fn": "now_s"}},
            "code_ttl_seconds": 30, "dpop": "supported",
            "response": {
                "success": {"path": "code", "equals": 0},
                "error": {"code": ["code", "error"], "invalid_grant": ["40001"]},
                "fields": {"access_token": "data.token", "expires_in": ["data.life", "life"]},
                "scope_separator": ",", "keep": {"instance_url": "instance_url", "open_id": "data.open_id"},
                "expiry": {"refresh_seconds": "data.r", "at": {"path": "data.ends", "format": "epoch_ms"}, "zero_means": "never", "assume": 60},
            },
        },
        "exchange": [{
            "url": "https://p.example/x", "method": "GET", "client_auth": "post", "names": {"client_secret": "secret"},
            "params": {"grant_type": "swap", "token": "{access_token}"}, "query": {"v": "1"}, "headers": {"X-A": "b"},
            "response": {"fields": {"access_token": "long"}},
        }],
        "discover": [{
            "url": "https://p.example/d", "method": "POST", "body": {"query": "{ me { id } }"}, "list": "accounts",
            "choose": "only", "match": {"is_default": true, "kind.name": "site"}, "into": {"base_uri": "urls.api"},
            "headers": {"X-A": "b"}, "query": {"v": "1"},
        }],
        "refresh": {
            "grant": "access_token", "url": "https://p.example/r", "method": "GET", "body": "query", "client_auth": "none",
            "params": {"grant_type": "again", "token": "{access_token}"}, "query": {"v": "1"}, "headers": {"X-A": "b"},
            "names": {"client_id": "key"}, "omit": ["client_id"], "min_age_seconds": 86_400, "extends": true,
            "ttl_seconds": 5_184_000, "send_scope": true, "dies_when": ["unused for 60 days"], "testing_days": 7,
        },
        "revoke": {
            "url": "https://p.example/users/{client_id}/{access_token}", "method": "GET", "body": "query", "auth": "post",
            "params": {"all": "1"}, "query": {"v": "1"}, "names": {"token": "accessToken"}, "wider_than_token": true,
        },
        "identity": {
            "url": "https://p.example/me/{access_token}", "method": "POST", "auth": "none", "body": {"query": "{ me }"},
            "id": "data.me.id",
        },
    })
}

/// The mistakes in a provider that has this value at this pointer.
fn mistakes(pointer: &str, value: Value) -> Vec<String> {
    let mut data = odd();
    let (table, field) = pointer.rsplit_once('/').expect("a pointer");
    data.pointer_mut(table).expect("a table")[field] = value;
    let errors = Provider::from_value(&data).err().unwrap_or_default();
    errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn a_provider_with_every_oddity_is_read_as_it_was_written() {
    let provider = Provider::from_value(&odd()).expect("a provider");
    let written = serde_json::to_value(&provider).expect("JSON");
    assert_eq!(Provider::from_value(&written).expect("the same provider"), provider);
    for pointer in ["/token", "/exchange/0", "/discover/0", "/refresh", "/revoke", "/identity"] {
        let (said, kept) =
            (odd().pointer(pointer).expect("said").clone(), written.pointer(pointer).expect("kept").clone());
        for field in said.as_object().expect("a table").keys() {
            assert!(kept.get(field).is_some(), "{pointer}/{field} is lost");
        }
    }
}

#[test]
fn every_url_that_may_be_asked_is_among_the_endpoints() {
    let provider = Provider::from_value(&odd()).expect("a provider");
    let pointers: Vec<String> = provider.endpoints().map(|(pointer, _)| pointer.into_owned()).collect();
    for pointer in ["/exchange/0/url", "/discover/0/url", "/refresh/url", "/revoke/url", "/identity/url"] {
        assert!(pointers.iter().any(|known| known == pointer), "{pointer}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    for (pointer, value, at) in [
        ("/token/method", json!("DELETE"), "/token/method"),
        ("/token/params", json!({"client_secret": "x"}), "/token/params/client_secret"),
        ("/token/names", json!({"colour": "x"}), "/token/names/colour"),
        ("/token/omit", json!(["code_verifier"]), "/token/omit/0"),
        ("/token/derive", json!({"a": {"fn": "md5", "over": "x"}}), "/token/derive/a"),
        ("/token/derive", json!({"a": {"fn": "sha256_hex"}}), "/token/derive/a"),
        ("/token/derive", json!({"a": {"fn": "uuid", "over": "x"}}), "/token/derive/a"),
        ("/token/also_accepts", json!(["post", "magic"]), "/token/also_accepts/1"),
        ("/token/response/keep", json!({"Open Id": "a"}), "/token/response/keep/Open Id"),
        ("/token/response/keep", json!({"a": "b..c"}), "/token/response/keep/a"),
        ("/token/response/expiry/at", json!({"path": "a"}), "/token/response/expiry/at/format"),
        ("/token/response/expiry/zero_means", json!("ever"), "/token/response/expiry/zero_means"),
        ("/exchange/0/url", json!("ftp://x"), "/exchange/0/url"),
        ("/exchange/0/omit", json!([]), "/exchange/0/omit"),
        ("/discover/0/into", json!({"base_uri": 1}), "/discover/0/into/base_uri"),
        ("/discover/0/match", json!({"a": []}), "/discover/0/match/a"),
        ("/discover/0/body", json!("text"), "/discover/0/body"),
        ("/token/client_auth", json!("header"), "/token/auth_header"),
        ("/token/auth_header", json!("Client {client_secret}"), "/token/auth_header"),
        ("/refresh/client_auth", json!("header"), "/refresh/auth_header"),
        ("/exchange/0/client_auth", json!("header"), "/exchange/0/auth_header"),
        ("/revoke/auth", json!("header"), "/revoke/auth_header"),
        ("/revoke/auth_header", json!("Client {client_secret}"), "/revoke/auth_header"),
        ("/refresh/grant", json!("refresh_token"), "/refresh/extends"),
        ("/refresh/omit", json!(["code"]), "/refresh/omit/0"),
        ("/revoke/names", json!({"code": "c"}), "/revoke/names/code"),
        ("/identity/from", json!("thin air"), "/identity/from"),
    ] {
        assert_eq!(mistakes(pointer, value), [at], "{pointer}");
    }
}

#[test]
fn what_the_token_answer_tells_needs_no_url() {
    let mut data = odd();
    data["identity"] = json!({"from": "token_answer", "id": "user.id"});
    let provider = Provider::from_value(&data).expect("a provider");
    assert_eq!(provider.identity.expect("an identity").url, None);
    data["identity"] = json!({"id": "user.id"});
    assert!(Provider::from_value(&data).is_err(), "a request needs one");
}

#[test]
fn a_token_that_only_lives_longer_is_not_used_up_by_its_refresh() {
    for (refresh, rotates) in [
        (json!({"grant": "access_token", "extends": true}), false),
        (json!({"grant": "access_token"}), true),
        (json!({"grant": "access_token", "rotation": "never"}), false),
        (json!({}), true),
    ] {
        let mut data = odd();
        data["refresh"] = refresh.clone();
        let provider = Provider::from_value(&data).expect("a provider");
        assert_eq!((provider.rotates(), provider.is_strict()), (rotates, rotates), "{refresh}");
    }
}

#[test]
fn a_header_of_a_clients_own_has_places_for_the_client_and_for_nothing_else() {
    for (header, fits) in [
        ("Client {client_secret}", true),
        ("Key {client_id}:{client_secret}", true),
        ("Client secret", false),
        ("Client {client_id}", false),
        ("Client {client_secret} {access_token}", false),
        ("Client {client_secret} {code}", false),
        ("Client {client_secret} {", false),
        ("Client {client_secret}\r\nX-Evil: 1", false),
        ("Clïent {client_secret}", false),
    ] {
        let mut data = odd();
        data["token"]["client_auth"] = json!("header");
        data["token"]["auth_header"] = json!(header);
        assert_eq!(Provider::from_value(&data).is_ok(), fits, "{header}");
    }
}
