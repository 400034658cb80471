//! The code that uses a connector: in a page or in a backend, with the SDK, with connect.js or by plain HTTP. Nothing of
//! strangers is in it, and no secret: who runs it has those.

use connectors::{
    auth::Admin,
    domain::{
        connector::{Connector, ConnectorKind},
        ids::ConnectorId,
    },
    journeys::manage::ConnectorError,
    web::Problem,
};
use rmcp::model::Tool;
use serde_json::{Value, json};

use super::Builder;
use crate::{
    answer::Answer,
    tool::{Effect, read_all, required, text, tool},
};

pub(super) fn tool_itself() -> Tool {
    tool(
        ("code_for", "Write the code"),
        "Writes the code that uses a connector: the button of a page, or what a backend does with the connection. \
         `appId`, `userToken` and `serviceKey` stand for what the app has; a service key never goes into a page.",
        Effect::Looks,
        json!({
            "connector_id!": text("Which one, as find_connector names it."),
            "for!": {"type": "string", "enum": ["frontend", "backend"]},
            "style!": {"type": "string", "enum": ["sdk", "connect.js", "http"], "description": "connect.js is for pages only."},
        }),
        json!({
            "kind!": {"type": "string", "enum": ["per_user", "shared"]},
            "language!": {"type": "string", "enum": ["html", "javascript"]},
            "code!": {"type": ["string", "null"], "description": "Nothing, where there is nothing to be done."},
            "notes!": text("What to watch for."),
        }),
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Page,
    Backend,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Sdk,
    Element,
    Http,
}

/// `code_for`
pub(super) async fn write(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    let (connector, side, style) = read_all(arguments, |arguments| {
        let connector = required(arguments, "connector_id", ConnectorId::parse);
        let side = arguments.choice("for", &[("frontend", Side::Page), ("backend", Side::Backend)]);
        let style =
            arguments.choice("style", &[("sdk", Style::Sdk), ("connect.js", Style::Element), ("http", Style::Http)]);
        for (name, is_read) in [("for", side.is_some()), ("style", style.is_some())] {
            if !is_read {
                arguments.require_given(name);
            }
        }
        if (side, style) == (Some(Side::Backend), Some(Style::Element)) {
            arguments.refuse("style", "is for pages: a backend uses `sdk` or `http`");
        }
        Some((connector?, side?, style?))
    })?;
    let all = tools.connectors.list(person.workspace()).await.map_err(unlisted)?;
    let connector = all.iter().find(|one| one.id == connector).ok_or_else(|| {
        Problem::invalid_field("/connector_id", "is no connector of the workspace: find_connector has those that are")
    })?;
    let is_like = |one: &&Connector| one.kind == ConnectorKind::Shared && one.provider == connector.provider;
    let is_only = all.iter().filter(is_like).count() == 1;
    Ok(Answer::Told(snippet(&tools.public_base_url, connector, is_only, side, style)))
}

fn unlisted(error: ConnectorError) -> Problem {
    match error {
        ConnectorError::Store(cause) => cause.into(),
        error => Problem::internal(&error),
    }
}

/// `is_only` says whether the provider's name is enough to mean this connector, of those that are shared.
fn snippet(base: &str, connector: &Connector, is_only: bool, side: Side, style: Style) -> Value {
    let (language, code, notes) = match (connector.kind, side) {
        (ConnectorKind::Shared, Side::Page) => ("html", None, NOTHING_TO_CONNECT),
        (ConnectorKind::Shared, Side::Backend) => ("javascript", Some(shared(style, is_only)), KEEP_THE_KEY),
        (ConnectorKind::PerUser, Side::Page) => {
            let language = if style == Style::Element { "html" } else { "javascript" };
            (language, Some(page(style)), RETURN_URL)
        }
        (ConnectorKind::PerUser, Side::Backend) => ("javascript", Some(backend(style)), KEEP_THE_KEY),
    };
    let filled = |code: &str| {
        let code = code.replace("{base}", base).replace("{connector}", connector.id.as_str());
        code.replace("{type}", connector.provider.as_str())
    };
    json!({"kind": connector.kind.as_str(), "language": language, "code": code.map(filled), "notes": notes})
}

const NOTHING_TO_CONNECT: &str = "Nothing is connected in a page: an admin connects the one account in the console, and the \
    app's backend uses it.";

const KEEP_THE_KEY: &str = "The service key stays in the backend. A 404 says that nothing is connected, and \
    `reconnect_required` that it has to be again: lead the user to connect. The token is fetched for each use and stored \
    nowhere, because it is refreshed here.";

const RETURN_URL: &str = "The page that people come back to must be among the app's return URLs. The user's token is the one \
    that the app's own sign-in gives.";

fn page(style: Style) -> &'static str {
    match style {
        Style::Element => {
            "<script type=\"module\">\n  import { configure } from '{base}/connect.js';\n  configure({ app: appId, getToken: () => userToken });\n</script>\n\n<connect-button connector=\"{connector}\"></connect-button>\n"
        }
        Style::Sdk => {
            "import { createClient } from '@base44/sdk';\n\nconst app = createClient({ serverUrl: '{base}', appId, token: userToken });\nlocation.href = await app.connectors.connectAppUser('{connector}');\n"
        }
        Style::Http => {
            "const response = await fetch(`{base}/api/apps/${appId}/app-user-auth/connectors/{connector}/initiate`, {\n  method: 'POST',\n  headers: { authorization: `Bearer ${userToken}`, 'content-type': 'application/json' },\n  body: '{}',\n});\nlocation.href = (await response.json()).redirect_url;\n"
        }
    }
}

fn backend(style: Style) -> &'static str {
    match style {
        Style::Http => {
            "const response = await fetch(`{base}/api/apps/${appId}/app-user-auth/connectors/{connector}/call`, {\n  method: 'POST',\n  headers: {\n    authorization: `Bearer ${serviceKey}`,\n    'on-behalf-of': `Bearer ${userToken}`,\n    'content-type': 'application/json',\n  },\n  body: JSON.stringify({ method: 'GET', path: '/' }),\n});\nconst { success, phase, status_code, data } = await response.json();\n"
        }
        Style::Sdk | Style::Element => {
            "import { createClient } from '@base44/sdk';\n\nconst backend = createClient({ serverUrl: '{base}', appId, token: userToken, serviceToken: serviceKey });\nconst { accessToken } = await backend.asServiceRole.connectors.getCurrentAppUserConnection('{connector}');\n"
        }
    }
}

fn shared(style: Style, is_only: bool) -> &'static str {
    match style {
        Style::Http if !is_only => {
            "const response = await fetch(`{base}/api/apps/${appId}/external-auth/tokens/connectors/{connector}`, {\n  headers: { authorization: `Bearer ${serviceKey}` },\n});\nconst { access_token: accessToken } = await response.json();\n"
        }
        Style::Http => {
            "const response = await fetch(`{base}/api/apps/${appId}/connectors/{type}/call`, {\n  method: 'POST',\n  headers: { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' },\n  body: JSON.stringify({ method: 'GET', path: '/' }),\n});\nconst { success, phase, status_code, data } = await response.json();\n"
        }
        Style::Sdk | Style::Element => {
            "import { createClient } from '@base44/sdk';\n\nconst backend = createClient({ serverUrl: '{base}', appId, serviceToken: serviceKey });\nconst { accessToken } = await backend.asServiceRole.connectors.getWorkspaceConnection('{connector}');\n"
        }
    }
}
