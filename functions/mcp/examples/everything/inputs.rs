//! What asks the client for something first, and is called again with it: as the newest protocol has it, without a session.

use connectors::domain::digest::{hex, sha256};
use rmcp::{
    RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, ErrorData, GetPromptRequestParams, GetPromptResponse,
        InputRequiredResult, InputResponses,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

use crate::read;

/// A tool that asks; nothing, if it is none of those.
pub(crate) fn of_tool(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
    key: &str,
) -> Result<Option<CallToolResponse>, ErrorData> {
    let name = request.name.strip_prefix("test_input_required_result_").unwrap_or(match request.name.as_ref() {
        "test_streaming_elicitation" => "elicitation",
        _ => "",
    });
    let responses = request.input_responses.as_ref();
    let round = match &request.request_state {
        None => 0,
        Some(state) => round(state, key).ok_or_else(|| ErrorData::invalid_params("the state was changed", None))?,
    };
    let (asked, next) = match (name, round) {
        ("elicitation", _) => (json!({"user_name": elicitation("What is your name?", "name", "string")}), None),
        ("sampling", _) => (json!({"capital_question": sampling("What is the capital of France?")}), None),
        ("list_roots", _) => (json!({"client_roots": roots()}), None),
        ("request_state" | "tampered_state", _) => {
            (json!({"confirm": elicitation("Please confirm", "ok", "boolean")}), Some(1))
        }
        ("multiple_inputs", _) => (everything(), Some(1)),
        ("multi_round", 0) => (json!({"step1": elicitation("Step 1: What is your name?", "name", "string")}), Some(1)),
        ("multi_round", _) => {
            (json!({"step2": elicitation("Step 2: What is your favorite color?", "color", "string")}), Some(2))
        }
        ("capabilities", _) => (of_capabilities(context), None),
        _ => return Ok(None),
    };
    if is_answered(responses, &asked) {
        let said = json!({
            "resultType": "complete",
            "content": [{"type": "text", "text": format!("state-ok {}", told(responses))}],
        });
        return Ok(Some(CallToolResponse::Complete(read(said)?)));
    }
    // A round whose answer is of the one before asks on.
    Ok(Some(input(&asked, next.map(|round| state(round, key)))?.into()))
}

/// The prompt that asks; nothing, if it is another.
pub(crate) fn of_prompt(request: &GetPromptRequestParams) -> Result<Option<GetPromptResponse>, ErrorData> {
    if request.name != "test_input_required_result_prompt" {
        return Ok(None);
    }
    let asked = json!({"user_context": elicitation("What context should the prompt use?", "context", "string")});
    let responses = request.input_responses.as_ref();
    if !is_answered(responses, &asked) {
        return Ok(Some(input(&asked, None)?.into()));
    }
    let said = json!({"role": "user", "content": {"type": "text", "text": told(responses)}});
    Ok(Some(GetPromptResponse::Complete(read(json!({"resultType": "complete", "messages": [said]}))?)))
}

fn input(asked: &Value, state: Option<String>) -> Result<InputRequiredResult, ErrorData> {
    let mut result = json!({"resultType": "input_required", "inputRequests": asked});
    if let Some(state) = state {
        result["requestState"] = json!(state);
    }
    read(result)
}

/// Whether everything that was asked has an answer of its form.
fn is_answered(responses: Option<&InputResponses>, asked: &Value) -> bool {
    let Some(responses) = responses else { return false };
    let has_answer = |(name, request): (&String, &Value)| {
        responses.get(name).is_some_and(|answer| match request["method"].as_str() {
            Some("elicitation/create") => answer["action"].is_string(),
            Some("sampling/createMessage") => answer["content"].is_object() || answer["content"].is_array(),
            _ => answer["roots"].is_array(),
        })
    };
    asked.as_object().is_some_and(|asked| asked.iter().all(has_answer))
}

fn told(responses: Option<&InputResponses>) -> String {
    responses.map(|responses| json!(responses).to_string()).unwrap_or_default()
}

fn elicitation(message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({"type": "object", "properties": {field: {"type": kind}}, "required": [field]});
    json!({"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}})
}

fn sampling(text: &str) -> Value {
    let messages = json!([{"role": "user", "content": {"type": "text", "text": text}}]);
    json!({"method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": 100}})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

fn everything() -> Value {
    json!({
        "user_name": elicitation("What is your name?", "name", "string"),
        "greeting": sampling("Generate a greeting"),
        "client_roots": roots(),
    })
}

/// Of all questions those that the client said it can answer.
fn of_capabilities(context: &RequestContext<RoleServer>) -> Value {
    let can = context.client_capabilities().unwrap_or_default();
    let mut asked = everything();
    if let Some(asked) = asked.as_object_mut() {
        asked.retain(|name, _| match name.as_str() {
            "user_name" => can.elicitation.is_some(),
            "greeting" => can.sampling.is_some(),
            _ => can.roots.is_some(),
        });
    }
    asked
}

/// A round that only this process can have named.
fn state(round: u8, key: &str) -> String {
    let digest = sha256(format!("{key}.{round}.{key}").as_bytes());
    format!("{round}.{}", hex(&digest))
}

fn round(said: &str, key: &str) -> Option<u8> {
    let round = said.split('.').next()?.parse().ok()?;
    (state(round, key) == said).then_some(round)
}
