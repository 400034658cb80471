//! Proposals: what an assistant would have changed. A person confirms in the console, and enters there what no assistant may
//! see.

use connectors::{
    auth::Admin,
    domain::{
        connector::{ConnectorKind, redirect_uri},
        fields::{FieldError, Table, text as one_line},
        ids::ConnectorId,
        proposal::{Proposal, ProposalKind, ProposalStatus},
        provider::ProviderType,
    },
    journeys::proposals::{ProposalDraft, ProposalError, Prospect, Through},
    web::{Problem, not_proposed, seconds},
};
use jiff::SignedDuration;
use rmcp::model::Tool;
use serde_json::{Map, Value, json};

use super::{Builder, secrets::look_over};
use crate::{
    answer::{Answer, Page},
    tool::{Effect, nested, optional, read_all, required, text, texts, tool},
};

/// What the person is told when they are asked to open the page.
const CONFIRM: &str = "Open this page to look at what is proposed, and confirm or decline it. If a client secret is needed, it \
    is entered there, and never in the chat.";

/// For how long a proposal that was declined is answered with that, instead of being made again.
const DECLINED_FOR: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn tools() -> Vec<Tool> {
    let config = json!({
        "type": "object", "additionalProperties": {"type": "string"},
        "description": "What the provider needs beside, as connector_setup_guide says. Never a secret.",
    });
    vec![
        tool(
            ("add_connector", "Propose a connector"),
            "Proposes a new connector, and asks the person to confirm it in the console, where they enter the client secret. \
             There is no argument for a secret: never ask for one. Called again with the same arguments it says how the \
             proposal stands.",
            Effect::Asks,
            json!({
                "integration_type!": text("The provider, as list_providers names it."),
                "name!": text("What the workspace is to call it."),
                "client_id!": text("The client id that the person got at the provider."),
                "scopes": texts("What it is to ask for."),
                "kind": {"type": "string", "enum": ["per_user", "shared"], "description": "Whose account: everybody's own, or one for all. Ask the person."},
                "connection_config": config,
                "connector_id": text("As connector_setup_guide answered it, so that the redirect URI is the one that was registered."),
            }),
            answers(),
        ),
        tool(
            ("update_connector", "Propose a change of a connector"),
            "Proposes to change what a connector is called or asks for. A person sees how many people would have to connect \
             again, and confirms in the console. Fields that are not named stay. Whose account it is for can't be changed: \
             propose another connector for that.",
            Effect::Asks,
            json!({
                "connector_id!": text("Which one, as find_connector names it."),
                "name": text("Another name."),
                "client_id": text("Another client id: everybody has to connect again."),
                "scopes": texts("All scopes that it is to ask for, not only new ones."),
                "connection_config": config,
            }),
            answers(),
        ),
        tool(
            ("delete_connector", "Propose to delete a connector"),
            "Proposes to delete a connector and to end every connection through it. A person sees how many there are, and \
             confirms in the console.",
            Effect::Asks,
            json!({"connector_id!": text("Which one, as find_connector names it.")}),
            answers(),
        ),
    ]
}

fn answers() -> Value {
    json!({
        "status!": {"type": "string", "enum": ["proposed", "confirmed", "declined", "expired", "withdrawn"]},
        "proposal_id!": text("The proposal."),
        "connector_id!": text("The connector that it is about, or that comes of it."),
        "redirect_uri!": {"type": ["string", "null"], "description": "To be registered at the provider of a new connector, exactly."},
        "needs_client_secret!": {"type": "boolean", "description": "Whether the person will be asked for one, on the page."},
        "people!": nested(json!({
            "number!": {"type": "integer", "description": "How many have to connect again, or lose their connection."},
            "more!": {"type": "boolean"},
        })),
        "expires_at!": text("Until when it can be confirmed."),
        "person": text("What the person did when they were asked to open the page."),
        "open_url": text("The page on which an admin of the workspace confirms."),
        "next_step": text("What to tell the person, or to do now."),
    })
}

/// `add_connector`
pub(super) async fn add(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    look_over(tools, person, &arguments).await?;
    let request = read_all(arguments, |arguments| {
        let provider = required(arguments, "integration_type", ProviderType::parse);
        let id = optional(arguments, "connector_id", ConnectorId::parse);
        let kind = optional(arguments, "kind", |raw| {
            ConnectorKind::parse(raw).ok_or_else(|| format!("must be one of {}", ConnectorKind::WORDS.join(", ")))
        });
        for name in ["name", "client_id"] {
            arguments.require_given(name);
        }
        let mut request = common(arguments);
        request.insert("integration_type".to_owned(), json!(provider?.as_str()));
        request.insert("kind".to_owned(), json!(kind.unwrap_or(ConnectorKind::PerUser).as_str()));
        if let Some(id) = id {
            request.insert("id".to_owned(), json!(id.as_str()));
        }
        Some(Value::Object(request))
    })?;
    let draft = ProposalDraft { kind: ProposalKind::Add, connector: None, request, through: Through::Assistant };
    propose(tools, person, draft).await
}

/// `update_connector`
pub(super) async fn update(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    look_over(tools, person, &arguments).await?;
    let (connector, request) = read_all(arguments, |arguments| {
        let connector = required(arguments, "connector_id", ConnectorId::parse);
        let request = common(arguments);
        Some((connector?, Value::Object(request)))
    })?;
    let (connector, through) = (Some(connector), Through::Assistant);
    propose(tools, person, ProposalDraft { kind: ProposalKind::Update, connector, request, through }).await
}

/// `delete_connector`
pub(super) async fn delete(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    let connector = read_all(arguments, |arguments| required(arguments, "connector_id", ConnectorId::parse))?;
    let (request, through) = (json!({}), Through::Assistant);
    let draft = ProposalDraft { kind: ProposalKind::Delete, connector: Some(connector), request, through };
    propose(tools, person, draft).await
}

/// What an assistant may say of a connector, in the request that would do it.
fn common(arguments: &Table<'_>) -> Map<String, Value> {
    let mut request = Map::new();
    for name in ["name", "client_id"] {
        if let Some(text) = arguments.text(name) {
            request.insert(name.to_owned(), json!(text));
        }
    }
    if let Some(scopes) = arguments.scopes("scopes") {
        request.insert("scopes".to_owned(), json!(scopes.iter().collect::<Vec<_>>()));
    }
    let config = arguments.map("connection_config", |_, value| one_line(value));
    if arguments.has("connection_config") {
        request.insert("connection_config".to_owned(), json!(config));
    }
    request
}

/// Proposes, unless the same was proposed before and it is known what became of it.
async fn propose(tools: &Builder, person: &Admin, draft: ProposalDraft) -> Result<Answer, Problem> {
    if !person.may_propose() {
        return Err(Problem::forbidden("You may look here, but not propose anything: ask an admin of the workspace."));
    }
    if let Some(earlier) = Box::pin(earlier(tools, person, &draft)).await? {
        return Ok(answer(tools, earlier));
    }
    let made = Box::pin(tools.proposals.propose(person.workspace(), draft, person.actor())).await;
    Ok(answer(tools, made.map_err(refused)?))
}

/// Why it was not proposed, each mistake at its place among the tool's arguments.
fn refused(error: ProposalError) -> Problem {
    let ProposalError::Invalid(errors) = error else { return not_proposed(error) };
    let own = |FieldError { pointer, detail }| {
        let below = pointer.strip_prefix("/connector").filter(|rest| rest.is_empty() || rest.starts_with('/'));
        FieldError { pointer: below.unwrap_or(&pointer).to_owned(), detail }
    };
    Problem::invalid(errors.into_iter().map(own).collect())
}

/// The latest proposal of the same, if it waits, or is so recent that asking again means to ask how it stands. One that nobody
/// could confirm as things are is refused as it would be if it were made now; one about a connector that somebody has changed by
/// hand since is none.
async fn earlier(tools: &Builder, person: &Admin, draft: &ProposalDraft) -> Result<Option<Prospect>, Problem> {
    let now = tools.clock.now();
    for (proposal, status) in tools.proposals.list(person.workspace()).await? {
        if !is_same(&proposal, draft) {
            continue;
        }
        let is_recent =
            proposal.decision.as_ref().is_some_and(|decision| now.duration_since(decision.at) < DECLINED_FOR);
        let is_there = || tools.connectors.find(person.workspace(), &proposal.connector);
        let stands = match (status, proposal.kind) {
            (ProposalStatus::Proposed, _) => true,
            (ProposalStatus::Confirmed, ProposalKind::Add) => is_there().await.is_ok(),
            (ProposalStatus::Confirmed | ProposalStatus::Declined, _) => is_recent,
            (ProposalStatus::Expired | ProposalStatus::Withdrawn, _) => continue,
        };
        if !stands {
            return Ok(None);
        }
        let found = tools.proposals.find(person.workspace(), &proposal.id).await.map_err(refused)?;
        if found.is_outdated {
            continue;
        }
        if is_undone(&found) {
            return Ok(None);
        }
        // Another name is for whoever confirms to choose.
        let kind = found.proposal.kind;
        let is_helped = |obstacle: &ProposalError| obstacle.ends_with_another_name(kind);
        return match found.obstacle {
            Some(obstacle) if !is_helped(&obstacle) => Err(refused(*obstacle)),
            obstacle => Ok(Some(Prospect { obstacle, ..found })),
        };
    }
    Ok(None)
}

/// Whether a change that was confirmed is not how the connector is any more: then the same is another proposal.
fn is_undone(found: &Prospect) -> bool {
    let is_done = found.status == ProposalStatus::Confirmed && found.proposal.kind == ProposalKind::Update;
    is_done && (found.connector.is_none() || !found.changes.is_empty())
}

/// Whether a proposal is what the draft would be. A new connector has an id of its own, unless the draft names one.
fn is_same(proposal: &Proposal, draft: &ProposalDraft) -> bool {
    let mut made = proposal.request.clone();
    if let Some(fields) = made.as_object_mut().filter(|_| draft.request.get("id").is_none()) {
        fields.remove("id");
    }
    let is_about = draft.connector.as_ref().is_none_or(|connector| *connector == proposal.connector);
    proposal.kind == draft.kind && is_about && made == draft.request
}

fn answer(tools: &Builder, prospect: Prospect) -> Answer {
    let Prospect { proposal, status, needs_secret, people, .. } = prospect;
    let uri = || redirect_uri(&tools.public_base_url, &proposal.connector);
    let mut told = json!({
        "status": status.as_str(),
        "proposal_id": proposal.id.as_str(),
        "connector_id": proposal.connector.as_str(),
        "redirect_uri": (proposal.kind == ProposalKind::Add).then(uri),
        "needs_client_secret": needs_secret,
        "people": {"number": people.number, "more": people.is_more},
        "expires_at": seconds(proposal.expires_at).to_string(),
    });
    if let Some(next_step) = next_step(status, proposal.kind) {
        told["next_step"] = json!(next_step);
        return Answer::Told(told);
    }
    let url = proposal.confirm_url(&tools.public_base_url);
    Answer::Asks(Page { url, message: CONFIRM, id: proposal.id.to_string(), told })
}

/// What comes after a proposal that does not wait any more.
fn next_step(status: ProposalStatus, kind: ProposalKind) -> Option<&'static str> {
    match (status, kind) {
        (ProposalStatus::Proposed, _) => None,
        (ProposalStatus::Confirmed, ProposalKind::Add) => Some(
            "A person has confirmed it: find_connector says whether it can be used already, and code_for writes the code.",
        ),
        (ProposalStatus::Confirmed, ProposalKind::Update) => {
            Some("A person has confirmed it, and it is done: find_connector has the connector as it is now.")
        }
        (ProposalStatus::Confirmed, ProposalKind::Delete) => {
            Some("A person has confirmed it: the connector is gone, and its connections are being ended.")
        }
        (ProposalStatus::Declined, _) => {
            Some("A person has declined it. Ask them what they want instead, and do not propose the same again.")
        }
        (ProposalStatus::Expired | ProposalStatus::Withdrawn, _) => {
            Some("Nobody can confirm it any more. Ask the person whether they still want it, and propose it again.")
        }
    }
}
