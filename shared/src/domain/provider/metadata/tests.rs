use super::*;
use crate::domain::provider::{ClientAuth, Dpop, Lifetime, Pkce, RevocationAuth, Rotation};

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
        "token_endpoint_auth_methods_supported": ["tls_client_auth"],
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

/// A custom provider of an issuer with this metadata beside its endpoints, and what a person said beside the issuer.
fn discovered(metadata: &Value, said: &Value) -> Result<Provider, Vec<FieldError>> {
    let mut data = json!({"id": "mine", "name": "Mine", "issuer": "https://p.example"});
    let mut all = json!({
        "issuer": "https://p.example", "authorization_endpoint": "https://p.example/a",
        "token_endpoint": "https://p.example/t", "revocation_endpoint": "https://p.example/r",
    });
    for (into, from) in [(&mut data, said), (&mut all, metadata)] {
        into.as_object_mut().expect("an object").extend(from.as_object().expect("an object").clone());
    }
    let Registration::Issuer { body, .. } = Registration::parse(data)? else { panic!("an issuer was named") };
    Provider::from_metadata(body, all.as_object().expect("an object"))
}

#[test]
fn requests_are_pushed_where_the_metadata_says_where_to() {
    let endpoint = json!({"pushed_authorization_request_endpoint": "https://p.example/par"});
    let provider = discovered(&endpoint, &json!({})).expect("a provider");
    assert_eq!(provider.authorize.par_url.as_deref(), Some("https://p.example/par"));
    assert!(provider.takes_pushed_requests() && !provider.authorize.par_required);
    assert!(provider.endpoints().any(|(pointer, _)| pointer == "/authorize/par_url"), "it is checked like the others");
    let required = json!({"pushed_authorization_request_endpoint": "https://p.example/par", "require_pushed_authorization_requests": true});
    assert!(discovered(&required, &json!({})).expect("a provider").authorize.par_required);
    let nowhere = discovered(&json!({"require_pushed_authorization_requests": true}), &json!({}));
    assert_eq!(nowhere.expect_err("nowhere to push to")[0].pointer, "/require_pushed_authorization_requests");
    assert!(discovered(&endpoint, &json!({"authorize": {"par_required": true}})).is_ok(), "a person may say so too");
}

#[test]
fn a_client_signs_where_nothing_else_will_do_or_where_it_is_asked_to() {
    let methods = |methods: &[&str]| json!({"token_endpoint_auth_methods_supported": methods});
    for (supported, said, expected) in [
        (methods(&["private_key_jwt"]), json!({}), ClientAuth::PrivateKeyJwt),
        (methods(&["private_key_jwt", "client_secret_basic"]), json!({}), ClientAuth::Basic),
        (methods(&["private_key_jwt", "none"]), json!({}), ClientAuth::None),
        (
            methods(&["private_key_jwt", "client_secret_basic"]),
            json!({"token": {"client_auth": "private_key_jwt"}}),
            ClientAuth::PrivateKeyJwt,
        ),
    ] {
        let provider = discovered(&supported, &said).expect("a provider");
        assert_eq!(provider.token.client_auth, expected, "{supported} {said}");
        assert_eq!(provider.needs_client_key(), expected == ClientAuth::PrivateKeyJwt);
        let revokes_as_client = provider.revoke.expect("revocation").auth == RevocationAuth::PrivateKeyJwt;
        assert_eq!(revokes_as_client, expected == ClientAuth::PrivateKeyJwt);
    }
    let mut other = methods(&["private_key_jwt"]);
    other["token_endpoint_auth_signing_alg_values_supported"] = json!(["RS256"]);
    let errors = discovered(&other, &json!({})).expect_err("another algorithm");
    assert_eq!(errors[0].pointer, "/token_endpoint_auth_signing_alg_values_supported");
}

#[test]
fn tokens_are_bound_where_a_person_says_that_there_are_no_others() {
    let metadata = json!({"dpop_signing_alg_values_supported": ["ES256"]});
    let supported = discovered(&metadata, &json!({})).expect("a provider");
    assert_eq!((supported.token.dpop, supported.binds_tokens()), (Some(Dpop::WhenAsked), false));
    assert!(supported.may_bind_tokens() && supported.needs_client_key());
    let never = discovered(&metadata, &json!({"token": {"dpop": "supported"}})).expect("a provider");
    assert!(!never.may_bind_tokens() && !never.needs_client_key());
    let required = discovered(&metadata, &json!({"token": {"dpop": "required"}})).expect("a provider");
    assert!(required.binds_tokens() && required.needs_client_key());
    let other = discovered(&json!({"dpop_signing_alg_values_supported": ["EdDSA"]}), &json!({})).expect("a provider");
    assert_eq!(other.token.dpop, None);
    let written = serde_json::to_string(&required).expect("JSON");
    assert_eq!(serde_json::from_str::<Provider>(&written).expect("reads back"), required);
}
