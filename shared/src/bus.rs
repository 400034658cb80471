//! The event bus: what happened, for whoever in the same AWS account wants to know. Only the function that tells events has
//! a client for it.

use aws_sdk_eventbridge::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::PutEventsRequestEntry,
};

/// What every event says that it comes from.
pub const SOURCE: &str = "connectors";

/// The deployment's bus.
#[derive(Debug, Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

/// An event could not be put on the bus.
#[derive(Debug, thiserror::Error)]
#[error("the bus can't take events now ({0})")]
pub struct BusError(String);

impl Bus {
    /// The bus of this name.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    /// Puts an event on the bus: its kind, and its text, which is JSON.
    ///
    /// # Errors
    /// [`BusError`] if the bus does not take it. It may have taken it then: whoever reads it knows it by its id.
    pub async fn put(&self, kind: &str, text: &str) -> Result<(), BusError> {
        let entry = PutEventsRequestEntry::builder().source(SOURCE).detail_type(kind).detail(text);
        let request = self.client.put_events().entries(entry.event_bus_name(&self.name).build());
        let answer = request.send().await.map_err(|error| failed(&error))?;
        let refused = answer.entries.unwrap_or_default().into_iter().find_map(|entry| entry.error_code);
        refused.map_or(Ok(()), |code| Err(BusError(code)))
    }
}

fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> BusError {
    BusError(match error {
        SdkError::ServiceError(service) => service.err().code().unwrap_or("unknown").to_owned(),
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        _ => "no answer".to_owned(),
    })
}
