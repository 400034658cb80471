//! What each function's role may do: exactly what its journey needs, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use connectors_tests::grants::{GRANTS, Grant, Target};
use serde_json::{Value, json};

use crate::document::Template;

/// How the template names what a grant is about.
fn resources(target: Target) -> Vec<Value> {
    match target {
        Target::Registry => vec![json!({ "Fn::GetAtt": "RegistryTable.Arn" })],
        Target::KeyUse => vec![json!({ "Fn::GetAtt": "RegistryTable.Arn", "only": use_of_keys() })],
        Target::Deliveries => vec![json!({ "Fn::GetAtt": "RegistryTable.Arn", "only": news_of_webhooks() })],
        Target::Proposals => vec![json!({ "Fn::GetAtt": "RegistryTable.Arn", "only": what_is_proposed() })],
        Target::Outbox => vec![json!({ "Fn::GetAtt": "ConnectionsTable.Arn", "only": what_is_on_its_way() })],
        Target::Connections => vec![json!({ "Fn::GetAtt": "ConnectionsTable.Arn" })],
        Target::DueIndex => vec![json!({ "Fn::Sub": "${ConnectionsTable.Arn}/index/due" })],
        Target::ByConnectorIndex => vec![json!({ "Fn::Sub": "${ConnectionsTable.Arn}/index/by_connector" })],
        Target::Sessions => vec![json!({ "Fn::GetAtt": "SessionsTable.Arn" })],
        Target::Audit => vec![json!({ "Fn::GetAtt": "AuditTable.Arn" })],
        Target::Key => vec![json!({ "Fn::GetAtt": "Key.Arn" }), workspace_keys()],
        Target::RefreshQueue => vec![json!({ "Fn::GetAtt": "RefreshQueue.Arn" })],
        Target::RevocationQueue => vec![json!({ "Fn::GetAtt": "RevocationQueue.Arn" })],
        Target::SalvageQueue => vec![json!({ "Fn::GetAtt": "SalvageQueue.Arn" })],
        Target::EventQueue => vec![json!({ "Fn::GetAtt": "EventQueue.Arn" })],
        Target::EventBus => vec![json!({ "Fn::GetAtt": "EventBus.Arn" })],
    }
}

/// The KMS keys that workspaces may name as their own.
fn workspace_keys() -> Value {
    json!({ "Ref": "WorkspaceKeyArns" })
}

/// What limits a write to the day on which keys were used.
fn use_of_keys() -> Value {
    json!({
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["APIKEY#*"] },
        "ForAllValues:StringEquals": { "dynamodb:Attributes": ["pk", "sk", "last_used_on"] },
        // Of nothing, everything holds for all values.
        "Null": { "dynamodb:LeadingKeys": false, "dynamodb:Attributes": false },
    })
}

/// What limits a write to how deliveries to webhooks go.
fn news_of_webhooks() -> Value {
    let written = ["pk", "sk", "webhook_state", "tried_at", "tried_status", "failing_since", "rests_until"];
    json!({
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["WS#*"] },
        "ForAllValues:StringEquals": { "dynamodb:Attributes": written },
        "Null": { "dynamodb:LeadingKeys": false, "dynamodb:Attributes": false },
    })
}

/// What limits a write to proposals.
fn what_is_proposed() -> Value {
    json!({
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["PROPOSALS#*"] },
        "Null": { "dynamodb:LeadingKeys": false },
    })
}

/// What limits a write to events and deliveries on their way out.
fn what_is_on_its_way() -> Value {
    json!({
        "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["EVENT#*", "WEBHOOK#*"] },
        "Null": { "dynamodb:LeadingKeys": false },
    })
}

/// `GetToken` for `get-token`: the template's logical ids begin so.
fn pascal(function: &str) -> String {
    let capitalised = |word: &str| word[..1].to_uppercase() + &word[1..];
    function.split('-').map(capitalised).collect()
}

type Allowed = BTreeMap<String, BTreeSet<String>>;

/// What a role's statements allow: actions by resource, and by the condition where one speaks of items.
fn allowed(role: &Value) -> Allowed {
    let mut allowed = Allowed::new();
    for statement in statements(role) {
        assert_eq!(statement["Effect"], "Allow");
        let actions = statement["Action"].as_array().expect("actions are a list");
        let actions = actions.iter().map(|action| action.as_str().unwrap().to_owned());
        let mut resource = statement["Resource"].clone();
        if statement["Condition"].to_string().contains("dynamodb:") {
            resource["only"] = statement["Condition"].clone();
        }
        allowed.entry(resource.to_string()).or_default().extend(actions);
    }
    allowed
}

/// The statements of a role, those included that stand there only if workspaces have keys of their own.
fn statements(role: &Value) -> impl Iterator<Item = &Value> {
    let policies = role["Properties"]["Policies"].as_array().expect("policies stand in the role");
    let all = policies
        .iter()
        .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().expect("a list of statements"));
    all.map(|statement| {
        let Some(choice) = statement["Fn::If"].as_array() else { return statement };
        let [condition, statement, otherwise] = &choice[..] else { panic!("not a choice: {choice:?}") };
        assert_eq!((condition, otherwise), (&json!("WorkspacesHaveKeys"), &json!({ "Ref": "AWS::NoValue" })));
        assert_eq!(statement["Resource"], workspace_keys(), "nothing else is granted under a condition");
        statement
    })
}

fn expected(function: &str) -> Allowed {
    let mut allowed = Allowed::new();
    for Grant { target, actions, .. } in GRANTS.iter().filter(|grant| grant.function == function) {
        for resource in resources(*target) {
            let actions = actions.iter().map(|action| (*action).to_owned());
            allowed.entry(resource.to_string()).or_default().extend(actions);
        }
    }
    let logs = ["logs:CreateLogStream", "logs:PutLogEvents"].map(str::to_owned);
    let group = json!({ "Fn::GetAtt": format!("{}Logs.Arn", pascal(function)) });
    allowed.insert(group.to_string(), BTreeSet::from(logs));
    allowed
}

#[test]
fn a_role_allows_what_its_function_needs_and_no_more() {
    let template = Template::read();
    let roles = template.resources("AWS::IAM::Role");
    for (name, function) in template.functions() {
        let role = function.resource["Properties"]["Role"]["Fn::GetAtt"].as_str().expect("its own role");
        assert_eq!(role, format!("{}Role.Arn", pascal(&name)), "{name} shares a role");
        assert_eq!(function.id, format!("{}Function", pascal(&name)));
        let role = roles[role.trim_end_matches(".Arn")];
        assert_eq!(role["Properties"]["ManagedPolicyArns"], Value::Null, "{name}");
        assert_eq!(allowed(role), expected(&name), "{name}");
    }
}

#[test]
fn every_permission_has_its_reason() {
    for Grant { function, target, actions, why } in GRANTS {
        assert!(!why.is_empty() && !actions.is_empty(), "{function} {target:?}");
    }
}

#[test]
fn nobody_may_do_anything_everywhere() {
    for (id, role) in Template::read().resources("AWS::IAM::Role") {
        for statement in statements(role) {
            assert!(!statement["Resource"].to_string().contains('*'), "{id}: {statement}");
            assert_eq!(statement["NotAction"], Value::Null, "{id}");
            assert_eq!(statement["NotResource"], Value::Null, "{id}");
            for action in statement["Action"].as_array().unwrap() {
                let action = action.as_str().unwrap();
                assert!(!action.contains('*'), "{id}: {action}");
                assert!(
                    !["dynamodb:Scan", "kms:CreateGrant", "dynamodb:PartiQLSelect"].contains(&action),
                    "{id}: {action}"
                );
            }
        }
    }
}

#[test]
fn data_keys_open_only_for_this_product_and_deployment() {
    let template = Template::read();
    let context = json!({ "StringEquals": {
        "kms:EncryptionContext:svc": "connectors",
        "kms:EncryptionContext:env": { "Ref": "DeploymentName" },
    } });
    let speaks_of_keys = |statement: &&Value| statement["Action"].to_string().contains("kms:");
    for (id, role) in template.resources("AWS::IAM::Role") {
        for statement in statements(role).filter(speaks_of_keys) {
            assert_eq!(statement["Condition"], context, "{id}");
        }
    }
    let named = json!({ "Fn::Not": [{ "Fn::Equals": [{ "Fn::Join": ["", workspace_keys()] }, ""] }] });
    assert_eq!(template.at("/Conditions/WorkspacesHaveKeys"), &named);
    assert_eq!(
        template.at("/Parameters/WorkspaceKeyArns/Default"),
        "",
        "no key but the deployment's unless it is named"
    );
    let policy = template.at("/Resources/Key/Properties/KeyPolicy/Statement").as_array().unwrap();
    let usage: Vec<_> = policy.iter().filter(|statement| statement["Action"].to_string().contains("Decrypt")).collect();
    assert_eq!(usage.len(), 1);
    assert_eq!(usage[0]["Condition"], context);
    assert!(!json!(policy).to_string().contains("kms:*"), "the key's policy names what it allows");
    assert!(!json!(policy).to_string().contains("CreateGrant"));
}

#[test]
fn only_the_gateway_the_queues_and_the_schedule_invoke_a_function() {
    let template = Template::read();
    let mut invoked = BTreeSet::new();
    for (id, permission) in template.resources("AWS::Lambda::Permission") {
        let properties = &permission["Properties"];
        assert_eq!(properties["Principal"], "apigateway.amazonaws.com", "{id}");
        let source = properties["SourceArn"]["Fn::Sub"].as_str().unwrap();
        assert!(source.ends_with(":${Api}/*/*"), "{id}: any API of the account could call it");
        invoked.insert(properties["FunctionName"]["Ref"].as_str().unwrap().to_owned());
    }
    let integrations = "/Resources/Api/Properties/DefinitionBody/components/x-amazon-apigateway-integrations";
    let routed = template.at(integrations).as_object().unwrap().keys();
    assert_eq!(invoked, routed.map(|function| format!("{}Function", pascal(function))).collect());
}
