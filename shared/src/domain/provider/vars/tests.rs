use serde_json::{Value, json};

use super::super::Provider;

/// A provider with these variables and this token endpoint.
fn provider(vars: &Value, token_url: &str) -> Result<Provider, Vec<String>> {
    let data = json!({
        "id": "p", "name": "P", "vars": vars,
        "authorize": {"url": "https://p.example/a"},
        "token": {"url": token_url},
    });
    let pointers = |errors: Vec<crate::domain::fields::FieldError>| errors.into_iter().map(|error| error.pointer);
    Provider::from_value(&data).map_err(|errors| pointers(errors).collect())
}

fn accepted(var: &Value, raw: &str) -> Option<String> {
    let provider = provider(&json!({"v": var}), "https://p.example/t").expect("a provider");
    provider.vars["v"].accept(raw).ok()
}

#[test]
fn a_value_is_taken_in_the_form_in_which_it_is_used_or_not_at_all() {
    let shop = json!({"from": "input", "strip_suffix": ".shops.example", "pattern": "[a-z0-9][a-z0-9-]*"});
    let host = json!({"from": "token:instance_url", "host_suffixes": [".force.example", "sales.example"]});
    let region = json!({"from": "app", "choices": ["eu", "us"]});
    let domain = json!({"from": "input", "pattern": "[a-z.]+", "reject": r"\.internal$"});
    for (var, raw, expected) in [
        (&shop, "acme", Some("acme")),
        (&shop, " acme ", Some("acme")),
        (&shop, "acme.shops.example", Some("acme")),
        (&shop, "acme.shops.example.shops.example", None),
        (&shop, "acme.evil.example", None),
        (&shop, "acme/x", None),
        (&shop, "", None),
        (&shop, ".shops.example", None),
        (&host, "https://eu1.force.example", Some("eu1.force.example")),
        (&host, "https://eu1.force.example/", Some("eu1.force.example")),
        (&host, "sales.example", Some("sales.example")),
        (&host, "evilsales.example", None),
        (&host, "evil.example/.sales.example", None),
        (&host, "evil.example#.sales.example", None),
        (&host, "user@sales.example", None),
        (&host, "sales.example:8443", None),
        (&host, "sales.example.", None),
        (&host, "http://sales.example", None),
        (&region, "eu", Some("eu")),
        (&region, "EU", None),
        (&domain, "a.example", Some("a.example")),
        (&domain, "a.internal", None),
    ] {
        assert_eq!(accepted(var, raw).as_deref(), expected, "{raw} of {var}");
    }
    assert_eq!(accepted(&json!({"from": "input"}), "a\r\nb"), None);
    assert_eq!(accepted(&json!({"from": "input"}), &"a".repeat(513)), None);
}

#[test]
fn a_value_that_was_taken_once_is_taken_again() {
    let var = json!({"from": "input", "strip_suffix": ".shops.example", "pattern": "[a-z]+"});
    let once = accepted(&var, "acme.shops.example").expect("a value");
    assert_eq!(accepted(&var, &once), Some(once));
}

#[test]
fn a_host_is_never_left_to_whoever_answers() {
    let label = "[a-z0-9-]+";
    for (var, url, fits) in [
        (json!({"from": "input", "pattern": label}), "https://{v}.shops.example/t", true),
        (json!({"from": "input", "pattern": label}), "https://api-{v}.shops.example/t", true),
        (json!({"from": "input", "pattern": label}), "https://{v}-eu.shops.example/t", true),
        (json!({"from": "input", "pattern": label}), "https://{v}.example/t", false),
        (json!({"from": "input", "pattern": label}), "https://{v}/t", false),
        (json!({"from": "input", "pattern": label}), "https://shops.example.{v}/t", false),
        (json!({"from": "input", "pattern": "[a-z.]+"}), "https://{v}.shops.example/t", false),
        (json!({"from": "input", "pattern": "[a-z/]+"}), "https://{v}.shops.example/t", false),
        (json!({"from": "input", "pattern": "[a-z@]+"}), "https://{v}.shops.example/t", false),
        (json!({"from": "input", "pattern": "[a-z#]+"}), "https://{v}.shops.example/t", false),
        (json!({"from": "input", "pattern": "[a-z?]+"}), "https://{v}.shops.example/t", false),
        (json!({"from": "input", "pattern": "[a-z:]+"}), "https://{v}.shops.example/t", false),
        (json!({"from": "input", "pattern": ".+"}), "https://{v}.shops.example/t", false),
        (json!({"from": "input"}), "https://{v}.shops.example/t", false),
        (json!({"from": "input", "choices": ["login.a.example", "test.a.example"]}), "https://{v}/t", true),
        (json!({"from": "input", "choices": ["a/b"]}), "https://{v}.shops.example/t", false),
        (json!({"from": "input", "pattern": ".+", "host_suffixes": ["a.example"]}), "https://{v}/t", true),
        (json!({"from": "callback:host", "host_suffixes": ["a.example"]}), "https://{v}/t", true),
        (json!({"from": "callback:host", "pattern": label}), "https://{v}/t", false),
        (json!({"from": "callback:host"}), "https://{v}/t", false),
        (json!({"from": "app", "pattern": "[a-z0-9.-]+"}), "https://{v}/t", true),
        (json!({"from": "app", "pattern": ".+"}), "https://{v}/t", false),
        (json!({"from": "app", "pattern": "[a-z:]+"}), "https://{v}/t", false),
        (json!({"from": "app"}), "https://{v}/t", false),
        (json!({"from": "input"}), "https://p.example/{v}/t", true),
        (json!({"from": "input", "pattern": label}), "https://{v}@p.example/t", false),
        (json!({"from": "input", "pattern": label}), "https://p.example:{v}/t", false),
    ] {
        let read = provider(&json!({"v": var}), url);
        let expected: Result<(), Vec<String>> = if fits { Ok(()) } else { Err(vec!["/token/url".to_owned()]) };
        assert_eq!(read.map(|_| ()), expected, "{url} with {var}");
    }
}

#[test]
fn a_variable_that_makes_no_sense_is_refused_at_its_place() {
    for (vars, pointer) in [
        (json!({"v": {}}), "/vars/v/from"),
        (json!({"v": {"from": "nowhere"}}), "/vars/v/from"),
        (json!({"v": {"from": "callback:state"}}), "/vars/v/from"),
        (json!({"v": {"from": "callback:code"}}), "/vars/v/from"),
        (json!({"v": {"from": "token:a..b"}}), "/vars/v/from"),
        (json!({"v": {"from": "map"}}), "/vars/v/from"),
        (json!({"v": {"from": "app", "key": "w", "map": {"a": "b"}}, "w": {"from": "app"}}), "/vars/v/from"),
        (json!({"v": {"from": "map", "key": "w", "map": {"a": "b"}}}), "/vars/v"),
        (
            json!({"v": {"from": "map", "key": "w", "map": {"a": "x"}}, "w": {"from": "app", "choices": ["a", "b"]}}),
            "/vars/v",
        ),
        (json!({"V": {"from": "app"}}), "/vars/V"),
        (json!({"client_id": {"from": "app"}}), "/vars/client_id"),
        (json!({"v": {"from": "app", "pattern": "("}}), "/vars/v/pattern"),
        (json!({"v": {"from": "app", "pattern": "[a-z]+", "default": "A"}}), "/vars/v/default"),
        (json!({"v": {"from": "app", "choices": ["a"], "example": "b"}}), "/vars/v/example"),
        (json!({"v": {"from": "app", "host_suffixes": ["com"]}}), "/vars/v/host_suffixes/0"),
        (json!({"v": {"from": "app", "colour": "red"}}), "/vars/v/colour"),
        (json!({"v": 1}), "/vars/v"),
    ] {
        let pointers = provider(&vars, "https://p.example/t").expect_err("refused");
        assert!(pointers.iter().any(|known| known == pointer), "{vars}: {pointers:?}");
    }
}
