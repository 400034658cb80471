//! How the journeys' refusals are told, where more than one function has them.

mod connector;
mod disconnect;
mod start;

pub use connector::{not_managed, not_proposed};
pub use disconnect::not_disconnected;
pub use start::{no_connector, not_started};
