//! Visiting every state, and what was found there.

use std::collections::HashSet;

use stateright::{Checker, Expectation, HasDiscoveries, Model};

use crate::{
    action::Action,
    causes,
    faults::{Fault, Faults},
    rules::Protocol,
    state::State,
};

/// What a visit of every state found.
#[derive(Debug)]
pub struct Findings {
    /// How many different states there are.
    pub states: usize,
    /// How many steps lead from one of them to another.
    pub steps: usize,
    /// How many steps at least lead to the state that is farthest from the beginning.
    pub depth: usize,
    /// How many properties held, or came about.
    pub kept: usize,
    /// The properties that must always hold and do not, with the steps to where they do not.
    pub broken: Vec<(&'static str, Vec<Action>)>,
    /// What should come about in some run, and does in none.
    pub unseen: Vec<&'static str>,
    /// The faults that can lose a connection.
    pub losing: Faults,
}

/// Visits every state on so many threads.
#[must_use]
pub fn every_state(protocol: Protocol, threads: usize) -> Findings {
    let checker = protocol.checker().threads(threads).finish_when(HasDiscoveries::All).spawn_bfs().join();
    let mut found = checker.discoveries();
    let mut losing = Faults::default();
    for fault in Fault::ALL {
        if found.contains_key(causes::lost_by(fault)) {
            losing.note(fault);
        }
    }
    let (mut kept, mut broken, mut unseen) = (0, Vec::new(), Vec::new());
    for property in checker.model().properties() {
        match (property.expectation, found.remove(property.name)) {
            _ if causes::is_cause(property.name) => {}
            (Expectation::Always | Expectation::Eventually, Some(path)) => {
                broken.push((property.name, path.into_actions()));
            }
            (Expectation::Sometimes, None) => unseen.push(property.name),
            _ => kept += 1,
        }
    }
    let (states, steps, depth) = (checker.unique_state_count(), checker.state_count(), checker.max_depth());
    Findings { states, steps, depth, kept, broken, unseen, losing }
}

/// The steps to a state in which a property that must always hold does not, with as few faults as it takes; nothing if
/// there is none.
#[must_use]
pub fn counterexample(protocol: &Protocol, property: &'static str) -> Option<(u8, Vec<Action>)> {
    (0..=protocol.faults).find_map(|faults| {
        let only = HasDiscoveries::AnyOf([property].into());
        let protocol = Protocol { faults, ..protocol.clone() };
        let checker = protocol.checker().finish_when(only).spawn_bfs().join();
        checker.discovery(property).map(|path| (faults, path.into_actions()))
    })
}

/// Whether no run comes back to a state in which it was before. Then every run ends, and what holds in all last states
/// comes about in every run.
#[must_use]
pub fn every_run_ends(protocol: &Protocol) -> bool {
    let (mut finished, mut on_the_way) = (HashSet::new(), HashSet::new());
    let mut path = Vec::new();
    for first in protocol.init_states() {
        on_the_way.insert(first.clone());
        path.push((protocol.next_states(&first), first));
    }
    while let Some((following, state)) = path.last_mut() {
        match following.pop() {
            Some(next) if on_the_way.contains(&next) => return false,
            Some(next) if finished.contains(&next) => {}
            Some(next) => {
                on_the_way.insert(next.clone());
                path.push((protocol.next_states(&next), next));
            }
            None => {
                on_the_way.remove(&*state);
                finished.extend(path.pop().map(|(_, state): (Vec<State>, State)| state));
            }
        }
    }
    true
}
