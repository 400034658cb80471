//! Routes: what a function answers is what the gateway sends it, method by method.

use std::collections::BTreeSet;

use crate::document::Template;

/// Method, path and function.
type Route = (String, String, String);

/// Questions before a call from another origin. Every function could answer them for itself; one does for all below an app's
/// address, so that they need no route each.
const PREFLIGHTS: [(&str, &str, &str); 3] = [
    ("OPTIONS", "/api/apps/{app}/{proxy+}", "list-connections"),
    ("OPTIONS", "/mcp/apps/{app}", "mcp"),
    ("OPTIONS", "/.well-known/oauth-protected-resource/mcp/apps/{app}", "mcp"),
];

pub(crate) fn of_the_code() -> BTreeSet<Route> {
    let functions = [
        ("start-authorization", start_authorization::ROUTES),
        ("callback", callback::ROUTES),
        ("finish-authorization", finish_authorization::ROUTES),
        ("get-token", get_token::ROUTES),
        ("call-provider", call_provider::ROUTES),
        ("mcp", mcp::ROUTES),
        ("refresh", refresh::ROUTES),
        ("disconnect", disconnect::ROUTES),
        ("deliver-events", deliver_events::ROUTES),
        ("list-connections", list_connections::ROUTES),
        ("manage-connector", manage_connector::ROUTES),
        ("move-grants", move_grants::ROUTES),
        ("console", console::ROUTES),
    ];
    let routes = functions.into_iter().flat_map(|(name, routes)| routes.iter().map(move |route| (*route, name)));
    routes.map(|((method, path), name)| route(method, path, name)).chain(PREFLIGHTS.map(of)).collect()
}

fn of_the_template(template: &Template) -> BTreeSet<Route> {
    let paths = template.at("/Resources/Api/Properties/DefinitionBody/paths").as_object().unwrap();
    let mut routes = BTreeSet::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().unwrap() {
            let reference = operation["x-amazon-apigateway-integration"]["$ref"].as_str().unwrap();
            let function = reference.rsplit('/').next().unwrap();
            assert!(routes.insert(route(&method.to_uppercase(), path, function)));
        }
    }
    routes
}

fn route(method: &str, path: &str, function: &str) -> Route {
    (method.to_owned(), path.to_owned(), function.to_owned())
}

fn of((method, path, function): (&str, &str, &str)) -> Route {
    route(method, path, function)
}

#[test]
fn every_route_that_a_function_answers_is_deployed_to_it_and_no_other() {
    let (code, template) = (of_the_code(), of_the_template(&Template::read()));
    let missing: Vec<&Route> = code.difference(&template).collect();
    let unknown: Vec<&Route> = template.difference(&code).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "not deployed: {missing:#?}\nnot answered: {unknown:#?}");
}

#[test]
fn every_integration_of_the_gateway_invokes_the_function_it_is_named_after() {
    let template = Template::read();
    let integrations = "/Resources/Api/Properties/DefinitionBody/components/x-amazon-apigateway-integrations";
    for (name, integration) in template.at(integrations).as_object().unwrap() {
        let uri = integration["uri"]["Fn::Sub"].as_str().unwrap();
        assert!(uri.ends_with(&format!(":function:${{AWS::StackName}}-{name}/invocations")), "{uri}");
        assert_eq!(integration["payloadFormatVersion"], "2.0", "{name}");
        assert_eq!(integration["type"], "aws_proxy", "{name}");
    }
}

/// Routes that ask for no proof of who is calling, and those that begin a session.
const OPEN: [(&str, &str); 22] = [
    ("GET", "/.well-known/oauth-protected-resource/mcp/{ws}"),
    ("GET", "/.well-known/oauth-protected-resource/mcp/apps/{app}"),
    ("GET", "/assets/{name}"),
    ("GET", "/console"),
    ("GET", "/console/{path+}"),
    ("GET", "/api/external-auth/callback/{connector_id}"),
    ("GET", "/connect-1.0.0.js"),
    ("GET", "/connect.js"),
    ("GET", "/api/external-auth/jwks/{connector_id}"),
    ("GET", "/api/workspace/{ws}/sign-in"),
    ("GET", "/connect/{session}"),
    ("OPTIONS", "/.well-known/oauth-protected-resource/mcp/apps/{app}"),
    ("OPTIONS", "/api/apps/{app}/{proxy+}"),
    ("OPTIONS", "/mcp/apps/{app}"),
    ("POST", "/api/apps/{app}/analytics/track/batch"),
    ("POST", "/api/apps/{app}/app-user-auth/connectors/{id}/initiate"),
    ("POST", "/api/apps/{app}/connect-sessions"),
    ("POST", "/api/workspace/{ws}/sign-in/token"),
    ("POST", "/connect/{session}/continue"),
    ("POST", "/connect/{session}/decline"),
    ("POST", "/connect/{session}/disconnect"),
    ("POST", "/connect/{session}/open"),
];

#[test]
fn a_flood_of_what_anybody_can_ask_for_leaves_the_other_routes_their_share() {
    let template = Template::read();
    let settings = template.at("/Resources/Api/Properties/RouteSettings").as_object().unwrap();
    let routes = of_the_template(&template);
    let default = |name: &str| template.at("/Parameters")[name]["Default"].as_u64().unwrap();
    for (route, limits) in settings {
        let (method, path) = route.split_once(' ').unwrap();
        assert!(OPEN.contains(&(method, path)), "{route}");
        assert!(routes.iter().any(|known| (known.0.as_str(), known.1.as_str()) == (method, path)), "{route}");
        let limit = |name: &str| default(limits[name]["Ref"].as_str().unwrap());
        assert!(2 * limit("ThrottlingRateLimit") < default("ThrottleRate"), "{route}");
        assert!(2 * limit("ThrottlingBurstLimit") < default("ThrottleBurst"), "{route}");
    }
    assert_eq!(settings.len(), OPEN.len());
}

#[test]
fn every_route_names_the_same_thing_alike() {
    // The gateway accepts two names for one segment; whoever reads a log would not.
    for (method, path, _) in of_the_code() {
        let before =
            |name: &str| path.split_once(name).map(|(before, _)| before.rsplit('/').nth(1).unwrap_or_default());
        for (name, collections) in [
            ("{app}", &["apps"][..]),
            ("{ws}", &["workspace", "mcp"]),
            ("{key_id}", &["keys"]),
            ("{type}", &["providers", "tokens", "connectors"]),
        ] {
            assert!(before(name).is_none_or(|found| collections.contains(&found)), "{method} {path}");
        }
    }
}
