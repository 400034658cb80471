//! A provider that gives a token to whoever asks, and takes none back.

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use serde_json::{Value, json};

/// Its endpoints.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/token", post(async || Json(tokens())))
        .route("/userinfo", get(async || Json(json!({"sub": "account-1", "email": "alice@example.com"}))))
        .route("/revoke", post(async || StatusCode::SERVICE_UNAVAILABLE))
}

/// The provider as a workspace registers it.
pub(super) fn registration(origin: &str) -> Value {
    json!({
        "id": "given",
        "name": "Given",
        "authorize": {"url": format!("{origin}/authorize"), "pkce": "required"},
        "token": {"url": format!("{origin}/token"), "client_auth": "basic"},
        "refresh": {"rotation": "always"},
        "revoke": {"url": format!("{origin}/revoke"), "token": "refresh_token"},
        "identity": {"url": format!("{origin}/userinfo")},
    })
}

fn tokens() -> Value {
    json!({"access_token": "given-access", "refresh_token": "given-refresh", "token_type": "Bearer", "expires_in": 3_600})
}
