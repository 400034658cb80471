//! A request that is stopped on its way, until the test has done what it wanted to do at that very moment.

use std::future::Future;

use tokio::sync::oneshot;

/// How far a request has come when it is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It has arrived, and nothing was done yet.
    Arrived,
    /// It was carried out, and nothing was answered yet.
    Processed,
    /// It was carried out, and the last byte of the answer is on its way. Nothing can be held back any more.
    Answered,
}

/// The test's end.
pub(crate) struct Hold {
    arrived: oneshot::Receiver<()>,
    go_on: oneshot::Sender<()>,
}

/// The server's end.
pub(crate) struct Stop {
    pub(crate) phase: Phase,
    arrived: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

impl Hold {
    pub(crate) fn at(phase: Phase) -> (Self, Stop) {
        let (tell, arrived) = oneshot::channel();
        let (go_on, told) = oneshot::channel();
        (Self { arrived, go_on }, Stop { phase, arrived: tell, go_on: told })
    }

    /// Waits until the request is there.
    pub(crate) fn arrived(&mut self) -> impl Future<Output = ()> {
        let arrived = &mut self.arrived;
        async move { arrived.await.expect("the request came") }
    }

    /// Waits until the request is there; false if it never comes.
    pub(crate) async fn may_arrive(&mut self) -> bool {
        (&mut self.arrived).await.is_ok()
    }

    /// Lets the request go on. To drop the hold instead cuts its connection.
    pub(crate) fn release(self) {
        // Whoever asked may have gone away.
        let _ = self.go_on.send(());
    }
}

impl Stop {
    /// Stops here. False if the connection is to be cut.
    pub(crate) async fn wait(self) -> bool {
        // The test may no longer look.
        let _ = self.arrived.send(());
        self.go_on.await.is_ok()
    }

    /// What is to be told once the answer has left.
    pub(crate) fn on_answer(self) -> oneshot::Sender<()> {
        self.arrived
    }
}
