//! What every function shares: the domain, its journeys, and the clients they use.
//!
//! Direction: `web` and `auth` → `journeys` → `oauth`, `store`, `vault` → `domain`.

pub mod auth;
pub mod clock;
pub mod config;
pub mod domain;
pub mod journeys;
pub mod oauth;
pub mod queue;
pub mod random;
pub mod services;
pub mod store;
pub mod telemetry;
pub mod vault;
pub mod web;
