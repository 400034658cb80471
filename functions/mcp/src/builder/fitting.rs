//! Which of the workspace's connectors fits, what it lacks, and whose account suits where none does.

use connectors::{
    auth::Admin,
    domain::{
        connector::{Connector, ConnectorKind},
        provider::{Provider, ProviderType},
        scopes::Scopes,
    },
    journeys::manage::{ConnectorError, Governed},
    oauth::catalogue::all_described,
    web::{Problem, list as texts_of},
};
use rmcp::model::Tool;
use serde_json::{Value, json};

use super::{
    Builder,
    catalogue::{called, shown, words},
};
use crate::{
    answer::{Answer, capped},
    tool::{Effect, nested, optional, read, text, texts, tool},
};

/// How many connectors, and how many providers, are told at once.
const MOST: usize = 20;

/// Words of a purpose by which one account for all is meant.
const FOR_ALL: [&str; 16] = [
    "all",
    "bot",
    "company",
    "dashboard",
    "internal",
    "newsletter",
    "nightly",
    "notify",
    "organisation",
    "organization",
    "our",
    "report",
    "shared",
    "team",
    "workspace",
    "everyone",
];

/// Words of a purpose by which everybody's own account is meant.
const FOR_EACH: [&str; 12] = [
    "customers",
    "each",
    "every",
    "individual",
    "own",
    "people",
    "personal",
    "their",
    "user",
    "users",
    "visitors",
    "members",
];

pub(super) fn tool_itself() -> Tool {
    tool(
        ("find_connector", "Is there a connector that fits?"),
        "Says which connectors of the workspace fit a provider, a purpose and scopes, what they lack, and what to do next. \
         Without arguments it lists what there is. Call it before you propose anything.",
        Effect::Looks,
        json!({
            "integration_type": text("The provider, if it is known, as list_providers names it."),
            "purpose": text("What it is for, in the person's words, such as `put meetings into our users' calendars`."),
            "scopes": texts("What is needed of the provider."),
        }),
        json!({
            "fits!": {"type": "boolean", "description": "Whether one of the connectors can be used as it is."},
            "connectors!": {"type": "array", "items": nested(json!({
                "connector_id!": text("By this the other tools know it."),
                "integration_type!": text("The provider."),
                "name!": text("What the workspace calls it."),
                "kind!": {"type": "string", "enum": ["per_user", "shared"]},
                "scopes!": texts("What it asks for."),
                "missing_scopes!": texts("What is needed and it does not ask for."),
                "connected!": {"type": ["boolean", "null"], "description": "Of a shared one, whether an admin has connected it."},
                "allowed!": {"type": "boolean", "description": "Whether the workspace's policy allows it."},
                "fits!": {"type": "boolean"},
            }))},
            "providers!": {"type": "array", "items": {"type": "object"}, "description": "What could be connected for the purpose."},
            "suggested_kind!": {"type": "string", "enum": ["per_user", "shared"]},
            "why!": text("Why that kind. Ask the person all the same."),
            "next_step!": text("What to do now."),
        }),
    )
}

struct Wish {
    provider: Option<ProviderType>,
    purpose: Vec<String>,
    scopes: Scopes,
}

/// `find_connector`
pub(super) async fn find(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    let wish = read(arguments, |arguments| Wish {
        provider: optional(arguments, "integration_type", ProviderType::parse),
        purpose: arguments.text("purpose").as_deref().map(words).unwrap_or_default(),
        scopes: arguments.scopes("scopes").unwrap_or_default(),
    })?;
    let workspace = person.workspace();
    let providers: Vec<Provider> = match &wish.provider {
        Some(provider) => vec![tools.provider(workspace, provider).await?],
        None => suited(all_described(), &wish.purpose),
    };
    let governed = tools.policies.list(workspace).await?;
    let mut connectors = Vec::new();
    for connector in tools.connectors.list(workspace).await.map_err(unlisted)? {
        if is_meant(&connector, &wish, &providers) && connectors.len() < MOST {
            connectors.push(seen(tools, &connector, &wish, &governed).await?);
        }
    }
    let fits = connectors.iter().any(|connector| connector["fits"] == true);
    let is_asked = wish.provider.is_some() || !wish.purpose.is_empty();
    let (kind, why) = suggested(&wish.purpose);
    Ok(Answer::Told(json!({
        "fits": fits && is_asked,
        "next_step": next_step(is_asked, fits, &connectors),
        "connectors": connectors,
        "providers": providers.iter().map(shown).collect::<Vec<_>>(),
        "suggested_kind": kind.as_str(),
        "why": why,
    })))
}

fn unlisted(error: ConnectorError) -> Problem {
    match error {
        ConnectorError::Store(cause) => cause.into(),
        error => Problem::internal(&error),
    }
}

/// Providers by how many words of the purpose are found in what they are called: the best, if any word is. Of equal ones
/// the plainest name comes first.
fn suited(providers: impl Iterator<Item = Provider>, purpose: &[String]) -> Vec<Provider> {
    let rank = |provider: Provider| {
        let (named, called) = (format!("{} {}", provider.id, provider.name).to_lowercase(), called(&provider));
        let worth = |word: &String| match singular(word) {
            word if named.contains(word) => 3,
            word if called.contains(word) => 1,
            _ => 0,
        };
        (purpose.iter().filter(|word| word.len() > 3).map(worth).sum::<u32>(), provider)
    };
    let mut ranked: Vec<(u32, Provider)> = providers.map(rank).filter(|(worth, _)| *worth > 0).collect();
    ranked.sort_by(|(one, a), (other, b)| {
        let plain = |provider: &Provider| provider.id.as_str().len();
        other.cmp(one).then_with(|| plain(a).cmp(&plain(b))).then_with(|| a.id.cmp(&b.id))
    });
    ranked.into_iter().take(MOST).map(|(_, provider)| provider).collect()
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

fn is_meant(connector: &Connector, wish: &Wish, providers: &[Provider]) -> bool {
    if let Some(provider) = &wish.provider {
        return connector.provider == *provider;
    }
    let name = connector.name.as_str().to_lowercase();
    let is_named = || wish.purpose.iter().any(|word| word.len() > 3 && name.contains(singular(word)));
    wish.purpose.is_empty() || providers.iter().any(|provider| provider.id == connector.provider) || is_named()
}

async fn seen(tools: &Builder, connector: &Connector, wish: &Wish, governed: &[Governed]) -> Result<Value, Problem> {
    let missing = wish.scopes.missing_from(&connector.scopes);
    let is_allowed =
        governed.iter().find(|governed| governed.provider == connector.provider).is_none_or(|governed| match connector
            .kind
        {
            ConnectorKind::PerUser => governed.switches.per_user,
            ConnectorKind::Shared => governed.switches.builder,
        });
    let connected = match connector.kind {
        ConnectorKind::PerUser => None,
        ConnectorKind::Shared => Some(tools.shared.of_connector(connector).await?.is_some()),
    };
    Ok(json!({
        "connector_id": connector.id.as_str(),
        "integration_type": connector.provider.as_str(),
        "name": capped(connector.name.as_str()),
        "kind": connector.kind.as_str(),
        "scopes": texts_of(&connector.scopes),
        "missing_scopes": texts_of(&missing),
        "connected": connected,
        "allowed": is_allowed,
        "fits": missing.is_empty() && is_allowed && connected != Some(false),
    }))
}

/// Whose account suits a purpose, and why: a guess from a few words, which the person decides about.
fn suggested(purpose: &[String]) -> (ConnectorKind, &'static str) {
    let count = |words: &[&str]| purpose.iter().filter(|word| words.contains(&word.as_str())).count();
    if count(&FOR_ALL) > count(&FOR_EACH) {
        let why =
            "It sounds like one account that belongs to the team: an admin connects it once, and every app uses it.";
        return (ConnectorKind::Shared, why);
    }
    let why = "Each user connects an account of their own and sees only their own data. Choose shared only for one account \
        that belongs to the team.";
    (ConnectorKind::PerUser, why)
}

fn next_step(is_asked: bool, fits: bool, connectors: &[Value]) -> &'static str {
    let lacks = |what: fn(&Value) -> bool| connectors.iter().any(what);
    if !is_asked {
        "Ask again with what it is for, or with an integration_type."
    } else if fits {
        "Use the connector that fits: code_for writes the code. Ask the person first whether the account is everybody's own \
         or one for all, if that is not clear."
    } else if lacks(|connector| connector["allowed"] == false) {
        "The workspace's policy does not allow it: an admin can change that in the console, under Policies."
    } else if lacks(|connector| connector["connected"] == false) {
        "A shared connector is there, and no admin has connected its account yet: ask one to do it in the console."
    } else if lacks(|connector| connector["missing_scopes"].as_array().is_some_and(|missing| !missing.is_empty())) {
        "A connector is there and asks for too little: propose more scopes with update_connector. Its users will have to \
         connect again."
    } else {
        "Nothing fits. Ask the person whether the account is everybody's own or one for all, read connector_setup_guide to \
         them, and propose with add_connector."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_account_suits_is_guessed_from_the_purpose() {
        for (purpose, kind) in [
            ("put meetings into each user's own calendar", ConnectorKind::PerUser),
            ("read their calendars", ConnectorKind::PerUser),
            ("", ConnectorKind::PerUser),
            ("post our weekly team report to the company channel", ConnectorKind::Shared),
        ] {
            assert_eq!(suggested(&words(purpose)).0, kind, "{purpose}");
        }
    }

    #[test]
    fn providers_are_found_by_what_it_is_for() {
        let found = suited(all_described(), &words("put meetings into users' Google calendars"));
        assert_eq!(found.first().map(|provider| provider.id.as_str()), Some("googlecalendar"));
        assert!(found.len() <= MOST);
        assert!(suited(all_described(), &words("zzzz")).is_empty());
    }
}
