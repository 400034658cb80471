//! `template.yaml` as data: short tags (`!Ref`, `!Sub`, `!GetAtt`, …) in their long form, everything else as it stands.

use std::{collections::BTreeMap, path::PathBuf};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// The template, read once per test.
pub(crate) struct Template(Value);

impl Template {
    pub(crate) fn read() -> Self {
        let path = root().join("template.yaml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let documents = Yaml::load_from_str(&text).expect("template.yaml is YAML");
        assert_eq!(documents.len(), 1, "template.yaml is one document");
        Self(json(&documents[0]))
    }

    /// A value by JSON pointer; absent is `null`.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The resources of one type, by logical id.
    pub(crate) fn resources(&self, kind: &str) -> BTreeMap<&str, &Value> {
        let all = self.at("/Resources").as_object().expect("the template has resources");
        all.iter()
            .filter(|(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), resource))
            .collect()
    }

    /// The functions, by the name that follows the stack's.
    pub(crate) fn functions(&self) -> BTreeMap<String, Function<'_>> {
        let functions = self.resources("AWS::Serverless::Function");
        functions.into_iter().map(|(id, resource)| (name_in_stack(resource), Function { id, resource })).collect()
    }
}

/// One function of the template.
pub(crate) struct Function<'a> {
    pub(crate) id: &'a str,
    pub(crate) resource: &'a Value,
}

impl Function<'_> {
    /// A property of its own, or what `Globals` says for all.
    pub(crate) fn property<'b>(&'b self, template: &'b Template, name: &str) -> &'b Value {
        match &self.resource["Properties"][name] {
            Value::Null => &template.at("/Globals/Function")[name],
            own => own,
        }
    }

    /// How long one invocation may take, in seconds.
    pub(crate) fn timeout(&self, template: &Template) -> u64 {
        self.property(template, "Timeout").as_u64().expect("a timeout in seconds")
    }
}

/// The folder that holds `template.yaml`.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// `get-token` for `!Sub "${AWS::StackName}-get-token"`.
fn name_in_stack(function: &Value) -> String {
    let name = function["Properties"]["FunctionName"]["Fn::Sub"].as_str().expect("a function's name is fixed");
    name.strip_prefix("${AWS::StackName}-").expect("a function's name begins with the stack's").to_owned()
}

fn json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(scalar) => scalar_value(scalar),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Mapping(entries) => entries.iter().map(|(key, value)| (key_text(key), json(value))).collect(),
        Yaml::Tagged(tag, inner) => Value::Object(Map::from_iter([(long_form(&tag.suffix), json(inner))])),
        other => panic!("template.yaml uses YAML that CloudFormation does not read: {other:?}"),
    }
}

fn scalar_value(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => (*value).into(),
        Scalar::Integer(value) => (*value).into(),
        Scalar::FloatingPoint(value) => (**value).into(),
        Scalar::String(value) => value.as_ref().into(),
    }
}

fn key_text(key: &Yaml<'_>) -> String {
    key.as_str().unwrap_or_else(|| panic!("a key that is no text: {key:?}")).to_owned()
}

fn long_form(tag: &str) -> String {
    if tag == "Ref" || tag == "Condition" { tag.to_owned() } else { format!("Fn::{tag}") }
}
