//! What the tools promise, and that every answer of every test keeps it.

use std::collections::BTreeSet;

use super::*;
use crate::world::described::is_of_kind;

/// Holds the result of a tool against what the listing says of that tool, whatever came of using it.
pub(super) fn assert_kept(tools: &Value, name: &str, result: &Value) {
    let Some(tool) = tools.as_array().unwrap().iter().find(|tool| tool["name"] == name) else {
        panic!("{name} has answered and is not listed: {result}");
    };
    let told: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(result["content"].as_array().unwrap().len(), 1, "{name}: {result}");
    if result["isError"] == true {
        assert!(result.get("structuredContent").is_none(), "{name}: a refusal is not what the tool promises: {result}");
        assert!(told["code"].is_string() && told["detail"].as_str().unwrap().len() > 10, "{name}: {result}");
        return;
    }
    assert_eq!(told, result["structuredContent"], "{name}: who reads the text reads the same");
    if let Err(flaw) = matches(&tool["outputSchema"], &told, "") {
        panic!("{name} breaks its promise at {flaw}: {told}");
    }
}

/// Whether a value is as a schema has it: the words of JSON Schema that the tools use, and no others.
fn matches(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    for (word, said) in schema.as_object().unwrap() {
        let holds = match word.as_str() {
            "description" => true,
            "type" => is_of_kind(said, value),
            "enum" => said.as_array().unwrap().contains(value),
            "required" => {
                let is_there = |name: &Value| value.get(name.as_str().unwrap()).is_some();
                !value.is_object() || said.as_array().unwrap().iter().all(is_there)
            }
            "items" => {
                let items = value.as_array().into_iter().flatten().enumerate();
                items
                    .map(|(index, item)| matches(said, item, &format!("{at}/{index}")))
                    .collect::<Result<Vec<_>, _>>()?;
                true
            }
            "properties" => {
                for (name, schema) in said.as_object().unwrap() {
                    value.get(name).map_or(Ok(()), |value| matches(schema, value, &format!("{at}/{name}")))?;
                }
                true
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object();
                let fields = value.as_object().into_iter().flatten();
                let others = fields.filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
                let mut others = others.map(|(name, value)| (format!("{at}/{name}"), value));
                match said {
                    Value::Bool(false) => others.next().is_none(),
                    schema => others.try_for_each(|(at, value)| matches(schema, value, &at)).map(|()| true)?,
                }
            }
            word => panic!("the check does not know `{word}`"),
        };
        if !holds {
            return Err(format!("{at} ({word})"));
        }
    }
    Ok(())
}

/// All schemas within a schema, itself included.
fn within(schema: &Value) -> Vec<&Value> {
    let mut all = vec![schema];
    let below = schema["properties"].as_object().into_iter().flat_map(|fields| fields.values());
    let others = [&schema["items"], &schema["additionalProperties"]].into_iter().filter(|schema| schema.is_object());
    all.extend(below.chain(others).flat_map(within));
    all
}

#[tokio::test]
async fn every_tool_says_what_it_takes_what_it_answers_and_what_it_does() {
    let assisted = Assisted::new().await;
    let (builder, agent) = (assisted.builder_path(), assisted.agent_path());
    let mut names = BTreeSet::new();
    for (path, token) in [(builder, assisted.admin()), (agent, assisted.user(&assisted.world.app, "alice"))] {
        let listed = assisted.post(&path, &token, OLD, &[], &list()).await.expect(200);
        assert_eq!(listed["result"].get("nextCursor"), None);
        for tool in listed["result"]["tools"].as_array().unwrap() {
            let name = text(&tool["name"]);
            assert!(name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert!(tool["description"].as_str().unwrap().len() > 40 && !text(&tool["title"]).is_empty(), "{name}");
            for which in ["inputSchema", "outputSchema"] {
                assert_eq!(tool[which]["type"], "object", "{name} {which}");
                assert_eq!(tool[which]["additionalProperties"], false, "{name} {which}");
                let open = within(&tool[which]).into_iter().filter(|schema| {
                    schema["type"] == "object"
                        && schema.get("properties").is_none()
                        && schema.get("additionalProperties").is_none()
                });
                assert_eq!(open.count(), 0, "{name} {which} has an object of which nothing is said");
            }
            for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
                assert!(tool["annotations"][hint].is_boolean(), "{name} {hint}");
            }
            let hints = (tool["annotations"]["readOnlyHint"].clone(), tool["annotations"]["destructiveHint"].clone());
            let expected = match name.as_str() {
                "call_api_write" | "disconnect" => (json!(false), json!(true)),
                "add_connector" | "update_connector" | "delete_connector" | "connect" => (json!(false), json!(false)),
                _ => (json!(true), json!(false)),
            };
            assert_eq!(hints, expected, "{name}");
            assert!(names.insert(name), "two tools of one name");
        }
    }
    assert_eq!(names.len(), 12);
}

#[test]
fn the_check_finds_what_breaks_a_promise() {
    let schema = json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "array", "items": {"enum": ["x"]}}},
    });
    for (value, flaw) in [
        (json!({"a": null, "b": ["x"]}), None),
        (json!({"a": 7}), Some("/a (type)")),
        (json!({}), Some(" (required)")),
        (json!({"a": "", "c": 1}), Some(" (additionalProperties)")),
        (json!({"a": "", "b": ["x", "y"]}), Some("/b/1 (enum)")),
    ] {
        assert_eq!(matches(&schema, &value, "").err().as_deref(), flaw, "{value}");
    }
}
