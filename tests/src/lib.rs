//! What the tests from outside share: the surroundings that a function has when it is deployed.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "test support: what fails here fails the test that asked for it"
)]

pub mod browser;
pub mod deployment;
pub mod dice;
pub mod events;
pub mod grants;
pub mod http;
pub mod idp;
pub mod recorder;
pub mod runtime_api;
pub mod scale;
