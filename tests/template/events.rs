//! The events that are kept for invoking functions by hand and in tests: each is one that the template would deliver.

use std::collections::BTreeMap;

use connectors::{
    domain::{secret::Secret, session::SessionId},
    web::cookie,
};
use connectors_tests::events::example;
use serde_json::Value;

use crate::document::{Template, root};

/// Every event, by file name without `.json`.
fn events() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(root().join("events")).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let event = serde_json::from_slice(&std::fs::read(&path).unwrap());
            (name.clone(), event.unwrap_or_else(|error| panic!("{name}: {error}")))
        })
        .collect()
}

/// The function that a route of the template leads to.
fn target<'a>(template: &'a Template, method: &str, path: &str) -> Option<&'a str> {
    let operation = &template.at("/Resources/Api/Properties/DefinitionBody/paths")[path][method.to_lowercase()];
    let reference = operation["x-amazon-apigateway-integration"]["$ref"].as_str()?;
    reference.strip_prefix("#/components/x-amazon-apigateway-integrations/")
}

#[test]
fn every_function_has_an_event_and_every_event_a_function() {
    let template = Template::read();
    let functions = template.functions();
    let named: Vec<String> = events().into_keys().collect();
    for name in &named {
        assert!(functions.contains_key(name.split_once('.').unwrap().0), "{name}");
    }
    for function in functions.keys() {
        assert!(named.iter().any(|name| name.starts_with(&format!("{function}."))), "{function}");
    }
}

#[test]
fn a_request_is_routed_to_the_function_its_event_is_named_after() {
    let template = Template::read();
    for (name, event) in events().into_iter().filter(|(_, event)| event["version"] == "2.0") {
        let (method, path) = event["routeKey"].as_str().unwrap().split_once(' ').unwrap();
        assert_eq!(target(&template, method, path), name.split('.').next(), "{name}");
        assert_eq!(event["requestContext"]["routeKey"], event["routeKey"], "{name}");
        assert_eq!(event["requestContext"]["http"]["method"], method, "{name}");
        assert_eq!(event["rawPath"], filled(path, &event["pathParameters"]), "{name}");
    }
}

#[test]
fn every_function_with_routes_has_an_event_for_each_kind_of_caller() {
    let events = events();
    let has = |function: &str, mark: &str| {
        events.iter().any(|(name, event)| name.starts_with(&format!("{function}.")) && event.to_string().contains(mark))
    };
    for (function, marks) in [
        (
            "start-authorization",
            &[example::USER_TOKEN, example::SERVICE_KEY, example::ADMIN_KEY, "/open", "/continue", "/decline"][..],
        ),
        ("callback", &["code=", "error=", "__Host-connect-", "GET /api/external-auth/jwks/{connector_id}"]),
        ("finish-authorization", &[example::USER_TOKEN, "handle"]),
        ("get-token", &["on-behalf-of", "users/{sub}", "tokens/{type}", "tokens/connectors/{id}"]),
        (
            "disconnect",
            &[example::USER_TOKEN, example::ADMIN_KEY, "SWEEP#", "POST /connect/{session}/disconnect", "dry_run"],
        ),
        ("move-grants", &[example::ADMIN_KEY, "/import/nango", "/export", "recipient"]),
        ("call-provider", &["on-behalf-of", example::USER_TOKEN, "connectors/{type}/call"]),
        ("mcp", &["/mcp/{ws}", "/mcp/apps/{app}", "/.well-known/oauth-protected-resource", "OPTIONS"]),
        ("list-connections", &[example::USER_TOKEN, example::SERVICE_KEY, "OPTIONS"]),
        ("manage-connector", &[example::ADMIN_KEY, example::SERVICE_KEY, "bootstrap", "set_plan", "confirm"]),
        (
            "console",
            &[
                "GET /console",
                "GET /console/{path+}",
                "GET /assets/{name}",
                "GET /connect/{session}",
                "GET /connect.js",
            ],
        ),
        ("deliver-events", &["OUT#EVENT", "WEBHOOK#"]),
        ("refresh", &["aws.scheduler", "due", "CHECKUP", "look", "look_after_keys", "reseal"]),
    ] {
        for mark in marks {
            assert!(has(function, mark), "{function} has no event with {mark}");
        }
    }
}

#[test]
fn the_callbacks_cookie_and_state_are_those_of_the_session_in_the_other_events() {
    let session = SessionId::of_state(&Secret::new(example::STATE));
    assert_eq!(session.as_str(), example::SESSION);
    let given = cookie::bind(&session, &Secret::new("value")).unwrap();
    let name = given.to_str().unwrap().split('=').next().unwrap().to_owned();
    let callbacks = ["callback.code", "callback.error"];
    for (event_name, event) in events().into_iter().filter(|(name, _)| callbacks.contains(&name.as_str())) {
        assert!(event["cookies"][0].as_str().unwrap().starts_with(&format!("{name}=")), "{event_name}");
        assert!(event["rawQueryString"].as_str().unwrap().contains(example::STATE), "{event_name}");
    }
}

/// The path that a route has with these parameters. The gateway hands it over decoded.
fn filled(route: &str, parameters: &Value) -> String {
    parameters.as_object().into_iter().flatten().fold(route.to_owned(), |path, (name, value)| {
        let value = value.as_str().unwrap();
        path.replace(&format!("{{{name}}}"), value).replace(&format!("{{{name}+}}"), value)
    })
}

#[test]
fn a_queue_message_comes_from_the_queue_that_its_function_empties() {
    let template = Template::read();
    for (name, event) in events() {
        let function = &template.functions()[name.split('.').next().unwrap()];
        let sources =
            function.resource["Properties"]["Events"].as_object().into_iter().flat_map(|events| events.values());
        let queues: Vec<&str> = sources
            .filter_map(|source| source["Properties"]["Queue"]["Fn::GetAtt"].as_str())
            .map(|queue| queue.trim_end_matches(".Arn"))
            .collect();
        for record in event["Records"].as_array().into_iter().flatten() {
            let source = record["eventSourceARN"].as_str().unwrap();
            assert!(queues.iter().any(|queue| source.contains(&format!("-{queue}-"))), "{name}");
            assert!(serde_json::from_str::<Value>(record["body"].as_str().unwrap()).unwrap().is_object(), "{name}");
        }
    }
}
