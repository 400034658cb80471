//! What runs beside each other until it is told to stop.

use std::time::Duration;

use tokio::{sync::watch, task::JoinSet};

/// How long requests and batches that were begun may take after they were told to stop.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Tasks that are stopped together. Dropping them ends them where they are.
pub struct Tasks {
    set: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// How a task learns that it is time to stop.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self { set: JoinSet::new(), stop: watch::Sender::new(false) }
    }

    /// Starts a task, which is handed how it learns that it is time to stop.
    pub fn start<F: Future<Output = ()> + Send + 'static>(&mut self, task: impl FnOnce(Stop) -> F) {
        self.set.spawn(task(Stop(self.stop.subscribe())));
    }

    /// Tells all of them to stop, and waits until they have, or until it has taken too long.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.set.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WORDS, all).await.is_err() {
            tracing::warn!("something did not stop in time and was ended");
        }
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Stop {
    /// Waits until it is time to stop, which it also is when nobody is left to say so.
    pub async fn told(&mut self) {
        // An error says that the sender is gone.
        let _ = self.0.wait_for(|stopped| *stopped).await;
    }
}
