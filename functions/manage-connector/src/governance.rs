//! What a workspace allows, by type of provider.

use std::cell::RefCell;

use axum::{Json, Router, extract::State, routing::get};
use connectors::{
    domain::{
        fields::{FieldError, Table},
        policy::SwitchChange,
        provider::ProviderType,
    },
    journeys::manage::{Govern, GovernError, Governed},
    web::{AdminCaller, JsonBody, Problem, WriterCaller, checked},
};
use serde::Serialize;
use serde_json::Value;

use crate::{Function, connector::actor, field};

/// How many types are switched at once at most.
const MOST: usize = 300;

pub(crate) fn routes() -> Router<Function> {
    Router::new()
        .route("/api/workspace/{ws}/connector-governance", get(all).put(switch))
        .route("/api/workspace/{ws}/connector-governance/bulk", get(all).put(switch_many))
}

#[derive(Serialize)]
struct GovernedOnWire {
    integration_type: String,
    builder_connection_enabled: bool,
    per_user_connection_enabled: bool,
    /// How many connectors the workspace has of this type.
    connectors: usize,
}

impl From<Governed> for GovernedOnWire {
    fn from(governed: Governed) -> Self {
        Self {
            integration_type: governed.provider.to_string(),
            builder_connection_enabled: governed.switches.builder,
            per_user_connection_enabled: governed.switches.per_user,
            connectors: governed.connectors,
        }
    }
}

#[derive(Serialize)]
struct Listing {
    governance: Vec<GovernedOnWire>,
}

impl From<Vec<Governed>> for Listing {
    fn from(governed: Vec<Governed>) -> Self {
        Self { governance: governed.into_iter().map(GovernedOnWire::from).collect() }
    }
}

/// Lists which types of providers are in use, and which are switched off.
async fn all(State(journey): State<Govern>, AdminCaller(admin): AdminCaller) -> Result<Json<Listing>, Problem> {
    Ok(Json(journey.list(admin.workspace()).await?.into()))
}

/// Switches a type of provider on or off. Off stops what exists at once, on brings it back as it was.
async fn switch(
    State(journey): State<Govern>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<Json<GovernedOnWire>, Problem> {
    let change = checked(&body, change)?.ok_or_else(|| Problem::invalid(Vec::new()))?;
    let switched = journey.switch(admin.workspace(), &[change], actor(&admin)).await;
    let switched = switched.map_err(|error| problem(error, |_| "/integration_type".to_owned()))?;
    switched.into_iter().next().map(|governed| Json(governed.into())).ok_or_else(Problem::not_found)
}

/// Switches up to 300 types of providers, all or nothing. The list is the body, or stands in it under `governance`, as the
/// listing has it.
async fn switch_many(
    State(journey): State<Govern>,
    WriterCaller(admin): WriterCaller,
    JsonBody(body): JsonBody,
) -> Result<Json<Listing>, Problem> {
    let (entries, place) = entries(&body)?;
    let changes = changes(entries, place)?;
    let switched = journey.switch(admin.workspace(), &changes, actor(&admin)).await;
    let switched = switched.map_err(|error| problem(error, |at| format!("{place}/{at}/integration_type")))?;
    Ok(Json(switched.into()))
}

/// The entries of a body, and where they stand in it.
fn entries(body: &Value) -> Result<(&[Value], &'static str), Problem> {
    let (entries, place) = match body {
        Value::Array(entries) => (Some(entries), ""),
        body => {
            checked(body, |body| body.require("governance", body.read("governance", |_| Ok(()))))?;
            (body.get("governance").and_then(Value::as_array), "/governance")
        }
    };
    let entries = entries.filter(|entries| (1..=MOST).contains(&entries.len()));
    Ok((entries.ok_or_else(|| Problem::invalid_field(place, "must be a list of 1 to 300 objects"))?, place))
}

/// All changes of a list, or every mistake in it at its place.
fn changes(entries: &[Value], place: &str) -> Result<Vec<SwitchChange>, Problem> {
    let (mut changes, mut wrong) = (Vec::new(), Vec::new());
    for (at, entry) in entries.iter().enumerate() {
        let errors = RefCell::default();
        let table = Table::root(entry, &errors);
        changes.extend(change(&table));
        table.close();
        let at_its_place = |error: FieldError| field(&format!("{place}/{at}{}", error.pointer), error.detail);
        wrong.extend(errors.into_inner().into_iter().map(at_its_place));
    }
    if wrong.is_empty() {
        wrong.extend(contradictions(&changes, place));
    }
    if wrong.is_empty() { Ok(changes) } else { Err(Problem::invalid(wrong)) }
}

/// Entries that switch what an entry before them switches the other way.
fn contradictions(changes: &[SwitchChange], place: &str) -> Vec<FieldError> {
    let differ = |one: Option<bool>, other: Option<bool>| one.zip(other).is_some_and(|(one, other)| one != other);
    let mut wrong = Vec::new();
    for (at, change) in changes.iter().enumerate() {
        for (earlier_at, earlier) in changes[..at].iter().enumerate().filter(|(_, one)| one.provider == change.provider)
        {
            let switches = [
                ("builder_connection_enabled", differ(earlier.builder, change.builder)),
                ("per_user_connection_enabled", differ(earlier.per_user, change.per_user)),
            ];
            for (name, _) in switches.iter().filter(|(_, differ)| *differ) {
                let detail = format!("says the opposite of the entry {earlier_at}, about the same type");
                wrong.push(field(&format!("{place}/{at}/{name}"), detail));
            }
        }
    }
    wrong
}

fn change(body: &Table<'_>) -> Option<SwitchChange> {
    let provider = body.read("integration_type", |value| {
        ProviderType::parse(value.as_str().unwrap_or_default()).map_err(|error| error.to_string())
    });
    if provider.is_none() {
        body.require_given("integration_type");
    }
    let builder = body.flag("builder_connection_enabled");
    let per_user = body.flag("per_user_connection_enabled");
    // So that what the listing has can be sent back with a switch thrown: it is counted and never set.
    body.read("connectors", |value| {
        let is_number = value.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0);
        if is_number { Ok(()) } else { Err("must be a whole number, as listed".to_owned()) }
    });
    Some(SwitchChange { provider: provider?, builder, per_user })
}

fn problem(error: GovernError, place: impl Fn(usize) -> String) -> Problem {
    match error {
        GovernError::UnknownProvider(at) => Problem::invalid_field(
            &place(at),
            "is neither in the catalogue (GET /api/providers) nor the workspace's own",
        ),
        GovernError::Contended => Problem::conflict("Somebody else switched something at the same time: try again."),
        GovernError::Store(cause) => cause.into(),
    }
}
