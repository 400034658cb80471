//! Which of the workspace's connectors fits, what it lacks, and whose account suits where none does.

mod naming;
mod next_step;
mod purpose;
mod whose;

use connectors::{
    auth::Admin,
    domain::{
        connector::{Connector, ConnectorKind},
        provider::Provider,
        scopes::Scopes,
    },
    journeys::manage::ConnectorError,
    oauth::catalogue::all_described,
    web::{Problem, list as texts_of},
};
use rmcp::model::Tool;
use serde_json::{Value, json};

pub(super) use self::naming::meant;
use self::{
    next_step::{Asked, Found},
    purpose::{Suited, singular, suited},
    whose::{Evidence, suggested},
};
use super::{
    Builder,
    catalogue::{described, shown, unlisted, words},
    obstacles::{self, Limits, may_add_schema},
};
use crate::{
    answer::{Answer, capped},
    tool::{Effect, nested, read, text, texts, tool},
};

/// How many connectors, and how many providers, are told at once.
const MOST: usize = 20;

/// What the person is asked, whatever was guessed.
const QUESTION: &str = "Does each user connect an account of their own, or is there one account that serves everybody?";

pub(super) fn tool_itself() -> Tool {
    tool(
        ("find_connector", "Is there a connector that fits?"),
        "Says which connectors of the workspace fit a provider, a purpose and scopes, what they lack, and what to do next. \
         Without arguments it lists what there is. Call it before you propose anything.",
        Effect::Looks,
        json!({
            "integration_type": text("The provider, if it is known: as list_providers names it, or as people call it, such as `gcal`."),
            "purpose": text("What it is for, in the person's words, such as `put meetings into our users' calendars`."),
            "scopes": texts("What is needed of the provider. The last part of a long one is enough, such as `calendar.readonly`."),
        }),
        json!({
            "fits!": {"type": "boolean", "description": "Whether one of the connectors can be used as it is."},
            "connectors!": {"type": "array", "items": connector()},
            "more!": {"type": "boolean", "description": "Whether there are more connectors like these."},
            "understood!": {"type": ["string", "null"], "description": "Which provider was understood, if one was named."},
            "providers!": {"type": "array", "items": candidate(), "description": "What could be connected for the purpose, or what may have been meant."},
            "suggested_kind!": {"type": "string", "enum": ["per_user", "shared"]},
            "evidence!": {"type": "string", "enum": Evidence::WORDS, "description": "What the kind was guessed from."},
            "why!": text("Why that kind."),
            "question!": text("What to ask the person before anything is proposed: they decide, not the guess."),
            "may_add!": may_add_schema(),
            "obstacles!": obstacles::schema(),
            "why_not!": {"type": ["string", "null"], "description": "The first of `obstacles`, in words."},
            "next_step!": text("What to do now."),
        }),
    )
}

/// A provider, and which kinds of connector to it could be added.
fn candidate() -> Value {
    let mut fields = described();
    fields["may_add!"] = may_add_schema();
    nested(fields)
}

fn connector() -> Value {
    nested(json!({
        "connector_id!": text("By this the other tools know it."),
        "integration_type!": text("The provider."),
        "name!": text("What the workspace calls it."),
        "kind!": {"type": "string", "enum": ["per_user", "shared"]},
        "scopes!": texts("What it asks for."),
        "missing_scopes!": texts("What is needed and it does not ask for."),
        "connected!": {"type": ["boolean", "null"], "description": "Of a shared one, whether the account that an admin connected can be used."},
        "allowed!": {"type": "boolean", "description": "Whether the workspace's policy allows it."},
        "fits!": {"type": "boolean"},
    }))
}

struct Wish {
    provider: Option<String>,
    purpose: Vec<String>,
    scopes: Scopes,
}

/// What there is to choose from, and which of it is meant.
struct Choice {
    all: Vec<Provider>,
    candidates: Vec<Suited>,
    understood: Option<Provider>,
}

/// `find_connector`
pub(super) async fn find(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    let wish = read(arguments, |arguments| Wish {
        provider: arguments.text("integration_type"),
        purpose: arguments.text("purpose").as_deref().map(words).unwrap_or_default(),
        scopes: arguments.scopes("scopes").unwrap_or_default(),
    })?;
    let workspace = person.workspace();
    let own = tools.providers.of_workspace(workspace).await.map_err(unlisted)?;
    let choice = Choice::of(own.into_iter().chain(all_described()).collect(), &wish)?;
    let limits = Limits::of(tools, workspace).await?;
    let connectors = tools.connectors.list(workspace).await.map_err(not_listed)?;
    let meant: Vec<&Connector> = connectors.iter().filter(|connector| choice.means(connector, &wish)).collect();
    let mut seen = Vec::new();
    for connector in &meant {
        seen.push(look(tools, connector, &wish, &choice, &limits).await?);
    }
    seen.sort_by_key(|connector| connector["fits"] != true);
    let switches = choice.understood.as_ref().map(|provider| limits.switches(provider.id.as_str()));
    let guess = suggested(&wish.purpose, &wish.scopes, choice.about(&wish), switches, &meant);
    Ok(Answer::Told(told(&wish, &choice, seen, &limits, guess)))
}

fn told(
    wish: &Wish,
    choice: &Choice,
    mut seen: Vec<Value>,
    limits: &Limits,
    (kind, evidence): (ConnectorKind, Evidence),
) -> Value {
    let asked = match (&wish.provider, &choice.understood) {
        (None, _) if wish.purpose.is_empty() => Asked::Nothing,
        (Some(_), None) => Asked::Unclearly,
        _ => Asked::Clearly,
    };
    let fits = asked == Asked::Clearly && seen.iter().any(|connector| connector["fits"] == true);
    let room = limits.room(choice.about(wish));
    let is_open = |found: &Suited| !limits.room(Some(&found.provider)).is_closed();
    let has_others = wish.provider.is_none() && choice.candidates.iter().take(MOST).any(is_open);
    let found = Found { asked, fits, connectors: &seen, room: &room, kind, has_others };
    let next_step = found.next_step();
    let candidate = |found: &Suited| {
        let mut told = shown(&found.provider);
        told["may_add"] = limits.room(Some(&found.provider)).may_add();
        told
    };
    let more = seen.len() > MOST;
    seen.truncate(MOST);
    json!({
        "fits": fits,
        "next_step": next_step,
        "connectors": seen,
        "more": more,
        "understood": choice.understood.as_ref().map(|provider| provider.id.as_str()),
        "providers": choice.candidates.iter().take(MOST).map(candidate).collect::<Vec<_>>(),
        "suggested_kind": kind.as_str(),
        "evidence": evidence.as_str(),
        "why": evidence.why(kind),
        "question": QUESTION,
        "may_add": room.may_add(),
        "why_not": room.obstacles.first().map(|obstacle| obstacle["detail"].clone()),
        "obstacles": room.obstacles,
    })
}

fn not_listed(error: ConnectorError) -> Problem {
    match error {
        ConnectorError::Store(cause) => cause.into(),
        error => Problem::internal(&error),
    }
}

impl Choice {
    /// By its name if one is said, else by the purpose.
    fn of(all: Vec<Provider>, wish: &Wish) -> Result<Self, Problem> {
        let Some(said) = &wish.provider else {
            let candidates = suited(&all, &wish.purpose);
            return Ok(Self { all, candidates, understood: None });
        };
        let mut meant = meant(said, &all);
        if meant.is_empty() {
            let detail = "is no provider that is known here: list_providers has those that are";
            return Err(Problem::invalid_field("/integration_type", detail));
        }
        let understood = if meant.len() == 1 { meant.first().cloned() } else { None };
        let candidates = meant.drain(..).map(Suited::named).collect();
        Ok(Self { all, candidates, understood })
    }

    /// The provider that it is about, as far as can be told: the one that was named, or the likeliest.
    fn about(&self, wish: &Wish) -> Option<&Provider> {
        let likeliest = self.candidates.first().filter(|_| wish.provider.is_none()).map(|suited| &suited.provider);
        self.understood.as_ref().or(likeliest)
    }

    fn means(&self, connector: &Connector, wish: &Wish) -> bool {
        let is_candidate = || self.candidates.iter().any(|found| found.provider.id == connector.provider);
        if wish.provider.is_some() {
            return is_candidate();
        }
        wish.purpose.is_empty() || is_candidate() || is_named(connector, wish)
    }

    /// Whether a connector that is meant is for the purpose, and not for another product of the same brand.
    fn suits(&self, connector: &Connector, wish: &Wish) -> bool {
        let is_of_kind = |found: &Suited| found.is_of_kind && found.provider.id == connector.provider;
        self.candidates.iter().any(is_of_kind) || (wish.provider.is_none() && is_named(connector, wish))
    }
}

/// Whether the workspace calls it by a word of the purpose.
fn is_named(connector: &Connector, wish: &Wish) -> bool {
    let name = words(connector.name.as_str());
    wish.purpose.iter().any(|word| word.len() > 3 && name.iter().any(|part| singular(part) == singular(word)))
}

async fn look(
    tools: &Builder,
    connector: &Connector,
    wish: &Wish,
    choice: &Choice,
    limits: &Limits,
) -> Result<Value, Problem> {
    let provider = choice.all.iter().find(|provider| provider.id == connector.provider);
    let missing = missing(&wish.scopes, connector, provider);
    let switches = limits.switches(connector.provider.as_str());
    let is_allowed = match connector.kind {
        ConnectorKind::PerUser => switches.per_user,
        ConnectorKind::Shared => switches.builder,
    };
    let connected = match connector.kind {
        ConnectorKind::PerUser => None,
        ConnectorKind::Shared => {
            let connection = tools.shared.of_connector(connector).await?;
            Some(connection.is_some_and(|(_, standing)| !standing.reconnect_required()))
        }
    };
    let is_enough = missing.is_empty() && is_allowed && connected != Some(false);
    Ok(json!({
        "connector_id": connector.id.as_str(),
        "integration_type": connector.provider.as_str(),
        "name": capped(connector.name.as_str()),
        "kind": connector.kind.as_str(),
        "scopes": texts_of(&connector.scopes),
        "missing_scopes": texts_of(&missing),
        "connected": connected,
        "allowed": is_allowed,
        "fits": is_enough && choice.suits(connector, wish),
    }))
}

/// What of the wanted scopes a connector does not ask for, neither by name nor by a scope that stands for it.
fn missing(wanted: &Scopes, connector: &Connector, provider: Option<&Provider>) -> Scopes {
    let Some(provider) = provider else { return wanted.missing_from(&connector.scopes) };
    let full = wanted.iter().map(|scope| in_full(scope, &connector.scopes, provider));
    let wanted = Scopes::parse(full).unwrap_or_else(|_| wanted.clone());
    provider.missing(&wanted, &connector.scopes)
}

/// A scope as the provider writes it, where only its last part was said and one scope ends so.
fn in_full<'a>(said: &'a str, of_connector: &'a Scopes, provider: &'a Provider) -> &'a str {
    let aliases = &provider.authorize.scope.aliases;
    let known = of_connector
        .iter()
        .chain(provider.suggested_scopes.iter().map(|suggested| suggested.scope.as_str()))
        .chain(aliases.keys().map(String::as_str))
        .chain(aliases.values().flatten().map(String::as_str));
    let mut meant: Option<&str> = None;
    for scope in known {
        if scope == said {
            return said;
        }
        let ends_so = scope.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(said));
        match meant {
            Some(other) if ends_so && other != scope => return said,
            None if ends_so => meant = Some(scope),
            _ => {}
        }
    }
    meant.unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use connectors::{domain::provider::ProviderType, oauth::catalogue::find_described};

    use super::*;

    #[test]
    fn the_last_part_of_a_scope_is_enough_where_one_scope_ends_so() {
        let provider = find_described(&ProviderType::parse("googlecalendar").unwrap()).unwrap();
        let nothing = Scopes::default();
        let read = "https://www.googleapis.com/auth/calendar.readonly";
        assert_eq!(in_full("calendar.readonly", &nothing, &provider), read);
        assert_eq!(in_full(read, &nothing, &provider), read);
        assert_eq!(in_full("something.else", &nothing, &provider), "something.else");
        let other = Scopes::parse(["https://example.com/calendar.readonly"]).unwrap();
        assert_eq!(in_full("calendar.readonly", &other, &provider), "calendar.readonly");
    }
}
