//! What the protocol's conformance suite asks of a server that has everything, behind the way that the product's own endpoint
//! for builders' assistants is reached by: tokens, host and origin, limits, and the protocol's library as it is set up there.
//! So what the suite says of it, it says of that way. Not deployed.
//!
//! Its environment is `lambda.env` of a running local process; it says on its first line where it answers.

#![expect(deprecated, reason = "earlier protocols have logging, and the suite asks for it")]

mod inputs;
mod lists;
mod results;

use std::error::Error;

use axum::http::request::Parts;
use connectors::{auth::Admin, config::Config, domain::agent_scope::AgentScope, random::Random, services::Services};
use mcp::Served;
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, ErrorData,
        GetPromptRequestParams, GetPromptResponse, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
        ServerConfig, SetLevelRequestParams, SubscribeRequestParams, Tool, UnsubscribeRequestParams,
    },
    service::RequestContext,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Everything {
    /// What vouches for states that come back.
    key: String,
}

impl Served for Everything {
    fn needs(&self, _: &Value) -> Option<AgentScope> {
        None
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let config = Config::read(|name| if name == "PUBLIC_BASE_URL" { Some(base.clone()) } else { variable(name) })?;
    let services = Services::new(&config)?;
    let routes = services.dress(mcp::serving(&services, Everything { key: Random::default().token() }));
    say(&base);
    axum::serve(listener, routes).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::print_stdout, reason = "this is what whoever started it reads")]
fn say(base: &str) {
    println!("{base}");
}

/// A value of the protocol, as JSON has it.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// That the way here has proven who is calling.
fn proven(context: &RequestContext<RoleServer>) -> Result<(), ErrorData> {
    let parts = context.extensions.get::<Parts>();
    let caller = parts.and_then(|parts| parts.extensions.get::<Admin>());
    let shows_token = parts.is_some_and(|parts| parts.headers.contains_key("authorization"));
    match caller {
        Some(_) if !shows_token => Ok(()),
        _ => Err(ErrorData::internal_error("nobody is proven, or their token came along", None)),
    }
}

impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        let capabilities = json!({
            "tools": {}, "resources": {"subscribe": true}, "prompts": {}, "completions": {}, "logging": {},
        });
        ServerConfig::new(serde_json::from_value(capabilities).unwrap_or_default())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tool = lists::tools().into_iter().find(|tool| tool["name"] == name)?;
        serde_json::from_value(tool).ok()
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        proven(&context)?;
        Ok(ListToolsResult::with_all_items(read(Value::Array(lists::tools()))?))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        proven(&context)?;
        if let Some(answer) = inputs::of_tool(&request, &context, &self.key)? {
            return Ok(answer);
        }
        results::of_tool(&request, &context).await
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(read(lists::resources())?))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(read(lists::templates())?))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let contents = results::of_resource(&request.uri)
            .ok_or_else(|| ErrorData::invalid_params("there is nothing at this address", None))?;
        Ok(ReadResourceResult::new(read(json!([contents]))?).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(read(lists::prompts())?))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if let Some(answer) = inputs::of_prompt(&request)? {
            return Ok(answer);
        }
        let messages = results::of_prompt(&request.name, &request.arguments.unwrap_or_default());
        let messages = messages.ok_or_else(|| ErrorData::invalid_params("there is no such prompt", None))?;
        Ok(GetPromptResponse::Complete(read(json!({"resultType": "complete", "messages": messages}))?))
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        read(json!({"resultType": "complete", "completion": {"values": ["test"], "total": 1, "hasMore": false}}))
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        Ok(())
    }
}
