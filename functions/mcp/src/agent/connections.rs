//! What the user has connected, and connecting what is missing.

use connectors::{
    auth::AppUser,
    domain::{
        fields::text as one_line,
        ids::ConnectorId,
        standing::{Reason, Status},
    },
    journeys::{
        list_connections::UserConnector,
        start_authorization::{StartError, Wanted},
    },
    web::{Problem, list as texts_of, not_started},
};
use rmcp::model::Tool;
use serde_json::{Value, json};

use super::Agent;
use crate::{
    answer::{Answer, Page, capped},
    tool::{Effect, loose, nested, read, read_all, required, text, texts, tool},
};

/// How many connectors are told at once.
const MOST: usize = 100;

/// What the user is told when they are asked to open the page.
const AGREE: &str = "Open this page to connect your account: it says who asks for what, and leads to the provider. The link \
    is yours alone and lasts ten minutes. Come back here afterwards.";

pub(super) fn tools() -> Vec<Tool> {
    vec![
        tool(
            ("list_connections", "What is connected"),
            "Lists the connectors that the user can connect through, and how each stands for them: `active`, \
             `disconnected`, or why it has to be connected again.",
            Effect::Looks,
            json!({"search": text("A word of the type or the name, where there are more than are told at once.")}),
            json!({
                "connections!": {"type": "array", "items": shown()},
                "more!": {"type": "boolean", "description": "Whether there are others: search for them."},
            }),
        ),
        tool(
            ("connect", "Connect an account"),
            "Asks the user to connect their account through a connector, on a page that they open themselves. Call it again \
             afterwards: it answers `connected` once they have agreed.",
            Effect::Asks,
            json!({
                "connector_id!": text("Which one, as list_connections names it."),
                "connection_config": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "What a provider must know of the account first, such as the name of a shop. A refusal says what.",
                },
            }),
            json!({
                "status!": {"type": "string", "enum": ["connected", "waiting_for_user"]},
                "connector_id!": text("The connector."),
                "person": text("What the user did when they were asked to open the page."),
                "open_url": text("The page, for the user alone: show it to nobody else, and do not open it yourself."),
                "next_step": text("What to tell the user."),
            }),
        ),
        tool(
            ("disconnect", "Disconnect an account"),
            "Ends the user's connection through a connector, here and at the provider. It can't be undone: they would have \
             to connect again. Ask the user first.",
            Effect::Changes,
            json!({"connector_id!": text("Which one, as list_connections names it.")}),
            json!({
                "status!": {"type": "string", "enum": ["disconnected"]},
                "connector_id!": text("The connector."),
                "revocation!": text("What became of the grant at the provider; `none` if nothing was connected."),
            }),
        ),
    ]
}

fn shown() -> Value {
    nested(json!({
        "connector_id!": text("By this the other tools know it."),
        "integration_type!": text("The provider."),
        "name!": text("What the workspace calls it."),
        "status!": text("`active`, or why it can't be used."),
        "reason!": {"type": ["string", "null"], "description": "More about that."},
        "account!": {"type": ["string", "null"], "description": "Whose account it is, as the provider says."},
        "scopes!": texts("What was granted."),
        "missing_scopes!": texts("What the connector asks for and was not granted."),
        "reconnect_required!": {"type": "boolean"},
    }))
}

/// `list_connections`
pub(super) async fn list(tools: &Agent, user: &AppUser, arguments: Value) -> Result<Answer, Problem> {
    let search = read(arguments, |arguments| loose(arguments, "search"))?.unwrap_or_default().to_lowercase();
    let mut found = tools.connections.of_user(user).await?;
    found.retain(|UserConnector { connector, .. }| {
        let called = format!("{} {}", connector.provider, connector.name.as_str()).to_lowercase();
        search.split_whitespace().all(|word| called.contains(word))
    });
    let connections: Vec<Value> = found.iter().take(MOST).map(fields).collect();
    Ok(Answer::Told(json!({"more": found.len() > connections.len(), "connections": connections})))
}

fn fields(found: &UserConnector) -> Value {
    let UserConnector { connector, connection, standing } = found;
    let account = connection.as_ref().and_then(|connection| connection.account.as_ref());
    let account =
        account.map(|account| capped(account.label.as_ref().or(account.email.as_ref()).unwrap_or(&account.id)));
    json!({
        "connector_id": connector.id.as_str(),
        "integration_type": connector.provider.as_str(),
        "name": capped(connector.name.as_str()),
        "status": standing.status.as_str(),
        "reason": standing.reason.map(Reason::as_str),
        "account": account,
        "scopes": connection.as_ref().map(|connection| texts_of(&connection.granted)).unwrap_or_default(),
        "missing_scopes": texts_of(&standing.missing),
        "reconnect_required": standing.reconnect_required(),
    })
}

/// `connect`
pub(super) async fn connect(tools: &Agent, user: &AppUser, arguments: Value) -> Result<Answer, Problem> {
    let (connector, wanted) = read_all(arguments, |arguments| {
        let connection_config = arguments.map("connection_config", |_, value| one_line(value));
        let connector = required(arguments, "connector_id", ConnectorId::parse)?;
        Some((connector, Wanted { connection_config, ..Wanted::default() }))
    })?;
    let id = connector.as_str().to_owned();
    let found = tools.connections.one_of_user(user, connector.clone()).await?;
    // One that can't be refreshed for now works as long as its token does: to connect again helps nobody.
    let works = |found: &UserConnector| matches!(found.standing.status, Status::Active | Status::Degraded);
    if found.is_some_and(|found| works(&found) && found.standing.missing.is_empty()) {
        return Ok(Answer::Told(json!({"status": "connected", "connector_id": id})));
    }
    let linked = tools.start.link(user, connector, wanted).await.map_err(not_linked)?;
    Ok(Answer::Asks(Page {
        url: linked.connect_url,
        message: AGREE,
        id: linked.session_id.as_str().to_owned(),
        told: json!({"status": "waiting_for_user", "connector_id": id}),
    }))
}

/// Why nobody is led anywhere. Where people come back to is nothing that an agent could say.
fn not_linked(error: StartError) -> Problem {
    match error {
        StartError::NoReturnUrl => Problem::conflict(
            "The app has no return URL yet, so that nobody who connects could come back: an admin of the workspace registers \
             one in the console, with the app.",
        ),
        error => not_started(error),
    }
}
