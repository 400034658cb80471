//! What there is, as the suite wants it named.

use serde_json::{Value, json};

/// Tools that take nothing.
const PLAIN: [&str; 24] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_error_handling",
    "test_tool_with_progress",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_reconnection",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_logging_tool",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

pub(crate) fn tools() -> Vec<Value> {
    let plain =
        |name: &&str| json!({"name": name, "description": "Asked by the suite.", "inputSchema": {"type": "object"}});
    let mut tools: Vec<Value> = PLAIN.iter().map(plain).collect();
    tools.push(json!({
        "name": "test_custom_headers",
        "description": "Has an argument that is repeated in a header.",
        "inputSchema": {
            "type": "object",
            "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
            "required": ["region"],
        },
    }));
    tools.push(json!({
        "name": "json_schema_2020_12_tool",
        "description": "Has a schema of every kind.",
        "inputSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {"address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            }},
            "properties": {
                "name": {"type": "string"},
                "address": {"$ref": "#/$defs/address"},
                "contactMethod": {"type": "string", "enum": ["phone", "email"]},
                "phone": {"type": "string"},
                "email": {"type": "string"},
            },
            "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
            "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
            "then": {"required": ["phone"]},
            "else": {"required": ["email"]},
            "additionalProperties": false,
        },
    }));
    tools
}

pub(crate) fn resources() -> Value {
    json!([
        {"uri": "test://static-text", "name": "text", "mimeType": "text/plain"},
        {"uri": "test://static-binary", "name": "binary", "mimeType": "image/png"},
        {"uri": "test://watched-resource", "name": "watched", "mimeType": "text/plain"},
    ])
}

pub(crate) fn templates() -> Value {
    json!([{"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"}])
}

pub(crate) fn prompts() -> Value {
    let argument = |name: &str| json!({"name": name, "required": true});
    let prompt = |name: &str, arguments: Value| json!({"name": name, "description": "Asked by the suite.", "arguments": arguments});
    json!([
        prompt("test_simple_prompt", json!([])),
        prompt("test_prompt_with_arguments", json!([argument("arg1"), argument("arg2")])),
        prompt("test_prompt_with_embedded_resource", json!([argument("resourceUri")])),
        prompt("test_prompt_with_image", json!([])),
        prompt("test_input_required_result_prompt", json!([])),
    ])
}
