use serde_json::json;

use super::*;
use crate::domain::provider::{Dpop, Pkce, Registration};

fn metadata(more: &Value) -> Map<String, Value> {
    let mut metadata = json!({
        "issuer": "https://login.example",
        "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": "https://tokens.example/token",
        "revocation_endpoint": "https://tokens.example/revoke",
        "userinfo_endpoint": "https://login.example/me",
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
    });
    let more = more.as_object().unwrap();
    metadata.as_object_mut().unwrap().extend(more.clone());
    metadata.as_object().unwrap().clone()
}

fn discovered(said: &Value) -> Provider {
    let mut data = json!({"id": "mine", "name": "Mine", "issuer": "https://login.example"});
    data.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    let Ok(Registration::Issuer { body, .. }) = Registration::parse(data) else { panic!("an issuer was named") };
    Provider::from_metadata(body, &metadata(&json!({}))).unwrap()
}

fn fields(changes: &Rediscovery) -> Vec<&str> {
    changes.differences.iter().map(|difference| difference.field.as_str()).collect()
}

/// The metadata with this in it, as a profile that nothing was said beside follows it.
fn followed(more: &Value) -> Rediscovery {
    discovered(&json!({})).rediscovered(&metadata(more), Hosts::Known).unwrap()
}

#[test]
fn metadata_that_has_not_changed_changes_nothing() {
    for said in [json!({}), json!({"token": {"dpop": "required"}}), json!({"revoke": {"token": "both"}})] {
        let profile = discovered(&said);
        let written: Provider = serde_json::from_value(serde_json::to_value(&profile).unwrap()).unwrap();
        let changes = written.rediscovered(&metadata(&json!({})), Hosts::Known).unwrap();
        assert_eq!((changes.differences, changes.profile), (vec![], profile), "{said}");
    }
}

#[test]
fn an_endpoint_may_move_on_hosts_that_were_known_and_nowhere_else() {
    for (endpoint, stays) in [
        ("https://tokens.example/v2/token", true),
        ("https://login.example/token", true),
        ("https://evil.example/token", false),
        ("https://tokens.example.evil.example/token", false),
        ("https://tokens.example:8443/token", false),
        ("http://tokens.example/token", false),
        ("https://tokens.example@evil.example/token", false),
    ] {
        let changes = followed(&json!({"token_endpoint": endpoint}));
        assert_eq!(fields(&changes), ["/token/url"], "{endpoint}");
        assert_eq!(changes.stays_on_known_hosts(), stays, "{endpoint}");
        assert_eq!(changes.profile.token.url, endpoint);
    }
}

#[test]
fn what_is_new_on_an_unknown_host_is_left_out_until_it_is_accepted() {
    let mut profile = discovered(&json!({}));
    profile.revoke = None;
    let elsewhere = metadata(&json!({
        "revocation_endpoint": "https://elsewhere.example/revoke",
        "pushed_authorization_request_endpoint": "https://elsewhere.example/par",
    }));
    let changes = profile.rediscovered(&elsewhere, Hosts::Known).unwrap();
    assert_eq!((changes.differences, changes.profile), (vec![], profile.clone()));
    let accepted = profile.rediscovered(&elsewhere, Hosts::All).unwrap();
    assert_eq!(fields(&accepted), ["/authorize/par_url", "/revoke/url"]);
    let here = metadata(&json!({"pushed_authorization_request_endpoint": "https://login.example/par"}));
    let changes = discovered(&json!({})).rediscovered(&here, Hosts::Known).unwrap();
    assert_eq!((fields(&changes), changes.stays_on_known_hosts()), (vec!["/authorize/par_url"], true));
}

#[test]
fn capabilities_follow_as_far_as_the_client_can_go_on() {
    let changes = followed(&json!({
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": ["ES256"],
    }));
    assert_eq!(fields(&changes), ["/token/client_auth", "/token/dpop", "/oidc/iss_parameter_supported"]);
    assert_eq!(changes.profile.token.client_auth, ClientAuth::Basic);
    assert_eq!(changes.profile.token.dpop, Some(Dpop::WhenAsked));
    for methods in [json!(["client_secret_basic", "client_secret_post"]), json!(["private_key_jwt"]), json!(["none"])] {
        let changes = followed(&json!({"token_endpoint_auth_methods_supported": methods}));
        assert_eq!(changes.differences, vec![], "{methods}");
    }
}

#[test]
fn what_a_person_said_goes_before_the_metadata() {
    let profile = discovered(&json!({"token": {"dpop": "supported", "client_auth": "post"}}));
    let changes = profile
        .rediscovered(
            &metadata(&json!({
                "dpop_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            })),
            Hosts::Known,
        )
        .unwrap();
    assert_eq!(changes.differences, vec![]);
}

#[test]
fn no_protection_and_nothing_in_use_is_given_up() {
    let mut less = metadata(&json!({"code_challenge_methods_supported": ["plain"]}));
    less.remove("revocation_endpoint");
    less.remove("userinfo_endpoint");
    let profile = discovered(&json!({}));
    let changes = profile.rediscovered(&less, Hosts::Known).unwrap();
    assert_eq!((changes.differences, changes.profile.authorize.pkce), (vec![], Pkce::Supported));
    assert_eq!(changes.profile, profile);
}

#[test]
fn endpoints_that_a_person_named_follow_only_as_endpoints() {
    let data = json!({
        "id": "mine", "name": "Mine", "oidc": {"issuer": "https://login.example"},
        "authorize": {"url": "https://login.example/authorize"},
        "token": {"url": "https://tokens.example/token", "client_auth": "basic"},
    });
    let profile = Provider::parse_custom(data).unwrap();
    assert!(!profile.is_discovered());
    let moved = metadata(&json!({"token_endpoint": "https://new.example/token"}));
    let changes = profile.rediscovered(&moved, Hosts::All).unwrap();
    assert_eq!(fields(&changes), ["/token/url"]);
    assert_eq!(changes.profile.token.client_auth, ClientAuth::Basic);
}

#[test]
fn what_is_told_has_fields_and_hosts_and_no_address() {
    let changes = followed(&json!({"token_endpoint": "https://evil.example:8443/token?key=value"}));
    let told = changes.told().map(|(name, value)| format!("{name}={value}"));
    assert_eq!(told, ["fields=token.url", "hosts_before=tokens.example", "hosts=evil.example:8443"]);
    assert_ne!(changes.digest(), followed(&json!({"token_endpoint": "https://evil.example/token"})).digest());
}

#[test]
fn metadata_that_makes_no_provider_is_refused() {
    let broken = metadata(&json!({"token_endpoint": "no address"}));
    assert!(discovered(&json!({})).rediscovered(&broken, Hosts::All).is_err());
    let nowhere = metadata(&json!({"require_pushed_authorization_requests": true}));
    assert!(discovered(&json!({})).rediscovered(&nowhere, Hosts::All).is_err());
}
