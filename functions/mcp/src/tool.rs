//! What a tool is, and what all of an endpoint's tools have in common.

use std::{future::Future, sync::Arc};

use connectors::{
    domain::{agent_scope::AgentScope, fields::Table},
    web::{Problem, checked},
};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

use crate::answer::Answer;

/// The tools of one endpoint, and who may use them.
pub(crate) trait Tools: Clone + Send + Sync + 'static {
    /// Who calls, proven.
    type Caller: Clone + Send + Sync + 'static;

    /// What the endpoint is called.
    const NAME: &str;

    /// What an assistant reads before it uses any tool.
    const INSTRUCTIONS: &str;

    /// What an assistant does about something that is not there.
    const LOST: &str;

    /// What a token must be good for to look.
    const READS: AgentScope;

    /// What it must be good for to do anything else.
    const CHANGES: AgentScope;

    /// Every tool.
    fn list() -> Vec<Tool>;

    /// Uses a tool; [`NoTool`] if there is none of this name.
    fn call(
        &self,
        caller: Self::Caller,
        name: &str,
        arguments: Value,
    ) -> impl Future<Output = Result<Result<Answer, Problem>, NoTool>> + Send;
}

/// There is no tool of this name.
#[derive(Debug)]
pub(crate) struct NoTool;

/// What using a tool does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Effect {
    /// It looks at what is kept here.
    Looks,
    /// It looks at what somebody else keeps.
    LooksElsewhere,
    /// It asks a person for something, who may decline.
    Asks,
    /// It changes or ends something that may not come back.
    Changes,
    /// It does so at somebody else's.
    ChangesElsewhere,
}

impl Effect {
    fn annotations(self) -> ToolAnnotations {
        let (reads, destroys, repeats, open) = match self {
            Self::Looks => (true, false, true, false),
            Self::LooksElsewhere => (true, false, true, true),
            Self::Asks => (false, false, true, true),
            Self::Changes => (false, true, true, true),
            Self::ChangesElsewhere => (false, true, false, true),
        };
        ToolAnnotations::new().read_only(reads).destructive(destroys).idempotent(repeats).open_world(open)
    }
}

/// A tool, with the fields that it takes and those that it answers with. Fields that end in `!` are always there.
pub(crate) fn tool(
    (name, title): (&'static str, &'static str),
    description: &'static str,
    effect: Effect,
    takes: Value,
    answers: Value,
) -> Tool {
    Tool::new(name, description, object(takes))
        .with_title(title)
        .with_raw_output_schema(object(answers))
        .with_annotations(effect.annotations())
}

/// The JSON Schema of an object with these fields and no others.
fn object(fields: Value) -> Arc<JsonObject> {
    Arc::new(schema(fields))
}

/// The same, for an object within another.
pub(crate) fn nested(fields: Value) -> Value {
    Value::Object(schema(fields))
}

fn schema(fields: Value) -> Map<String, Value> {
    let mut required = Vec::new();
    let mut properties = Map::new();
    let fields = match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    for (name, value) in fields {
        let plain = name.trim_end_matches('!');
        if plain.len() < name.len() {
            required.push(plain.to_owned());
        }
        properties.insert(plain.to_owned(), value);
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("required".to_owned(), json!(required));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// Reads a tool's arguments. What is `null` is as if it were not there.
pub(crate) fn read<T>(mut arguments: Value, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Problem> {
    if let Some(fields) = arguments.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    checked(&arguments, read)
}

/// The same, where there is nothing to be done without an argument that is missing: that is noted by `read`.
pub(crate) fn read_all<T>(arguments: Value, read_it: impl FnOnce(&Table<'_>) -> Option<T>) -> Result<T, Problem> {
    read(arguments, read_it)?.ok_or_else(|| Problem::invalid(Vec::new()))
}

/// Reads an argument that must be there, with `parse`.
pub(crate) fn required<T, E: std::fmt::Display>(
    arguments: &Table<'_>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    let value = optional(arguments, name, parse);
    if value.is_none() {
        arguments.require_given(name);
    }
    value
}

/// Reads an argument that may be there, with `parse`.
pub(crate) fn optional<T, E: std::fmt::Display>(
    arguments: &Table<'_>,
    name: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    arguments.read(name, |value| parse(value.as_str().ok_or("must be a text")?).map_err(|error| error.to_string()))
}

/// How long a text is at most that is only looked through, in characters.
const LONGEST: usize = 4_000;

/// Reads a text that is only looked through: of several lines too, and an empty one is none.
pub(crate) fn loose(arguments: &Table<'_>, name: &'static str) -> Option<String> {
    let read = arguments.read(name, |value| {
        let text = value.as_str().ok_or("must be a text")?;
        let is_short = text.chars().count() <= LONGEST;
        is_short.then(|| text.trim().to_owned()).ok_or_else(|| format!("must have {LONGEST} characters at most"))
    });
    read.filter(|text| !text.is_empty())
}

/// A text of the field's schema.
pub(crate) fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

/// A list of texts.
pub(crate) fn texts(description: &str) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": description})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_takes_what_it_names_and_nothing_else() {
        let tool = tool(("t", "T"), "d", Effect::Changes, json!({"a!": text("x"), "b": text("y")}), json!({}));
        let schema = Value::Object(tool.input_schema.as_ref().clone());
        assert_eq!((&schema["required"], &schema["additionalProperties"]), (&json!(["a"]), &json!(false)));
        assert!(schema["properties"]["b"].is_object() && schema["properties"]["a"].is_object());
        assert!(tool.annotations.unwrap().is_destructive());
    }
}
