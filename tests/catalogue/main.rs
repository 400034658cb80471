//! Every provider of the catalogue, played by its data from the connector to the revocation: what the product makes of the
//! data meets what a reading of its own makes of it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's world: what fails here fails the test that asked for it"
)]

mod bad_data;
mod entries;
mod facts;
mod life;
mod lives;
mod made_up;
mod names;
mod player;
mod scopes;
mod table;
mod values;
#[path = "../protocol/world/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the world of the protocol's tests, of which this room needs a part")]
mod world;
