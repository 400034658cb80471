//! An endpoint as the protocol's library sees it.

use axum::http::request::Parts;
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, ErrorData, Implementation, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use serde_json::Value;

use crate::{
    answer::{Answer, refused, told},
    elicitation::Means,
    tool::{NoTool, Tools},
};

/// Tools, answering one request.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint<T>(pub(crate) T);

impl<T: Tools> ServerHandler for Endpoint<T> {
    fn get_info(&self) -> ServerConfig {
        let implementation = Implementation::new(T::NAME, env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(implementation)
            .with_instructions(T::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(T::list()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        T::list().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        // The transport has put it there: without it nobody has proven anything.
        let parts = context.extensions.get::<Parts>();
        let caller = parts.and_then(|parts| Some((parts.extensions.get::<T::Caller>()?.clone(), &parts.headers)));
        let Some((caller, headers)) = caller else {
            return Err(ErrorData::internal_error("nobody has proven who is calling", None));
        };
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        match self.0.call(caller, &request.name, arguments).await {
            Err(NoTool) => Err(ErrorData::invalid_params("there is no tool of this name", None)),
            Ok(Ok(Answer::Told(fields))) => Ok(told(fields).into()),
            Ok(Ok(Answer::Asks(page))) => Means::of(&context, headers).ask(page, request.input_responses.as_ref()),
            Ok(Err(problem)) => Ok(refused(&problem).into()),
        }
    }
}
