//! How often what was asked of AWS, counted where it arrives.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use serde_json::Value;

/// How often each operation was asked for, by what it was about.
pub type Counts = BTreeMap<String, usize>;

/// Counts requests.
#[derive(Debug, Clone, Default)]
pub struct Tap(Arc<Mutex<Counts>>);

impl Tap {
    /// What was asked since the last time.
    #[must_use]
    pub fn take(&self) -> Counts {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

pub(super) async fn count(State(tap): State<Tap>, request: Request, next: Next) -> Response {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.split('.').next_back().unwrap_or_default().to_owned();
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let name = match subject(&serde_json::from_slice(&body).unwrap_or_default()) {
        Some(subject) => format!("{operation} {subject}"),
        None => operation,
    };
    *tap.0.lock().unwrap().entry(name).or_default() += 1;
    next.run(Request::from_parts(head, Body::from(body))).await
}

/// An index, or the kind of an item: the sort key up to its first `#`.
fn subject(request: &Value) -> Option<&str> {
    let kind = request["Key"]["sk"]["S"].as_str().and_then(|key| key.split('#').next());
    request["IndexName"].as_str().or(kind)
}
