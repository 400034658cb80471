//! The description of the API: every route, all of each, and nothing that is not there.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{document::root, routes::of_the_code};

/// Pages of the console that have an answer of their own, all by one route of the gateway.
const PAGES: [&str; 2] = ["/console/reference", "/console/signed-in"];

fn described() -> openapi::Described {
    openapi::describe(&root().join("functions"), &root().join("shared/src")).unwrap()
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, operations)| {
        let operations = operations.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    })
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described = described();
    let in_document: BTreeSet<_> = operations(&described.document)
        .filter(|(_, path, _)| !PAGES.contains(path))
        .map(|(method, path, _)| (method, path.to_owned()))
        .collect();
    // Questions of browsers before a call are no calls.
    let in_code = of_the_code().into_iter().filter(|(method, ..)| method != "OPTIONS");
    let in_code: BTreeSet<_> = in_code.map(|(method, path, _)| (method, path.replace('+', ""))).collect();
    assert_eq!(in_document.symmetric_difference(&in_code).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
}

#[test]
fn nothing_of_a_route_is_left_open() {
    assert_eq!(described().open, Vec::<String>::new());
}

#[test]
fn the_description_that_is_served_is_that_of_this_code() {
    let served = console::assets::Asset::of_source("openapi.json").unwrap();
    let served: Value = serde_json::from_slice(served.plain).unwrap();
    assert_eq!(served, described().document);
}

#[test]
fn what_is_named_is_there_and_no_two_operations_are_called_alike() {
    let document = described().document;
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
        for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|one| one["name"] == name && one["in"] == "path"), "{method} {path}");
        }
        for scheme in operation["security"].as_array().unwrap().iter().flat_map(|one| one.as_object().unwrap().keys()) {
            assert!(document["components"]["securitySchemes"][scheme].is_object(), "{method} {path}: {scheme}");
        }
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some_and(|schema| schema != &serde_json::json!({})), "{reference}");
    }
}
