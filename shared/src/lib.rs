//! What every function shares: the domain, its journeys, and the clients they use.
//!
//! Direction: `web` and `auth` → `journeys` → `oauth`, `store`, `vault` → `domain`.

pub mod clock;
pub mod domain;
pub mod oauth;
pub mod random;
pub mod store;
