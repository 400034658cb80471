//! What things are. Pure: no clock, no network, no storage; nothing here imports another part of the crate.

pub mod account;
pub mod provider;
pub mod scopes;
pub mod secret;
