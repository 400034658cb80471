//! What the token endpoint does instead of, or after, its work.

use std::collections::VecDeque;

use tokio::sync::oneshot;

/// What one token request meets.
pub(crate) enum Step {
    /// An answer in the place of the work: nothing is granted, nothing rotates.
    Answer { status: u16, headers: Vec<(String, String)>, body: String },
    /// The work is done, and the connection closed without an answer.
    HangUpAfterWork,
    /// The work is done; the answer lacks these members.
    Without(&'static [&'static str]),
    /// The work is done; the answer waits, and lacks these members.
    HoldAnswer(Held, &'static [&'static str]),
}

impl Step {
    pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::Answer { status, headers, body: body.to_owned() }
    }
}

/// The provider's end of a [`Hold`].
pub(crate) struct Held {
    pub(super) arrived: oneshot::Sender<()>,
    pub(super) released: oneshot::Receiver<()>,
}

/// A request that the provider has done the work of and not yet answered.
pub(crate) struct Hold {
    arrived: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Hold {
    pub(crate) fn new() -> (Self, Step) {
        Self::without(&[])
    }

    /// As [`Hold::new`], with an answer that lacks these members.
    pub(crate) fn without(members: &'static [&'static str]) -> (Self, Step) {
        let (tell, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        (Self { arrived, release }, Step::HoldAnswer(Held { arrived: tell, released }, members))
    }

    /// Waits until the request is at the provider.
    pub(crate) async fn arrived(&mut self) {
        (&mut self.arrived).await.unwrap();
    }

    pub(crate) fn release(self) {
        // Whoever waited may have given up.
        let _ = self.release.send(());
    }
}

#[derive(Default)]
pub(super) struct Script {
    steps: VecDeque<Step>,
    outage: Option<Step>,
}

impl Script {
    pub(super) fn push(&mut self, step: Step) {
        self.steps.push_back(step);
    }

    pub(super) fn fail_with(&mut self, step: Step) {
        self.outage = Some(step);
    }

    pub(super) fn heal(&mut self) {
        self.outage = None;
    }

    pub(super) fn take(&mut self) -> Option<Step> {
        let outage = || match &self.outage {
            Some(Step::Answer { status, headers, body }) => {
                Some(Step::Answer { status: *status, headers: headers.clone(), body: body.clone() })
            }
            _ => None,
        };
        self.steps.pop_front().or_else(outage)
    }
}
