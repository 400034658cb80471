//! DynamoDB: the embedded engine behind the wire format.
//!
//! The engine brings an HTTP server of its own. It is not used, because it answers web pages (`Access-Control-Allow-Origin:
//! *`); here the requests have passed the guard of the one listener.

use std::path::Path;

use axum::{
    body::Bytes,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};

use super::answer::{UNKNOWN_OPERATION, respond};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// The tables of this process, in one file.
#[derive(Clone)]
pub struct Engine(Database);

impl Engine {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// The file is no database of the engine, or can't be opened.
    pub fn open(file: &Path) -> Result<Self, DynoxideError> {
        Database::new(&file.to_string_lossy()).map(Self)
    }

    /// Deletes what has expired, as the service does within a day or two. Answers how many items that were.
    ///
    /// # Errors
    /// The engine fails.
    pub fn sweep_expired(&self) -> Result<usize, DynoxideError> {
        self.0.sweep_ttl()
    }

    /// Runs one operation off the event loop: the engine blocks while it reads and writes its file.
    pub(super) async fn answer(self, operation: &str, body: Bytes) -> Response {
        let operation = operation.to_owned();
        match tokio::task::spawn_blocking(move || run(&self.0, &operation, &body)).await {
            Ok(None) => respond::<()>(CONTENT_TYPE, Err(UNKNOWN_OPERATION)),
            Ok(Some(Ok(json))) => (StatusCode::OK, [(header::CONTENT_TYPE, CONTENT_TYPE)], json).into_response(),
            Ok(Some(Err(error))) => {
                let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], error.to_json()).into_response()
            }
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// The operations on tables and items; `None` for any other, point in time recovery for example.
fn run(db: &Database, operation: &str, body: &[u8]) -> Option<dynoxide::Result<String>> {
    let answer = match operation {
        "GetItem" => call(body, |request| db.get_item(request)),
        "PutItem" => call(body, |request| db.put_item(request)),
        "UpdateItem" => call(body, |request| db.update_item(request)),
        "DeleteItem" => call(body, |request| db.delete_item(request)),
        "Query" => call(body, |request| db.query(request)),
        "Scan" => call(body, |request| db.scan(request)),
        "BatchGetItem" => call(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => call(body, |request| db.batch_write_item(request)),
        "TransactGetItems" => call(body, |request| db.transact_get_items(request)),
        "TransactWriteItems" => call(body, |request| db.transact_write_items(request)),
        "CreateTable" => call(body, |request| db.create_table(request)),
        "UpdateTable" => call(body, |request| db.update_table(request)),
        "DeleteTable" => call(body, |request| db.delete_table(request)),
        "DescribeTable" => call(body, |request| db.describe_table(request)),
        "ListTables" => call(body, |request| db.list_tables(request)),
        "UpdateTimeToLive" => call(body, |request| db.update_time_to_live(request)),
        "DescribeTimeToLive" => call(body, |request| db.describe_time_to_live(request)),
        _ => return None,
    };
    Some(answer)
}

fn call<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_slice(body)
        .map_err(|_| DynoxideError::SerializationException("the request can't be read".to_owned()))?;
    let answer = operation(request)?;
    serde_json::to_string(&answer)
        .map_err(|_| DynoxideError::InternalServerError("the answer can't be written".to_owned()))
}
