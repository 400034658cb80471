//! What there is to connect to, and what a person does at a provider first.

use connectors::{
    auth::Admin,
    domain::{
        connector::redirect_uri,
        ids::ConnectorId,
        provider::{Provider, ProviderType, Source, SuggestedScope, Var},
    },
    journeys::manage::ProviderError,
    oauth::catalogue,
    web::Problem,
};
use rmcp::model::Tool;
use serde_json::{Value, json};

use super::{
    Builder,
    obstacles::{self, Limits, may_add_schema},
};
use crate::{
    answer::{Answer, capped, cut},
    tool::{Effect, loose, nested, optional, read, read_all, required, text, texts, tool},
};

/// How many providers are told at once.
const MOST: usize = 50;

/// How many characters of a setup guide are told. Those of the catalogue have 420 at most.
const LONGEST_GUIDE: usize = 1_000;

pub(super) fn tools() -> Vec<Tool> {
    vec![
        tool(
            ("list_providers", "What there is to connect to"),
            "Lists providers of the catalogue and the workspace's own, fifty at a time at most: search by name or kind.",
            Effect::Looks,
            json!({"search": text("A word of the name, the type or the kind, such as `calendar`. Kinds are in English.")}),
            json!({
                "providers!": {"type": "array", "items": nested(described())},
                "more!": {"type": "boolean"},
            }),
        ),
        tool(
            ("connector_setup_guide", "What to do at the provider"),
            "Says where at the provider a person gets a client id and a client secret, and the exact redirect URI to register \
             there. Pass the `connector_id` of the answer on to add_connector, because the redirect URI belongs to it. If \
             `may_add` says no, tell the person what `obstacles` says, before they register anything.",
            Effect::Looks,
            json!({
                "integration_type!": text("The provider, as list_providers names it."),
                "connector_id": text("One that the workspace has, or that was answered before."),
            }),
            json!({
                "integration_type!": text("The provider."),
                "name!": text("What people call it."),
                "connector_id!": text("For add_connector."),
                "redirect_uri!": text("To be registered at the provider, exactly."),
                "guide!": {"type": ["string", "null"], "description": "Where to click there, and what to watch for."},
                "docs_url!": {"type": ["string", "null"], "description": "What the provider says itself."},
                "suggested_scopes!": {"type": "array", "items": nested(json!({
                    "scope!": text("The scope."),
                    "description!": text("What it lets an app do."),
                }))},
                "connection_config!": {"type": "array", "items": nested(json!({
                    "name!": text("The field of `connection_config`."),
                    "description!": {"type": ["string", "null"]},
                    "example!": {"type": ["string", "null"]},
                    "choices!": texts("The only values, if there are any."),
                    "required!": {"type": "boolean"},
                })), "description": "What add_connector needs beside the client id."},
                "unavailable!": {"type": ["string", "null"], "description": "Why nobody can connect today."},
                "may_add!": may_add_schema(),
                "obstacles!": obstacles::schema(),
            }),
        ),
    ]
}

/// What [`shown`] has.
pub(super) fn described() -> Value {
    json!({
        "integration_type!": text("By this the other tools know it."),
        "name!": text("What people call it."),
        "categories!": texts("What kinds of product it is."),
        "unavailable!": {"type": ["string", "null"], "description": "Why nobody can connect today."},
    })
}

/// `list_providers`
pub(super) async fn list(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    let search = read(arguments, |arguments| loose(arguments, "search"))?;
    let words = search.as_deref().map(words).unwrap_or_default();
    let own = tools.providers.of_workspace(person.workspace()).await.map_err(unlisted)?;
    let mut found = own.into_iter().chain(catalogue::all_described()).filter(|provider| matches(provider, &words));
    let providers: Vec<Value> = found.by_ref().take(MOST).map(|provider| shown(&provider)).collect();
    Ok(Answer::Told(json!({"providers": providers, "more": found.next().is_some()})))
}

pub(super) fn unlisted(error: ProviderError) -> Problem {
    match error {
        ProviderError::Store(cause) => cause.into(),
        error => Problem::internal(&error),
    }
}

/// How many words of a text are looked at: a purpose is a sentence.
const MOST_WORDS: usize = 60;

/// The words of a text, in small letters.
pub(super) fn words(text: &str) -> Vec<String> {
    let parts = text.split(|character: char| !character.is_alphanumeric()).filter(|word| word.chars().count() > 1);
    parts.take(MOST_WORDS).map(str::to_lowercase).collect()
}

/// Whether every word is found in what a provider is called.
fn matches(provider: &Provider, words: &[String]) -> bool {
    let called = called(provider);
    words.iter().all(|word| called.contains(word.as_str()))
}

/// All that a provider is called, in small letters.
pub(super) fn called(provider: &Provider) -> String {
    format!("{} {} {}", provider.id, provider.name, provider.categories.join(" ")).to_lowercase()
}

/// A provider, by what a person chooses it by.
pub(super) fn shown(provider: &Provider) -> Value {
    json!({
        "integration_type": provider.id.as_str(),
        "name": capped(&provider.name),
        "categories": provider.categories.iter().map(|category| capped(category)).collect::<Vec<_>>(),
        "unavailable": provider.unavailable.as_deref().map(capped),
    })
}

/// `connector_setup_guide`
pub(super) async fn guide(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    let (provider, connector) = read_all(arguments, |arguments| {
        let provider = required(arguments, "integration_type", ProviderType::parse);
        let connector = optional(arguments, "connector_id", ConnectorId::parse);
        Some((provider?, connector))
    })?;
    let provider = tools.provider(person.workspace(), &provider).await?;
    let connector = connector.unwrap_or_else(|| tools.fresh_id());
    let mut guide = facts(&provider);
    guide["connector_id"] = json!(connector.as_str());
    let room = Limits::of(tools, person.workspace()).await?.room(Some(&provider));
    guide["may_add"] = room.may_add();
    guide["obstacles"] = json!(room.obstacles);
    guide["redirect_uri"] = json!(redirect_uri(&tools.public_base_url, &connector));
    Ok(Answer::Told(guide))
}

/// What a person does at a provider, whichever connector it is for.
pub(super) fn facts(provider: &Provider) -> Value {
    let scope = |suggested: &SuggestedScope| json!({"scope": capped(&suggested.scope), "description": capped(&suggested.description)});
    let vars = asked_of_apps(provider);
    json!({
        "integration_type": provider.id.as_str(),
        "name": capped(&provider.name),
        "guide": provider.setup.as_ref().map(|guide| cut(guide, LONGEST_GUIDE)),
        "docs_url": provider.docs_url.as_deref().map(|url| cut(url, LONGEST_GUIDE)),
        "suggested_scopes": provider.suggested_scopes.iter().take(MOST).map(scope).collect::<Vec<_>>(),
        "connection_config": vars.take(MOST).map(|(name, var)| field(name, var)).collect::<Vec<_>>(),
        "unavailable": provider.unavailable.as_deref().map(capped),
    })
}

/// The details that a provider needs beside the client, by their names.
pub(super) fn asked_of_apps(provider: &Provider) -> impl Iterator<Item = (&String, &Var)> {
    provider.vars.iter().filter(|(_, var)| matches!(var.from, Source::App | Source::Input))
}

fn field(name: &str, var: &Var) -> Value {
    json!({
        "name": capped(name),
        "description": var.description.as_ref().or(var.label.as_ref()).map(|text| capped(text)),
        "example": var.example.as_deref().map(capped),
        "choices": var.choices.iter().take(MOST).map(|choice| capped(choice)).collect::<Vec<_>>(),
        "required": matches!(var.from, Source::App) && var.default.is_none(),
    })
}
