//! What a change of a connector would mean, before it is made.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::post,
};
use connectors::{
    journeys::{
        foresee_change::{ForeseeChange, Foreseen, PlannedChange},
        manage::client_id,
    },
    web::{JsonBody, Problem, WriterCaller, checked},
};
use serde::Serialize;

use crate::{Function, connector::parse};

pub(crate) fn routes() -> Router<Function> {
    Router::new().route("/api/workspace/{ws}/connectors/{id}/foresee", post(foresee))
}

/// What it would mean.
#[derive(Serialize)]
struct ForeseenOnWire {
    looked_at: usize,
    /// How many people would have to connect again who need not now. If not all were looked at, it is a least number.
    must_reconnect: usize,
    /// Whether all connections were looked at.
    complete: bool,
}

impl From<Foreseen> for ForeseenOnWire {
    fn from(foreseen: Foreseen) -> Self {
        let Foreseen { looked_at, must_reconnect, is_all } = foreseen;
        Self { looked_at, must_reconnect, complete: is_all }
    }
}

/// Foresees what a change of scopes or client id would do: how many people would have to connect again who need not now.
/// Nothing is changed; at most 2,000 connections are looked at.
async fn foresee(
    State(journey): State<ForeseeChange>,
    WriterCaller(admin): WriterCaller,
    Path((_, id)): Path<(String, String)>,
    JsonBody(body): JsonBody,
) -> Result<Json<ForeseenOnWire>, Problem> {
    let change = checked(&body, |body| PlannedChange {
        client_id: body.read("client_id", client_id),
        scopes: body.scopes("scopes"),
    })?;
    let foreseen = journey.of_connector(admin.workspace(), &parse(&id)?, change).await?;
    Ok(Json(foreseen.ok_or_else(Problem::not_found)?.into()))
}
