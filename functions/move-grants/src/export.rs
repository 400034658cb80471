//! Connections go out, encrypted to a key of whoever asks.

use axum::{
    Json,
    extract::{Path, State},
};
use connectors::{
    journeys::export_grants::{ExportError, ExportGrants},
    store::{Cursor, StoreError},
    vault::Recipient,
    web::{JsonBody, Problem, WriterCaller, checked, seconds},
};
use serde::Serialize;

use crate::{bound, connector};

/// What a cursor must be.
const CURSOR: &str = "must be a `next_cursor` of this export";

#[derive(Serialize)]
pub(crate) struct PageOnWire {
    /// An armoured age file; inside, each line is the body of an import.
    file: String,
    exported: usize,
    left_out: usize,
    /// What the audit trail knows the recipient by.
    recipient_fingerprint: String,
    next_cursor: Option<String>,
}

/// Exports connections, a page at a time, encrypted to a key of whoever asks. An admin has to have allowed it a day before
/// (409).
pub(crate) async fn page(
    State(journey): State<ExportGrants>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<PageOnWire>, Problem> {
    let (recipient, cursor) = checked(&body, |table| {
        let recipient = table.read("recipient", |value| {
            let recipient = Recipient::parse(value.as_str().unwrap_or_default());
            recipient.map_err(|error| error.to_string())
        });
        if recipient.is_none() {
            table.require_given("recipient");
        }
        let cursor = table.read("cursor", |value| match value {
            serde_json::Value::Null => Ok(None),
            value => value.as_str().and_then(Cursor::parse).map(Some).ok_or_else(|| CURSOR.to_owned()),
        });
        (recipient, cursor.flatten())
    })?;
    let recipient = recipient.ok_or_else(|| Problem::invalid(Vec::new()))?;
    let page = journey.export(admin.workspace(), &connector(&id)?, &recipient, cursor.as_ref(), admin.actor()).await;
    let page = page.map_err(problem)?;
    Ok(Json(PageOnWire {
        file: page.file,
        exported: page.exported,
        left_out: page.left_out,
        recipient_fingerprint: recipient.fingerprint(),
        next_cursor: page.next.map(|cursor| cursor.to_text()),
    }))
}

fn problem(error: ExportError) -> Problem {
    match error {
        ExportError::NotFound => Problem::not_found(),
        ExportError::NotExportable(None) => Problem::conflict(
            "This connector's connections may not be exported. Allow it with `PUT` and `{\"exportable\": true}`; a day \
             later they may.",
        ),
        ExportError::NotExportable(Some(from)) => {
            Problem::conflict(format!("This connector's connections may be exported from {} on.", seconds(from)))
        }
        ExportError::NotSettled(from) => Problem::conflict(format!(
            "The connections of this connector have just begun to move out, and a refresh that was under way may still change \
             them. They may be exported from {} on.",
            seconds(from)
        )),
        ExportError::Bound => bound(),
        ExportError::BlockedByPolicy => Problem::blocked_by_policy(),
        ExportError::NotEncrypted(cause) => Problem::invalid_field("/recipient", cause),
        ExportError::Store(StoreError::Unreadable("cursor")) => Problem::invalid_field("/cursor", CURSOR),
        ExportError::Store(cause) => cause.into(),
        ExportError::Vault(cause) => cause.into(),
    }
}
