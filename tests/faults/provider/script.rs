//! What a token request meets besides the rules of the grant.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::hold::Stop;

/// What becomes of a token request.
#[derive(Debug, Clone, Default)]
pub(crate) enum Fate {
    /// It is carried out.
    #[default]
    Work,
    /// It is answered with this, and not carried out.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// It is carried out, and the connection closed without an answer.
    WorkThenClose,
    /// The connection is closed; nothing is carried out.
    Close,
}

/// A fate, and when it comes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    pub(crate) fate: Fate,
    /// How long the request lies there before anything happens.
    pub(crate) before: Duration,
    /// How long the answer waits once the work is done.
    pub(crate) after: Duration,
}

impl Step {
    pub(crate) fn of(fate: Fate) -> Self {
        Self { fate, ..Self::default() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::of(Fate::Answer { status, headers: Vec::new(), body: String::new() })
    }

    pub(crate) fn delayed_before(before: Duration) -> Self {
        Self { before, ..Self::default() }
    }

    pub(crate) fn delayed_after(after: Duration) -> Self {
        Self { after, ..Self::default() }
    }
}

/// What is planned, by user.
#[derive(Default)]
pub(super) struct Script {
    next: HashMap<String, VecDeque<Step>>,
    stops: HashMap<String, Stop>,
    always: Option<Step>,
}

impl Script {
    pub(super) fn add(&mut self, user: &str, step: Step) {
        self.next.entry(user.to_owned()).or_default().push_back(step);
    }

    pub(super) fn stop(&mut self, user: &str, stop: Stop) {
        self.stops.insert(user.to_owned(), stop);
    }

    pub(super) fn always(&mut self, step: Option<Step>) {
        self.always = step;
    }

    pub(super) fn forget(&mut self, user: &str) {
        self.next.remove(user);
        self.stops.remove(user);
    }

    pub(super) fn take(&mut self, user: &str) -> (Step, Option<Stop>) {
        let next = self.next.get_mut(user).and_then(VecDeque::pop_front);
        (next.or_else(|| self.always.clone()).unwrap_or_default(), self.stops.remove(user))
    }
}
