use super::*;
use crate::domain::provider::{ClientAuth, Lifetime, Pkce, Rotation};

fn minimal() -> Value {
    json!({"id": "mine", "name": "Mine", "authorize": {"url": "https://p.example/authorize"}, "token": {"url": "https://p.example/token"}})
}

fn pointers(value: Value) -> Vec<String> {
    let errors = Provider::parse_custom(value).expect_err("something is wrong");
    errors.into_iter().map(|error| error.pointer).collect()
}

#[test]
fn the_least_that_makes_a_provider_is_read_by_the_rfcs() {
    let provider = Provider::parse_custom(minimal()).expect("a provider");
    assert_eq!(provider.token.client_auth, ClientAuth::Post);
    assert_eq!(provider.refresh.rotation, Rotation::Unknown);
    assert!(provider.rotates() && provider.refresh.old_access_token_dies, "what nobody knows is taken strictly");
    assert!(provider.sends_pkce());
    assert_eq!(provider.token.response.expiry.assume, Lifetime::Unknown);
    assert_eq!((provider.revoke.is_none(), provider.identity.is_none()), (true, true));
}

#[test]
fn every_mistake_is_told_with_its_pointer() {
    let mut value = minimal();
    value["id"] = json!("Not An Id");
    value["name"] = json!("");
    value["color"] = json!("red");
    value["a/b~c"] = json!(1);
    value["authorize"] = json!({"url": "ftp://p.example", "pkce": "maybe", "params": {"state": "x", "ok": 7}, "scope": {"always": ["a b"]}});
    value["token"] = json!({"headers": {"Host": "x"}, "response": {"fields": {"scope": 1}, "success": {"path": "ok"}}});
    value["refresh"] = json!({"grace_seconds": -1, "typo": true});
    value["revoke"] = json!({"method": "PUT"});
    value["suggested_scopes"] = json!([{"scope": "a"}]);
    let mut found = pointers(value);
    found.sort();
    assert_eq!(
        found,
        [
            "/authorize/params/ok",
            "/authorize/params/state",
            "/authorize/pkce",
            "/authorize/scope/always/0",
            "/authorize/url",
            "/a~1b~0c",
            "/color",
            "/id",
            "/name",
            "/refresh/grace_seconds",
            "/refresh/typo",
            "/revoke/method",
            "/revoke/url",
            "/suggested_scopes/0/description",
            "/token/headers/Host",
            "/token/response/fields/scope",
            "/token/response/success/equals",
            "/token/url",
        ]
    );
}

#[test]
fn no_value_of_any_kind_in_any_place_makes_a_panic() {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!([]),
        json!({}),
        json!([{}]),
    ];
    let tables =
        ["authorize", "token", "refresh", "revoke", "identity", "oidc", "api", "suggested_scopes", "id", "name"];
    let fields = ["url", "params", "scope", "names", "response", "headers", "omit", "success", "id", "issuer", "grant"];
    for value in &odd {
        let _ = Registration::parse(value.clone());
        for table in tables {
            let mut data = minimal();
            data[table] = value.clone();
            let _ = Registration::parse(data);
            for field in fields.iter().filter(|_| minimal()[table].is_object()) {
                let mut data = minimal();
                data[table][*field] = value.clone();
                let _ = Registration::parse(data);
            }
        }
    }
}

#[test]
fn null_and_the_empty_text_are_mistakes() {
    for (name, value) in [("docs_url", json!(null)), ("docs_url", json!("")), ("setup", json!("")), ("setup", json!(7))]
    {
        let mut data = minimal();
        data[name] = value;
        assert_eq!(pointers(data), [format!("/{name}")]);
    }
}

#[test]
fn pasted_metadata_gives_what_it_says() {
    let provider = Provider::parse_custom(json!({
        "id": "mine", "name": "Mine", "issuer": "https://p.example",
        "authorization_endpoint": "https://p.example/authorize", "token_endpoint": "https://p.example/token",
        "revocation_endpoint": "https://p.example/revoke", "userinfo_endpoint": "https://p.example/me",
        "jwks_uri": "https://p.example/jwks", "registration_endpoint": "https://p.example/register",
        "scopes_supported": ["openid"], "response_types_supported": ["code"], "grant_types_supported": ["refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["plain", "S256"], "authorization_response_iss_parameter_supported": true,
    }))
    .expect("a provider");
    assert_eq!(provider.token.client_auth, ClientAuth::Basic);
    assert_eq!(provider.authorize.pkce, Pkce::Supported);
    assert_eq!(provider.revoke.expect("revocation").url, "https://p.example/revoke");
    assert_eq!(provider.identity.expect("userinfo").url.as_deref(), Some("https://p.example/me"));
    assert!(provider.oidc.expect("an issuer").iss_parameter_supported);
}

#[test]
fn a_mistake_in_pasted_metadata_is_told_by_the_name_that_was_pasted() {
    let found = pointers(json!({
        "id": "mine", "name": "Mine", "authorization_endpoint": "/authorize", "token_endpoint": 7,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    }));
    assert_eq!(found, ["/token_endpoint_auth_methods_supported", "/token_endpoint", "/authorization_endpoint"]);
}

#[test]
fn a_server_without_s256_gets_no_challenge() {
    let mut data = minimal();
    data["code_challenge_methods_supported"] = json!(["plain"]);
    assert!(!Provider::parse_custom(data).expect("a provider").sends_pkce());
}

#[test]
fn an_issuer_alone_is_to_be_discovered() {
    let data = json!({"id": "mine", "name": "Mine", "issuer": "https://p.example", "authorize": {"scope": {"always": ["openid"]}}});
    let Ok(Registration::Issuer { issuer, body }) = Registration::parse(data) else { panic!("an issuer was named") };
    assert_eq!(issuer, "https://p.example");
    let metadata = json!({"issuer": "https://p.example", "authorization_endpoint": "https://p.example/a", "token_endpoint": "https://p.example/t"});
    let provider = Provider::from_metadata(body, metadata.as_object().expect("an object")).expect("a provider");
    assert!(provider.authorize.scope.always.contains("openid"));
    let complete = json!({"id": "mine", "name": "Mine", "oidc": {"issuer": "https://p.example"}, "authorize": {"url": "https://p.example/a"}, "token": {"url": "https://p.example/t"}});
    assert!(matches!(Registration::parse(complete), Ok(Registration::Endpoints(_))));
}

#[test]
fn what_is_wrong_beside_an_issuer_is_told_before_anything_is_fetched() {
    let data = json!({"name": "Mine", "issuer": "https://p.example", "colour": 1});
    let errors = Registration::parse(data).expect_err("no id");
    let found: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(found, ["/id", "/colour"]);
}

#[test]
fn a_custom_provider_reads_back_as_it_was_written() {
    let mut data = minimal();
    data["revoke"] = json!({"url": "https://p.example/r", "token": "both"});
    data["identity"] = json!({"url": "https://p.example/me"});
    data["oidc"] = json!({"issuer": "https://p.example"});
    let provider = Provider::parse_custom(data).expect("a provider");
    let written = serde_json::to_string(&provider).expect("JSON");
    assert_eq!(serde_json::from_str::<Provider>(&written).expect("reads back"), provider);
}

#[test]
fn data_cannot_take_away_what_protects_the_flow() {
    for (table, field, value) in [
        ("authorize", "params", json!({"code_challenge_method": "plain"})),
        ("authorize", "params", json!({"redirect_uri": "https://evil.example"})),
        ("authorize", "login_hint", json!("state")),
        ("authorize", "scope", json!({"param": "state"})),
        ("token", "params", json!({"client_secret": "x"})),
        ("token", "omit", json!(["code_verifier"])),
        ("token", "omit", json!(["client_secret"])),
        ("token", "headers", json!({"Authorization": "x"})),
        ("token", "headers", json!({"X-A": "a\r\nX-B: b"})),
    ] {
        let mut data = minimal();
        data[table][field] = value.clone();
        let found = pointers(data);
        assert_eq!(found.len(), 1, "{value}");
        assert!(found[0].starts_with(&format!("/{table}/{field}")), "{value}: {found:?}");
    }
}
