//! What the functions are told about their deployment: the names that the code reads, each with a value it accepts.

use std::{collections::BTreeMap, time::Duration};

use connectors::config::{Config, ConfigError, EgressSetting, NAMES};

use crate::document::Template;

/// What Lambda itself sets.
const BY_LAMBDA: [&str; 4] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// What every function is told, as texts that stand for what a deployment resolves them to.
fn variables(template: &Template) -> BTreeMap<String, String> {
    let stated = template.at("/Globals/Function/Environment/Variables").as_object().unwrap();
    let resolved = |name: &str| match name {
        "PUBLIC_BASE_URL" => "https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com".to_owned(),
        "KEY_MAX_AGE_DAYS" => template.at("/Parameters/KeyMaxAgeDays/Default").to_string(),
        "PLANS" => template.at("/Parameters/Plans/Default").as_str().unwrap().to_owned(),
        name => format!("value of {name}"),
    };
    stated.keys().map(|name| (name.clone(), resolved(name))).collect()
}

#[test]
fn every_name_in_the_template_is_read_by_the_code() {
    let template = Template::read();
    for name in variables(&template).keys() {
        assert!(NAMES.contains(&name.as_str()), "nothing reads {name}");
    }
    for (function, definition) in template.functions() {
        let own = &definition.resource["Properties"]["Environment"];
        assert!(own.is_null(), "{function} is told something that the others are not");
    }
}

#[test]
fn every_name_that_the_code_needs_is_in_the_template() {
    let variables = variables(&Template::read());
    let lookup = |name: &str| match variables.get(name) {
        None if BY_LAMBDA.contains(&name) => Some(format!("value of {name}")),
        other => other.cloned(),
    };
    let config = Config::read(lookup).unwrap();
    assert_eq!(config.max_key_age, Duration::from_hours(24 * 365));
    assert_eq!(config.egress, EgressSetting::Guarded, "a deployment reaches no address of its own network");
}

#[test]
fn a_template_that_forgot_a_name_would_be_noticed() {
    let variables = variables(&Template::read());
    for forgotten in variables.keys() {
        let lookup = |name: &str| variables.get(name).filter(|_| name != forgotten).cloned();
        assert!(matches!(Config::read(lookup), Err(ConfigError::Missing(name)) if name == forgotten), "{forgotten}");
    }
}

#[test]
fn each_name_stands_for_the_resource_it_is_called_after() {
    let template = Template::read();
    let variables = template.at("/Globals/Function/Environment/Variables");
    for (name, resource) in [
        ("TABLE_REGISTRY", "RegistryTable"),
        ("TABLE_CONNECTIONS", "ConnectionsTable"),
        ("TABLE_SESSIONS", "SessionsTable"),
        ("TABLE_AUDIT", "AuditTable"),
        ("REFRESH_QUEUE_URL", "RefreshQueue"),
        ("REVOCATION_QUEUE_URL", "RevocationQueue"),
        ("SALVAGE_QUEUE_URL", "SalvageQueue"),
        ("EVENT_QUEUE_URL", "EventQueue"),
        ("EVENT_BUS_NAME", "EventBus"),
        ("DEPLOYMENT", "DeploymentName"),
        ("KEY_MAX_AGE_DAYS", "KeyMaxAgeDays"),
        ("PLANS", "Plans"),
    ] {
        assert_eq!(variables[name]["Ref"], resource, "{name}");
    }
    assert_eq!(variables["KMS_KEY_ID"]["Fn::GetAtt"], "Key.Arn");
}
