//! An authorization server that answers every refresh at once, and counts them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};

use super::serve;

/// The name it is registered under.
pub(super) const NAME: &str = "fast";

/// The provider.
#[derive(Debug, Clone)]
pub struct FastProvider {
    address: String,
    state: Arc<Counter>,
}

#[derive(Debug, Default)]
struct Counter {
    rotates: bool,
    refreshes: AtomicUsize,
}

impl FastProvider {
    pub(super) async fn start(rotates: bool) -> Self {
        let state = Arc::new(Counter { rotates, refreshes: AtomicUsize::new(0) });
        let routes = Router::new().route("/token", post(token)).with_state(state.clone());
        Self { address: format!("http://{}", serve(routes).await), state }
    }

    /// How many refreshes it was asked for.
    #[must_use]
    pub fn refreshes(&self) -> usize {
        self.state.refreshes.load(Ordering::Relaxed)
    }

    pub(super) fn registration(&self) -> Value {
        json!({
            "id": NAME,
            "name": "Fast provider",
            "authorize": {"url": format!("{}/authorize", self.address)},
            "token": {"url": format!("{}/token", self.address), "client_auth": "basic"},
            "refresh": {"rotation": if self.state.rotates { "always" } else { "never" }},
        })
    }
}

async fn token(State(counter): State<Arc<Counter>>, request: String) -> (StatusCode, Json<Value>) {
    if !request.contains("grant_type=refresh_token") {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "unsupported_grant_type"})));
    }
    let number = counter.refreshes.fetch_add(1, Ordering::Relaxed);
    let mut answer = json!({"access_token": secret("at", number), "token_type": "Bearer", "expires_in": 3_600});
    if counter.rotates {
        answer["refresh_token"] = secret("rt", number).into();
    }
    (StatusCode::OK, Json(answer))
}

/// As long as providers' tokens usually are.
pub(super) fn secret(kind: &str, number: usize) -> String {
    format!("{kind}_{number:0>160}")
}
