//! Which of the workspace's connectors fits, what it lacks, and whose account suits where none does.

mod naming;
mod next_step;
mod purpose;
mod seen;
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
    web::Problem,
};
use rmcp::model::Tool;
use serde_json::{Value, json};

pub(super) use self::naming::meant;
use self::{
    next_step::{Asked, Found},
    purpose::{Suited, singular, suited},
    seen::Seen,
    whose::{Evidence, kind_of_purpose, suggested},
};
use super::{
    Builder,
    catalogue::{described, shown, unlisted, words},
    obstacles::{self, Limits, may_add_schema},
};
use crate::{
    answer::Answer,
    tool::{Effect, loose, nested, optional, read, text, texts, tool},
};

/// How many connectors, and how many providers, are told at once.
const MOST: usize = 20;

/// What the person is asked, whatever was guessed.
const QUESTION: &str = "Does each user connect an account of their own, or is there one account that serves everybody?";

pub(super) fn tool_itself() -> Tool {
    tool(
        ("find_connector", "Is there a connector that fits?"),
        "Says which connectors of the workspace fit a provider, a purpose and scopes, what they lack, and what to do next. \
         Without arguments it lists what there is. Call it before you propose anything, and again with `kind` when the person \
         has said whose account it is to be.",
        Effect::Looks,
        json!({
            "integration_type": text("The provider, if it is known: as list_providers names it, or as people call it, such as `gcal`."),
            "purpose": text("What it is for, in an English sentence, such as `put meetings into our users' calendars`."),
            "kind": {
                "type": "string",
                "enum": ConnectorKind::WORDS,
                "description": "Whose account, once the person has said it: everybody's own, or one for all. Leave it out before.",
            },
            "scopes": texts("What is needed of the provider. The last part of a long one is enough, such as `calendar.readonly`."),
        }),
        json!({
            "fits!": {"type": "boolean", "description": "Whether one of the connectors can be used as it is."},
            "connectors!": {"type": "array", "items": connector(), "description": "What fits best comes first."},
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
        "accepted!": {"type": "boolean", "description": "Whether the provider accepts its client id and secret, as far as is known."},
        "fits!": {"type": "boolean", "description": "Whether it can be used as it is, and for that kind of account."},
    }))
}

struct Wish {
    provider: Option<String>,
    purpose: Vec<String>,
    scopes: Scopes,
    /// Whose account, if the person has said it.
    kind: Option<ConnectorKind>,
}

impl Wish {
    fn read(arguments: Value) -> Result<Self, Problem> {
        let parse = |raw: &str| {
            ConnectorKind::parse(raw).ok_or_else(|| format!("must be one of {}", ConnectorKind::WORDS.join(", ")))
        };
        read(arguments, |arguments| Self {
            provider: loose(arguments, "integration_type"),
            purpose: loose(arguments, "purpose").as_deref().map(words).unwrap_or_default(),
            scopes: arguments.scopes("scopes").unwrap_or_default(),
            kind: optional(arguments, "kind", parse),
        })
    }

    /// Whose account it must be: as the person has said, or as the purpose says without any doubt. Another is not to be used
    /// before somebody was asked, because one account for all shows its data to everybody.
    fn wanted_kind(&self) -> Option<ConnectorKind> {
        self.kind.or_else(|| kind_of_purpose(&self.purpose))
    }
}

/// What there is to choose from, and which of it is meant.
struct Choice {
    all: Vec<Provider>,
    candidates: Vec<Suited>,
    understood: Option<Provider>,
}

/// `find_connector`
pub(super) async fn find(tools: &Builder, person: &Admin, arguments: Value) -> Result<Answer, Problem> {
    let wish = Wish::read(arguments)?;
    let workspace = person.workspace();
    let own = tools.providers.of_workspace(workspace).await.map_err(unlisted)?;
    let choice = Choice::of(own.into_iter().chain(all_described()).collect(), &wish)?;
    let limits = Limits::of(tools, workspace).await?;
    let connectors = tools.connectors.list(workspace).await.map_err(not_listed)?;
    let meant: Vec<&Connector> = connectors.iter().filter(|connector| choice.means(connector, &wish)).collect();
    let mut seen = Vec::new();
    for connector in &meant {
        seen.push(Seen::of(tools, connector, &wish, &choice, &limits).await?);
    }
    seen.sort_by_key(Seen::distance);
    for nearest in seen.iter_mut().take(MOST) {
        nearest.look_closer(tools).await?;
    }
    seen.sort_by_key(Seen::distance);
    let switches = choice.understood.as_ref().map(|provider| limits.switches(provider.id.as_str()));
    let guess = match wish.kind {
        Some(kind) => (kind, Evidence::Person),
        None => suggested(&wish.purpose, &wish.scopes, choice.about(&wish), switches, &meant),
    };
    Ok(Answer::Told(told(&wish, &choice, &seen, &limits, guess)))
}

fn told(
    wish: &Wish,
    choice: &Choice,
    seen: &[Seen<'_>],
    limits: &Limits,
    (kind, evidence): (ConnectorKind, Evidence),
) -> Value {
    let asked = match (&wish.provider, &choice.understood) {
        (None, _) if wish.purpose.is_empty() => Asked::Nothing,
        (None, _) if choice.candidates.is_empty() && seen.is_empty() => Asked::InVain,
        (Some(_), None) => Asked::Unclearly,
        _ => Asked::Clearly,
    };
    let fits = asked == Asked::Clearly && seen.iter().any(Seen::fits);
    let room = limits.room(choice.about(wish));
    let is_open = |found: &Suited| !limits.room(Some(&found.provider)).is_closed();
    let has_others = wish.provider.is_none() && choice.candidates.iter().take(MOST).any(is_open);
    let is_said = wish.kind.is_some();
    let next_step = Found { asked, connectors: seen, room: &room, kind, is_said, has_others }.next_step();
    let candidate = |found: &Suited| {
        let mut told = shown(&found.provider);
        told["may_add"] = limits.room(Some(&found.provider)).may_add();
        told
    };
    json!({
        "fits": fits,
        "next_step": next_step,
        "connectors": seen.iter().take(MOST).map(Seen::told).collect::<Vec<_>>(),
        "more": seen.len() > MOST,
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
