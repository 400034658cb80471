//! A model of the refresh protocol: two or three processes, a table, a queue and a provider, and every order in which
//! their steps can come, with a bounded number of faults at any moment. A checker visits every state that can be
//! reached and holds it against the properties.
//!
//! Time has no clock here, only an order: what the real protocol settles by durations (a call ends well before its lease
//! does) is a rule about what can come before what, and breaking such a rule is a fault with a name.

pub mod action;
pub mod causes;
pub mod check;
pub mod faults;
pub mod properties;
pub mod provider;
pub mod row;
pub mod rules;
pub mod state;
mod steps;

use stateright::{Model, Property};

use action::Action;
use rules::Protocol;
use state::State;

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first(self)]
    }

    fn actions(&self, state: &State, found: &mut Vec<Action>) {
        self.candidates(state, found);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        self.after(state, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}

impl Protocol {
    /// Whether nothing can happen any more.
    #[must_use]
    pub fn is_over(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.candidates(state, &mut actions);
        actions.into_iter().all(|action| self.after(state, action).is_none())
    }
}
