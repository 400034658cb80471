//! EventBridge: a bus that keeps the last events, and delivers them to nobody.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{AwsError, UNKNOWN_OPERATION, read, respond};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// The name of the bus.
pub const BUS: &str = "connectors-events";

/// How many events are kept.
const KEPT: usize = 1_000;

/// The bus of this process.
#[derive(Debug, Default)]
pub struct Bus(Mutex<VecDeque<BusEvent>>);

/// An event that was put on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusEvent {
    /// What it says that it comes from.
    pub source: String,
    /// What kind it says it is.
    pub detail_type: String,
    /// Its content.
    pub detail: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    source: String,
    detail_type: String,
    detail: String,
    event_bus_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    failed_entry_count: usize,
    entries: Vec<PutEntry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutEntry {
    event_id: String,
}

impl Bus {
    /// The events that were put on the bus, the earliest first.
    #[must_use]
    pub fn events(&self) -> Vec<BusEvent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn put(&self, request: PutEvents) -> Result<Put, AwsError> {
        const NO_BUS: AwsError = AwsError::client("ResourceNotFoundException", "there is no such bus");
        const NO_DETAIL: AwsError = AwsError::client("MalformedDetail", "the detail is no JSON object");
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entries = Vec::new();
        for Entry { source, detail_type, detail, event_bus_name } in request.entries {
            if event_bus_name != BUS {
                return Err(NO_BUS);
            }
            let detail: Value = serde_json::from_str(&detail).map_err(|_| NO_DETAIL)?;
            events.push_back(BusEvent { source, detail_type, detail });
            if events.len() > KEPT {
                events.pop_front();
            }
            entries.push(PutEntry { event_id: entries.len().to_string() });
        }
        Ok(Put { failed_entry_count: 0, entries })
    }
}

/// Answers one operation.
pub(super) fn answer(bus: &Bus, operation: &str, body: &[u8]) -> Response {
    match operation {
        "PutEvents" => respond(CONTENT_TYPE, read(body).and_then(|request| bus.put(request))),
        _ => respond::<()>(CONTENT_TYPE, Err(UNKNOWN_OPERATION)),
    }
}
