//! Grants come in: in the product's own form, or as Nango's API answers them.

use axum::{
    Json,
    extract::{Path, State},
};
use connectors::{
    domain::{
        fields::{FieldError, Table},
        ids::{AppId, Issuer},
        portable_grant::{Mapping, NangoUser},
    },
    journeys::import_grants::{ImportError, ImportFormat, ImportGrants, ImportWish, Imported, Skipped},
    web::{JsonBody, Large, Problem, WriterCaller, checked},
};
use serde::Serialize;
use serde_json::Value;

use crate::{bound, connector};

/// How many grants come at once.
const MOST: usize = 100;

/// How many mistakes in one grant are told: those of all of them fit into the answer of a function.
const MOST_ERRORS: usize = 50;

/// What became of all of them.
#[derive(Serialize)]
pub(crate) struct ImportOnWire {
    dry_run: bool,
    imported: usize,
    skipped: usize,
    refused: usize,
    results: Vec<ImportResultOnWire>,
}

/// What became of one grant, by its number in the request.
#[derive(Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
enum ImportResultOnWire {
    /// It is a connection now. `replaced` says whether another made room for it.
    Imported { index: usize, connection_id: String, replaced: bool },
    /// It is left where it is.
    Skipped { index: usize, connection_id: String, reason: WhySkippedOnWire },
    /// Nothing can be done with it as it is.
    Refused { index: usize, reason: WhyRefusedOnWire, errors: Vec<ImportErrorOnWire> },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum WhySkippedOnWire {
    ImportedBefore,
    EndedBefore,
    Connected,
    Unreadable,
    UserDeleted,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum WhyRefusedOnWire {
    Invalid,
    PlanRequired,
}

#[derive(Serialize)]
struct ImportErrorOnWire {
    pointer: String,
    detail: String,
}

/// What a batch is, beside its grants.
struct Batch {
    wish: ImportWish,
    format: ImportFormat,
}

/// Imports grants of the same client id, so that nobody connects again. Up to 100 at once; what is wrong with one keeps no
/// other out. With `dry_run` nothing is stored.
pub(crate) async fn own(
    journey: State<ImportGrants>,
    caller: WriterCaller,
    path: Path<(String, String)>,
    body: JsonBody<Large>,
) -> Result<Json<ImportOnWire>, Problem> {
    take(journey, caller, path, body, |_| ImportFormat::Own).await
}

/// Imports grants as Nango's API answers them. `mapping` says what those answers do not: the client id, and whose they are.
pub(crate) async fn nango(
    journey: State<ImportGrants>,
    caller: WriterCaller,
    path: Path<(String, String)>,
    body: JsonBody<Large>,
) -> Result<Json<ImportOnWire>, Problem> {
    take(journey, caller, path, body, |body| ImportFormat::Nango(mapping(body))).await
}

async fn take(
    State(journey): State<ImportGrants>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
    JsonBody(Large(body)): JsonBody<Large>,
    format: fn(&Table<'_>) -> ImportFormat,
) -> Result<Json<ImportOnWire>, Problem> {
    let batch = checked(&body, |table| batch(table, format))?;
    let grants = body["connections"].as_array().map(Vec::as_slice).unwrap_or_default();
    let outcomes =
        journey.import(admin.workspace(), &connector(&id)?, (batch.format, grants), batch.wish, admin.actor()).await;
    Ok(Json(summary(outcomes.map_err(problem)?, batch.wish)))
}

fn batch(table: &Table<'_>, format: fn(&Table<'_>) -> ImportFormat) -> Batch {
    let given = table.read("connections", |value| {
        let given = value.as_array().filter(|grants| (1..=MOST).contains(&grants.len())).map(Vec::len);
        given.ok_or_else(|| format!("must be a list of 1 to {MOST} objects"))
    });
    if given.is_none() {
        table.require_given("connections");
    }
    let replaces = table.choice("on_conflict", &[("skip", false), ("replace", true)]).unwrap_or(false);
    let dry_run = table.flag("dry_run").unwrap_or(false);
    Batch { wish: ImportWish { replaces, dry_run }, format: format(table) }
}

/// What Nango's answers do not say.
fn mapping(body: &Table<'_>) -> Mapping {
    let mapping = body.table("mapping");
    if !mapping.is_given() {
        body.require_given("mapping");
    }
    let client_id = mapping.require("client_id", mapping.text("client_id"));
    let user = mapping.choice(
        "user",
        &[
            ("connection_id", NangoUser::ConnectionId),
            ("end_user.id", NangoUser::EndUser),
            ("tags.end_user_id", NangoUser::Tag),
        ],
    );
    let app = mapping.read("app_id", |value| parsed(value, |raw| AppId::parse(raw).map_err(|error| error.to_string())));
    let issuer =
        mapping.read("issuer", |value| parsed(value, |raw| Issuer::parse(raw).map_err(|error| error.to_string())));
    let provider_config_key = mapping.text("provider_config_key");
    mapping.close();
    let user = user.unwrap_or(NangoUser::ConnectionId);
    Mapping { app, issuer, user, client_id, provider_config_key }
}

fn parsed<T>(value: &Value, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
    parse(value.as_str().ok_or("must be a text")?)
}

fn summary(outcomes: Vec<Imported>, wish: ImportWish) -> ImportOnWire {
    let mut summary = ImportOnWire { dry_run: wish.dry_run, imported: 0, skipped: 0, refused: 0, results: Vec::new() };
    for (index, outcome) in outcomes.into_iter().enumerate() {
        summary.results.push(match outcome {
            Imported::Done { id, replaced } => {
                summary.imported += 1;
                ImportResultOnWire::Imported { index, connection_id: id.to_string(), replaced }
            }
            Imported::Skipped(id, why) => {
                summary.skipped += 1;
                ImportResultOnWire::Skipped { index, connection_id: id.to_string(), reason: reason(why) }
            }
            Imported::Refused(errors) => {
                summary.refused += 1;
                let errors = errors.into_iter().take(MOST_ERRORS).map(|error| at(index, error)).collect();
                ImportResultOnWire::Refused { index, reason: WhyRefusedOnWire::Invalid, errors }
            }
            Imported::NoRoom(required) => {
                summary.refused += 1;
                let whole = FieldError { pointer: String::new(), detail: required.to_string() };
                ImportResultOnWire::Refused {
                    index,
                    reason: WhyRefusedOnWire::PlanRequired,
                    errors: vec![at(index, whole)],
                }
            }
        });
    }
    summary
}

fn at(index: usize, FieldError { pointer, detail }: FieldError) -> ImportErrorOnWire {
    ImportErrorOnWire { pointer: format!("/connections/{index}{pointer}"), detail }
}

fn reason(why: Skipped) -> WhySkippedOnWire {
    match why {
        Skipped::ImportedBefore => WhySkippedOnWire::ImportedBefore,
        Skipped::Ended => WhySkippedOnWire::EndedBefore,
        Skipped::Connected => WhySkippedOnWire::Connected,
        Skipped::Unreadable => WhySkippedOnWire::Unreadable,
        Skipped::Forgotten => WhySkippedOnWire::UserDeleted,
    }
}

fn problem(error: ImportError) -> Problem {
    match error {
        ImportError::NotFound => Problem::not_found(),
        ImportError::Bound => bound(),
        ImportError::MovingOut => Problem::moving_out(),
        ImportError::BlockedByPolicy => Problem::blocked_by_policy(),
        ImportError::Store(cause) => cause.into(),
        ImportError::Vault(cause) => cause.into(),
    }
}
