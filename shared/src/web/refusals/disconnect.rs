//! How it is told that nothing was disconnected, by every function that disconnects.

use crate::{
    journeys::{disconnect::DisconnectError, end_connection::EndError, open_link::LinkError},
    web::problem::Problem,
};

/// Why nothing was disconnected.
#[must_use]
pub fn not_disconnected(error: DisconnectError) -> Problem {
    match error {
        DisconnectError::Link(LinkError::Over) => Problem::link_over(),
        DisconnectError::Link(LinkError::Elsewhere) => Problem::link_elsewhere(),
        DisconnectError::NotConnected => Problem::no_connection(),
        DisconnectError::End(EndError::Store(cause))
        | DisconnectError::Link(LinkError::Store(cause))
        | DisconnectError::Store(cause) => cause.into(),
        DisconnectError::End(cause @ EndError::Contended) => Problem::unavailable(&cause),
    }
}
