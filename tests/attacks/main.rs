//! Attacks: what somebody tries who has no right to it, as the product meets it. HTTP in, with an evil provider, an evil
//! tenant, an evil app and a server inside that nobody may ever reach. Which attack is met by which test is told in
//! `.github/SECURITY.md`, whose names are checked here.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's world: what fails here fails the test that asked for it"
)]

mod answers;
mod cursors;
mod doubles;
mod egress;
mod fixation;
mod forged_requests;
mod headers;
mod lookalikes;
mod mix_up;
mod proofs;
mod redirects;
mod reused_ids;
mod security_page;
mod slow_answers;
mod walk;
#[path = "../protocol/world/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the world of the protocol's tests, of which this room needs a part")]
mod world;
