//! One request on its way to AWS, held or refused: what else happens in that moment is the test's to say.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::{sync::oneshot, time::timeout};

/// How long a test waits for a request that it holds: one that never comes fails it.
const PATIENCE: Duration = Duration::from_mins(1);

/// What happens to the next requests of a kind. Each happens once.
#[derive(Clone, Default)]
pub(super) struct Interference(Arc<Mutex<Vec<Plan>>>);

struct Plan {
    operation: &'static str,
    containing: String,
    passes: usize,
    deed: Deed,
}

enum Deed {
    Hold { arrived: oneshot::Sender<()>, released: oneshot::Receiver<()> },
    Refuse,
    Lose,
}

/// A request that has not reached AWS yet.
pub(crate) struct HeldRequest {
    arrived: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl HeldRequest {
    /// Waits until the request is on its way.
    pub(crate) async fn arrived(&mut self) {
        timeout(PATIENCE, &mut self.arrived).await.expect("the request that is held").unwrap();
    }

    /// Lets it go on.
    pub(crate) fn release(self) {
        // Whoever asked may have given up.
        let _ = self.release.send(());
    }
}

impl Interference {
    pub(super) fn hold(&self, operation: &'static str, containing: &str) -> HeldRequest {
        let (tell, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.plan(operation, containing, 0, Deed::Hold { arrived: tell, released });
        HeldRequest { arrived, release }
    }

    pub(super) fn refuse(&self, operation: &'static str, containing: &str, after: usize) {
        self.plan(operation, containing, after, Deed::Refuse);
    }

    pub(super) fn lose(&self, operation: &'static str, containing: &str) {
        self.plan(operation, containing, 0, Deed::Lose);
    }

    pub(super) fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    fn plan(&self, operation: &'static str, containing: &str, passes: usize, deed: Deed) {
        self.0.lock().unwrap().push(Plan { operation, containing: containing.to_owned(), passes, deed });
    }

    /// What becomes of a request: AWS's answer, perhaps later, or another instead, or after it.
    pub(super) async fn meet(&self, operation: &str, body: &[u8], aws: impl Future<Output = Response>) -> Response {
        let Some(deed) = self.take(operation, body) else { return aws.await };
        match deed {
            Deed::Hold { arrived, released } => {
                let _ = arrived.send(());
                let _ = released.await;
                aws.await
            }
            Deed::Refuse => {
                let body = json!({"__type": "AccessDeniedException", "message": "the test refuses it"});
                (StatusCode::BAD_REQUEST, Json(body)).into_response()
            }
            Deed::Lose => {
                aws.await;
                let body = json!({"__type": "InternalServerError", "message": "the answer was lost"});
                (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
            }
        }
    }

    fn take(&self, operation: &str, body: &[u8]) -> Option<Deed> {
        let text = String::from_utf8_lossy(body);
        let mut plans = self.0.lock().unwrap();
        let index = plans.iter().position(|plan| plan.operation == operation && text.contains(&plan.containing))?;
        if plans[index].passes > 0 {
            plans[index].passes -= 1;
            return None;
        }
        Some(plans.remove(index).deed)
    }
}
