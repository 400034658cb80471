//! The demo app's backend: what an app has to write to use its users' connections.
//!
//! It holds the app's service key. The page sends the user's own token; with both, the product answers a fresh token for the
//! provider, which is used for one request and forgotten.

use std::sync::{Arc, OnceLock};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use connectors::domain::secret::{AccessToken, ApiKey, Secret, UserToken};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The users that the page lets choose from.
const USERS: [&str; 2] = ["alice", "bob"];

/// How much of an answer is read, in bytes.
const MAX_ANSWER: usize = 65_536;

/// The demo app as the product knows it.
pub struct DemoApp {
    /// Its id.
    pub id: String,
    /// The connector whose calendar it reads.
    pub connector_id: String,
    /// What its backend proves itself with.
    pub service_key: Secret<ApiKey>,
}

/// The backend. It serves as soon as the app is registered.
pub struct Backend {
    app: OnceLock<DemoApp>,
    product: Router,
    provider: Router,
}

/// A step that did not lead on: what the page is told.
type Refusal = (StatusCode, Json<Value>);

impl Backend {
    /// A backend that reaches the product and the provider's API through their routes in this process.
    #[must_use]
    pub fn new(product: Router, provider: Router) -> Arc<Self> {
        Arc::new(Self { app: OnceLock::new(), product, provider })
    }

    /// Names the app it belongs to; a second call changes nothing.
    pub fn serve_app(&self, app: DemoApp) {
        let _ = self.app.set(app);
    }

    fn app(&self) -> Result<&DemoApp, Refusal> {
        let starting = json!({"detail": "The demo app is still starting.", "code": "starting"});
        self.app.get().ok_or((StatusCode::SERVICE_UNAVAILABLE, Json(starting)))
    }

    /// The user's token for the provider, and until when it works.
    async fn provider_token(&self, user: &Secret<UserToken>) -> Result<(Secret<AccessToken>, Value), Refusal> {
        let app = self.app()?;
        let path = format!("/api/apps/{}/app-user-auth/connectors/{}/token", app.id, app.connector_id);
        let request = Request::get(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", app.service_key.expose()))
            .header("on-behalf-of", format!("Bearer {}", user.expose()));
        let answer = ask(&self.product, request).await?;
        let token = answer["access_token"].as_str().ok_or_else(unreadable)?;
        Ok((Secret::new(token), answer["expires_at"].clone()))
    }
}

/// The routes of the backend.
pub fn router(backend: Arc<Backend>) -> Router {
    Router::new().route("/demo/config", get(config)).route("/demo/backend/events", post(events)).with_state(backend)
}

/// What the page has to know: nothing secret.
async fn config(State(backend): State<Arc<Backend>>) -> Result<Json<Value>, Refusal> {
    let app = backend.app()?;
    Ok(Json(json!({"app_id": app.id, "connector_id": app.connector_id, "users": USERS})))
}

/// `POST /demo/backend/events`, with the user's token: the next events of the user's own calendar.
async fn events(State(backend): State<Arc<Backend>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let user = header.and_then(|header| header.strip_prefix("Bearer ")).ok_or_else(signed_out)?;
    let (token, expires_at) = backend.provider_token(&Secret::new(user)).await?;
    let request =
        Request::get("/demo-provider/api/events").header(header::AUTHORIZATION, format!("Bearer {}", token.expose()));
    let mut answer = ask(&backend.provider, request).await?;
    answer["token_expires_at"] = expires_at;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Sends a request and reads its JSON. An error goes on to the page with its status, sentence and code.
async fn ask(router: &Router, request: http::request::Builder) -> Result<Value, Refusal> {
    let request = request.body(Body::empty()).map_err(|_| unreadable())?;
    let Ok(answer) = router.clone().oneshot(request).await;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|_| unreadable())?;
    let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    let code = body["code"].as_str().or(body["error"].as_str()).unwrap_or("unknown");
    let detail = match code {
        "NOT_FOUND" => "Connect the calendar first.",
        "reconnect_required" => "The connection has to be renewed first: press Reconnect.",
        "insufficient_scope" => "The user has not allowed the app to see events.",
        _ => body["detail"].as_str().unwrap_or("The calendar could not be read."),
    };
    Err((status, Json(json!({"detail": detail, "code": code}))))
}

fn signed_out() -> Refusal {
    (StatusCode::UNAUTHORIZED, Json(json!({"detail": "Nobody is signed in.", "code": "unauthorized"})))
}

fn unreadable() -> Refusal {
    (StatusCode::BAD_GATEWAY, Json(json!({"detail": "The answer could not be read.", "code": "unreadable"})))
}
