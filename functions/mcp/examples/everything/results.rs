//! What is answered at once.

use rmcp::{
    RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, ClientCapabilities, ErrorData, LoggingLevel,
        LoggingMessageNotificationParam, ProgressNotificationParam, ProtocolVersion,
    },
    service::RequestContext,
};
use serde_json::{Map, Value, json};

use crate::read;

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8/5+hHgAHggJ/PchI7wAAAABJRU5ErkJggg==";

/// No sound at all.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=";

/// What asks the client something in the middle of a call, which only a session can (before 2026-07-28).
const NEEDS_A_SESSION: [&str; 4] =
    ["test_sampling", "test_elicitation", "test_elicitation_sep1034_defaults", "test_elicitation_sep1330_enums"];

pub(crate) async fn of_tool(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let name = request.name.as_ref();
    match name {
        "test_tool_with_logging" => log(context).await,
        "test_tool_with_progress" => progress(context).await,
        "test_missing_capability" => {
            let capabilities = context.client_capabilities().unwrap_or_default();
            if capabilities.sampling.is_none() {
                let required: ClientCapabilities = read(json!({"sampling": {}}))?;
                return Err(ErrorData::missing_required_client_capability(required));
            }
        }
        _ => {}
    }
    let is_error = name == "test_error_handling" || NEEDS_A_SESSION.contains(&name);
    let told = content(name).ok_or_else(|| ErrorData::invalid_params("there is no such tool", None))?;
    Ok(CallToolResponse::Complete(read(json!({"resultType": "complete", "content": told, "isError": is_error}))?))
}

fn content(name: &str) -> Option<Value> {
    let text = |text: &str| json!({"type": "text", "text": text});
    let image = || json!({"type": "image", "data": PNG, "mimeType": "image/png"});
    let resource = |uri: &str, kind: &str, text: &str| json!({"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}});
    Some(match name {
        "test_image_content" => json!([image()]),
        "test_audio_content" => json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]),
        "test_embedded_resource" => {
            json!([resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")])
        }
        "test_multiple_content_types" => json!([
            text("Multiple content types test:"),
            image(),
            resource("test://mixed-content-resource", "application/json", "{\"test\":\"data\",\"value\":123}"),
        ]),
        "test_error_handling" => json!([text("This tool intentionally returns an error for testing")]),
        "test_simple_text" => json!([text("This is a simple text response for testing.")]),
        name if NEEDS_A_SESSION.contains(&name) => json!([text("There are no sessions here.")]),
        name if name.starts_with("test_") || name == "json_schema_2020_12_tool" => json!([text("done")]),
        _ => return None,
    })
}

/// In the newest protocol only to whoever asks for it.
async fn log(context: &RequestContext<RoleServer>) {
    let version = context.protocol_version().unwrap_or(ProtocolVersion::V_2025_03_26);
    let is_new = version.as_str() >= ProtocolVersion::V_2026_07_28.as_str();
    if is_new && context.meta.log_level().is_none() {
        return;
    }
    for said in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
        let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(said));
        let _ = context.peer.notify_logging_message(message).await;
    }
}

async fn progress(context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else { return };
    for step in [0.0, 50.0, 100.0] {
        let told = ProgressNotificationParam::new(token.clone(), step).with_total(100.0);
        let _ = context.peer.notify_progress(told).await;
    }
}

pub(crate) fn of_resource(uri: &str) -> Option<Value> {
    let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    Some(match (uri, id) {
        ("test://static-binary", _) => json!({"uri": uri, "mimeType": "image/png", "blob": PNG}),
        ("test://static-text" | "test://watched-resource", _) => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        (_, Some(id)) => {
            let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            json!({"uri": uri, "mimeType": "application/json", "text": data.to_string()})
        }
        _ => return None,
    })
}

pub(crate) fn of_prompt(name: &str, arguments: &Map<String, Value>) -> Option<Value> {
    let text = |text: String| json!({"role": "user", "content": {"type": "text", "text": text}});
    let given = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    Some(match name {
        "test_simple_prompt" => json!([text("This is a simple prompt for testing.".to_owned())]),
        "test_prompt_with_arguments" => {
            json!([text(format!("Prompt with arguments: arg1='{}', arg2='{}'", given("arg1"), given("arg2")))])
        }
        "test_prompt_with_embedded_resource" => {
            let resource =
                json!({"uri": given("resourceUri"), "mimeType": "text/plain", "text": "Embedded resource content."});
            json!([
                {"role": "user", "content": {"type": "resource", "resource": resource}},
                text("Please process the embedded resource above.".to_owned()),
            ])
        }
        "test_prompt_with_image" => json!([
            {"role": "user", "content": {"type": "image", "data": PNG, "mimeType": "image/png"}},
            text("Please analyze the image above.".to_owned()),
        ]),
        _ => return None,
    })
}
