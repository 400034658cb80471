//! A random walk through everything that can be asked: two workspaces, three apps, five people of whom some have the same
//! name, and nobody minds whose key or id they show. What one tenant owns is marked; no mark is ever seen by another, in
//! no answer, no item and no line of the log.
//!
//! `ATTACKS_SEED` walks a walk again; `ATTACKS_OPERATIONS` is its length.

mod admins;
mod any_route;
mod background;
mod callers;
mod dice;
mod marks;
mod people;
mod sessions;
mod tenants;
mod watch;

use std::collections::BTreeMap;

use dice::Dice;
use sessions::{Link, Open, Parked};
use tenants::{Seat, Tenant};

use crate::world::World;

/// A walk that is under way.
pub(crate) struct Walk {
    world: World,
    /// Asks the provider whose a token is.
    client: reqwest::Client,
    dice: Dice,
    tenants: Vec<Tenant>,
    seats: Vec<Seat>,
    open: Vec<Open>,
    parked: Vec<Parked>,
    links: Vec<Link>,
    /// Keys that were revoked, and when, in seconds.
    revoked: Vec<(String, i64)>,
    /// A number for everything that needs a new name.
    serial: usize,
    /// How much of the log was looked at.
    log_read: usize,
    /// The number of the step, and what was done in it, for whoever has to find out what went wrong.
    step: (usize, Vec<String>),
    /// How often what was answered how.
    trace: Vec<(String, u16)>,
}

impl Walk {
    async fn begin(seed: u64) -> Self {
        let (world, tenants, seats) = tenants::settle().await;
        Self {
            world,
            client: connectors_tests::http::client(),
            dice: Dice::new(seed),
            tenants,
            seats,
            open: Vec::new(),
            parked: Vec::new(),
            links: Vec::new(),
            revoked: Vec::new(),
            serial: 0,
            log_read: 0,
            step: (0, Vec::new()),
            trace: Vec::new(),
        }
    }

    async fn go(&mut self, steps: usize) {
        for number in 1..=steps {
            self.step = (number, Vec::new());
            self.take_a_step().await;
            if number.is_multiple_of(25) || number == steps {
                self.look_at_the_log();
            }
            if number.is_multiple_of(500) || number == steps {
                self.look_at_the_tables().await;
            }
        }
    }

    async fn take_a_step(&mut self) {
        match self.dice.below(100) {
            0..8 => self.connect().await,
            8..16 => self.begin_session().await,
            16..26 => self.come_back().await,
            26..36 => self.finish().await,
            36..39 => self.make_link().await,
            39..42 => self.open_link().await,
            42..57 => self.read_token().await,
            57..60 => self.read_shared().await,
            60..63 => self.read_offline().await,
            63..66 => self.look_around().await,
            66..69 => self.have_api_called().await,
            69..73 => self.disconnect().await,
            73..87 => self.try_any_route().await,
            87..95 => self.administrate().await,
            95..98 => self.let_time_pass(),
            _ => self.work_in_the_background().await,
        }
    }

    /// How often each kind of step was answered how.
    fn summary(&self) -> BTreeMap<(&str, u16), usize> {
        let mut summary = BTreeMap::new();
        for (what, status) in &self.trace {
            *summary.entry((what.as_str(), *status)).or_default() += 1;
        }
        summary
    }
}

/// PUB-23 to PUB-26, PUB-51, PUB-53, in any order.
#[tokio::test]
async fn no_step_of_ten_thousand_shows_one_tenant_anything_of_another() {
    let seed = dice::seed_of_run();
    println!("ATTACKS_SEED={seed}");
    let mut walk = Walk::begin(seed).await;
    walk.go(dice::operations_of_run()).await;
    let summary = walk.summary();
    for ((what, status), count) in &summary {
        println!("  {count:5} {what} {status}");
    }
    // A walk on which nothing ever succeeds or is refused proves nothing.
    let often = |what: &str, status: u16| summary.get(&(what, status)).copied().unwrap_or(0);
    for (what, status) in [
        ("read token", 200),
        ("read token", 401),
        ("read token", 404),
        ("read shared", 200),
        ("read shared", 404),
        ("finish", 200),
        ("finish", 404),
        ("connect", 303),
    ] {
        assert!(often(what, status) > walk.step.0 / 1_000, "{what} {status}: {}", often(what, status));
    }
}

/// Without that a seed would be of no use.
#[tokio::test]
async fn the_same_seed_walks_the_same_way() {
    let mut walks = [Walk::begin(7).await, Walk::begin(7).await];
    for walk in &mut walks {
        walk.go(300).await;
    }
    assert_eq!(walks[0].trace, walks[1].trace);
}
