//! What things are. Pure: no clock, no network, no storage; nothing here imports another part of the crate.

pub mod account;
pub mod api_key;
pub mod app;
pub mod audit;
pub mod client_key;
pub mod connection;
pub mod connector;
pub mod digest;
pub mod encryption_key;
pub mod ended;
pub mod fields;
pub mod finding;
pub mod freshness;
pub mod health;
pub mod ids;
pub mod mass_revocation;
pub mod portable_grant;
pub mod provider;
pub mod schedule;
pub mod scopes;
pub mod secret;
pub mod session;
pub mod standing;
pub mod user;
pub mod workspace;
