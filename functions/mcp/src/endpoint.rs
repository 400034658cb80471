//! An endpoint as the protocol's library sees it.

use std::{fmt, sync::Arc};

use axum::http::request::Parts;
use connectors::{domain::agent_scope::AgentScope, web::Problem};
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CompleteRequestMethod, CompleteRequestParams, CompleteResult,
        CompletionInfo, ConstString, CustomRequest, CustomResult, ErrorCode, ErrorData, GetPromptRequestMethod,
        GetPromptRequestParams, GetPromptResponse, GetPromptResult, Implementation, ListPromptsRequestMethod,
        ListPromptsResult, ListResourceTemplatesRequestMethod, ListResourceTemplatesResult, ListResourcesRequestMethod,
        ListResourcesResult, ListToolsResult, PaginatedRequestParams, PromptMessage, ProtocolVersion,
        ReadResourceRequestMethod, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Reference,
        ResourceContents, Role, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use serde_json::Value;

use crate::{
    answer::{Answer, refused, told},
    behind::{Behind, Failed},
    elicitation::Means,
    library::Of,
    transport::Served,
};

/// What reads, beside tools.
const READING: [&str; 6] = [
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "prompts/list",
    "prompts/get",
    "completion/complete",
];

/// What every endpoint has.
const ALWAYS: [&str; 4] = ["initialize", "ping", "tools/list", "tools/call"];

/// Tools and library, answering one request.
#[derive(Clone)]
pub(crate) struct Endpoint(Arc<dyn Behind>);

impl Endpoint {
    pub(crate) fn of(behind: impl Behind + 'static) -> Self {
        Self(Arc::new(behind))
    }

    fn has<M: ConstString>(&self) -> Result<(), ErrorData> {
        if self.0.about().has_library { Ok(()) } else { Err(ErrorData::method_not_found::<M>()) }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Endpoint")
    }
}

impl Served for Endpoint {
    fn needs(&self, message: &Value) -> Option<AgentScope> {
        let about = self.0.about();
        match message["method"].as_str()? {
            "tools/call" => {
                let tool = self.get_tool(message["params"]["name"].as_str()?)?;
                let reads = tool.annotations.and_then(|hints| hints.read_only_hint).unwrap_or_default();
                Some(if reads { about.reads } else { about.changes })
            }
            method => READING.contains(&method).then_some(about.reads),
        }
    }
}

impl ServerHandler for Endpoint {
    fn get_info(&self) -> ServerConfig {
        let about = self.0.about();
        let implementation = Implementation::new(about.name, env!("CARGO_PKG_VERSION"));
        let capabilities = ServerCapabilities::builder().enable_tools();
        let capabilities = if about.has_library {
            capabilities.enable_resources().enable_prompts().enable_completions().build()
        } else {
            capabilities.build()
        };
        ServerConfig::new(capabilities).with_server_info(implementation).with_instructions(about.instructions)
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        only_page(page)?;
        Ok(ListToolsResult::with_all_items(self.0.tools()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.tools().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let parts = parts(&context)?;
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        match self.0.use_tool(parts, &request.name, arguments).await {
            Ok(Answer::Told(fields)) => Ok(told(fields).into()),
            Ok(Answer::Asks(page)) => Means::of(&context, &parts.headers).ask(page, request.input_responses.as_ref()),
            Err(Failed::Refused(problem)) => Ok(refused(&problem, self.0.about().lost).into()),
            Err(other) => Err(failed(&other)),
        }
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.has::<ListResourcesRequestMethod>()?;
        let from = page.and_then(|page| page.cursor);
        let found = self.0.resources(parts(&context)?, from.as_deref()).await.map_err(|error| failed(&error))?;
        let mut listed = ListResourcesResult::with_all_items(found.resources);
        listed.next_cursor = found.next;
        Ok(listed)
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.has::<ListResourceTemplatesRequestMethod>()?;
        only_page(page)?;
        Ok(ListResourceTemplatesResult::with_all_items(self.0.templates()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        self.has::<ReadResourceRequestMethod>()?;
        let found = self.0.resource(parts(&context)?, &request.uri).await.map_err(|error| failed(&error))?;
        let found = found.ok_or_else(|| nothing_there(&context))?;
        let contents = ResourceContents::text(found.to_string(), request.uri).with_mime_type("application/json");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.has::<ListPromptsRequestMethod>()?;
        only_page(page)?;
        Ok(ListPromptsResult::with_all_items(self.0.prompts()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        self.has::<GetPromptRequestMethod>()?;
        let arguments = request.arguments.unwrap_or_default();
        let opening = self.0.opening(parts(&context)?, &request.name, &arguments).await;
        let opening = opening.map_err(|error| failed(&error))?;
        let opening = opening.ok_or_else(|| ErrorData::invalid_params("there is no prompt of this name", None))?;
        let said = PromptMessage::new_text(Role::User, opening.text);
        Ok(GetPromptResult::new(vec![said]).with_description(opening.description).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        self.has::<CompleteRequestMethod>()?;
        let of = match &request.r#ref {
            Reference::Prompt(prompt) => Of::Prompt(&prompt.name),
            Reference::Resource(template) => Of::Template(&template.uri),
            _ => return Err(ErrorData::invalid_params("there is no such argument", None)),
        };
        let found = self.0.completion(parts(&context)?, of, &request.argument.name, &request.argument.value).await;
        let values = found.map_err(|error| failed(&error))?;
        let values = values.ok_or_else(|| ErrorData::invalid_params("there is no such argument", None))?;
        Ok(CompleteResult::new(completion(values)?))
    }

    /// What the library could not read: a method that there is, with parameters that are not its own, or none that there is.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = request.method.as_str();
        if ALWAYS.contains(&method) || (self.0.about().has_library && READING.contains(&method)) {
            return Err(ErrorData::invalid_params("the params are not those of this method", None));
        }
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "there is no such method here", None))
    }
}

/// The request as it came over HTTP, with whoever has made it.
fn parts(context: &RequestContext<RoleServer>) -> Result<&Parts, ErrorData> {
    context.extensions.get::<Parts>().ok_or_else(|| failed(&Failed::Nobody))
}

/// Everything is on one page: whoever asks for another made it up.
fn only_page(page: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match page.and_then(|page| page.cursor) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params("there is no such page: everything is on the first", None)),
    }
}

/// As many values as the protocol has room for, and how many there are.
fn completion(mut values: Vec<String>) -> Result<CompletionInfo, ErrorData> {
    let (total, is_more) = (values.len(), values.len() > CompletionInfo::MAX_VALUES);
    values.truncate(CompletionInfo::MAX_VALUES);
    let completion = CompletionInfo::with_pagination(values, u32::try_from(total).ok(), is_more);
    completion.map_err(|error| ErrorData::internal_error(error, None))
}

/// The newest protocol has no code of its own for it.
fn nothing_there(context: &RequestContext<RoleServer>) -> ErrorData {
    let version = context.protocol_version().unwrap_or(ProtocolVersion::V_2025_03_26);
    let is_new = version.as_str() >= ProtocolVersion::V_2026_07_28.as_str();
    let code = if is_new { ErrorCode::INVALID_PARAMS } else { ErrorCode::RESOURCE_NOT_FOUND };
    ErrorData::new(code, "there is nothing at this address that you have access to", None)
}

/// Why something that is no tool gave nothing: in the protocol's own form, and in our words only.
fn failed(failed: &Failed) -> ErrorData {
    match failed {
        Failed::Nobody => ErrorData::internal_error("nobody has proven who is calling", None),
        Failed::NoTool => {
            ErrorData::invalid_params("there is no tool of this name: tools/list has those that are", None)
        }
        Failed::Refused(problem) => not_granted(problem),
    }
}

fn not_granted(problem: &Problem) -> ErrorData {
    let said = problem.errors().first().map_or_else(
        || problem.detail().to_owned(),
        |error| format!("{} {}", error.pointer.trim_start_matches('/'), error.detail),
    );
    let said = crate::answer::capped(&said);
    if problem.status().is_server_error() {
        ErrorData::internal_error(said, None)
    } else {
        ErrorData::invalid_params(said, None)
    }
}
