//! One request on its way to AWS, held or refused: what else happens in that moment is the test's to say.

use std::sync::{Arc, Mutex};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::sync::oneshot;

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
}

/// A request that has not reached AWS yet.
pub(crate) struct HeldRequest {
    arrived: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl HeldRequest {
    /// Waits until the request is on its way.
    pub(crate) async fn arrived(&mut self) {
        (&mut self.arrived).await.unwrap();
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

    pub(super) fn forget(&self) {
        self.0.lock().unwrap().clear();
    }

    fn plan(&self, operation: &'static str, containing: &str, passes: usize, deed: Deed) {
        self.0.lock().unwrap().push(Plan { operation, containing: containing.to_owned(), passes, deed });
    }

    /// What becomes of a request: an answer instead of AWS's, or nothing, perhaps later.
    pub(super) async fn meet(&self, operation: &str, body: &[u8]) -> Option<Response> {
        match self.take(operation, body)? {
            Deed::Hold { arrived, released } => {
                let _ = arrived.send(());
                let _ = released.await;
                None
            }
            Deed::Refuse => {
                let body = json!({"__type": "AccessDeniedException", "message": "the test refuses it"});
                Some((StatusCode::BAD_REQUEST, Json(body)).into_response())
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
