//! The product's own HTTP API, called through its routes in this process.

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tower::ServiceExt;

use super::SeedError;

/// How much of an answer is read, in bytes.
const MAX_ANSWER: usize = 65_536;

/// The API, as the administrator of a workspace.
pub(super) struct Api<'a> {
    pub(super) routes: &'a Router,
    pub(super) admin_key: &'a str,
}

impl Api<'_> {
    /// Sends a request; answers its status and JSON.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value), SeedError> {
        let unreadable = || SeedError::Unreadable { path: path.to_owned() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.admin_key))
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .map_err(|_| unreadable())?;
        let Ok(answer) = self.routes.clone().oneshot(request).await;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(|_| unreadable())?;
        Ok((status, serde_json::from_slice(&body.to_bytes()).unwrap_or_default()))
    }

    /// Sends a request that must succeed.
    pub(super) async fn call(&self, method: Method, path: &str, body: Value) -> Result<Value, SeedError> {
        let (status, answer) = self.send(method, path, Some(body)).await?;
        if status.is_success() {
            return Ok(answer);
        }
        let detail = answer["detail"].as_str().unwrap_or_default().to_owned();
        Err(SeedError::Refused { path: path.to_owned(), status: status.as_u16(), detail })
    }
}
