//! How a person is asked to open a page. What is entered there (a secret, an agreement) never passes the assistant, so it is
//! asked for in URL mode: by the client, if it said that it can, or with the link among the fields.

use axum::http::{HeaderMap, HeaderName};
use rmcp::{
    RoleServer,
    model::{
        CallToolResponse, ElicitRequest, ElicitRequestParams, ErrorCode, ErrorData, InputRequest, InputRequests,
        InputRequiredResult, InputResponses, ProtocolVersion,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

use crate::answer::{Page, told};

/// The header in which a client repeats what it was given when it initialized.
pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// How the name of a session begins whose client opens pages. There are no sessions here; the name is all there is of one,
/// and says what the client said. Who makes one up fools themselves only.
const OPENS_PAGES: &str = "opens-pages.";

/// By which request of the client the person is asked, in the newest protocol.
const REQUEST: &str = "page";

/// How this client can have a page opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Means {
    /// The answer is a request for input, and the call comes again with what became of it (2026-07-28).
    Input,
    /// The call fails with the request, and comes again (2025-11-25).
    Error,
    /// The link stands among the fields.
    Link,
}

impl Means {
    /// What the client of this request can do.
    pub(crate) fn of(context: &RequestContext<RoleServer>, headers: &HeaderMap) -> Self {
        let version = context.protocol_version().unwrap_or(ProtocolVersion::V_2025_03_26);
        if version.as_str() >= ProtocolVersion::V_2026_07_28.as_str() {
            let capabilities = context.client_capabilities();
            let asks =
                capabilities.and_then(|can| can.elicitation).is_some_and(|elicitation| elicitation.url.is_some());
            return if asks { Self::Input } else { Self::Link };
        }
        let name = headers.get(SESSION).and_then(|value| value.to_str().ok());
        let opens_pages = name.is_some_and(|name| name.starts_with(OPENS_PAGES));
        if opens_pages && version.as_str() >= ProtocolVersion::V_2025_11_25.as_str() { Self::Error } else { Self::Link }
    }

    /// Asks for the page to be opened; if it just was, tells how things are.
    pub(crate) fn ask(self, page: Page, responses: Option<&InputResponses>) -> Result<CallToolResponse, ErrorData> {
        match self {
            Self::Input if responses.is_none() => {
                let params = ElicitRequestParams::UrlElicitationParams {
                    meta: None,
                    message: page.message.to_owned(),
                    url: page.url,
                    elicitation_id: String::new(),
                };
                let request = InputRequest::Elicitation(ElicitRequest::new(params));
                let requests = InputRequests::from([(REQUEST.to_owned(), request)]);
                Ok(InputRequiredResult::from_input_requests(requests).into())
            }
            Self::Error => {
                let asked = json!({"mode": "url", "elicitationId": page.id, "url": page.url, "message": page.message});
                Err(ErrorData::new(ErrorCode(-32042), page.message, Some(json!({"elicitations": [asked]}))))
            }
            Self::Input | Self::Link => Ok(told(page.with_link(responses)).into()),
        }
    }
}

impl Page {
    fn with_link(self, responses: Option<&InputResponses>) -> Value {
        let mut fields = self.told;
        if let Some(action) = responses.and_then(|responses| responses.get(REQUEST)).and_then(action) {
            fields["person"] = json!(action);
        }
        fields["open_url"] = json!(self.url);
        fields["next_step"] = json!(self.message);
        fields
    }
}

/// What the person did when they were asked, if it is one of the three words that there are.
fn action(response: &Value) -> Option<&'static str> {
    ["accept", "decline", "cancel"].into_iter().find(|word| response["action"] == *word)
}

/// The name of a session for a client that says, as it initializes, that it opens pages.
pub(crate) fn session(body: &Value, unique: &str) -> Option<String> {
    let is_first = body["method"] == "initialize";
    let opens_pages = body["params"]["capabilities"]["elicitation"]["url"].is_object();
    (is_first && opens_pages).then(|| format!("{OPENS_PAGES}{unique}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_that_says_so_as_it_initializes_opens_pages() {
        let initialize =
            |capabilities: Value| json!({"method": "initialize", "params": {"capabilities": capabilities}});
        assert!(session(&initialize(json!({"elicitation": {"url": {}}})), "x").is_some());
        for capabilities in [json!({}), json!({"elicitation": {}}), json!({"elicitation": {"form": {}}}), json!(null)] {
            assert_eq!(session(&initialize(capabilities), "x"), None);
        }
        assert_eq!(session(&json!({"method": "tools/call", "params": {}}), "x"), None);
    }
}
