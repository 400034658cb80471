use serde_json::{Value, json};

use super::*;
use crate::domain::provider::merged;

/// A provider with variables of every origin.
fn data() -> Value {
    json!({
        "id": "p", "name": "P",
        "vars": {
            "shop": {"from": "input", "pattern": "[a-z-]+"},
            "region": {"from": "app", "choices": ["eu", "us"], "default": "us"},
            "region_host": {"from": "map", "key": "region", "map": {"eu": "eu.p.example", "us": "p.example"}},
            "realm": {"from": "callback:realmId"},
            "instance": {"from": "token:instance_url", "host_suffixes": ["p.example"]},
            "base": {"from": "discover:base_uri", "host_suffixes": ["p.example"]},
        },
        "authorize": {"url": "https://{shop}.shops.example/a", "params": {"audience": "{shop} of {region}", "s": "{scopes}"}},
        "callback": {"must_equal": {"shop": "{shop}.shops.example"}},
        "token": {
            "url": "https://{region_host}/{realm}/t", "headers": {"X-Realm": "{realm}"}, "params": {"tenant": "{realm}"},
            "query": {"shop": "{shop}"}, "derive": {"sign": {"fn": "sha256_hex", "over": "{shop}{client_secret}"}},
        },
        "discover": [{
            "url": "https://{instance}/d", "method": "POST", "body": {"query": ["{shop}", "{ me { id } }"]},
            "into": {"base_uri": "u"},
        }],
        "refresh": {"url": "https://{instance}/r"},
        "revoke": {"url": "https://{instance}/{client_id}/v"},
        "identity": {"url": "https://{base}/me/{access_token}"},
        "oidc": {"issuer": "https://{shop}.shops.example", "issuer_template": true},
        "api": {"base_url": "https://{base}/{realm}", "hosts": ["{shop}.shops.example", "*.p.example"]},
    })
}

fn provider() -> Provider {
    Provider::from_value(&data()).expect("a provider")
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn all() -> Values {
    values(&[
        ("shop", "acme"),
        ("region", "eu"),
        ("realm", "77"),
        ("instance", "https://i1.p.example/"),
        ("base_uri", "b1.p.example"),
    ])
}

#[test]
fn every_text_of_a_step_gets_its_values() {
    let provider = provider();
    let filled = provider.filled(&all(), Step::Identity).expect("filled");
    let written = serde_json::to_value(&*filled).expect("JSON");
    for (pointer, expected) in [
        ("/authorize/url", "https://acme.shops.example/a"),
        ("/authorize/params/audience", "acme of eu"),
        ("/authorize/params/s", "{scopes}"),
        ("/callback/must_equal/shop", "acme.shops.example"),
        ("/token/url", "https://eu.p.example/77/t"),
        ("/token/headers/X-Realm", "77"),
        ("/token/params/tenant", "77"),
        ("/token/query/shop", "acme"),
        ("/token/derive/sign/over", "acme{client_secret}"),
        ("/discover/0/url", "https://i1.p.example/d"),
        ("/discover/0/body/query/0", "acme"),
        ("/discover/0/body/query/1", "{ me { id } }"),
        ("/refresh/url", "https://i1.p.example/r"),
        ("/revoke/url", "https://i1.p.example/{client_id}/v"),
        ("/identity/url", "https://b1.p.example/me/{access_token}"),
        ("/oidc/issuer", "https://acme.shops.example"),
        ("/api/base_url", "https://b1.p.example/77"),
        ("/api/hosts/0", "acme.shops.example"),
    ] {
        assert_eq!(written.pointer(pointer), Some(&json!(expected)), "{pointer}");
    }
}

#[test]
fn a_step_is_ready_when_its_own_values_are_known_and_not_before() {
    let provider = provider();
    for (known, step, missing) in [
        (&[][..], Step::Authorize, Some("shop")),
        (&[("shop", "acme")], Step::Authorize, None),
        (&[("shop", "acme")], Step::Token, Some("realm")),
        (&[("shop", "acme"), ("realm", "7")], Step::Token, None),
        (&[("shop", "acme"), ("realm", "7")], Step::Refresh, Some("instance")),
        (&[("shop", "acme"), ("instance", "i.p.example")], Step::Refresh, Some("realm")),
        (&[("shop", "acme"), ("instance", "i.p.example")], Step::Revoke, None),
        (&[("shop", "acme"), ("instance", "i.evil.example")], Step::Revoke, Some("instance")),
        (&[("shop", "acme")], Step::Identity, Some("base")),
    ] {
        let filled = provider.filled(&values(known), step);
        assert_eq!(filled.err().map(|error| error.var).as_deref(), missing, "{known:?} {step:?}");
    }
}

#[test]
fn a_value_stays_in_its_place_in_a_path() {
    let provider = provider();
    for (realm, expected) in [
        ("a/../../b?c#d", Some("https://p.example/a%2F..%2F..%2Fb%3Fc%23d/t")),
        ("%2e%2e", Some("https://p.example/%252e%252e/t")),
        ("..", None),
        (".", None),
        ("{shop}", Some("https://p.example/%7Bshop%7D/t")),
    ] {
        let mut given = values(&[("shop", "acme"), ("realm", realm)]);
        given.remove("region");
        let filled = provider.filled(&given, Step::Token);
        assert_eq!(filled.ok().map(|filled| filled.token.url.clone()).as_deref(), expected, "{realm}");
    }
    assert!(provider.filled(&values(&[("shop", "acme"), ("realm", "é")]), Step::Token).is_err(), "no header takes it");
}

#[test]
fn a_placeholder_that_nobody_declared_is_told_wherever_it_stands() {
    for (table, pointer) in [
        (json!({"authorize": {"url": "https://p.example/{nope}"}}), "/authorize/url"),
        (json!({"authorize": {"par_url": "https://p.example/{nope}"}}), "/authorize/par_url"),
        (json!({"authorize": {"fragment": "{nope}"}}), "/authorize/fragment"),
        (json!({"authorize": {"params": {"a/b": "{nope}"}}}), "/authorize/params/a~1b"),
        (json!({"callback": {"must_equal": {"a": "{nope}"}}}), "/callback/must_equal/a"),
        (json!({"token": {"url": "https://{nope}.p.example/"}}), "/token/url"),
        (json!({"token": {"params": {"a": "{nope}"}}}), "/token/params/a"),
        (json!({"token": {"query": {"a": "{nope}"}}}), "/token/query/a"),
        (json!({"token": {"headers": {"X-A": "{nope}"}}}), "/token/headers/X-A"),
        (json!({"token": {"derive": {"a": {"fn": "base64", "over": "{nope}"}}}}), "/token/derive/a/over"),
        (json!({"exchange": [{"url": "https://p.example/{nope}"}]}), "/exchange/0/url"),
        (json!({"exchange": [{"url": "https://p.example/", "params": {"a": "{nope}"}}]}), "/exchange/0/params/a"),
        (json!({"discover": [{"url": "https://p.example/{nope}", "into": {"a": "b"}}]}), "/discover/0/url"),
        (json!({"refresh": {"params": {"a": "{nope}"}}}), "/refresh/params/a"),
        (json!({"refresh": {"url": "https://p.example/{nope}"}}), "/refresh/url"),
        (json!({"revoke": {"url": "https://p.example/{nope}"}}), "/revoke/url"),
        (json!({"revoke": {"url": "https://{access_token}.p.example/"}}), "/revoke/url"),
        (json!({"identity": {"url": "https://p.example/{nope}"}}), "/identity/url"),
        (json!({"identity": {"body": {"a": ["{nope}"]}}}), "/identity/body/a/0"),
        (json!({"oidc": {"issuer": "https://p.example/{nope}"}}), "/oidc/issuer"),
        (json!({"api": {"base_url": "https://p.example/{nope}"}}), "/api/base_url"),
        (json!({"api": {"base_url": "https://p.example/{access_token}"}}), "/api/base_url"),
        (json!({"api": {"hosts": ["{nope}.p.example"]}}), "/api/hosts/0"),
        (json!({"api": {"headers": {"X-A": "{nope}"}}}), "/api/headers/X-A"),
        (json!({"token": {"url": "https://p.example/{shop"}}), "/token/url"),
        // Declared, but nobody knows it by then.
        (json!({"authorize": {"url": "https://p.example/{realm}"}}), "/authorize/url"),
        (json!({"token": {"url": "https://p.example/{base}"}}), "/token/url"),
        (json!({"token": {"url": "https://p.example/{instance}"}}), "/token/url"),
    ] {
        let errors = Provider::from_value(&merged(data(), table.clone())).expect_err("refused");
        let pointers: Vec<String> = errors.into_iter().map(|error| error.pointer).collect();
        assert!(pointers.iter().any(|known| known == pointer), "{table}: {pointers:?}");
    }
}

#[test]
fn samples_have_every_value_of_a_closed_list() {
    let provider = provider();
    let samples = provider.samples();
    let hosts: Vec<&str> = samples.iter().map(|sample| sample.token.url.as_str()).collect();
    assert_eq!(hosts, ["https://eu.p.example/x/t", "https://p.example/x/t"]);
    assert!(samples.iter().flat_map(|sample| sample.endpoints()).all(|(_, url)| !url.contains("{s")));
}

#[test]
fn a_provider_without_variables_is_not_copied() {
    let mut plain = json!({"id": "p", "name": "P"});
    plain["authorize"] = json!({"url": "https://p.example/a"});
    plain["token"] = json!({"url": "https://p.example/t"});
    let provider = Provider::from_value(&plain).expect("a provider");
    assert!(matches!(provider.filled(&all(), Step::Token), Ok(Cow::Borrowed(_))));
}

#[test]
fn what_is_needed_includes_what_it_is_mapped_from() {
    let provider = provider();
    let needed: Vec<String> = provider.needed_vars().into_iter().collect();
    assert_eq!(needed, ["base", "instance", "realm", "region", "region_host", "shop"]);
}

#[test]
fn data_with_everything_is_read_as_it_was_written() {
    let data = merged(
        data(),
        json!({
            "categories": ["crm"], "old_urls": ["https://old.example/"], "app_scope": "workspace",
            "deprecated": {"on": "2027-01-01", "replace_by": "q", "note": "n"},
            "certainty": {"default": "two_sources", "unconfirmed": ["/token/url"]},
            "names": {"client_id": "client_key"},
            "authorize": {
                "omit": ["scope"], "pkce_challenge": "s256_hex", "state_min": 32, "par_url": "https://p.example/par",
                "par_required": true, "fragment": "login", "scope": {"encode": "raw"}, "redirect_uri": {"https_only": true},
            },
            "callback": {
                "code_param": "auth_code", "code_decode": "percent", "code_strip_suffix": "#_", "scope_param": "scopes",
                "verify": {"kind": "hmac_sha256", "encoding": "hex", "param": "hmac", "without": ["signature"]},
            },
            "api": {"token_in": {"header": "X-Token"}, "expired": [{"status": 401, "body": {"path": "error", "equals": "expired"}}]},
        }),
    );
    let provider = Provider::from_value(&data).expect("a provider");
    let written = serde_json::to_value(&provider).expect("JSON");
    assert_eq!(Provider::from_value(&written).expect("the same"), provider);
    for pointer in ["", "/authorize", "/callback", "/callback/verify", "/api", "/vars/region", "/certainty", "/oidc"] {
        for field in data.pointer(pointer).and_then(Value::as_object).expect("a table").keys() {
            assert!(written.pointer(&format!("{pointer}/{field}")).is_some(), "{pointer}/{field} is lost");
        }
    }
}

#[test]
fn whoever_is_unavailable_needs_no_endpoints() {
    let data = json!({"id": "p", "name": "P", "unavailable": "No codes there."});
    let provider = Provider::from_value(&data).expect("a provider");
    assert_eq!(provider.endpoints().count(), 0);
    let written = serde_json::to_value(&provider).expect("JSON");
    assert_eq!(Provider::from_value(&written).expect("the same"), provider);
}

#[test]
fn a_call_may_use_what_one_before_it_tells_and_none_after_it() {
    let call = |url: &str, field: &str| json!({"url": url, "into": {field: "u"}});
    let site = call("https://p.example/sites", "site_id");
    let team = call("https://p.example/{site}/teams", "team_id");
    for (calls, fits) in [(json!([site, team]), true), (json!([team, site]), false), (json!([team]), false)] {
        let mut data = data();
        data["vars"]["site"] = json!({"from": "discover:site_id"});
        data["vars"]["base"] = json!({"from": "token:base", "host_suffixes": ["p.example"]});
        data["discover"] = calls.clone();
        assert_eq!(Provider::from_value(&data).is_ok(), fits, "{calls}");
    }
}

#[test]
fn a_call_is_needed_if_something_is_made_of_what_it_tells() {
    let needed = |base_url: &str| {
        let mut data = data();
        data["vars"]["site"] = json!({"from": "discover:site_id"});
        data["vars"]["team"] = json!({"from": "discover:team_id"});
        data["discover"] = json!([
            {"url": "https://p.example/sites", "into": {"site_id": "u"}},
            {"url": "https://p.example/{site}/teams", "into": {"team_id": "u", "title": "t"}},
            {"url": "https://p.example/{team}/plan", "into": {"plan": "u"}},
            {"url": "https://p.example/base", "into": {"base_uri": "u"}},
        ]);
        data["identity"] = json!({"url": "https://p.example/me"});
        data["api"]["base_url"] = base_url.into();
        let provider = Provider::from_value(&data).expect("a provider");
        provider.needed_discoveries().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(needed("https://p.example/v1"), [0_usize; 0]);
    assert_eq!(needed("https://{base}/v1"), [3]);
    assert_eq!(needed("https://p.example/{team}"), [0, 1]);
}

#[test]
fn what_is_told_again_replaces_only_what_no_request_goes_by() {
    let provider = provider();
    let told = |name: &str, value: &str| provider.renewed_details(&all(), &values(&[(name, value)]));
    let with = |name: &str, value: &str| {
        let mut changed = all();
        changed.insert(name.to_owned(), value.to_owned());
        Some(changed)
    };
    assert_eq!(told("plan", "paid"), with("plan", "paid"));
    assert_eq!(told("instance", "https://i2.p.example/"), None, "a refresh goes there");
    assert_eq!(told("shop", "evil"), None, "the user said which");
    assert_eq!(told("realm", "77"), None, "nothing new");
}
