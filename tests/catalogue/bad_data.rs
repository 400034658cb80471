//! Data with a mistake in it: told with its place to whoever builds the catalogue, and to whoever registers a provider.

use connectors::domain::provider::Provider;
use serde_json::{Value, json};

use crate::{facts::put, world::World};

/// A provider in order, with a variable in a host.
fn sound() -> Value {
    json!({
        "id": "bad",
        "name": "Bad",
        "vars": {"shop": {"from": "input", "label": "Shop", "pattern": "[a-z0-9-]{1,40}"}},
        "authorize": {"url": "https://{shop}.bad.example/authorize"},
        "token": {"url": "https://{shop}.bad.example/token"},
    })
}

/// Mistakes: where it is made, what it is, and where it is told.
fn mistakes() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("vars.shop.pattern", json!("[a-z"), "/vars/shop/pattern"),
        ("vars.shop.pattern", json!("[a-z.]+"), "/authorize/url"),
        ("vars.shop.from", json!("nowhere"), "/vars/shop/from"),
        ("vars.shop.colour", json!("blue"), "/vars/shop/colour"),
        ("authorize.url", json!("https://{elsewhere}.bad.example/authorize"), "/authorize/url"),
        ("authorize.url", json!("https://{shop}/authorize"), "/authorize/url"),
        ("token.headers", json!({"X-Realm": "{realm}"}), "/token/headers/X-Realm"),
        ("token.params", json!({"realm": "{realm}"}), "/token/params/realm"),
        ("callback.must_equal", json!({"shop": "{realm}"}), "/callback/must_equal/shop"),
        ("token.flavour", json!("plain"), "/token/flavour"),
        ("colour", json!("blue"), "/colour"),
    ]
}

fn with(path: &str, value: Value) -> Value {
    let mut data = sound();
    let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
    let table = if table.is_empty() { String::new() } else { format!("/{}", table.replace('.', "/")) };
    if let Some(Value::Object(fields)) = data.pointer_mut(&table) {
        fields.remove(name);
    }
    put(&mut data, path, value);
    data
}

#[test]
fn a_mistake_in_a_file_of_the_catalogue_is_told_with_its_place() {
    Provider::from_value(&sound()).unwrap();
    for (path, value, pointer) in mistakes() {
        let errors = Provider::from_value(&with(path, value.clone())).expect_err(path);
        assert!(errors.iter().any(|error| error.pointer == pointer), "{path} = {value}: {errors:?}");
    }
}

#[test]
fn a_certainty_of_what_is_not_in_the_file_is_told() {
    for (pointer, is_there) in [
        ("/token/url", true),
        ("/token", true),
        ("/vars/shop/pattern", true),
        ("/token/body", false),
        ("/vars/shop/choices/0", false),
        ("/revoke", false),
    ] {
        let mut data = sound();
        data["certainty"] = json!({"unconfirmed": [pointer]});
        let certainty = Provider::from_value(&data).unwrap().certainty.unwrap();
        assert_eq!(certainty.astray(&data).collect::<Vec<_>>().is_empty(), is_there, "{pointer}");
    }
}

#[tokio::test]
async fn a_mistake_in_a_provider_of_a_workspace_is_told_with_its_place() {
    let world = World::new().await;
    let insecure = ("token.url", json!("http://bad.example/token"), "/token/url");
    for (path, value, pointer) in mistakes().into_iter().chain([insecure]) {
        let answer = world.admin("POST", "/providers").json(&with(path, value.clone())).send().await;
        let problem = answer.expect(422);
        let errors = problem["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["pointer"] == pointer), "{path} = {value}: {problem}");
    }
    world.admin("POST", "/providers").json(&sound()).send().await.expect(201);
}
