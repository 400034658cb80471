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

/// Every `Problem::new(StatusCode::…, "code", …)` of the code, by reading it as a text.
fn codes_of_the_code() -> BTreeSet<String> {
    let mut files = vec![root().join("functions"), root().join("shared/src/web")];
    let mut codes = BTreeSet::new();
    while let Some(path) = files.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
            files.extend(entries.filter(|entry| !entry.ends_with("local") && !entry.ends_with("web/connect-js")));
        } else if path.extension().is_some_and(|end| end == "rs") && path.to_string_lossy().contains("src") {
            let text = std::fs::read_to_string(&path).unwrap();
            for made in text.split("::new(").skip(1).filter(|made| made.trim_start().starts_with("StatusCode::")) {
                let code = made.split_once(',').and_then(|(_, rest)| rest.trim_start().strip_prefix('"'));
                codes.extend(code.and_then(|code| code.split_once('"')).map(|(code, _)| code.to_owned()));
            }
        }
    }
    codes
}

#[test]
fn every_way_to_refuse_is_described_and_no_operation_leaves_one_open() {
    let document = described().document;
    let mut described = BTreeSet::new();
    for answer in document["components"]["responses"].as_object().unwrap().values() {
        let schema = &answer["content"]["application/problem+json"]["schema"];
        let codes = schema["properties"]["code"]["enum"].as_array().unwrap().iter();
        described.extend(codes.map(|code| code.as_str().unwrap().to_owned()));
    }
    // `HEAD`, and methods that an address has not, are no operations.
    let elsewhere = BTreeSet::from(["method_not_allowed".to_owned()]);
    let codes = codes_of_the_code();
    assert!(codes.len() > 15, "{codes:?}");
    assert_eq!(codes.difference(&described).cloned().collect::<BTreeSet<_>>(), elsewhere);
    for (method, path, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        assert!(!answers.contains_key("default"), "{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
        let is_protected = operation["security"].as_array().is_some_and(|all| !all.is_empty());
        let is_refused = ["401", "403"].iter().any(|status| answers.contains_key(*status));
        assert!(!is_protected || is_refused, "{method} {path}");
    }
}

#[test]
fn what_a_webhook_is_sent_is_what_is_described() {
    let document = described().document;
    let webhooks = document["webhooks"].as_object().unwrap();
    let kinds = connectors::domain::event::EventKind::ALL.iter().map(|kind| kind.as_str());
    let kinds: BTreeSet<_> = kinds.chain(["webhook.test"]).collect();
    assert_eq!(webhooks.keys().map(String::as_str).collect::<BTreeSet<_>>(), kinds);
    for (kind, webhook) in webhooks {
        let payload = &webhook["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(payload["properties"]["type"]["const"], *kind);
        let fields = payload["required"].as_array().unwrap();
        assert!(fields.iter().all(|name| payload["properties"][name.as_str().unwrap()].is_object()), "{kind}");
    }
}

/// A grant in which everything is said that can be.
fn whole_grant() -> Value {
    serde_json::json!({
        "app_id": "app_1", "user": { "issuer": "https://login.example", "sub": "alice" }, "client_id": "client",
        "access_token": "a", "refresh_token": "r", "token_type": "Bearer", "issued_at": "2027-01-31T11:00:00Z",
        "expires_at": "2027-01-31T12:00:00Z", "refresh_expires_at": "2027-02-28T12:00:00Z", "scopes": ["calendar.read"],
        "account": { "id": "1", "name": "Alice", "email": "alice@example.com", "avatar_url": "https://a.example/1.png" },
        "label": "Work", "connection_config": { "shop": "acme" }, "connected_at": "2026-01-31T12:00:00Z",
        "last_used_on": "2027-01-30",
    })
}

fn names(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_grant_that_comes_in_is_described_field_by_field_as_it_is_read_and_written() {
    let document = described().document;
    let (form, whole) = (&document["components"]["schemas"]["PortableGrant"], whole_grant());
    let read = connectors::domain::portable_grant::PortableGrant::read(&whole).unwrap();
    assert_eq!(serde_json::to_value(read.written()).unwrap(), whole);
    assert_eq!(names(&form["properties"]), names(&whole));
    for table in ["user", "account"] {
        assert_eq!(names(&form["properties"][table]["properties"]), names(&whole[table]), "{table}");
    }
    assert_eq!(form["required"], serde_json::json!(["client_id"]));
    let nango = &document["paths"]["/api/workspace/{ws}/connectors/{id}/import/nango"]["post"];
    let mapping = &nango["requestBody"]["content"]["application/json"]["schema"]["properties"]["mapping"];
    let users = serde_json::json!(["connection_id", "end_user.id", "tags.end_user_id"]);
    assert_eq!(mapping["properties"]["user"]["enum"], users);
}

#[test]
fn every_provider_of_the_catalogue_has_what_is_described_and_nothing_else() {
    let document = described().document;
    let described = names(&document["components"]["schemas"]["Provider"]["properties"]);
    let mut seen = BTreeSet::from(["integration_type".to_owned()]);
    for provider in connectors::oauth::catalogue::all_described() {
        seen.extend(names(&serde_json::to_value(&provider).unwrap()).into_iter().map(str::to_owned));
    }
    let undescribed: Vec<_> = seen.iter().filter(|name| !described.contains(name.as_str())).collect();
    assert!(undescribed.is_empty(), "{undescribed:?}");
    let text = document.to_string();
    assert!(!text.contains("#/$defs/"), "what a file refers to is somewhere else in the document");
}
