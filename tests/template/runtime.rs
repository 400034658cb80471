//! What Lambda runs, and where it writes what happened.

use std::collections::BTreeSet;

use crate::document::{Template, root};

#[test]
fn every_function_is_deployed_and_nothing_else() {
    let crates: BTreeSet<String> = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "local")
        .collect();
    assert_eq!(Template::read().functions().into_keys().collect::<BTreeSet<_>>(), crates);
}

#[test]
fn every_function_is_built_from_its_own_crate_for_a_runtime_that_exists() {
    let template = Template::read();
    for (name, function) in template.functions() {
        assert_eq!(function.property(&template, "Runtime"), "provided.al2023", "{name}");
        assert_eq!(function.property(&template, "Handler"), "bootstrap", "{name}");
        assert_eq!(function.property(&template, "CodeUri"), &format!("functions/{name}/"), "{name}");
        assert_eq!(function.resource["Metadata"]["BuildMethod"], "rust-cargolambda", "{name}");
        assert_eq!(function.resource["Metadata"]["BuildProperties"]["Binary"], *name, "{name}");
    }
}

#[test]
fn arm64_is_what_a_deployment_gets_unless_it_asks_for_x86_64() {
    let template = Template::read();
    assert_eq!(template.at("/Globals/Function/Architectures/0/Ref"), "Architecture");
    assert_eq!(template.at("/Parameters/Architecture/Default"), "arm64");
    assert_eq!(template.at("/Parameters/Architecture/AllowedValues"), &serde_json::json!(["arm64", "x86_64"]));
}

#[test]
fn every_function_logs_into_its_own_group_which_forgets() {
    let template = Template::read();
    let groups = template.resources("AWS::Logs::LogGroup");
    for (id, group) in &groups {
        assert_eq!(group["Properties"]["RetentionInDays"]["Ref"], "LogRetentionDays", "{id}");
    }
    for (name, function) in template.functions() {
        let group = function.resource["Properties"]["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        let expected = format!("/aws/lambda/${{AWS::StackName}}-{name}");
        assert_eq!(groups[group]["Properties"]["LogGroupName"]["Fn::Sub"], expected);
    }
}

#[test]
fn the_access_log_keeps_no_address_that_was_asked_for() {
    let template = Template::read();
    let format = template.at("/Resources/Api/Properties/AccessLogSettings/Format").as_str().unwrap();
    let fields: serde_json::Value = serde_json::from_str(format).unwrap();
    for value in fields.as_object().unwrap().values() {
        let value = value.as_str().unwrap();
        for telltale in ["path", "Path", "query", "Query", "header", "domainName", "userAgent", "error"] {
            assert!(!value.contains(telltale), "{value} may carry a code, a state or a user's id");
        }
    }
}
