//! What the app's backend and its users ask.

use std::collections::BTreeMap;

use axum::Router;
use connectors_tests::{
    events::{self, example},
    runtime_api::HttpAnswer,
};
use serde_json::{Value, json};

use super::{
    World,
    tenants::{self, APP, ISSUER, request, send},
};

/// An answer to who asked for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) status: u16,
    pub(crate) code: String,
    /// In seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) token: Option<String>,
    pub(crate) body: Value,
}

impl Read {
    /// Whether the caller is told to come again, and when.
    pub(crate) fn is_retryable(&self) -> bool {
        self.status == 503 && self.retry_after.is_some()
    }

    /// Whether the caller is told that the user must connect again.
    pub(crate) fn says_reconnect(&self) -> bool {
        matches!(self.status, 404 | 409) && self.code == "reconnect_required"
    }

    /// What a program got by HTTP.
    pub(crate) async fn of(answer: reqwest::Response) -> Self {
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let body = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null);
        Self::new(status, retry_after, body)
    }

    fn new(status: u16, retry_after: Option<u64>, body: Value) -> Self {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Self { status, code: text("code").unwrap_or_default(), retry_after, token: text("access_token"), body }
    }
}

impl From<HttpAnswer> for Read {
    fn from(answer: HttpAnswer) -> Self {
        let retry_after = answer.headers.get("retry-after").and_then(|value| value.parse().ok());
        Self::new(answer.status, retry_after, answer.body)
    }
}

impl World {
    /// The path of a user's token for a backend that asks on its own.
    pub(crate) fn token_path(&self, user: &str) -> String {
        format!("/api/apps/{APP}/users/{user}/connectors/{}/token", self.tenant.connector)
    }

    pub(crate) fn service_key(&self) -> &str {
        &self.tenant.service_key
    }

    /// The app's backend asks for a user's token.
    pub(crate) async fn read(&self, user: &str) -> Read {
        self.read_from(&self.product.routes, user).await
    }

    /// The same, at another instance.
    pub(crate) async fn read_from(&self, routes: &Router, user: &str) -> Read {
        let request = request("GET", &self.token_path(user), self.service_key(), &Value::Null);
        let answer = send(routes, request).await;
        let retry_after = answer.header("retry-after").and_then(|value| value.parse().ok());
        Read::new(answer.status, retry_after, answer.body)
    }

    /// How the connection stands, and why, for its user.
    pub(crate) async fn standing(&self, user: &str) -> (String, String) {
        let path = format!("/api/apps/{APP}/app-user-auth/connectors/{}", self.tenant.connector);
        let request = request("GET", &path, &self.tenant.token_of(user, &self.clock), &Value::Null);
        let view = send(&self.product.routes, request).await.body;
        let text = |name: &str| view[name].as_str().unwrap_or_default().to_owned();
        (text("status"), text("reason"))
    }

    /// The event of a read, for the function in a process of its own.
    pub(crate) fn read_event(&self, user: &str, query: &str) -> Value {
        events::with_query(self.event("get-token.offline", user), query)
    }

    /// The event of a user who disconnects.
    pub(crate) fn disconnect_event(&self, user: &str) -> Value {
        self.event("disconnect.by-user", user)
    }

    /// The event of the schedule.
    pub(crate) fn schedule_event() -> Value {
        events::event("refresh.schedule", &BTreeMap::new())
    }

    /// A batch of the refresh queue with one message, that a user's connection is due.
    pub(crate) fn due_event(&self, user: &str) -> Value {
        let key = self.key(user);
        let text = |name: &str| key[name].as_s().unwrap();
        let body = json!({"kind": "due", "pk": text("pk"), "sk": text("sk")}).to_string();
        let record = json!({"messageId": user, "body": body, "eventSource": "aws:sqs", "awsRegion": "eu-west-1"});
        json!({ "Records": [record] })
    }

    fn event(&self, name: &str, user: &str) -> Value {
        let replacements = BTreeMap::from([
            (example::APP, tenants::APP.to_owned()),
            (example::CONNECTOR, self.tenant.connector.clone()),
            (example::SERVICE_KEY, self.tenant.service_key.clone()),
            (example::USER_TOKEN, self.tenant.token_of(user, &self.clock)),
            (example::ISSUER, ISSUER.to_owned()),
            (example::SUBJECT, user.to_owned()),
        ]);
        events::event(name, &replacements)
    }
}
