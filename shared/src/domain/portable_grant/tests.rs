use serde_json::json;

use super::*;

fn provider() -> Provider {
    let described = json!({
        "id": "p", "name": "P",
        "vars": {"shop": {"from": "input", "pattern": "[a-z]+"}},
        "authorize": {"url": "https://{shop}.shops.example/a"}, "token": {"url": "https://{shop}.shops.example/t"},
    });
    Provider::from_value(&described).unwrap()
}

fn mapping() -> Mapping {
    Mapping {
        app: AppId::parse("a").ok(),
        issuer: None,
        user: NangoUser::ConnectionId,
        client_id: "client".to_owned(),
        provider_config_key: Some("calendar".to_owned()),
    }
}

#[test]
fn what_was_written_is_read_as_it_was() {
    let value = json!({
        "app_id": "a", "user": {"issuer": "https://idp.example", "sub": "alice"}, "client_id": "c",
        "access_token": "at", "refresh_token": "rt", "token_type": "Bearer", "issued_at": "2026-11-22T10:00:00Z",
        "expires_at": "2026-11-22T11:00:00Z", "scopes": ["read"], "label": "mine",
        "account": {"id": "7", "name": "Alice", "email": "alice@example.com"}, "connection_config": {"shop": "blue"},
        "connected_at": "2025-01-02T03:04:05Z", "last_used_on": "2026-11-21",
    });
    let read = PortableGrant::read(&value).unwrap();
    assert_eq!(serde_json::to_value(read.written()).unwrap(), value);
    let shared = PortableGrant::read(&json!({"client_id": "c", "access_token": "at"})).unwrap();
    assert_eq!(shared.owner, PortableOwner::Workspace);
}

#[test]
fn every_mistake_is_named_by_its_place_and_no_value_is_repeated() {
    let value = json!({
        "app_id": 7, "user": {"sub": "", "name": "x"}, "access_token": "canary\n", "expires_at": "canary",
        "issued_at": 1, "scopes": ["canary\""], "account": {"name": "x"}, "surprise": 1,
    });
    let errors = PortableGrant::read(&value).unwrap_err();
    let mut pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    pointers.sort_unstable();
    let expected = [
        "/access_token",
        "/account/id",
        "/app_id",
        "/client_id",
        "/expires_at",
        "/issued_at",
        "/scopes/0",
        "/surprise",
        "/user/name",
        "/user/sub",
    ];
    assert_eq!(pointers, expected);
    assert!(errors.iter().all(|error| !error.detail.contains("canary")));
}

#[test]
fn an_answer_of_nango_is_read_whatever_else_is_in_it() {
    let answer = json!({
        "id": 18_393, "connection_id": "alice", "provider_config_key": "calendar", "provider": "p", "errors": [],
        "end_user": {"id": "user-7", "email": null}, "metadata": {"anything": [1]}, "tags": {"end_user_id": "tagged"},
        "created_at": "2024-01-02T03:04:05.678Z",
        "credentials": {
            "type": "OAUTH2", "access_token": "at", "refresh_token": "rt", "expires_at": "2026-11-22T11:00:00.000Z",
            "raw": {"scope": "read write", "token_type": "bearer"},
        },
        "connection_config": {"shop": "blue", "subdomain": "x", "number": 7},
    });
    let read = PortableGrant::of_nango(&answer, &mapping(), &provider()).unwrap();
    let subject = |name: &str| PortableOwner::User {
        app: AppId::parse("a").unwrap(),
        issuer: None,
        subject: Subject::parse(name).unwrap(),
    };
    assert_eq!((&read.owner, read.client_id.as_str()), (&subject("alice"), "client"));
    assert_eq!(read.scopes.unwrap().to_string(), "read write");
    assert_eq!(read.expires_at.unwrap().to_string(), "2026-11-22T11:00:00Z");
    assert_eq!(read.details, Values::from([("shop".to_owned(), "blue".to_owned())]));

    let by_end_user = Mapping { user: NangoUser::EndUser, ..mapping() };
    let read = PortableGrant::of_nango(&answer, &by_end_user, &provider()).unwrap();
    assert_eq!(read.owner, subject("user-7"));
    let by_tag = Mapping { user: NangoUser::Tag, ..mapping() };
    let read = PortableGrant::of_nango(&answer, &by_tag, &provider()).unwrap();
    assert_eq!(read.owner, subject("tagged"));
    assert_eq!(read.connected_at.unwrap().to_string(), "2024-01-02T03:04:05.678Z");
    for (place, name) in [("connection_config", "oauth_client_id_override"), ("credentials", "config_override")] {
        let mut of_its_own = answer.clone();
        let theirs = if place == "credentials" { json!({"client_id": "theirs"}) } else { json!("theirs") };
        of_its_own[place][name] = theirs;
        assert_eq!(PortableGrant::of_nango(&of_its_own, &mapping(), &provider()).unwrap().client_id, "theirs");
    }
}

#[test]
fn scopes_that_a_provider_lists_are_read_from_nangos_answer_too() {
    for (scope, expected) in [
        (json!(["read", "write"]), Some("read write")),
        (json!("read write"), Some("read write")),
        (json!([]), None),
        (json!(null), None),
        (json!(7), None),
    ] {
        let credentials = json!({"type": "OAUTH2", "access_token": "at", "raw": {"scope": scope}});
        let answer = json!({"connection_id": "alice", "provider_config_key": "calendar", "credentials": credentials});
        let read = PortableGrant::of_nango(&answer, &mapping(), &provider()).unwrap();
        assert_eq!(read.scopes.map(|scopes| scopes.to_string()).as_deref(), expected, "{scope}");
    }
}

#[test]
fn what_is_null_is_not_known() {
    let value = json!({
        "app_id": "a", "user": {"issuer": null, "sub": "alice"}, "client_id": "c", "access_token": "at", "refresh_token": null,
        "expires_at": null, "scopes": null, "account": null, "label": null, "connection_config": {"shop": "x", "region": null},
    });
    let expected = json!({
        "app_id": "a", "user": {"sub": "alice"}, "client_id": "c", "access_token": "at", "token_type": "Bearer",
        "connection_config": {"shop": "x"},
    });
    assert_eq!(serde_json::to_value(PortableGrant::read(&value).unwrap().written()).unwrap(), expected);
    let required = json!({"app_id": null, "user": {"sub": null}, "client_id": null, "scopes": [null]});
    let errors = PortableGrant::read(&required).unwrap_err();
    let mut pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/app_id", "/client_id", "/scopes/0", "/user/sub"]);
    assert!(PortableGrant::read(&json!(null)).is_err());
}

#[test]
fn what_is_no_grant_of_the_integration_is_refused() {
    let answer = json!({
        "connection_id": 7, "provider_config_key": "mail", "credentials": {"type": "API_KEY", "access_token": 7},
    });
    let errors = PortableGrant::of_nango(&answer, &mapping(), &provider()).unwrap_err();
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/provider_config_key", "/credentials/type", "/credentials/access_token", "/connection_id"]);
}
