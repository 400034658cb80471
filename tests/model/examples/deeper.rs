//! Visits every state with more processes or more faults than the tests have time for, and prints what it found:
//!
//!     cargo run -p refresh-model --example deeper -- PROCESSES FAULTS [THREADS]

#![expect(clippy::print_stdout, reason = "what it is for")]

use std::{env, time::Instant};

use refresh_model::{causes, check::every_state, provider::Behaviour, rules::Protocol};

#[expect(clippy::disallowed_methods, reason = "how long the checking takes, not what is checked")]
fn main() {
    let given: Vec<u8> = env::args().skip(1).filter_map(|number| number.parse().ok()).collect();
    let (processes, faults) = (given.first().copied().unwrap_or(3), given.get(1).copied().unwrap_or(3));
    let threads = given.get(2).copied().unwrap_or(2);
    for behaviour in Behaviour::ALL {
        let began = Instant::now();
        let found = every_state(Protocol::new(behaviour, processes.into(), faults), threads.into());
        let seconds = began.elapsed().as_secs();
        println!("{behaviour:?}: {} states, {} steps, depth {}, {seconds} s", found.states, found.steps, found.depth);
        let as_named = found.losing == causes::that_lose(behaviour);
        println!("  lost to {:?}, as named: {as_named}; broken: {:#?}", found.losing, found.broken);
    }
}
