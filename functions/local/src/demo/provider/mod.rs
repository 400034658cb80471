//! The demo authorization server: small, but a real one. Codes are single use and bound to PKCE, refresh tokens rotate and
//! a reused one ends the grant, access tokens live five minutes, so that a refresh can be seen.
//!
//! It stands where Google or GitHub stand, and knows no more of the product than they do: a client with a redirect URI.

mod authorize;
mod calendar;
mod client;
mod consent;
mod grants;
mod register;
mod schema;
mod scope;
mod token;

use std::{path::Path, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
pub use client::Client;
use connectors::clock::Clock;
use grants::Grants;
pub use grants::StorageError;
pub(crate) use scope::Scope;
use serde_json::{Value, json};

/// The authorization server and the accounts it holds.
pub struct DemoProvider {
    issuer: String,
    grants: Grants,
    clock: Clock,
}

impl DemoProvider {
    /// Opens the file of its grants, or makes it; the issuer is `{base}/demo-provider`.
    ///
    /// # Errors
    /// The file can't be used.
    pub fn open(file: &Path, base: &str, clock: Clock) -> Result<Self, StorageError> {
        Ok(Self { issuer: format!("{base}/demo-provider"), grants: Grants::open(file)?, clock })
    }

    /// Its issuer identifier (RFC 8414, section 2).
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether a client of this id returns to this redirect URI.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn knows(&self, client_id: &str, redirect_uri: &str) -> Result<bool, StorageError> {
        Ok(self.grants.client(client_id)?.is_some_and(|(client, _)| client.redirect_uri == redirect_uri))
    }

    /// Registers a client, in place of the one that had its id.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn register(&self, client: &Client, secret: &str) -> Result<(), StorageError> {
        self.grants.register(client, secret)
    }
}

/// The routes of the server.
pub fn router(provider: Arc<DemoProvider>) -> Router {
    let server = Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/authorize", get(authorize::ask))
        .route("/authorize/decision", post(authorize::decide))
        .route("/consent.css", get(consent::stylesheet))
        .route("/token", post(token::issue))
        .route("/revoke", post(token::revoke))
        .route("/register", post(register::register))
        .route("/userinfo", get(calendar::userinfo))
        .route("/api/events", get(calendar::events));
    Router::new()
        .route("/.well-known/oauth-authorization-server/demo-provider", get(metadata))
        .nest("/demo-provider", server)
        .with_state(provider)
}

/// What the server is and can (RFC 8414, section 2; RFC 9207, section 3).
async fn metadata(State(provider): State<Arc<DemoProvider>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "registration_endpoint": format!("{issuer}/register"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "scopes_supported": scope::Scope::ALL.map(scope::Scope::name),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": true,
    }))
}
