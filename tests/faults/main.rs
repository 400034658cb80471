//! Everything around the product fails, at every moment at which it can: the services it stands on, the provider, and its
//! own processes. What must hold: no grant is lost that could have been kept. See `README.md` beside this file.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test's world: what fails here fails the test that asked for it"
)]

mod cases;
mod crowds;
mod dice;
mod endings;
mod hold;
mod kills;
mod late;
mod provider;
mod proxy;
mod server;
mod storm;
mod world;
