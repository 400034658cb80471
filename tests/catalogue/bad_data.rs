//! Data with a mistake in it: told with its place to whoever builds the catalogue, and to whoever registers a provider.

use std::collections::BTreeSet;

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

/// Every closed set of words in the schema that editors go by, with the place of one of them.
fn closed_sets(schema: &Value, node: &Value, at: &str, found: &mut Vec<(String, BTreeSet<String>)>) {
    if let Some(defined) = node["$ref"].as_str() {
        let node = schema.pointer(defined.trim_start_matches('#')).unwrap();
        return closed_sets(schema, node, at, found);
    }
    let known = node["enum"].as_array().cloned().or_else(|| node.get("const").map(|word| vec![word.clone()]));
    if let Some(known) = known {
        found.push((at.to_owned(), known.iter().map(|word| word.as_str().unwrap().to_owned()).collect()));
    }
    let dot = if at.is_empty() { "" } else { "." };
    for (name, inner) in node["properties"].as_object().into_iter().flatten() {
        closed_sets(schema, inner, &format!("{at}{dot}{name}"), found);
    }
    for (name, step) in [("items", "0"), ("additionalProperties", "some")] {
        if node[name].is_object() {
            closed_sets(schema, &node[name], &format!("{at}{dot}{step}"), found);
        }
    }
}

/// The words that a refusal names.
fn named(detail: &str) -> Option<BTreeSet<String>> {
    let words = detail.strip_prefix("must be one of ").or_else(|| detail.strip_prefix("may be "))?;
    Some(words.replace(" or ", ", ").split(", ").map(str::to_owned).collect())
}

#[test]
fn editors_know_the_words_that_are_read_and_no_others() {
    let schema: Value = serde_json::from_str(include_str!("../../shared/providers/schema.json")).unwrap();
    let (mut sets, mut compared) = (Vec::new(), 0);
    closed_sets(&schema, &schema, "", &mut sets);
    for (path, words) in sets {
        let errors = Provider::from_value(&with(&path, json!("no-such-word"))).expect_err(&path);
        let pointer = format!("/{}", path.replace('.', "/"));
        let told = errors.iter().filter(|error| error.pointer == pointer).find_map(|error| named(&error.detail));
        if let Some(told) = told {
            assert_eq!(words, told, "{path}");
            compared += 1;
        }
    }
    assert!(compared > 25, "{compared} sets of words were compared");
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
