//! The demo authorization server, used by a client and a browser as any other is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail where it stands")]

mod consent;
mod tokens;
mod world;
